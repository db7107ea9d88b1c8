"""One module a command: from its options to what it prints and the exit status."""
