"""Fixes that take a connection in a `with` statement, which gives it back."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import libcst as cst

from poolcheck.finding import Fix
from poolcheck.read.python.leaks.following.deed import Deed, Use
from poolcheck.read.python.leaks.following.outcome import Outcome
from poolcheck.read.python.leaks.following.roles import raises_at_yield
from poolcheck.read.python.leaks.mending.behind import mentions
from poolcheck.read.python.leaks.mending.entered import inserted
from poolcheck.read.python.leaks.mending.finishing import expression_of
from poolcheck.read.python.leaks.mending.objects import hands_out_objects, needing, receiving
from poolcheck.read.python.leaks.mending.standing import Assigned, Standing, around, assigned, is_done_with
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.libraries.terms import With
from poolcheck.read.python.syntax.bindings import bound_in, inside, last_name
from poolcheck.source import Edit, Span

_ACQUIRED = frozenset({Library.AIOMYSQL, Library.AIOPG, Library.ASYNCMY, Library.ASYNCPG})


class _Manner(NamedTuple):
    """How a `with` statement takes what an assignment took.

    `keyword` stands before the call, in place of what did. `renamed` is another method of the pool's, that is to
    be called instead. It `replaces` what gives the connection back.
    """

    title: str
    keyword: str
    renamed: str = ""
    replaces: bool = False


_CLOSING = "Close it at the end of a with block"
_GIVING_BACK = "Give it back at the end of a with block"


def taken_in_with(taken: Standing) -> Fix | None:
    """A `with` statement around all that uses the connection, in place of the assignment.

    That is not safe: it may commit what was rolled back before.
    """
    named, manner = assigned(taken), _manner(taken)
    if named is None or manner is None or named.has_type:
        return None
    releases = [use for _, use in taken.uses if use.deed is Deed.RELEASED]
    removed = [_removed(use, named, taken) for use in releases]
    used = needing(taken) | receiving(taken)
    last = max((at for at, each in enumerate(named.behind) if mentions(each, used)), default=None)
    if last is None or (releases and not manner.replaces) or not _may_be_entered(named, last, used, taken):
        return None
    edits = [*_entering(named, manner, taken)]
    taken_out = [each for each in removed if each]
    if not edits or len(taken_out) < len(removed):
        return None
    shifted = named.block.shifted(named.block.ends_at(named.statement), named.block.ends_at(named.behind[last]))
    edits += [each for each in shifted if not any(_is_inside(each.span, other.span) for other in taken_out)]
    return Fix(manner.title, (*edits, *taken_out), safe=False)


def _manner(taken: Standing) -> _Manner | None:
    """How a `with` statement takes such a connection; None where there is no certain way."""
    checkout, terms = taken.checkout, taken.terms
    library = taken.library
    is_method = not checkout.is_wrapped and isinstance(taken.call.func, cst.Attribute)
    asynchronously = "async with" if terms.takes_when_awaited else "with"
    if is_method and checkout.asked == "acquire" and library in _ACQUIRED and taken.is_awaited:
        return _Manner(_GIVING_BACK, "async with", replaces=True)
    if is_method and checkout.asked == "getconn" and library is Library.PSYCOPG:
        return _Manner(_GIVING_BACK, asynchronously, "connection", replaces=True)
    if terms.entered is not With.GIVES_BACK or _outcome(taken) is not Outcome.NEVER_RELEASED:
        return None
    if terms.is_session:
        return None if taken.is_awaited else _Manner(_CLOSING, "async with" if terms.is_lost else "with")
    if checkout.is_opened and library is Library.PSYCOPG:
        return _Manner(_CLOSING, "async with await" if taken.is_awaited else "with")
    if checkout.asked == "connect" and library in {Library.SQLALCHEMY, None}:
        return None if taken.is_awaited and not is_method else _Manner(_CLOSING, asynchronously)
    return None


def _outcome(taken: Standing) -> Outcome | None:
    return taken.checkout.fate.outcome if taken.checkout.fate else None


def _may_be_entered(named: Assigned, last: int, used: frozenset[str], taken: Standing) -> bool:
    region = named.behind[: last + 1]
    start, end = named.block.ends_at(named.statement), named.block.ends_at(region[-1])
    if taken.is_gone or hands_out_objects(taken, region) or taken.used_in(start, end, {Deed.IN_VAIN}):
        return False
    if any(named.name in bound_in(each) for each in region):
        return False
    is_yielding = any(isinstance(node, cst.Yield) for each in region for node in inside(each))
    if is_yielding and not raises_at_yield(taken.function, taken.scope):
        return False
    return is_done_with(used, region[-1], taken)


def _entering(named: Assigned, manner: _Manner, taken: Standing) -> Iterator[Edit]:
    """The edits of the assignment; none where it has other shape than they are made for."""
    text, statement = taken.text, named.block.span(named.statement)
    call, site = taken.scope.span(taken.call), taken.scope.span(taken.site)
    awaited = r"await\s+" if taken.is_awaited else ""
    before = text[statement.start : call.start]
    if not re.fullmatch(rf"{named.name}\s*=\s*{awaited}", before) or site.end != statement.end:
        return
    yield Edit(Span(call.path, statement.start, call.start), f"{manner.keyword} ")
    match taken.call.func:
        case cst.Attribute(attr=attribute) if manner.renamed:
            yield Edit(taken.scope.span(attribute), manner.renamed)
        case _:
            pass
    yield inserted(call, call.end, f" as {named.name}:")


def _removed(use: Use, named: Assigned, taken: Standing) -> Edit | None:
    """An edit that takes out what gives it back; None where the `with` statement may do so at another time."""
    expression = use.node
    inner = taken.around.parent(taken.around.awaited(expression))
    statement = taken.around.parent(inner) if inner else None
    is_returned = isinstance(expression, cst.Call) and last_name(expression.func) in taken.terms.returning
    if statement is None or not is_returned or expression_of(statement) is not expression:
        return None
    block = around(statement, taken)
    if block is None or not isinstance(statement, cst.BaseStatement):
        return None
    behind = block.statements[block.statements.index(statement) + 1 :]
    if statement in named.behind:
        is_last = not any(mentions(each, taken.names) for each in behind)
        is_all = named.behind[0] is statement
        return block.removed(statement) if is_last and not is_all else None
    return block.removed(statement) if _leaves(behind, named, taken) else None


def _leaves(behind: Sequence[cst.BaseStatement], named: Assigned, taken: Standing) -> bool:
    """Whether the next statement leaves the block that the connection is taken in."""
    match behind:
        case [cst.SimpleStatementLine(body=[cst.Return()]), *_]:
            return True
        case [cst.SimpleStatementLine(body=[cst.Raise()]) as statement, *_]:
            above = _above(statement, named, taken)
            return not any(
                isinstance(outer, cst.Try | cst.TryStar) and inner is outer.body for inner, outer in above
            )
        case [cst.SimpleStatementLine(body=[cst.Break() | cst.Continue()]) as statement, *_]:
            return not any(isinstance(outer, cst.For | cst.While) for _, outer in _above(statement, named, taken))
        case _:
            return False


def _above(statement: cst.CSTNode, named: Assigned, taken: Standing) -> Iterator[tuple[cst.CSTNode, cst.CSTNode]]:
    """The nodes around a statement, up to the block that takes the connection, each behind what it is around."""
    inner = statement
    for outer in taken.around.ancestors(statement):
        if inner in named.behind:
            return
        yield inner, outer
        inner = outer


def _is_inside(span: Span, other: Span) -> bool:
    return other.start <= span.start < other.end
