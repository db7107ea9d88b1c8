"""Whether a name is read behind a statement, before it is bound anew."""

from collections.abc import Iterable, Iterator, Sequence

import libcst as cst

from poolcheck.read.python.leaks.following.surroundings import Surroundings
from poolcheck.read.python.syntax.bindings import names_bound
from poolcheck.read.python.syntax.trees import children


def names_in(node: cst.CSTNode) -> Iterator[str]:
    """The names that stand in a node, other than those of attributes and of keywords."""
    waiting = [node]
    while waiting:
        each = waiting.pop()
        match each:
            case cst.Name(value=name):
                yield name
            case cst.Attribute(value=value) | cst.Arg(value=value):
                waiting.append(value)
            case _:
                waiting += children(each)


def mentions(node: cst.CSTNode, names: frozenset[str]) -> bool:
    """Whether one of these names stands anywhere in a node."""
    return any(name in names for name in names_in(node)) if names else False


def is_read_where_it_fails(names: frozenset[str], statement: cst.CSTNode, around: Surroundings) -> bool:
    """Whether one of these names stands where an exception in a statement may lead inside of the function."""
    inner = statement
    for outer in around.ancestors(statement):
        if outer is around.function:
            return False
        if isinstance(outer, cst.Try | cst.TryStar):
            others = [each for each in _of_try(outer) if each is not inner and each is not outer.body]
            if any(_left_by(each, names) is None for each in others):
                return True
        inner = outer
    return False


def is_read_behind(names: frozenset[str], statement: cst.CSTNode, around: Surroundings) -> bool:
    """Whether one of these names may be read once a statement is done. In doubt it is."""
    live: frozenset[str] | None = names
    inner = statement
    for outer in around.ancestors(statement):
        if outer is around.function or not live:
            break
        match outer:
            case cst.IndentedBlock():
                live = _left(_behind(inner, outer), live)
            case cst.For() | cst.While() if inner is outer.body:
                is_read = isinstance(outer, cst.While) and mentions(outer.test, live)
                if is_read or _left_by(outer.body, live - _bound(outer)) is None:
                    return True
                live = _left_by(outer.orelse, live) if outer.orelse else live
            case _:
                pass
        inner = outer
    return live is None


def _behind(statement: cst.CSTNode, block: cst.IndentedBlock) -> Sequence[cst.CSTNode]:
    at = next(at for at, each in enumerate(block.body) if each is statement)
    return block.body[at + 1 :]


def _left(nodes: Iterable[cst.CSTNode], live: frozenset[str]) -> frozenset[str] | None:
    """Which names are not bound anew by what is executed in this order; None where one is read before it is."""
    for node in nodes:
        found = _left_by(node, live)
        if found is None:
            return None
        live = found
    return live


def _left_by(node: cst.CSTNode, live: frozenset[str]) -> frozenset[str] | None:
    match node:
        case cst.IndentedBlock() | cst.SimpleStatementSuite() | cst.SimpleStatementLine():
            return _left(node.body, live)
        case cst.Return() | cst.Raise():
            return None if mentions(node, live) else frozenset()
        case cst.Else(body=body) | cst.Finally(body=body) | cst.ExceptHandler(type=None, body=body):
            return _left_by(body, live)
        case cst.ExceptHandler(type=cst.BaseExpression() as caught, body=body):
            return None if mentions(caught, live) else _left_by(body, live)
        case cst.Assign(targets=targets, value=value) if all(
            isinstance(each.target, cst.Name) for each in targets
        ):
            return None if mentions(value, live) else live - _bound(node)
        case cst.With():
            return _left_by_with(node, live)
        case cst.For():
            return _left_by_loop(node, live)
        case cst.If():
            return _left_by_branches(node, live)
        case cst.Try():
            # What fails in it may have bound nothing as yet.
            parts = _of_try(node)
            return None if any(_left_by(each, live) is None for each in parts) else live
        case _:
            return None if mentions(node, live) else live


def _left_by_with(statement: cst.With, live: frozenset[str]) -> frozenset[str] | None:
    for item in statement.items:
        if mentions(item.item, live):
            return None
        live -= _bound(item)
    # It may go on behind an exception that it swallows.
    return live if _left_by(statement.body, live) is not None else None


def _left_by_loop(loop: cst.For, live: frozenset[str]) -> frozenset[str] | None:
    if mentions(loop.iter, live) or _left_by(loop.body, live - _bound(loop)) is None:
        return None
    return live if loop.orelse is None or _left_by(loop.orelse, live) is not None else None


def _left_by_branches(branch: cst.If, live: frozenset[str]) -> frozenset[str] | None:
    if mentions(branch.test, live):
        return None
    then = _left_by(branch.body, live)
    otherwise = _left_by(branch.orelse, live) if branch.orelse else live
    return None if then is None or otherwise is None else then | otherwise


def _of_try(statement: cst.Try | cst.TryStar) -> Iterable[cst.CSTNode]:
    """The parts of a `try` statement."""
    found = (statement.body, *statement.handlers, statement.orelse, statement.finalbody)
    return [each for each in found if each]


def _bound(node: cst.CSTNode) -> frozenset[str]:
    """The names that a node, the target of a loop too, binds."""
    return frozenset(name for name, _ in names_bound(node))
