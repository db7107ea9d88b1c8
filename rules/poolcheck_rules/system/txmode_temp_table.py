"""A temporary table that is left on a server connection, which a pooler gives to other clients."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from poolcheck.finding import Finding, Fix, Severity, one_for_each_place
from poolcheck.read.sql.acts import Act
from poolcheck.read.sql.statements import Statement, statements
from poolcheck.rule import Rule
from poolcheck.source import Edit
from poolcheck.system.clients import Sent, operands
from poolcheck.system.whole import SystemWithLinks

if TYPE_CHECKING:
    from poolcheck.read.python.sql.executed import Executed


class TxmodeTempTable(Rule[SystemWithLinks]):
    id = "txmode-temp-table"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: SystemWithLinks) -> Iterator[Finding]:
        yield from one_for_each_place(found for sent in system.sent for found in self.of_one(sent))

    def of_one(self, sent: Sent) -> Iterator[Finding]:
        """What is wrong with one statement on a connection of one pool."""
        done, shared = sent.executed, sent.shared
        if not shared or done.act is not Act.TEMP or not done.is_kept:
            return
        notes = operands(shared.because, done.span)
        if is_lost(done):
            message = (
                f"{done.words} is on a server connection that {shared.pooler} gives to other clients afterwards: "
                f"what comes next may not find it{shared.provided}"
            )
            yield self.finding(done.span, message, notes=notes, severity=shared.severity)
        elif done.transaction:
            message = (
                f"{done.words} stays on a server connection that {shared.pooler} gives to other clients: "
                f"whoever makes it there next finds that it exists{shared.provided}"
            )
            yield self.finding(done.span, message, notes=notes, fix=fix_of(done), severity=Severity.WARNING)


def is_lost(done: "Executed") -> bool:
    """Whether the transaction that makes the table ends before anything makes use of it."""
    return done.is_missed or (done.is_alone and own(done) is statements(done.text)[-1])


def own(done: "Executed") -> Statement:
    """The statement that makes the table."""
    return next(each for each in statements(done.text) if done.deed.end <= each.end)


def fix_of(done: "Executed") -> Fix | None:
    """The end of the table with the transaction, for one whose columns are written out."""
    words = [token.word for token in own(done).tokens]
    if done.statement is None or words[-1] != ")" or "TABLE" not in words or not {"AS", "ON"}.isdisjoint(words):
        return None
    end = done.statement._replace(start=done.statement.end)
    return Fix("Drop it with the transaction", (Edit(end, " ON COMMIT DROP"),), safe=False)
