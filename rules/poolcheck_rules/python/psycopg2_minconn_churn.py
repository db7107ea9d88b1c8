"""A pool of psycopg2 that closes most connections when they are given back, as its minimum is low."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Note, Severity
from poolcheck.read.python.facts import PythonModule
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.running.scripts import is_script
from poolcheck.rule import Rule
from poolcheck.source import Edit
from poolcheck.system.whole import System
from poolcheck.value import Known, Value, by_default, number_of

SHARE = 4
"""It is told where less than one in so many connections is kept."""
FEW = 5
"""A pool with fewer connections than this has none to close that would matter."""


class Psycopg2MinconnChurn(Rule[System]):
    id = "psycopg2-minconn-churn"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        for client in system.clients:
            is_pool = client.pool.constructor.library is Library.PSYCOPG2 and client.pool.constructor.is_pool
            module = system.module(client.pool.span.path) if is_pool and client.is_in_use else None
            if module and not is_script(module.module):
                yield from self.of_pool(client.pool, module)

    def of_pool(self, pool: ClientPool, module: PythonModule) -> Iterator[Finding]:
        """How many connections one pool keeps."""
        least, unless = by_default(pool.given("minconn"))
        most, unless_most = by_default(pool.given("maxconn"))
        low, high = number_of(least), number_of(most)
        if least is None or low is None or high is None or high < FEW or low * SHARE >= high:
            return
        kept = f"{low:.15g} of its {high:.15g}" if low > 0 else f"none of its {high:.15g}"
        message = (
            f"{pool.title} keeps {kept} connections: putconn() closes each one beyond that{unless or unless_most}"
        )
        notes = [Note(place, "the number is written here") for place in pool.written_at(least)]
        # Threads may not share it, and one alone has seldom more than one connection.
        callee = module.module.source.text[pool.callee.start : pool.callee.end]
        severity = Severity.INFO if callee.endswith("SimpleConnectionPool") and low > 0 else None
        fix = raised(least, int(high))
        yield self.finding(pool.used_at(least), message, notes=notes, fix=fix, severity=severity)


def raised(least: Value, high: int) -> Fix | None:
    """Half of the connections kept, where the number is written in the call."""
    if not isinstance(least, Known) or len(least.places) != 1:
        return None
    return Fix(f"Keep {high // 2} connections", (Edit(least.places[0], str(high // 2)),), safe=False)
