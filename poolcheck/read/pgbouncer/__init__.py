"""From the text of a pgbouncer.ini to what PgBouncer makes of it."""
