"""A size that MySQL's own pool refuses: it has one to thirty-two connections."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Note, Severity
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.project.roles import Role
from poolcheck.rule import Rule
from poolcheck.source import Edit
from poolcheck.system.whole import System
from poolcheck.value import Value, by_default, number_of

MOST = 32


class MysqlconnectorPoolSizeRange(Rule[System]):
    id = "mysqlconnector-pool-size-range"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        for client in system.clients:
            pool = client.pool
            if pool.role is Role.TEST or pool.constructor.library is not Library.MYSQL_CONNECTOR:
                continue
            value, unless = by_default(pool.given("pool_size"))
            size = number_of(value)
            if value and size is not None and not 1 <= size <= MOST:
                written = f"pool_size={size:.15g} of {pool.title}"
                message = f"{written} is not from 1 to {MOST}: it raises an AttributeError{unless}"
                notes = [Note(place, "the number is written here") for place in pool.written_at(value)]
                yield self.finding(pool.used_at(value), message, notes=notes, fix=lowered(pool, value, size))


def lowered(pool: ClientPool, value: Value, size: float) -> Fix | None:
    """As many connections as there may be, where more are written in the call."""
    if size <= MOST or len(value.places) != 1 or value.places[0].path != pool.span.path:
        return None
    return Fix(f"Write {MOST}", (Edit(value.places[0], str(MOST)),))
