"""What happens while a connection is held."""
