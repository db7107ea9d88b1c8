"""The objects that a session hands out, which need it again for what they have not loaded yet."""

from collections.abc import Iterable, Iterator

import libcst as cst

from poolcheck.read.python.leaks.following.words import BORROWING
from poolcheck.read.python.leaks.mending.behind import mentions
from poolcheck.read.python.leaks.mending.standing import Standing
from poolcheck.read.python.syntax.bindings import inside, last_name, names_bound

_NUMBERS = frozenset({"bool", "count", "len"})
"""Functions and methods whose results are never objects."""


def needing(taken: Standing) -> frozenset[str]:
    """The names of all that may need the connection: those of the objects as well where it is a session's."""
    if not taken.terms.is_session:
        return taken.names
    found, before = taken.names, frozenset[str]()
    imported = {each.name for each in taken.module.imports}
    while found != before:
        before = found
        found |= {name for node in inside(taken.function) for name in _filled(node, found)} - imported
    return found


def receiving(taken: Standing) -> frozenset[str]:
    """The names of what has methods that the connection is passed to, and that may go on using it."""
    found: set[str] = set()
    for node in inside(taken.function):
        match node:
            case cst.Call(func=cst.Attribute(attr=cst.Name(value=name))) if name not in BORROWING:
                found |= {*_filled(node, taken.names)}
            case _:
                pass
    return frozenset(found)


def hands_out_objects(taken: Standing, statements: Iterable[cst.CSTNode]) -> bool:
    """Whether statements return or yield what needs the session that they use."""
    if not taken.terms.is_session:
        return False
    names = needing(taken)
    for node in (each for statement in statements for each in inside(statement)):
        match node:
            case cst.Return(value=cst.Call(func=func)) if last_name(func) in _NUMBERS:
                pass
            case cst.Return(value=cst.BaseExpression() as value) if mentions(value, names):
                return True
            case cst.Yield(value=cst.CSTNode() as value) if mentions(value, names - taken.own):
                return True
            case _:
                pass
    return False


def _filled(node: cst.CSTNode, names: frozenset[str]) -> Iterator[str]:
    """The names of what a node puts into them that was made of others."""
    match node:
        case cst.For(iter=iterated) | cst.CompFor(iter=iterated):
            if mentions(iterated, names):
                yield from _roots(node)
        case cst.Call(func=cst.Attribute(value=owner), args=args):
            if any(mentions(each, names) for each in args) and (root := _root(owner)):
                yield root
        case cst.Assign() | cst.AnnAssign() | cst.AugAssign():
            if node.value and mentions(node.value, names):
                yield from _roots(node)
                targets = [each.target for each in node.targets] if isinstance(node, cst.Assign) else [node.target]
                yield from (root for each in targets if (root := _root(each)))
        case cst.NamedExpr() | cst.WithItem() if mentions(node, names):
            yield from _roots(node)
        case _:
            pass


def _roots(node: cst.CSTNode) -> Iterator[str]:
    yield from (name.partition(".")[0] for name, _ in names_bound(node))


def _root(node: cst.CSTNode) -> str | None:
    """The name that an attribute or an element is one of."""
    while isinstance(node, cst.Attribute | cst.Subscript | cst.Call):
        node = node.func if isinstance(node, cst.Call) else node.value
    return node.value if isinstance(node, cst.Name) else None
