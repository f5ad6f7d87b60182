"""What runs inside the image beside the services."""
