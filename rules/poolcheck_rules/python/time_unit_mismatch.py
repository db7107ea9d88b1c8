"""A time that was meant in another unit than the one that it is counted in."""

import re
from collections.abc import Iterator

from poolcheck.finding import Finding, Severity
from poolcheck.read.pools import ClientPool, Role
from poolcheck.read.python import PythonModule
from poolcheck.rule import Rule
from poolcheck.source import Span
from poolcheck.value import Known, Table, Value, number_of

WAITS = {"acquire_timeout": 10_000, "connect_timeout": 1_000, "pool_timeout": 10_000, "timeout": 10_000}
"""Parameters in seconds that say how long to wait, and from when on nobody can have meant seconds."""
AGES = frozenset({"max_idle", "max_lifetime", "pool_recycle", "stale_timeout"})
"""Parameters in seconds that say how old a connection may be."""
WEEK = 7 * 86_400
THOUSANDS = 100_000
"""An age in whole thousands from here on, such as 1800000, was meant in milliseconds."""

SHORTEST_MS = {
    "statement_timeout": 100,
    "idle_in_transaction_session_timeout": 1_000,
    "idle_session_timeout": 1_000,
}
"""PostgreSQL's parameters in milliseconds, and below what nobody can have meant milliseconds."""
SET = re.compile(rf"\b(?P<name>{'|'.join(SHORTEST_MS)})\s*=\s*(?P<number>\d+)(?![\w.])")


class TimeUnitMismatch(Rule[PythonModule]):
    id = "time-unit-mismatch"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, module: PythonModule) -> Iterator[Finding]:
        if module.role is not Role.APPLICATION:
            return
        for pool in module.pools:
            yield from self.in_seconds(pool)
            yield from self.in_milliseconds(pool)

    def in_seconds(self, pool: ClientPool) -> Iterator[Finding]:
        """Parameters in seconds that are given milliseconds."""
        for name, value in times(pool):
            seconds = number_of(value)
            if seconds is not None and is_too_long(name, seconds):
                message = f"{name}={seconds:g} of {pool.title} is {in_words(seconds)}: it counts seconds"
                yield self.finding(value.places[0], message)

    def in_milliseconds(self, pool: ClientPool) -> Iterator[Finding]:
        """Settings of the server in milliseconds that are given seconds."""
        for name, written, place in server_settings(pool):
            if 0 < int(written) < SHORTEST_MS[name]:
                message = (
                    f"{name}={written} of {pool.title} is {written} ms: without a unit it counts milliseconds"
                )
                yield self.finding(place, message)


def times(pool: ClientPool) -> Iterator[tuple[str, Value]]:
    """The parameters that take seconds, of the pool and of its driver."""
    for name in (*WAITS, *sorted(AGES)):
        values = (pool.given(name), pool.driver_argument(name) if pool.constructor.driver_arguments else None)
        yield from ((name, value) for value in values if value)


def is_too_long(name: str, seconds: float) -> bool:
    """Whether nobody means so many seconds."""
    if name in WAITS:
        return seconds >= WAITS[name]
    return seconds > WEEK or (seconds >= THOUSANDS and seconds % 1_000 == 0)


def in_words(seconds: float) -> str:
    """`16 min`, `8 h`, `20 days`."""
    for length, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:g} s"


def server_settings(pool: ClientPool) -> Iterator[tuple[str, str, Span]]:
    """The times among the settings that a connection asks the server for: name, number, and place."""
    options = pool.option("options")
    if isinstance(options, Known) and isinstance(options.scalar, str):
        for found in SET.finditer(options.scalar):
            yield found["name"], found["number"], options.places[0]
    table = pool.driver_argument("server_settings")
    for name, value in table.items if isinstance(table, Table) else ():
        if name in SHORTEST_MS and isinstance(value, Known) and str(value.scalar).isdecimal():
            yield name, str(value.scalar), value.places[0]
