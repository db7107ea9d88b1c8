"""Why nothing is said of a connection that is taken: each time for one of a few named reasons."""

from enum import StrEnum
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.leaks.following.deed import Deed, Use
from poolcheck.read.python.leaks.following.deeds import is_endless
from poolcheck.read.python.leaks.following.surroundings import Surroundings
from poolcheck.read.python.syntax.bindings import bound_in, last_name
from poolcheck.source import Span


class Reason(StrEnum):
    """What becomes of a connection, or what it is, that nothing is said of."""

    RELEASED = "given back on all ways"
    ENTERED = "given back by a `with` statement"
    DROPPED = "goes back when nothing refers to it any more"
    NOT_AWAITED = "not taken by a call that nothing awaits"
    ENDLESS = "kept by a function that does not end"
    RETURNED = "returned to the caller"
    YIELDED = "yielded to somebody who may not come back"
    STORED = "stored on an object"
    CONTAINED = "kept in a container"
    GLOBAL = "kept in a global variable"
    CAPTURED = "captured by a closure"
    LISTENING = "kept to listen for more"
    KEPT = "handed to what may keep it"
    HANDED = "handed to a function that is not seen"
    NOT_FOLLOWED = "goes where it is not followed"
    GIVEN_UP = "goes on more ways than are followed"
    KEYED = "the connection of a key, the same as before"
    OF_MODULE = "the module's own"
    POOL_CLOSED = "closed with its pool by the function"
    POOL_OWN = "of a pool that the function makes itself"
    GUESSED = "only a name tells what it is taken from"
    IN_TEST = "taken in a test"


class Silence(NamedTuple):
    """Why nothing is said, and the place that tells."""

    reason: Reason
    at: Span | None = None


_FILLING = frozenset(
    {"add", "append", "appendleft", "extend", "insert", "put", "put_nowait", "setdefault", "update"}
)
"""Methods of containers that keep what they are given."""


def where_it_went(use: Use, around: Surroundings, site: cst.CSTNode) -> Reason:
    """What the use is after which somebody else has the connection that an expression takes."""
    match use.deed:
        case Deed.RETURNED:
            return Reason.RETURNED
        case Deed.YIELDED:
            return Reason.YIELDED
        case Deed.HANDED:
            return Reason.HANDED
        case Deed.WRAPPED:
            return Reason.KEPT
        case _ if _is_captured(use.node, around):
            return Reason.CAPTURED
        case _:
            found = _where_it_went(use.node, around)
            return _given(use.node) if found is Reason.NOT_FOLLOWED and use.node is not site else found


def _where_it_went(node: cst.CSTNode, around: Surroundings) -> Reason:
    is_contained = False
    for outer in (node, *around.ancestors(node)):
        match outer:
            case cst.Return():
                return Reason.RETURNED
            case cst.Yield():
                return Reason.YIELDED
            case cst.For() | cst.CompFor():
                return Reason.LISTENING if is_endless(outer.iter) else Reason.NOT_FOLLOWED
            case cst.Assign() | cst.AnnAssign():
                return Reason.CONTAINED if is_contained else _assigned(outer, around)
            case cst.Arg():
                return _given(around.parent(outer) or outer)
            case cst.BaseElement() | cst.BaseDictElement() | cst.BaseComp():
                is_contained = True
            case cst.BaseSmallStatement() | cst.BaseCompoundStatement():
                break
            case _:
                pass
    return Reason.CONTAINED if is_contained else Reason.NOT_FOLLOWED


def _is_captured(node: cst.CSTNode, around: Surroundings) -> bool:
    if isinstance(node, cst.FunctionDef | cst.Lambda):
        return node is not around.function
    owners = (each for each in around.ancestors(node) if isinstance(each, cst.FunctionDef | cst.Lambda))
    return next(owners, around.function) is not around.function


def _given(called: cst.CSTNode) -> Reason:
    """What a function, or a method of the connection, does that has it from then on."""
    if not isinstance(called, cst.Call):
        return Reason.NOT_FOLLOWED
    is_method = isinstance(called.func, cst.Attribute)
    if is_method and is_endless(called.func):
        return Reason.LISTENING
    return Reason.CONTAINED if is_method and last_name(called.func) in _FILLING else Reason.KEPT


def _assigned(assignment: cst.Assign | cst.AnnAssign, around: Surroundings) -> Reason:
    if isinstance(assignment, cst.Assign):
        targets = [each.target for each in assignment.targets]
    else:
        targets = [assignment.target]
    for target in targets:
        match target:
            case cst.Attribute():
                return Reason.STORED
            case cst.Subscript():
                return Reason.CONTAINED
            case cst.Name(value=name) if name not in bound_in(around.function):
                return Reason.GLOBAL
            case _:
                pass
    return Reason.NOT_FOLLOWED
