"""PostgreSQL's SQL, as far as it matters who gets a server connection after whom."""
