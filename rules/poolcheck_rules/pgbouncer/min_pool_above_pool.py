"""A min_pool_size above the pool size, which caps it."""

from collections import defaultdict
from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.pgbouncer import c_number
from poolcheck.read.pgbouncer.config import Effective, Entry, PgBouncerConfig
from poolcheck.rule import Rule

_UNLIMITED_AT_ZERO = (1, 24)
"""The first for which a pool size of 0 is no limit. NEWS, 1.24.0."""


class MinPoolAbovePool(Rule[PgBouncerConfig]):
    id = "min-pool-above-pool"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        floors: defaultdict[Effective[int], list[tuple[Entry, Effective[int] | None]]] = defaultdict(list)
        for entry in config.databases:
            floor = config.min_pool_size(entry) if entry.in_effect else None
            if floor and floor.span and floor.value > 0:
                cap = cap_of(config, entry, floor)
                # A small pool of its own is meant to be smaller than others, which keep more.
                if cap is None or not config.is_general(floor.span) or config.is_general(cap.span):
                    floors[floor].append((entry, cap))
        for floor, pools in floors.items():
            entry, cap = pools[0]
            if floor.span and cap and all(cap for _, cap in pools):
                whose = "" if config.is_general(floor.span) else f" of {entry.name.value}"
                notes = [Note(cap.span, "the most that a pool has")] if cap.span and cap.value > 0 else []
                message = f"no pool{whose} keeps {floor.value} server connections: {size_in_words(config, cap)}"
                yield self.finding(floor.span, message, notes=notes)


def cap_of(config: PgBouncerConfig, entry: Entry, floor: Effective[int]) -> Effective[int] | None:
    """The size of a database's pools, if all are smaller than the floor; None where one may not be.

    A pool without a limit has a size of 0 and no floor at all.
    """
    size = config.pool_size(entry)
    if size is None or size.value >= floor.value or (size.value <= 0 and config.is_before(_UNLIMITED_AT_ZERO)):
        return None
    return size if all(number < floor.value for number in sizes_of_users(config, entry)) else None


def sizes_of_users(config: PgBouncerConfig, entry: Entry) -> Iterator[float]:
    """The pool sizes of those who may log in to a database and have one of their own."""
    if entry.parameter("user") is None:
        for user in config.users_in_effect.values():
            if size := user.parameter("pool_size"):
                yield float("inf") if config.is_filled_in(size.value) else c_number.leading(size.value)


def size_in_words(config: PgBouncerConfig, size: Effective[int]) -> str:
    """What caps the floor, as the end of a sentence."""
    name = "default_pool_size" if config.is_general(size.span) else "pool_size"
    if size.value <= 0:
        return f"none are kept where {name} is {size.value}"
    return f"{name} is {size.value}{'' if size.span else ' by default'}"
