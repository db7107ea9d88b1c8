"""What exceptions are on their way, and what catches them."""

from enum import StrEnum, auto

import libcst as cst

from poolcheck.read.python.leaks.flow.handlers import catches_all, exceptions_named
from poolcheck.read.python.leaks.flow.nodes import Node
from poolcheck.read.python.syntax.bindings import last_name

CATCHING = frozenset(
    {
        "BaseException", "DBAPIError", "DatabaseError", "Error", "Exception", "IntegrityError", "InterfaceError",
        "MySQLError", "OperationalError", "PostgresError", "ProgrammingError", "SQLAlchemyError",
    }
)  # fmt: skip
"""Exceptions whose handlers are taken to catch whatever the server may answer."""

_ENDING = frozenset({"BaseException", "CancelledError", "GeneratorExit", "get_cancelled_exc_class"})
"""Exceptions that end a task, or a generator, and are no `Exception`."""


class Raised(StrEnum):
    """What is on its way: what a server may answer, or anything; or what a `raise` says.

    Or what ends a task that is `CANCELLED`, and a generator that nobody goes on with: no `Exception`.
    """

    BY_SERVER = auto()
    ANYTHING = auto()
    SAID = auto()
    CANCELLED = auto()


def said(node: Node) -> str:
    """The name of the exception that a `raise` raises."""
    match node.syntax:
        case cst.Raise(exc=cst.Call(func=func)):
            return last_name(func)
        case cst.Raise(exc=cst.Name() | cst.Attribute() as named):
            name = last_name(named)
            return name if name[:1].isupper() else ""
        case _:
            return ""


def swallows(item: cst.CSTNode | None, exception: str) -> bool:
    """Whether `suppress` surely ends what is on its way."""
    match item:
        case cst.WithItem(item=cst.Call(func=func, args=args)) if last_name(func) == "suppress":
            return _are_caught({last_name(each.value) for each in args}, exception) is True
        case _:
            return False


def catches(handler: cst.CSTNode, exception: str) -> bool | None:
    """Whether a handler catches what is on its way; None where it may."""
    return True if catches_all(handler) else _are_caught({*exceptions_named(handler)}, exception)


def _are_caught(named: set[str], exception: str) -> bool | None:
    """Whether what is on its way is one of the exceptions named; None where it may be."""
    if exception == Raised.CANCELLED:
        return bool(named & _ENDING)
    if named & {"BaseException", "Exception", exception}:
        return True
    if exception == Raised.BY_SERVER and named & CATCHING:
        return True
    # Another exception that a `raise` names may inherit from the one that is caught.
    return None
