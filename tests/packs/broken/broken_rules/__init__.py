"""A rule pack with a mistake in it."""
