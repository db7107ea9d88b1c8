"""Poolers beside each application that together want more connections than their server accepts."""

from collections.abc import Iterator

from poolcheck.budget.verdicts import Fault
from poolcheck.finding import Finding, Severity
from poolcheck.overruns import overruns
from poolcheck.rule import Rule
from poolcheck.system.whole import SystemWithVerdicts


class SidecarMultipliesServerConnections(Rule[SystemWithVerdicts]):
    id = "sidecar-multiplies-server-connections"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: SystemWithVerdicts) -> Iterator[Finding]:
        return overruns(self, system, Fault.SIDECARS)
