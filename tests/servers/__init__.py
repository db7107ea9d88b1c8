"""The real PgBouncer, the real PostgreSQL and a real browser, for tests that ask them."""
