"""A pool that shall keep more connections than it may have."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from poolcheck.finding import Finding, Fix, Note, Severity
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.project.roles import Role
from poolcheck.read.python.syntax.edits import with_argument
from poolcheck.rule import Rule
from poolcheck.source import Edit, Span
from poolcheck.system.whole import System
from poolcheck.value import Known, Value, by_default, number_of


class Limits(NamedTuple):
    """The parameters with the least and the most connections, and what comes of a least above the most."""

    least: str
    most: str
    outcome: str
    severity: Severity | None = None


RAISES = "raises a ValueError"
LIMITS: Mapping[Library, Limits] = {
    Library.AIOMYSQL: Limits("minsize", "maxsize", RAISES),
    Library.AIOPG: Limits("minsize", "maxsize", RAISES),
    Library.ASYNCMY: Limits("minsize", "maxsize", RAISES),
    Library.ASYNCPG: Limits("min_size", "max_size", RAISES),
    Library.DATABASES: Limits("min_size", "max_size", "raises a ValueError when it connects"),
    Library.DBUTILS: Limits("mincached", "maxconnections", "raises TooManyConnectionsError"),
    Library.DJANGO: Limits("min_size", "max_size", "raises a ValueError at the first query"),
    Library.ORACLEDB: Limits("min", "max", "raises a ProgrammingError"),
    Library.PSYCOPG: Limits("min_size", "max_size", RAISES),
    Library.PSYCOPG2: Limits("minconn", "maxconn", "opens them all, and heeds no maximum", Severity.WARNING),
    Library.TORTOISE: Limits("minsize", "maxsize", "raises a ValueError at the first query"),
}


class PoolMinAboveMax(Rule[System]):
    id = "pool-min-above-max"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        for client in system.clients:
            pool, limits = client.pool, LIMITS.get(client.pool.constructor.library)
            is_of_library = limits is not None and limits.most in pool.constructor.size
            if limits and is_of_library and pool.role is not Role.TEST:
                yield from self.of_pool(pool, limits, system)

    def of_pool(self, pool: ClientPool, limits: Limits, system: System) -> Iterator[Finding]:
        """What is wrong with the numbers of one pool."""
        least, unless = by_default(pool.effective(limits.least))
        most, unless_most = by_default(pool.effective(limits.most))
        low, high = number_of(least), number_of(most)
        if least is None or most is None or low is None or high is None or is_free(pool, limits, high):
            return
        # DBUtils raises the limit to what it may keep.
        if low <= high or (pool.constructor.library is Library.DBUTILS and pool.given("maxcached") is not None):
            return
        by_itself = " by default" if pool.given(limits.least) is None else ""
        most_by_itself = " by default" if pool.given(limits.most) is None else ""
        message = (
            f"{limits.least} of {pool.title} is {low:.15g}{by_itself}, above its {limits.most} of {high:.15g}"
            f"{most_by_itself}: it {limits.outcome}{unless or unless_most}"
        )
        shown = least if by_itself == "" else most
        notes = [Note(place, "the number is written here") for place in pool.written_at(shown)]
        fix = lowered(pool, limits, most, system) if by_itself else None
        yield self.finding(pool.used_at(shown), message, notes=notes, fix=fix, severity=limits.severity)


def is_free(pool: ClientPool, limits: Limits, high: float) -> bool:
    """Whether the number stands for no limit, or is refused for itself."""
    return high <= 0 and (0 in pool.constructor.unlimited.get(limits.most, ()) or high < 0)


def lowered(pool: ClientPool, limits: Limits, most: Value, system: System) -> Fix | None:
    """As many connections from the start as there may be, where their number is written in place."""
    module = system.module(pool.span.path)
    if (
        module is None
        or not isinstance(most, Known)
        or len(most.places) != 1
        or most.places[0].path != pool.span.path
    ):
        return None
    title, place = f"Add {limits.least}", most.places[0]
    if pool.constructor.library is Library.DJANGO:
        edit: Edit | None = Edit(Span(place.path, place.end, place.end), f', "{limits.least}": {most.scalar}')
    elif place.start < pool.span.start or place.end > pool.span.end or limits.most not in pool.arguments:
        return None
    else:
        edit = with_argument(module.module, pool.span, f"{limits.least}={most.scalar}")
    return Fix(title, (edit,)) if edit else None
