"""Connections that fit as they are deployed, and not when an autoscaler has added all the pods that it may."""

from collections.abc import Iterator

from poolcheck.budget.verdicts import Fault
from poolcheck.finding import Finding, Severity
from poolcheck.overruns import overruns
from poolcheck.rule import Rule
from poolcheck.system.whole import SystemWithVerdicts


class BudgetExceededAtAutoscaleMax(Rule[SystemWithVerdicts]):
    id = "budget-exceeded-at-autoscale-max"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: SystemWithVerdicts) -> Iterator[Finding]:
        return overruns(self, system, Fault.AUTOSCALED)
