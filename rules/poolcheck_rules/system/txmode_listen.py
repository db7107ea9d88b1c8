"""LISTEN on a server connection that a pooler gives to other clients."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Severity
from poolcheck.read.sql.acts import Act
from poolcheck.rule import Rule
from poolcheck.system import Sent, System, one_for_each_place, operands


class TxmodeListen(Rule[System]):
    id = "txmode-listen"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        yield from one_for_each_place(found for sent in system.sent for found in self.of_one(sent))

    def of_one(self, sent: Sent) -> Iterator[Finding]:
        """What is wrong with one statement on a connection of one pool."""
        done, shared = sent.executed, sent.shared
        if shared and done.act is Act.LISTEN and done.is_kept:
            message = (
                f"{done.words} waits on a server connection that {sent.pooler} gives to other clients: "
                f"no notification arrives{shared.provided}"
            )
            notes = operands(shared.because, done.span)
            severity = None if shared.is_certain else Severity.WARNING
            yield self.finding(done.span, message, notes=notes, severity=severity)
