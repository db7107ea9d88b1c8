"""Workloads that may open more client connections than their pooler accepts."""

from collections.abc import Iterator

from poolcheck.budget.verdicts import Fault
from poolcheck.finding import Finding, Severity
from poolcheck.overruns import overruns
from poolcheck.rule import Rule
from poolcheck.system.whole import SystemWithVerdicts


class ClientConnectionsExceedPooler(Rule[SystemWithVerdicts]):
    id = "client-connections-exceed-pooler"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: SystemWithVerdicts) -> Iterator[Finding]:
        return overruns(self, system, Fault.CLIENTS)
