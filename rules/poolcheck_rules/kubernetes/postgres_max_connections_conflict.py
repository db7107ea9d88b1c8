"""A max_connections that does not count, as something stronger tells the same server another."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity, one_for_each_place
from poolcheck.rule import Rule
from poolcheck.system.containers import Limit
from poolcheck.system.whole import System


class PostgresMaxConnectionsConflict(Rule[System]):
    id = "postgres-max-connections-conflict"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        yield from one_for_each_place(
            self.finding(
                weaker.value.span,
                f"max_connections {weaker.value.value} does not count: {counts.by} sets {counts.value.value}",
                notes=[Note(counts.value.span, "this is what the server gets")],
            )
            for server in system.server_containers
            for counts in server.limits[:1]
            for weaker in server.limits[1:]
            if is_other(weaker, counts)
        )


def is_other(weaker: Limit, counts: Limit) -> bool:
    """Whether both are numbers, and not the same."""
    numbers = {weaker.value.value, counts.value.value}
    return len(numbers) == 2 and all(each.isdecimal() for each in numbers)
