"""A temporary table that is left on a server connection, which a pooler gives to other clients."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from poolcheck.finding import Finding, Severity
from poolcheck.read.sql.acts import Act
from poolcheck.read.sql.statements import statements
from poolcheck.rule import Rule
from poolcheck.system import Sent, System, one_for_each_place, operands

if TYPE_CHECKING:
    from poolcheck.read.python.executed import Executed


class TxmodeTempTable(Rule[System]):
    id = "txmode-temp-table"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        yield from one_for_each_place(found for sent in system.sent for found in self.of_one(sent))

    def of_one(self, sent: Sent) -> Iterator[Finding]:
        """What is wrong with one statement on a connection of one pool."""
        done, shared = sent.executed, sent.shared
        if shared and done.act is Act.TEMP and done.is_kept and is_left(done):
            message = (
                f"{done.words} is on a server connection that {sent.pooler} gives to other clients afterwards: "
                f"what comes next may not find it{shared.provided}"
            )
            notes = operands(shared.because, done.span)
            severity = None if shared.is_certain else Severity.WARNING
            yield self.finding(done.span, message, notes=notes, severity=severity)


def is_left(done: "Executed") -> bool:
    """Whether the transaction that makes the table ends before anything makes use of it."""
    return done.is_missed or (done.is_alone and statements(done.text)[-1].end <= _end_of_statement(done))


def _end_of_statement(done: "Executed") -> int:
    """Behind the statement that makes the table; the end of the text where that is all there is."""
    return next((each.end for each in statements(done.text) if done.deed.end <= each.end), len(done.text))
