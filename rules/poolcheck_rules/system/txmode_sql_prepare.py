"""A statement that SQL prepares on a server connection, which a pooler gives to other clients."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Severity, one_for_each_place
from poolcheck.read.sql.acts import Act
from poolcheck.rule import Rule
from poolcheck.system.clients import Sent, operands
from poolcheck.system.whole import SystemWithLinks


class TxmodeSqlPrepare(Rule[SystemWithLinks]):
    id = "txmode-sql-prepare"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: SystemWithLinks) -> Iterator[Finding]:
        prepared = {sent.executed.name for sent in system.sent if sent.executed.act is Act.PREPARE}
        told = [sent for sent in system.sent if sent.executed.act is Act.PREPARE and sent.executed.is_kept]
        # Whatever executes it has the same fault as what prepares it.
        told += [
            sent
            for sent in system.sent
            if sent.executed.act is Act.EXECUTE and not prepared & {sent.executed.name, None}
        ]
        yield from one_for_each_place(found for sent in told for found in self.of_one(sent))

    def of_one(self, sent: Sent) -> Iterator[Finding]:
        """What is wrong with one statement on a connection of one pool."""
        done, shared = sent.executed, sent.shared
        if shared:
            message = (
                f"{done.words} is for one server connection, and {shared.pooler} gives this client others "
                f"afterwards{shared.provided}"
            )
            notes = operands(shared.because, done.span)
            yield self.finding(done.span, message, notes=notes, severity=shared.severity)
