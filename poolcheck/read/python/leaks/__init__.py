"""Where connections are taken, and what becomes of them."""
