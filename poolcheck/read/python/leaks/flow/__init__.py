"""The ways through a function, whatever goes on them."""
