"""The real PgBouncer and the real PostgreSQL, for tests that ask them."""
