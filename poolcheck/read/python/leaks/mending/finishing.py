"""Fixes that give a connection back in `finally`."""

from collections.abc import Iterator, Sequence

import libcst as cst

from poolcheck.finding import Fix
from poolcheck.read.python.leaks.following.deed import Deed
from poolcheck.read.python.leaks.following.roles import raises_at_yield
from poolcheck.read.python.leaks.mending.behind import is_read_behind, is_read_where_it_fails, names_in
from poolcheck.read.python.leaks.mending.entered import Entered, entered_as, is_over_behind
from poolcheck.read.python.leaks.mending.objects import hands_out_objects
from poolcheck.read.python.leaks.mending.standing import Assigned, Standing, around, assigned
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.libraries.terms import With
from poolcheck.read.python.syntax.bindings import bound_in, dotted, inside
from poolcheck.read.python.syntax.indentation import is_alone
from poolcheck.source import Edit


def released_in_finally(taken: Standing) -> Fix | None:
    """`try` around what is done with a connection, and in `finally` the one statement that gives it back.

    It is not safe where a function that is not seen may give it back as well, and doing so twice is a fault.
    """
    named = assigned(taken)
    at = _release_at(named, taken) if named else None
    if named is None or at is None or not _may_be_wrapped(named, at, taken):
        return None
    is_closed = _closes(named.behind[at], named.name, taken)
    edits = tuple(_in_finally(named, at))
    title = "Close it in finally" if is_closed else "Give it back in finally"
    may_be_closed_twice = is_closed and taken.library in _CLOSED_TWICE
    return Fix(title, edits, safe=may_be_closed_twice or not _used_until(named, at, {Deed.HANDED}, taken))


_CLOSED_TWICE = frozenset({Library.PSYCOPG, Library.PSYCOPG2, Library.SQLALCHEMY})
"""Libraries whose connections may be closed once more. Source: PyMySQL's raise an error then."""


def _release_at(named: Assigned, taken: Standing) -> int | None:
    """Which of the statements behind the assignment gives it back; None where none of them is that."""
    nodes = {use.node for _, use in taken.uses if use.deed is Deed.RELEASED}
    found = (at for at, each in enumerate(named.behind) if expression_of(each) in nodes)
    return next(found, None)


def expression_of(statement: cst.CSTNode) -> cst.BaseExpression | None:
    """The expression that a statement consists of, without `await`."""
    match statement:
        case cst.SimpleStatementLine(body=[cst.Expr(value=value)]) if is_alone(statement):
            return value.expression if isinstance(value, cst.Await) else value
        case _:
            return None


def _closes(statement: cst.CSTNode, name: str, taken: Standing) -> bool:
    """Whether a statement calls a method of the connection."""
    match expression_of(statement):
        case cst.Call(func=cst.Attribute(value=cst.Name(value=owner), attr=cst.Name(value=method))):
            return owner == name and method in taken.terms.closing
        case _:
            return False


def _may_be_wrapped(named: Assigned, at: int, taken: Standing) -> bool:
    between, release = named.behind[:at], named.behind[at]
    if not between or taken.is_gone or hands_out_objects(taken, between):
        return False
    if _used_until(named, at, {Deed.RELEASED, Deed.IN_VAIN}, taken):
        return False
    needed = {*names_in(release)}
    if any(needed & bound_in(each).keys() for each in between):
        return False
    is_yielding = any(isinstance(node, cst.Yield) for each in between for node in inside(each))
    if is_yielding and not raises_at_yield(taken.function, taken.scope):
        return False
    return not (
        is_read_behind(taken.own, release, taken.around)
        or is_read_where_it_fails(taken.names, release, taken.around)
    )


def _used_until(named: Assigned, at: int, deeds: set[Deed], taken: Standing) -> bool:
    """Whether something is done with it between the assignment and a statement behind it."""
    block = named.block
    return bool(taken.used_in(block.ends_at(named.statement), block.starts_at(named.behind[at]), deeds))


def _in_finally(named: Assigned, at: int) -> Iterator[Edit]:
    block, between, release = named.block, named.behind[:at], named.behind[at]
    head = block.head_of(release, block.ends_at(between[-1]))
    if not _is_unfinished(between):
        start = block.first_line(block.ends_at(named.statement), block.starts_at(between[0]))
        yield block.lines(start, "try:")
        yield from block.shifted(start, head)
    yield block.lines(head, "finally:")
    yield from block.shifted(head, block.ends_at(release))


def _is_unfinished(statements: Sequence[cst.CSTNode]) -> bool:
    """Whether it is one `try` statement and no more, that has no `finally` yet."""
    match statements:
        case [cst.Try(finalbody=None) | cst.TryStar(finalbody=None)]:
            return True
        case _:
            return False


_POOLS = frozenset({Library.PSYCOPG, Library.PSYCOPG2})


def returned_to_pool(taken: Standing) -> Fix | None:
    """`with pool.getconn() as conn` becomes an assignment, `with conn`, and `pool.putconn(conn)` in `finally`."""
    entered = entered_as(taken)
    match taken.call.func:
        case cst.Attribute(value=pool, attr=cst.Name(value="getconn")) if entered:
            receiver = dotted(pool)
            if receiver is None or not _may_be_returned(entered, receiver, taken):
                return None
            edits = _returned(entered, receiver, taken)
            return Fix("Give it back in finally", edits) if edits else None
        case _:
            return None


def _may_be_returned(entered: Entered, receiver: str, taken: Standing) -> bool:
    is_known = taken.library in _POOLS and taken.terms.entered is With.ENDS_TRANSACTION
    if not is_known or taken.checkout.is_wrapped or not is_over_behind(entered, taken):
        return False
    return receiver.partition(".")[0] not in {entered.name, *bound_in(entered.statement)}


def _returned(entered: Entered, receiver: str, taken: Standing) -> tuple[Edit, ...]:
    """The edits; none where the `with` statement has other shape than they are made for."""
    block = around(entered.statement, taken)
    item = entered.span(taken)
    taking = taken.text[item.start : taken.scope.span(taken.site).end]
    written = taken.text[item.start : item.end]
    if block is None or entered.statement.items[0] is not entered.item or "\n" in written or "\r" in written:
        return ()
    start, end = block.starts_at(entered.statement), block.ends_at(entered.statement)
    given_back = f"{'await ' if taken.is_awaited else ''}{receiver}.putconn({entered.name})"
    return (
        block.lines(start, f"{entered.name} = {taking}", "try:"),
        *block.shifted(start, end),
        Edit(item, entered.name),
        block.lines(end, "finally:", f"{block.step}{given_back}"),
    )
