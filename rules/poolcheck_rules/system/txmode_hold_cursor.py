"""A cursor that outlives its transaction on a server connection that a pooler gives to other clients."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from poolcheck.finding import Finding, Fix, Severity, one_for_each_place
from poolcheck.read.sql.acts import Act
from poolcheck.rule import Rule
from poolcheck.source import Edit
from poolcheck.system.clients import Sent, operands
from poolcheck.system.whole import SystemWithLinks

if TYPE_CHECKING:
    from poolcheck.read.python.sql.executed import Executed


class TxmodeHoldCursor(Rule[SystemWithLinks]):
    id = "txmode-hold-cursor"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: SystemWithLinks) -> Iterator[Finding]:
        yield from one_for_each_place(found for sent in system.sent for found in self.of_one(sent))

    def of_one(self, sent: Sent) -> Iterator[Finding]:
        """What is wrong with one statement on a connection of one pool."""
        done, shared = sent.executed, sent.shared
        if shared and done.act is Act.HOLD and done.is_kept:
            message = (
                f"{done.words} keeps a cursor on a server connection that {shared.pooler} gives to other clients "
                f"when the transaction ends{shared.provided}"
            )
            notes = operands(shared.because, done.span)
            yield self.finding(done.span, message, notes=notes, fix=fix_of(done), severity=shared.severity)


def fix_of(done: "Executed") -> Fix | None:
    """A cursor for the transaction, where a method declares it in one that lasts as long as the code around it."""
    if done.text or done.transaction is None or done.is_alone or done.transaction.is_cut:
        return None
    return Fix("Have the cursor end with the transaction", (Edit(done.span, "withhold=False"),), safe=False)
