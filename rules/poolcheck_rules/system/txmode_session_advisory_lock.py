"""An advisory lock that belongs to a server connection, which a pooler gives to other clients."""

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


class TxmodeSessionAdvisoryLock(Rule[SystemWithLinks]):
    id = "txmode-session-advisory-lock"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: SystemWithLinks) -> Iterator[Finding]:
        yield from one_for_each_place(found for sent in system.sent for found in self.of_one(sent))

    def of_one(self, sent: Sent) -> Iterator[Finding]:
        """What is wrong with one statement on a connection of one pool."""
        done, shared = sent.executed, sent.shared
        if shared and done.act is Act.LOCK and done.is_kept:
            message = (
                f"{done.words} takes a lock for the server connection, which {shared.pooler} gives to other "
                f"clients afterwards{shared.provided}"
            )
            notes = operands(shared.because, done.span)
            yield self.finding(done.span, message, notes=notes, fix=fix_of(done), severity=shared.severity)


def fix_of(done: "Executed") -> Fix | None:
    """A lock for the transaction, where more is done in it."""
    if done.written != done.span or done.is_alone or not done.is_followed:
        return None
    lock = done.phrase.replace("advisory_", "advisory_xact_", 1)
    return Fix("Take the lock for the transaction", (Edit(done.span, lock),), safe=False)
