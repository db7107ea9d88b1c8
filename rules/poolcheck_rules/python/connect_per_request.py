"""A connection that is opened anew for each request, task or message."""

import re
from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity, one_for_each_place
from poolcheck.read.python.libraries.constructor import Holds, Library
from poolcheck.read.python.libraries.constructors import MYSQL_POOL
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.pools.uses import Placed, placed
from poolcheck.read.python.project.roles import Role
from poolcheck.read.python.running.entry_points import adapted_to_lambda
from poolcheck.read.python.running.occasions import EntryPoint, Occasion
from poolcheck.read.python.running.recurring import Recurrence, recurrences
from poolcheck.rule import Rule
from poolcheck.system.clients import Client
from poolcheck.system.targets import Target
from poolcheck.system.whole import System

JUDGED = frozenset(
    {
        Library.AIOMYSQL,
        Library.AIOPG,
        Library.ASYNCPG,
        Library.MYSQLCLIENT,
        Library.MYSQL_CONNECTOR,
        Library.PG8000,
        Library.PSYCOPG,
        Library.PSYCOPG2,
        Library.PYMYSQL,
    }
)
FREQUENT = frozenset(
    {
        Occasion.DEPENDENCY, Occasion.HOOK, Occasion.MESSAGE, Occasion.ROUTE, Occasion.SERVICER, Occasion.TASK,
    }
)  # fmt: skip
POOLER_PORTS = frozenset({"6432", "6543"})
LISTENING = re.compile(r"\bLISTEN\b|\badd_listener\b|\bnotifies\b|replication", re.IGNORECASE)
"""What needs a connection of its own."""
SELDOM = re.compile(
    r"(?:^|_)(?:admin|alive|backup|bootstrap|create_(?:db|database|tables?)|debug|diagnos\w*|health\w*|init|initiali[sz]e"
    r"|install|live(?:ness|z)|migrat\w*|ping|probe|readiness|readyz?|reset_db|seed|setup|tests?)(?:_|$)"
    r"|^(?:check|verify)_(?:connection|database|db|postgres)|^(?:(?:db|get|server|system)_)?status$"
)
"""Names of what is not run for the users of an application."""


class ConnectPerRequest(Rule[System]):
    id = "connect-per-request"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        yield from one_for_each_place(self.found(system))

    def found(self, system: System) -> Iterator[Finding]:
        """What each client is told."""
        for client in system.clients:
            module = system.module(client.pool.span.path) if is_judged(client) else None
            made = placed(module.module, client.pool.span) if module else None
            found = next(filter(is_told, recurrences(made, in_use=True)), None) if made else None
            if made and found and not listens(made) and not adapted_to_lambda(made.scope.module):
                pool = client.pool
                message = (
                    f"each {found.occasion} opens a connection of its own, and nothing limits how many there are"
                )
                yield self.finding(pool.callee, message, notes=notes(found))


def is_judged(client: Client) -> bool:
    """Whether it is a single connection of an application that leads to no pooler."""
    pool = client.pool
    if pool.role is not Role.APPLICATION or pool.constructor.library not in JUDGED:
        return False
    is_one = pool.constructor.holds is Holds.ONE and pool.constructor is not MYSQL_POOL
    return is_one and not is_pooled(client.target) and not names_a_pooler(pool)


def is_pooled(target: Target | None) -> bool:
    """Whether a pooler may be what is connected to."""
    return target is not None and (target.pooler is not None or bool(target.among) or not target.is_certain)


def names_a_pooler(pool: ClientPool) -> bool:
    """Whether the address is that of a pooler, as its port or its host suggest."""
    address = pool.address
    host = (address.host if address else "") or ""
    return (address is not None and address.port in POOLER_PORTS) or "pooler" in host or "bouncer" in host


def is_told(found: Recurrence) -> bool:
    """Whether it happens often, always to the same server."""
    return (
        found.entry is not None
        and found.entry.kind in FREQUENT
        and not found.varies
        and not is_seldom(found.entry)
    )


def is_seldom(entry: EntryPoint) -> bool:
    """Whether a function is not run for the users of an application."""
    return SELDOM.search(entry.name) is not None


def listens(made: Placed) -> bool:
    """Whether the function needs the connection for itself, as to be told of events."""
    function = made.scope.functions[-1]
    place = made.scope.span(function)
    return LISTENING.search(made.scope.module.source.text, place.start, place.end) is not None


def notes(found: Recurrence) -> Iterator[Note]:
    """What runs it, and the calls from there."""
    if found.entry:
        yield Note(found.entry.place, f"{found.entry.name}() is a {found.entry.kind}")
    for step in found.steps:
        yield Note(step.place, f"{step.callee}() is called here")
