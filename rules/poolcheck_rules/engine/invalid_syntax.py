"""A file, or a part of it, that is not what its format allows."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Severity
from poolcheck.read.fault import SyntaxFault
from poolcheck.rule import Rule


class InvalidSyntax(Rule[SyntaxFault]):
    id = "invalid-syntax"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, fault: SyntaxFault) -> Iterator[Finding]:
        yield self.finding(fault.span, fault.message)
