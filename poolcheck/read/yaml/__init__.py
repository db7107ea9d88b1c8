"""The shape of YAML text, whatever is written in it."""
