"""The pools that Tortoise makes of its configuration."""

from collections.abc import Iterator, Mapping

from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.value import Table, entry_of, options_of, text_of


def connections(pool: ClientPool) -> Iterator[ClientPool]:
    """The pools that Tortoise's configuration makes, one for each of its connections."""
    # What is handed over may have been changed by who got it, and hardly ever is.
    told = (each for each in options_of(pool.arguments["config"]) if isinstance(each, Table))
    listed = next((dict(table.items).get("connections") for table in told), None)
    if not isinstance(listed, Table):
        yield pool._replace(all_known=False)
        return
    for alias, each in listed.items:
        found = entry_of(each, "credentials") if isinstance(each, Table) else None
        arguments = {"db_url": each} if found is None else dict(found.items) if isinstance(found, Table) else {}
        engine = text_of(entry_of(each, "engine")) if isinstance(each, Table) else ""
        dialect, driver = _ENGINES.get(engine.rpartition(".")[2], (None, None))
        constructor = pool.constructor
        if found is not None:
            constructor = constructor._replace(address=None, dialect=dialect or "", driver=driver)
        yield pool._replace(
            constructor=constructor,
            arguments=arguments,
            all_known=isinstance(found, Table) and found.is_complete if found is not None else True,
            name=f"connection {alias!r}",
        )


_ENGINES: Mapping[str, tuple[str, str]] = {
    "asyncpg": ("postgresql", "asyncpg"),
    "mysql": ("mysql", "asyncmy"),
    "psycopg": ("postgresql", "psycopg"),
}
"""The dialects and drivers of Tortoise's backends."""
