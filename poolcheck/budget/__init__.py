"""Connection budgets: what is wanted of poolers and databases, and what they accept, from facts alone."""
