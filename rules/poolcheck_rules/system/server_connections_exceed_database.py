"""Poolers and workloads that together may want more connections than their server accepts."""

from collections.abc import Iterator

from poolcheck.budget.verdicts import Fault
from poolcheck.finding import Finding, Severity
from poolcheck.overruns import overruns
from poolcheck.rule import Rule
from poolcheck.system.whole import SystemWithVerdicts


class ServerConnectionsExceedDatabase(Rule[SystemWithVerdicts]):
    id = "server-connections-exceed-database"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: SystemWithVerdicts) -> Iterator[Finding]:
        return overruns(self, system, Fault.SERVERS)
