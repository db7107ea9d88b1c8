"""A pool that replaces every connection each time it is used, because its age limit is 0."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Severity
from poolcheck.read.constructors import Library
from poolcheck.read.pools import ClientPool, Role
from poolcheck.read.python import PythonModule
from poolcheck.rule import Rule
from poolcheck.source import Edit
from poolcheck.value import Value, number_of

DEFAULTS = {Library.SQLALCHEMY: "-1", Library.PSYCOPG: "3600"}
"""Never, and after an hour."""


class RecycleZero(Rule[PythonModule]):
    id = "recycle-zero"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, module: PythonModule) -> Iterator[Finding]:
        for pool in module.pools:
            name = pool.constructor.recycle
            age = pool.given(name)
            if age and number_of(age) == 0 and keeps_connections(pool) and pool.role is Role.APPLICATION:
                message = f"{name}=0 makes {pool.title} open a new connection for every checkout"
                yield self.finding(age.places[0], message, fix=fix(pool, age))


def keeps_connections(pool: ClientPool) -> bool:
    """Whether there are connections that could be used again; a pool class of its own may keep none."""
    return pool.constructor.library in DEFAULTS and pool.given("poolclass") is None


def fix(pool: ClientPool, age: Value) -> Fix | None:
    """The default in place of the 0, where the 0 stands in the call."""
    default = DEFAULTS[pool.constructor.library]
    is_in_call = len(age.places) == 1
    return (
        Fix(f"Write {default}, the default", (Edit(age.places[0], default),), safe=False) if is_in_call else None
    )
