"""A min_pool_size that opens nothing before a client is there."""

from collections import defaultdict
from collections.abc import Iterator

from poolcheck.finding import Finding, Severity
from poolcheck.read.pgbouncer.config import Effective, PgBouncerConfig
from poolcheck.rule import Rule

_WITHOUT_CLIENTS = (1, 21)
"""The first that keeps the floor of a database that names its user without a client. NEWS, 1.21.0."""


class MinPoolIdle(Rule[PgBouncerConfig]):
    id = "min-pool-idle"
    severity = Severity.INFO
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        is_old = config.is_before(_WITHOUT_CLIENTS)
        entries: defaultdict[Effective[int], list[str]] = defaultdict(list)
        for entry in config.databases:
            floor = config.min_pool_size(entry) if entry.in_effect else None
            if floor and (is_old or (entry.is_complete and entry.parameter("user") is None)):
                entries[floor].append(entry.name.value)
        for floor, names in entries.items():
            if floor.span and floor.value > 0:
                many = "this server connection" if floor.value == 1 else f"these {floor.value} server connections"
                why = "this is so before PgBouncer 1.21" if is_old else f"{enumeration(names)} no user"
                yield self.finding(floor.span, f"PgBouncer opens {many} only while a client is connected: {why}")


def enumeration(names: list[str]) -> str:
    """The databases as the beginning of a sentence."""
    match names:
        case [name]:
            return f"{name} names"
        case [first, second]:
            return f"{first} and {second} name"
        case [first, *others]:
            return f"{first} and {len(others)} more name"
        case _:
            return "they name"
