"""A pool of psycopg2 that closes most connections when they are given back, as its minimum is low."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Note, Severity
from poolcheck.read.python.constructors import Library
from poolcheck.read.python.pools import ClientPool
from poolcheck.rule import Rule
from poolcheck.source import Edit
from poolcheck.system import System
from poolcheck.value import Known, Value, by_default, number_of

SHARE = 4
"""It is told where less than one in so many connections is kept."""
FEW = 5
"""A pool with fewer connections than this has none to close that would matter."""
FOR_A_PERSON = frozenset({"argparse", "click", "docopt", "fire", "typer"})


class Psycopg2MinconnChurn(Rule[System]):
    id = "psycopg2-minconn-churn"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        for client in system.clients:
            is_pool = client.pool.constructor.library is Library.PSYCOPG2 and client.pool.constructor.is_pool
            if is_pool and client.is_in_use and not is_for_a_person(client.pool, system):
                yield from self.of_pool(client.pool)

    def of_pool(self, pool: ClientPool) -> Iterator[Finding]:
        """How many connections one pool keeps."""
        least, unless = by_default(pool.given("minconn"))
        most, unless_most = by_default(pool.given("maxconn"))
        low, high = number_of(least), number_of(most)
        if least is None or low is None or high is None or high < FEW or low * SHARE >= high:
            return
        kept = f"{low:g} of its {high:g}" if low > 0 else f"none of its {high:g}"
        message = (
            f"{pool.title} keeps {kept} connections: putconn() closes each one beyond that{unless or unless_most}"
        )
        notes = [Note(place, "the number is written here") for place in pool.written_at(least)]
        yield self.finding(pool.used_at(least), message, notes=notes, fix=raised(least, int(high)))


def is_for_a_person(pool: ClientPool, system: System) -> bool:
    """Whether the module is a program for the command line, which seldom has many at once."""
    module = system.module(pool.span.path)
    return module is not None and any(
        each.target.partition(".")[0] in FOR_A_PERSON for each in module.module.imports
    )


def raised(least: Value, high: int) -> Fix | None:
    """Half of the connections kept, where the number is written in the call."""
    if not isinstance(least, Known) or len(least.places) != 1:
        return None
    return Fix(f"Keep {high // 2} connections", (Edit(least.places[0], str(high // 2)),), safe=False)
