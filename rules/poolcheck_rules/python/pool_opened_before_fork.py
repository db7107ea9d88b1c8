"""A pool whose connections are open when processes are forked, which then share them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.kubernetes.manifest import Manifest
from poolcheck.rule import Rule
from poolcheck.system.whole import System

if TYPE_CHECKING:
    from poolcheck.read.python.running.forks import Fork
    from poolcheck.read.python.running.opened import Opened

SHARED = "all of them get the same server connections and read one another's answers"
LEFT_BEHIND = "they share its connections, and without its threads, which are not forked, they end in PoolTimeout"


class PoolOpenedBeforeFork(Rule[System]):
    id = "pool-opened-before-fork"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        from poolcheck.read.python.facts import PythonModule
        from poolcheck.read.python.running.opened import opened_at_import

        for module in system.documents:
            for pool in module.pools if isinstance(module, PythonModule) else ():
                opened = opened_at_import(pool, module.module) if isinstance(module, PythonModule) else None
                if opened:
                    yield from self.of_opened(opened, system)

    def of_opened(self, opened: "Opened", system: System) -> Iterator[Finding]:
        """What is wrong with a pool that is opened, if somebody forks afterwards."""
        from poolcheck.read.python.running.forks import forks_after

        manifests = [each for each in system.documents if isinstance(each, Manifest)]
        if fork := next(forks_after(opened, manifests), None):
            yield self.told(opened, fork)

    def told(self, opened: "Opened", fork: "Fork") -> Finding:
        """The finding."""
        from poolcheck.read.python.libraries.constructor import Library

        pool = opened.pool
        outcome = LEFT_BEHIND if pool.constructor.library is Library.PSYCOPG else SHARED
        verb = "used" if pool.constructor.library is Library.SQLALCHEMY else "opened"
        message = f"{pool.title} is {verb} when this module is imported, and {fork.who}: {outcome}"
        notes = [Note(fork.place, "the processes are started by this")] if fork.place else []
        if opened.place != pool.callee:
            notes.append(Note(pool.callee, f"{pool.title} is made here"))
        severity = None if fork.is_certain else Severity.WARNING
        return self.finding(opened.place, message, notes=notes, severity=severity)
