"""A comment that is meant to silence a rule and names none that exists."""

from collections.abc import Iterator

from poolcheck import suppress
from poolcheck.finding import Finding, Severity
from poolcheck.rule import Rule


class UnknownSuppression(Rule[suppress.UnknownSuppression]):
    id = "unknown-suppression"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, suppression: suppress.UnknownSuppression) -> Iterator[Finding]:
        yield self.finding(suppression.span, suppression.message)
