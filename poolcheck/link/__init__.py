"""From documents to one system: every name is resolved here, and nowhere else."""
