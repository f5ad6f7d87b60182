"""The whole system on one machine, under one state folder, without a container engine."""
