"""A comment that silences a rule which would not have spoken."""

from collections.abc import Iterator

from poolcheck import suppress
from poolcheck.finding import Finding, Severity
from poolcheck.rule import Rule


class UnusedSuppression(Rule[suppress.UnusedSuppression]):
    id = "unused-suppression"
    severity = Severity.INFO
    since = "0.1"

    def check(self, suppression: suppress.UnusedSuppression) -> Iterator[Finding]:
        for rule in suppression.unused:
            yield self.finding(rule.span, f"there is no {rule.value} here to ignore")
