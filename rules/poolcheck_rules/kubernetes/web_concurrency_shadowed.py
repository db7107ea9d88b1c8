"""A WEB_CONCURRENCY that does not count, as the command line fixes another number of workers."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity, one_for_each_place
from poolcheck.rule import Rule
from poolcheck.system.whole import System


class WebConcurrencyShadowed(Rule[System]):
    id = "web-concurrency-shadowed"
    severity = Severity.INFO
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        yield from one_for_each_place(
            self.finding(
                each.value.span,
                f"{each.name} {each.value.value} does not count, as {each.option} sets {each.counts.value}",
                notes=[Note(each.counts.span, f"{each.counts.value} processes")],
            )
            for each in system.shadowed
            if each.name == "WEB_CONCURRENCY"
        )
