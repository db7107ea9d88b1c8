"""A time that was meant in another unit than the one that it is counted in."""

import re
from collections.abc import Iterator, Mapping

from poolcheck.finding import Finding, Fix, Note, Severity
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.project.roles import Role
from poolcheck.rule import Rule
from poolcheck.source import Edit, Span
from poolcheck.system.whole import System
from poolcheck.value import Computed, EnvRef, Known, Table, Value, by_default, number_of

HOUR, DAY = 3_600, 86_400

WAITS: Mapping[str, int] = {
    "acquire_timeout": 10_000,
    "connect_timeout": 1_000,
    "connection_timeout": 1_000,
    "pool_timeout": 10_000,
    "timeout": 10_000,
}
"""Parameters in seconds that say how long to wait, and from when on nobody can have meant seconds."""
QUERIES = frozenset({"command_timeout", "read_timeout", "write_timeout"})
"""Parameters in seconds that say how long a query may take, which may well be hours."""
AGES = frozenset(
    {
        "CONN_MAX_AGE", "max_idle", "max_inactive_connection_lifetime", "max_lifetime", "max_lifetime_session",
        "pool_recycle", "stale_timeout",
    }
)  # fmt: skip
"""Parameters in seconds that say how old a connection may be, which may well be days."""
NATURAL_DAYS = frozenset({7, 10, 14, 15, 20, 28, 30, 31, 60, 90, 100, 120, 180, 360, 365, 366})

SHORTEST_MS: Mapping[str, int] = {
    "idle_in_transaction_session_timeout": 1_000,
    "idle_session_timeout": 1_000,
    "lock_timeout": 10,
    "statement_timeout": 100,
}
"""PostgreSQL's parameters in milliseconds, and below what nobody can have meant milliseconds."""
IN_MILLISECONDS = re.compile(r"[\w.]*_(?:ms|msecs?|millis|milliseconds)", re.IGNORECASE)
FEW_MS = 100
SHORTEST_WAIT_MS = 100
"""oracledb's wait_timeout counts milliseconds, while its other times are seconds."""
SET = re.compile(rf"\b(?P<name>{'|'.join(SHORTEST_MS)})\s*=\s*(?P<number>\d+)(?![\w.])")


class TimeUnitMismatch(Rule[System]):
    id = "time-unit-mismatch"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        for client in system.clients:
            if client.pool.role is Role.APPLICATION:
                yield from self.in_seconds(client.pool, system)
                yield from self.in_milliseconds(client.pool, system)

    def in_seconds(self, pool: ClientPool, system: System) -> Iterator[Finding]:
        """Parameters in seconds that are given milliseconds."""
        for name, given in times(pool):
            value, unless = by_default(given)
            seconds = number_of(value)
            named = named_in_milliseconds(given, pool, system) if seconds and seconds >= FEW_MS else ""
            if value and seconds is not None and named:
                message = f"{name} of {pool.title} counts seconds, and is given {named}, {whole(seconds)}{unless}"
                yield self.finding(pool.used_at(given), message)
            elif value and seconds is not None and is_in_milliseconds(name, seconds):
                written = f"{name}={whole(seconds)} of {pool.title}"
                message = f"{written} is {in_words(seconds)}: it counts seconds{unless}"
                notes = [Note(place, "the number is written here") for place in pool.written_at(value)]
                fix = replaced(value, whole(seconds), whole(seconds / 1000), system)
                yield self.finding(pool.used_at(value), message, notes=notes, fix=fix)

    def in_milliseconds(self, pool: ClientPool, system: System) -> Iterator[Finding]:
        """Settings of the server, and of oracledb, in milliseconds that are given seconds."""
        wait, unless = by_default(pool.arguments.get("wait_timeout"))
        number = number_of(wait)
        if wait and number and pool.constructor.library is Library.ORACLEDB and 0 < number < SHORTEST_WAIT_MS:
            written = f"wait_timeout={whole(number)} of {pool.title}"
            message = f"{written} is {whole(number)} ms: it counts milliseconds{unless}"
            notes = [Note(place, "the number is written here") for place in pool.written_at(wait)]
            fix = replaced(wait, whole(number), whole(number * 1000), system)
            yield self.finding(pool.used_at(wait), message, notes=notes, fix=fix)
        for name, written, value in server_settings(pool):
            if 0 < int(written) < SHORTEST_MS[name]:
                message = (
                    f"{name}={written} of {pool.title} is {written} ms: without a unit it counts milliseconds"
                )
                notes = [Note(place, "the number is written here") for place in pool.written_at(value)]
                is_named = isinstance(value, Known) and not str(value.scalar).isdecimal()
                old = f"{name}={written}" if is_named else f'"{written}"'
                new = f"{name}={written}s" if is_named else f'"{written}s"'
                fix = replaced(value, old, new, system)
                yield self.finding(pool.used_at(value), message, notes=notes, fix=fix)


