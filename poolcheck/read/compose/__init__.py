"""From Compose files to the services in them."""
