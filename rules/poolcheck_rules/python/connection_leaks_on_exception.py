"""A connection that is given back unless an exception comes in between."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.fate import Outcome
from poolcheck.read.pools import Role
from poolcheck.read.python import PythonModule
from poolcheck.rule import Rule


class ConnectionLeaksOnException(Rule[PythonModule]):
    id = "connection-leaks-on-exception"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, module: PythonModule) -> Iterator[Finding]:
        for checkout in module.checkouts:
            fate = checkout.fate
            if fate is None or fate.outcome is not Outcome.SKIPPED_ON_EXCEPTION or checkout.role is Role.TEST:
                continue
            notes: list[Note] = []
            if fate.decided_at and fate.release:
                notes = [Note(fate.decided_at, "if this raises"), Note(fate.release, "this does not happen")]
            message = f"an exception keeps {checkout.function}() from giving back what {checkout.title} takes"
            severity = self.severity.milder if checkout.runs_once else None
            yield self.finding(checkout.span, message, notes=notes, severity=severity)
