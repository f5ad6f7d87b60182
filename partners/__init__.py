"""What outside parties run: it knows the interfaces and imports none of the system's own code."""
