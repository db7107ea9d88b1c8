"""LISTEN on a server connection that a pooler gives to other clients."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Severity, one_for_each_place
from poolcheck.read.sql.acts import Act
from poolcheck.rule import Rule
from poolcheck.system.clients import Sent, operands
from poolcheck.system.whole import SystemWithLinks


class TxmodeListen(Rule[SystemWithLinks]):
    id = "txmode-listen"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: SystemWithLinks) -> Iterator[Finding]:
        listening = {sent.client.pool.span for sent in system.sent if sent.executed.act is Act.LISTEN}
        # Who waits for notifications on a connection that is seen to listen has the fault told there.
        told = [
            sent
            for sent in system.sent
            if sent.executed.act is Act.LISTEN
            or (sent.executed.act is Act.HEAR and sent.client.pool.span not in listening)
        ]
        yield from one_for_each_place(found for sent in told for found in self.of_one(sent))

    def of_one(self, sent: Sent) -> Iterator[Finding]:
        """What is wrong with one statement on a connection of one pool."""
        done, shared = sent.executed, sent.shared
        if shared and done.is_kept:
            message = (
                f"{done.words} waits on a server connection that {shared.pooler} gives to other clients: "
                f"no notification arrives{shared.provided}"
            )
            notes = operands(shared.because, done.span)
            yield self.finding(done.span, message, notes=notes, severity=shared.severity)
