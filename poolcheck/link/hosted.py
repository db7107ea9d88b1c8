"""Poolers that providers of databases run, as far as their documentation tells."""

from typing import NamedTuple

from poolcheck.amount import between
from poolcheck.read.pgbouncer.config import Effective, PoolMode
from poolcheck.system.poolers import Pooler


class _Hosted(NamedTuple):
    """What the name of a host tells, perhaps with its port: its end, and what else is in it.

    `prepared_statements` is how many it keeps, None where that is not documented. Supabase's pooler, Supavisor, is
    no PgBouncer.
    """

    end: str
    port: int | None
    part: str
    name: str
    mode: PoolMode
    prepared_statements: int | None
    is_pgbouncer: bool = True


_HOSTED = (
    # Supabase, Connect to your database, and Disabling prepared statements: in transaction mode there are none.
    _Hosted(".pooler.supabase.com", 5432, "", "Supabase's pooler", PoolMode.SESSION, None, is_pgbouncer=False),
    _Hosted(".pooler.supabase.com", 6543, "", "Supabase's pooler", PoolMode.TRANSACTION, 0, is_pgbouncer=False),
    _Hosted(".supabase.co", 6543, "", "Supabase's PgBouncer", PoolMode.TRANSACTION, None),
    # Neon, Connection pooling, Neon PgBouncer configuration settings.
    _Hosted(".neon.tech", None, "-pooler.", "Neon's PgBouncer", PoolMode.TRANSACTION, 1000),
    # Azure, PgBouncer in Azure Database for PostgreSQL: the defaults of its server parameters.
    _Hosted(".postgres.database.azure.com", 6432, "", "Azure's PgBouncer", PoolMode.TRANSACTION, 0),
)


def hosted(host: str, port: int | None) -> Pooler | None:
    """The provider's pooler at an address; None of most."""
    for known in _HOSTED:
        if host.endswith(known.end) and known.port in {None, port} and known.part in host:
            unknown, kept = between(0, None), known.prepared_statements
            mode = Effective(known.mode, None)
            tracked = None if kept is None else Effective(kept, None)
            found = Pooler(known.name, None, None, None, unknown, unknown, unknown, mode, tracked)
            return found._replace(is_pgbouncer=known.is_pgbouncer)
    return None


def seeming_pooler(host: str, prepared_statements: int) -> Pooler:
    """What seems to be a pooler in transaction mode at a host, of which only the prepared statements are told."""
    unknown, mode = between(0, None), Effective(PoolMode.TRANSACTION, None)
    return Pooler(host, None, None, None, unknown, unknown, unknown, mode, Effective(prepared_statements, None))
