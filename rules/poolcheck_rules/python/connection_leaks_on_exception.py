"""A connection that is given back unless an exception comes in between."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.python.facts import PythonModule
from poolcheck.read.python.leaks.checkouts import Checkout
from poolcheck.read.python.leaks.fate import Leaving, Outcome
from poolcheck.read.python.project.roles import Role
from poolcheck.rule import Rule

LEAVING = frozenset({Leaving.LOOPING, Leaving.RETURNING})
"""Where a handler may be told to leave."""


class ConnectionLeaksOnException(Rule[PythonModule]):
    id = "connection-leaks-on-exception"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, module: PythonModule) -> Iterator[Finding]:
        text = module.module.source.text
        for checkout in module.checkouts:
            fate = checkout.fate
            if fate is None or fate.outcome is not Outcome.SKIPPED_ON_EXCEPTION or checkout.role is Role.TEST:
                continue
            notes: list[Note] = []
            if fate.decided_at:
                is_lent = text.startswith("yield", fate.decided_at.start)
                notes.append(
                    Note(fate.decided_at, "if what is done with it raises" if is_lent else "if this raises")
                )
            notes += [Note(each.span, "and it is left here") for each in fate.left if each.how in LEAVING]
            if fate.release:
                notes.append(Note(fate.release, "this does not happen"))
            severity = self.severity.milder if checkout.runs_once else None
            yield self.finding(checkout.span, message(checkout), notes=notes, severity=severity)


def message(checkout: Checkout) -> str:
    """What does not happen, and what comes of it."""
    if checkout.is_opened:
        return f"an exception keeps {checkout.function}() from closing what {checkout.title} opens"
    consequence = f": {checkout.consequence}" if checkout.consequence else ""
    return f"an exception keeps {checkout.function}() from giving back what {checkout.title} takes{consequence}"
