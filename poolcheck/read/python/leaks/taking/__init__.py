"""Where connections are taken, from what, and what becomes of them."""
