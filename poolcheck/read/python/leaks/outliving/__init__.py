"""What is used behind the end of what it was lent for."""
