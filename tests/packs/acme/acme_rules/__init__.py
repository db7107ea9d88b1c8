"""A rule pack as somebody else would write it."""
