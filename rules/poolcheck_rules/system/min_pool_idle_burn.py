"""Connections that PgBouncer keeps open, used or not, until they are a large part of what the server accepts."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from poolcheck.amount import exactly, product, total
from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.pgbouncer import c_number
from poolcheck.read.pgbouncer.config import Effective, Entry, PgBouncerConfig
from poolcheck.rule import Rule
from poolcheck.source import Span
from poolcheck.system.clients import operands
from poolcheck.system.poolers import Demand, Server
from poolcheck.system.whole import System

LARGE_PART = 0.3
WITHOUT_CLIENTS = (1, 21)
"""The first that keeps the floor of a database that names its user without a client. NEWS, 1.21.0."""


class Floor(NamedTuple):
    """What the pool of a database keeps, and where that is written."""

    connections: int
    place: Span


class MinPoolIdleBurn(Rule[System]):
    id = "min-pool-idle-burn"
    severity = Severity.INFO
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        for demand in system.demands:
            if isinstance(demand.found, Server) and demand.pooler.config:
                yield from self.of_server(demand, demand.found, [*floors(demand, demand.pooler.config, system)])

    def of_server(self, demand: Demand, server: Server, kept: list[Floor]) -> Iterator[Finding]:
        """What a pooler keeps of one server's connections."""
        processes, limit = demand.pooler.processes, server.max_connections
        each = total(product(exactly(pools), exactly(most)) for (most, _), pools in Counter(kept).items())
        held = product(processes, each)
        if limit.is_open or not limit.most or held.low <= LARGE_PART * limit.most:
            return
        shown = f"{held.low_sum} = {held.low}" if held.low_sum != str(held.low) else str(held.low)
        message = (
            f"{demand.pooler.name} keeps {shown} of the {limit.most} connections of {server.name} open, "
            "whether or not anybody uses them (min_pool_size)"
        )
        place, *others = dict.fromkeys(floor.place for floor in kept)
        notes = [Note(other, "min_pool_size") for other in others]
        yield self.finding(place, message, notes=[*notes, *operands([*processes.because, *limit.because], place)])


def floors(demand: Demand, config: PgBouncerConfig, system: System) -> Iterator[Floor]:
    """What the pools keep that are sure to be there: of a user that the database names, or of a client seen."""
    used = [each.target.entry for each in system.clients_of(demand.pooler) if each.target]
    for entry in demand.entries:
        is_kept_alone = entry.parameter("user") is not None and not config.is_before(WITHOUT_CLIENTS)
        floor = config.min_pool_size(entry) if is_kept_alone or entry in used else None
        if floor and floor.span and floor.value > 0 and (kept := capped(floor, entry, config)):
            yield Floor(kept, floor.span)


def capped(floor: Effective[int], entry: Entry, config: PgBouncerConfig) -> int:
    """What is kept of a floor: no more than the pool, or the database, may have; 0 where that is not known."""
    size, of_all = config.pool_size(entry), config.effective_integer("max_db_connections")
    own = entry.parameter("max_db_connections")
    if size is None or of_all is None or (own and config.is_filled_in(own.value)):
        return 0
    limits = [size.value, c_number.leading(own.value) if own else of_all.value]
    return min(floor.value, *(limit for limit in limits if limit > 0)) if any(limits) else floor.value
