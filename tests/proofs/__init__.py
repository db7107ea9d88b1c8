"""What the pages say of PgBouncer, shown by the real one."""
