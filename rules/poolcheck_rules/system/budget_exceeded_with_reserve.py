"""Server connections that fit until poolers open their reserve, which they do when clients wait."""

from collections.abc import Iterator

from poolcheck.budget.verdicts import Fault
from poolcheck.finding import Finding, Severity
from poolcheck.overruns import overruns
from poolcheck.rule import Rule
from poolcheck.system.whole import SystemWithVerdicts


class BudgetExceededWithReserve(Rule[SystemWithVerdicts]):
    id = "budget-exceeded-with-reserve"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, system: SystemWithVerdicts) -> Iterator[Finding]:
        return overruns(self, system, Fault.RESERVE)
