"""A pooler to which nothing connects, while workloads connect to the server behind it."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity
from poolcheck.rule import Rule
from poolcheck.system.whole import System
from poolcheck.system.wiring import Fronted


class PoolerNotUsed(Rule[System]):
    id = "pooler-not-used"
    severity = Severity.INFO
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        told: set[int] = set()
        for fronted in system.wiring.fronted:
            pooler, direct = fronted.pooler, [*fronted.strays, *fronted.apart]
            is_used = any(other.pooled for other in system.wiring.fronted if other.pooler is pooler)
            if direct and fronted.is_all_seen and not is_used and pooler.place and id(pooler) not in told:
                told.add(id(pooler))
                yield self.finding(pooler.place, message(fronted), notes=notes(fronted))


def message(fronted: Fronted) -> str:
    """Who connects to the server instead."""
    *before, last = list(dict.fromkeys(each.workload.name.value for each in (*fronted.strays, *fronted.apart)))
    direct = f"{', '.join(before)} and {last} connect" if before else f"{last} connects"
    return f"nothing connects to {fronted.pooler.name}: {direct} to {fronted.server.name} directly"


def notes(fronted: Fronted) -> Iterator[Note]:
    """Where each is led to the server."""
    for each in (*fronted.strays, *fronted.apart):
        yield Note(each.place, f"{each.workload.name.value} connects to {fronted.server.name}")
