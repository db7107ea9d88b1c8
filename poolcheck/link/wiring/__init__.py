"""What is remarkable about the addresses that workloads have, and about where they lead."""
