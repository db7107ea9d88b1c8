"""The findings of rules about connection budgets that do not hold."""

from collections.abc import Iterator

from poolcheck.budget import told
from poolcheck.budget.verdicts import Fault
from poolcheck.finding import Finding
from poolcheck.rule import Rule
from poolcheck.system.whole import SystemWithVerdicts


def overruns(rule: Rule[SystemWithVerdicts], system: SystemWithVerdicts, fault: Fault) -> Iterator[Finding]:
    """What a rule says of the budgets that fail in its way, with the sum and a note at each operand."""
    for verdict in system.verdicts:
        place = told.place(verdict)
        if place and verdict.fault is fault:
            yield rule.finding(
                place,
                told.message(verdict),
                notes=told.notes(verdict),
                severity=verdict.severity,
                written_out=told.written_out(verdict),
            )
