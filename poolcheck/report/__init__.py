"""From findings to text: every renderer only formats."""
