"""A transaction of peewee's that is taken for what gives the connection back."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Severity
from poolcheck.read.python.facts import PythonModule
from poolcheck.read.python.project.roles import Role
from poolcheck.read.python.running.autoconnected import atomic_in_requests
from poolcheck.rule import Rule


class AtomicDoesNotRelease(Rule[PythonModule]):
    id = "atomic-does-not-release"
    severity = Severity.INFO
    since = "0.1"

    def check(self, module: PythonModule) -> Iterator[Finding]:
        for atomic in atomic_in_requests(module.module) if module.role is Role.APPLICATION else ():
            message = (
                f"leaving {atomic.database}.atomic() ends the transaction and gives nothing back: "
                f"after each {atomic.occasion} its thread keeps a connection of the pool"
            )
            yield self.finding(atomic.span, message)
