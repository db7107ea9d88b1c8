"""A tool that changes a schema takes a lock in its session, and its pooler hands the session on."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity
from poolcheck.rule import Rule
from poolcheck.source import Span
from poolcheck.system.whole import System
from poolcheck.system.wiring import Migration


class MigrationThroughTransactionPooler(Rule[System]):
    id = "migration-through-transaction-pooler"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        told: set[tuple[Span, Span]] = set()
        for each in system.wiring.migrations:
            if (key := (each.place, each.address.place)) not in told:
                told.add(key)
                yield self.finding(each.place, message(each), notes=notes(each))


def message(each: Migration) -> str:
    """What the tool does, and what becomes of it."""
    target = each.address.target
    pooler, mode = (target.name, target.mode) if target else ("", None)
    where = f"through {pooler} in {mode.value} mode" if mode else f"through {pooler}"
    does = f"{each.tool} takes its lock with {each.does}() {where}"
    return f"{does}, which may release it on another server connection than it is held on{each.provided}"


def notes(each: Migration) -> Iterator[Note]:
    """What leads to the pooler, and its mode."""
    target = each.address.target
    yield Note(each.address.place, f"{each.address.by} leads to {target.name if target else each.address.host}")
    if target and target.mode and target.mode.span:
        yield Note(target.mode.span, f"server connections change hands after each {target.mode.value}")
