"""A second connection that a function takes from a pool while it holds one of the same pool."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.python.facts import PythonModule
from poolcheck.read.python.leaks.holding.nested import Nested, nested_in
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.pools.capacity import most_connections, opens_when_asked
from poolcheck.read.python.project.roles import Role
from poolcheck.read.python.running.crowd import Crowd, crowd_of
from poolcheck.rule import Rule

OUTCOMES = {
    Library.SQLALCHEMY: "until one gets a TimeoutError",
    Library.PSYCOPG: "until one gets a PoolTimeout",
    Library.AIOPG: "until one gets a TimeoutError",
}
"""How the wait ends; the other libraries wait without end, or raise an error at once."""
RAISING = frozenset({Library.PSYCOPG2, Library.MYSQL_CONNECTOR})


class NestedCheckout(Rule[PythonModule]):
    id = "nested-checkout"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, module: PythonModule) -> Iterator[Finding]:
        if module.role is Role.TEST:
            return
        for found in nested_in(module.module):
            most = most_of(found)
            origin = found.hold.taking.origin
            if most is None or not origin.is_of_server or (origin.is_made_in(found.hold.function) and most != 1):
                continue
            severity = severity_of(found, most)
            yield self.finding(found.place, message(found, most), notes=notes(found), severity=severity)


def most_of(found: Nested) -> int | None:
    """How many connections the pool has, 0 where that is not known; None where there is no limit."""
    pool = found.hold.taking.origin.pool
    if pool is None:
        return 0
    if opens_when_asked(pool):
        return None
    amount = most_connections(pool)
    return amount.most if not amount.is_open and amount.low == amount.most else 0


def severity_of(found: Nested, most: int) -> Severity:
    """An error where requests certainly do it at the same time, as many as the pool is known to have, or alone."""
    crowd = crowd_of(found.hold)
    if found.is_certain and most == 1:
        return Severity.ERROR
    if crowd is Crowd.ONE:
        return Severity.INFO
    is_known = most > 0 and not found.hold.taking.is_guess
    return Severity.ERROR if crowd is Crowd.MANY and found.is_certain and is_known else Severity.WARNING


def message(found: Nested, most: int) -> str:
    """What takes a second connection, and what comes of it."""
    function = f"{found.hold.function.name.value}()"
    taken = found.steps[-1].called if found.steps else found.title
    by = f"{found.title} takes" if not found.steps else f"{found.title} has {taken} take"
    second = f"{by} a second connection of the pool while {function} holds one"
    if most == 1:
        return f"{second}, and the pool has no second: {waiting(found, alone=True)}"
    count = f"{most} of these at a time" if most else "as many at a time as the pool has connections"
    return f"{second}: {count} {waiting(found, alone=False)}"


def waiting(found: Nested, *, alone: bool) -> str:
    """How it goes on when the pool is empty. Observed."""
    made = found.hold.taking.origin.made
    library = made.constructor.library if made else None
    if library in RAISING:
        return "it gets a PoolError" if alone else "leave none for the second, and get a PoolError"
    outcome = OUTCOMES.get(library, "without end") if library else ""
    who = "it waits for itself" if alone else "wait for one another"
    return f"{who} {outcome}".rstrip()


def notes(found: Nested) -> Iterator[Note]:
    """Where the first is taken, and the calls on the way to the second."""
    if found.taken_at:
        yield Note(found.taken_at, "the session has its connection from here on")
    else:
        yield Note(found.hold.place, "the first is taken here")
    for step in found.steps:
        yield Note(step.place, f"{step.called} is called here")
