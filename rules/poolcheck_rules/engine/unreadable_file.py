"""A file that cannot be read, or that does not hold text."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Severity
from poolcheck.read.fault import ReadFault
from poolcheck.rule import Rule


class UnreadableFile(Rule[ReadFault]):
    id = "unreadable-file"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, fault: ReadFault) -> Iterator[Finding]:
        yield self.finding(fault.span, fault.message)
