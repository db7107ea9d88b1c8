"""Connections that fit as they are deployed, and not while a rollout runs old and new pods side by side."""

from collections.abc import Iterator

from poolcheck.budget.verdicts import Fault
from poolcheck.finding import Finding, Severity
from poolcheck.overruns import overruns
from poolcheck.rule import Rule
from poolcheck.system.whole import SystemWithVerdicts


class BudgetExceededAtSurge(Rule[SystemWithVerdicts]):
    id = "budget-exceeded-at-surge"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, system: SystemWithVerdicts) -> Iterator[Finding]:
        return overruns(self, system, Fault.SURGE)
