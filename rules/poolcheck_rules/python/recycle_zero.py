"""A pool that replaces every connection each time it is used, because its age limit is 0."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Note, Severity
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.project.roles import Role
from poolcheck.rule import Rule
from poolcheck.source import Edit
from poolcheck.system.whole import System
from poolcheck.value import Value, by_default, number_of

DEFAULTS = {
    Library.SQLALCHEMY: "-1",
    Library.FLASK_SQLALCHEMY: "-1",
    Library.PSYCOPG: "3600",
    Library.AIOPG: "-1",
    Library.AIOMYSQL: "-1",
    Library.ASYNCMY: "3600",
}
"""Never, or after an hour. Other libraries take 0 for never."""
QUEUES = frozenset({"", "QueuePool", "AsyncAdaptedQueuePool"})
"""Pool classes that keep connections to use them again; those of other libraries have no name."""


class RecycleZero(Rule[System]):
    id = "recycle-zero"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        for client in system.clients:
            pool, name = client.pool, client.pool.constructor.recycle
            age, unless = by_default(pool.given(name))
            if age and number_of(age) == 0 and keeps_connections(pool) and pool.role is Role.APPLICATION:
                message = f"{name}=0 makes {pool.title} open a new connection for every checkout{unless}"
                notes = [Note(place, "the 0 is written here") for place in pool.written_at(age)]
                yield self.finding(pool.used_at(age), message, notes=notes, fix=fix(pool, age))


def keeps_connections(pool: ClientPool) -> bool:
    """Whether there are connections that could be used again, and a server that they lead to."""
    address = pool.address
    is_server = address is None or address.dialect != "sqlite"
    is_queue = pool.pool_class in QUEUES and "Null" not in pool.constructor.name
    return pool.constructor.library in DEFAULTS and is_queue and is_server


def fix(pool: ClientPool, age: Value) -> Fix | None:
    """The default in place of the 0, where the 0 stands in the call."""
    default = DEFAULTS[pool.constructor.library]
    is_in_call = len(age.places) == 1
    return (
        Fix(f"Write {default}, the default", (Edit(age.places[0], default),), safe=False) if is_in_call else None
    )
