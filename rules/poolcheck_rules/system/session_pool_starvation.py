"""Clients of a pool in session mode that keep more server connections than it has."""

from collections.abc import Iterator

from poolcheck.budget.verdicts import Fault
from poolcheck.finding import Finding, Severity
from poolcheck.overruns import overruns
from poolcheck.rule import Rule
from poolcheck.system.whole import SystemWithVerdicts


class SessionPoolStarvation(Rule[SystemWithVerdicts]):
    id = "session-pool-starvation"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: SystemWithVerdicts) -> Iterator[Finding]:
        return overruns(self, system, Fault.POOL)
