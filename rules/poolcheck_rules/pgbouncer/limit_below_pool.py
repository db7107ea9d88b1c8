"""A pool size, a reserve or a min_pool_size that a limit does not let any pool get to."""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.pgbouncer import c_number
from poolcheck.read.pgbouncer.config import Entry, PgBouncerConfig
from poolcheck.rule import Rule
from poolcheck.source import Span

_HEEDS_USERS = (1, 23)
"""The first in which [users] counts for databases that name the user, and may say pool_size. NEWS, 1.23.0."""


class Limit(NamedTuple):
    """The most server connections of all pools of a database together, or of a user."""

    name: str
    number: int
    span: Span
    who: str
    is_general: bool


class Held(NamedTuple):
    """What is written for pools, and the limit that keeps them below it; None where one may get to it."""

    wanted: str
    limit: Limit | None


class LimitBelowPool(Rule[PgBouncerConfig]):
    id = "limit-below-pool"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        written: defaultdict[Span, list[Held]] = defaultdict(list)
        for place, held in (*held_in_databases(config), *held_of_users(config)):
            written[place].append(held)
        for place, helds in written.items():
            limits = [held.limit for held in helds if held.limit]
            if len(limits) == len(helds):
                highest = max(limits, key=lambda limit: limit.number)
                message = f"{helds[0].wanted}: {highest.name} allows {highest.number}"
                note = Note(highest.span, f"the most for all pools of {highest.who} together")
                yield self.finding(place, message, notes=[note])


def held_in_databases(config: PgBouncerConfig) -> Iterator[tuple[Span, Held]]:
    """What is written for the pools of each database, up to what a limit holds: the rest is then no news."""
    for entry in config.databases:
        if entry.in_effect:
            limits = sorted(limits_of(config, entry), key=lambda limit: limit.number)
            for place, number, wanted in numbers_of(config, entry):
                lower = [limit for limit in limits if limit.number < number]
                # A lower limit for one of many says what is meant for that one.
                meant = [limit for limit in lower if limit.is_general or not config.is_general(place)]
                if meant or not lower:
                    yield place, Held(f"no pool{of(config, entry, place)} {wanted}", next(iter(meant), None))
                if lower:
                    break


def limits_of(config: PgBouncerConfig, entry: Entry) -> Iterator[Limit]:
    """The limits that surely hold for every pool of a database."""
    yield from limit_in(config, "max_db_connections", entry, "database", entry.name.value)
    user = entry.parameter("user")
    users = config.users_in_effect
    if user and (config.is_before(_HEEDS_USERS) or not (users and config.is_filled_in(user.value))):
        own = None if config.is_before(_HEEDS_USERS) else users.get(user.value)
        yield from limit_in(config, "max_user_connections", own, "user", user.value)
    elif user is None and not any(each.parameter("max_user_connections") for each in users.values()):
        yield from limit_in(config, "max_user_connections", None, "user", "")


def limit_in(config: PgBouncerConfig, name: str, entry: Entry | None, kind: str, owner: str) -> Iterator[Limit]:
    """The limit that an entry sets, or else [pgbouncer] for all; nothing where it is not known or not set."""
    own = entry.parameter(name) if entry else None
    if entry and ((own and config.is_filled_in(own.value)) or (own is None and not entry.is_complete)):
        return
    if own and (number := c_number.leading(own.value)) > 0:
        yield Limit(name, number, own.span, f"{kind} {owner}", is_general=False)
    elif (limit := config.effective_integer(name)) and limit.span and limit.value > 0:
        yield Limit(name, limit.value, limit.span, f"a {kind}", is_general=True)


def numbers_of(config: PgBouncerConfig, entry: Entry) -> Iterator[tuple[Span, int, str]]:
    """The server connections that are written for the pools of a database, and what for."""
    size, reserve, floor = config.pool_size(entry), config.reserve_pool_size(entry), config.min_pool_size(entry)
    if size is None or size.value <= 0:
        return
    if size.span:
        yield size.span, size.value, f"gets to {size.value} server connections"
    timeout = config.effective_seconds("reserve_pool_timeout")
    if reserve and reserve.span and reserve.value > 0 and timeout and timeout.value > 0:
        smallest = min((size.value, *sizes_of_users(config, entry)))
        beyond = f"gets beyond {smallest} server connections to its reserve of {reserve.value}"
        # The reserve opens behind a full pool: a limit that is no higher than the size leaves nothing for it.
        yield reserve.span, smallest + 1, beyond
    if floor and floor.span and 0 < floor.value <= size.value:
        yield floor.span, floor.value, f"keeps {floor.value} server connections"


def sizes_of_users(config: PgBouncerConfig, entry: Entry) -> Iterator[int]:
    """The pool sizes of those who may log in to a database and have one of their own; 0 for one not known."""
    if entry.parameter("user") is None:
        sizes = (user.parameter("pool_size") for user in config.users_in_effect.values())
        yield from (c_number.leading(size.value) for size in sizes if size)


def held_of_users(config: PgBouncerConfig) -> Iterator[tuple[Span, Held]]:
    """The pool sizes of users, against the limits of users."""
    if config.is_before(_HEEDS_USERS):
        return
    for name, user in config.users_in_effect.items():
        size = user.parameter("pool_size")
        number = c_number.leading(size.value) if size and not config.is_filled_in(size.value) else 0
        if size and number > 0:
            limits = limit_in(config, "max_user_connections", user, "user", name)
            lower = next((limit for limit in limits if limit.number < number), None)
            yield size.span, Held(f"no pool of {name} gets to {number} server connections", lower)


def of(config: PgBouncerConfig, entry: Entry, place: Span) -> str:
    """Whose pools a number is written for."""
    if config.is_general(place):
        return ""
    is_own = entry.text.span.path == place.path and entry.text.span.start <= place.start < entry.text.span.end
    user = entry.parameter("user")
    return f" of {entry.name.value if is_own or user is None else user.value}"
