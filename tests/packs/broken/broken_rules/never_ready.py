"""A rule that cannot be imported."""

from poolcheck.no_such_module import Rule  # noqa: F401
