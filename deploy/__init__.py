"""What puts the system on a machine: topics, the local runner, images, alert rules."""
