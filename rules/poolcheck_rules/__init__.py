"""The rule pack that comes with poolcheck: a file a rule, a page beside each, a folder a group."""
