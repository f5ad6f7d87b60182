"""Mechanisms that every service needs and none owns."""
