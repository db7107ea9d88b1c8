"""A connection, followed on every way through a function and through what the function calls."""
