"""A connection that is used behind the end of the `with` statement that lent it."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.python.facts import PythonModule
from poolcheck.read.python.leaks.outliving.escapes import Escape, How, escapes_in
from poolcheck.read.python.leaks.outliving.lending import Lent
from poolcheck.read.python.project.roles import Role
from poolcheck.rule import Rule

BY_THEN = {
    Lent.CLOSED: "it is closed by then",
    Lent.CONNECTION: "it is closed by then, and what is asked of it raises ResourceClosedError",
    Lent.RELEASED: "what is asked of it then raises InterfaceError, as the pool has it again",
    Lent.SESSION: "it is closed by then, and its next statement takes a connection that no with gives back",
    Lent.SHARED: "its pool has it again by then, and lends it to another at the same time",
}
"""What becomes of it."""


class ConnectionEscapesWith(Rule[PythonModule]):
    id = "connection-escapes-with"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, module: PythonModule) -> Iterator[Finding]:
        if module.role is Role.TEST:
            return
        for escape in escapes_in(module.module):
            notes = [Note(escape.lender, "lent for this block")]
            notes += [Note(escape.asked_by, "each such request gets it")] if escape.asked_by else []
            by_then = "they are gone by then" if escape.how is How.STREAM else BY_THEN[escape.lent]
            message = f"{outliving(escape)}: {by_then}"
            severity = severity_of(escape)
            severity = severity if module.role is Role.APPLICATION else severity.milder
            yield self.finding(escape.span, message, notes=notes, severity=severity)


def outliving(escape: Escape) -> str:
    """What is done that takes it beyond the block."""
    function, name, what = f"{escape.function}()", escape.name, escape.as_what
    match escape.how:
        case How.RETURNED:
            return f"{function} returns {name} out of its with"
        case How.STORED:
            return f"{function} leaves {name} in {what} behind its with"
        case How.CAPTURED:
            return f"{function} returns {what} out of the with whose {name} it uses"
        case How.ITERATED:
            return f"{what} runs behind the with of {function} whose {name} it uses"
        case How.CURSOR:
            return f"{function} returns a cursor that has executed nothing out of the with of {name}"
        case How.STREAM:
            return f"{function} returns rows that have not come out of the with of {name}"
        case How.QUERY:
            return f"{function} returns a query that has not run out of the with of {name}"
        case How.USED:
            return f"{function} uses {name} behind its with"


def severity_of(escape: Escape) -> Severity:
    """A session does go on working, and is closed with luck; where a request gets it, nobody does."""
    is_milder = escape.lent is Lent.SESSION and escape.asked_by is None and escape.how is not How.STREAM
    return Severity.WARNING if is_milder else Severity.ERROR