def replaced(value: Value, old: str, new: str, system: System) -> Fix | None:
    """Something else in place of what is written once where the value is written."""
    place = value.places[-1]
    module = system.module(place.path)
    written = module.module.source.text[place.start : place.end] if module else ""
    if old.isdecimal() and written.replace("_", "") == old:
        return Fix(f"Write {new}", (Edit(place, new),), safe=False)
    found = [*re.finditer(rf"(?<![\w.]){re.escape(old)}(?![\w.])", written)]
    if len(found) != 1 or old.isdecimal():
        return None
    at = place.start + found[0].start()
    return Fix(f"Write {new}", (Edit(Span(place.path, at, at + len(old)), new),), safe=False)


def times(pool: ClientPool) -> Iterator[tuple[str, Value]]:
    """The parameters that take seconds, of the pool and of its driver."""
    for name in sorted({*WAITS, *QUERIES, *AGES}):
        # oracledb's timeout is for connections that nobody uses.
        if name == "timeout" and pool.constructor.library is Library.ORACLEDB:
            continue
        values = (pool.given(name), pool.driver_argument(name) if pool.constructor.driver_arguments else None)
        yield from ((name, value) for value in values if value)
    limit = pool.option("connect_timeout")
    if isinstance(limit, Known) and isinstance(limit.scalar, str) and limit.scalar.isdecimal():
        yield "connect_timeout", Known(int(limit.scalar), limit.places)


def is_in_milliseconds(name: str, seconds: float) -> bool:
    """Whether nobody means so many seconds. What stands for "never", such as 999999, is meant."""
    if name in WAITS:
        return seconds >= WAITS[name] and seconds % 100 == 0
    is_natural = seconds % HOUR == 0 and (seconds <= 7 * DAY or seconds / DAY in NATURAL_DAYS)
    least = 10_000 if name in QUERIES else 100_000
    return seconds >= least and seconds % 1_000 == 0 and not is_natural and not is_power_of_ten(seconds)


def named_in_milliseconds(value: Value, pool: ClientPool, system: System) -> str:
    """The name, handed on as it is, that says that something is in milliseconds; "" for others."""
    module, place = system.module(pool.span.path), pool.used_at(value)
    written = module.module.source.text[place.start : place.end] if module else ""
    inner = value
    while isinstance(inner, Computed) and inner.function in {"int", "float"}:
        inner = inner.arguments[0]
    names = (written, inner.name if isinstance(inner, EnvRef) else "")
    return next((name.rpartition(".")[2] for name in names if IN_MILLISECONDS.fullmatch(name)), "")


def is_power_of_ten(number: float) -> bool:
    """Whether a number is 1000000 or the like, which stands for a great many."""
    return number >= 1_000_000 and str(int(number)).strip("0") == "1"


def whole(number: float) -> str:
    """`1800000`, `2.5`."""
    return str(int(number) if number == int(number) else number)


def in_words(seconds: float) -> str:
    """`16 min`, `8 h`, `20 days`."""
    for length, unit in ((DAY, "days"), (HOUR, "h"), (60, "min")):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:g} s"


def server_settings(pool: ClientPool) -> Iterator[tuple[str, str, Value]]:
    """The times among the settings that a connection asks the server for: name, number, and the whole value."""
    options = pool.option("options")
    if isinstance(options, Known) and isinstance(options.scalar, str):
        for found in SET.finditer(options.scalar):
            yield found["name"], found["number"], options
    table = pool.driver_argument("server_settings")
    for name, value in table.items if isinstance(table, Table) else ():
        if name in SHORTEST_MS and isinstance(value, Known) and str(value.scalar).isdecimal():
            yield name, str(value.scalar), value
