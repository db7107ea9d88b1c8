"""The transaction that a call has its SQL executed in, as far as the function around the call shows it."""

import re
from collections.abc import Sequence
from enum import StrEnum, auto
from functools import lru_cache
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.sql.origins import Origin, is_own, origin_of
from poolcheck.read.python.syntax.bindings import dotted, inside
from poolcheck.read.python.values.callers import callers
from poolcheck.read.python.values.scope import Call, Definition, Scope
from poolcheck.source import Span


class Ending(StrEnum):
    """How a transaction ends, unless an exception ends it."""

    COMMIT = auto()
    ROLLBACK = auto()


class Transaction(NamedTuple):
    """The stretch of code that is executed in one transaction, and how that ends.

    It `is_single` where the statement is a transaction by itself, and `is_cut` where a call of `commit()` or the
    like ends it amid other code.
    """

    span: Span
    ending: Ending
    is_single: bool = False
    is_cut: bool = False


class Opened(NamedTuple):
    """What a `with` statement opens, and the body that it is open in."""

    item: cst.BaseExpression
    body: cst.BaseSuite


class Site(NamedTuple):
    """A call of a method, its `func`, and the scope that it is in.

    `around` is what `with` statements around it in its function opened, first to last, `within` are the branches,
    loops and handlers that it is in.
    """

    call: cst.Call
    func: cst.Attribute
    scope: Scope
    around: tuple[Opened, ...]
    within: frozenset[cst.CSTNode]

    @property
    def method(self) -> str:
        """The name of the method."""
        return self.func.attr.value

    @property
    def of(self) -> cst.BaseExpression:
        """What it is a method of."""
        return self.func.value


COMMITS_BY_ITSELF = frozenset(
    {Library.AIOPG, Library.ASYNCPG, Library.DATABASES, Library.DJANGO, Library.PEEWEE, Library.TORTOISE}
)
"""Whose connections commit each statement outside of a transaction that is begun.

The manuals of aiopg, asyncpg, databases, peewee and Tortoise, Transactions; Django's, Database transactions.
"""

_SHARED = frozenset({Library.DATABASES, Library.DJANGO, Library.PEEWEE, Library.TORTOISE})
"""Which lend all functions of a thread, or of a task, the same connection."""

_BEGINS_BY_ITSELF = frozenset({Library.SQLALCHEMY, Library.PSYCOPG, Library.PSYCOPG2})
"""Whose connections begin a transaction with the first statement, and leave it to the program to end it."""

_BEGINNING = frozenset({"atomic", "begin", "transaction"})
_SETS_AUTOCOMMIT = re.compile(
    r"\.\s*autocommit\s*=\s*True|set_autocommit\(\s*True|autocommit\s*=\s*True|ISOLATION_LEVEL_AUTOCOMMIT"
    r"|[\"']AUTOCOMMIT[\"']|set_isolation_level\(\s*0\s*\)"
)
_MAY_SET_AUTOCOMMIT = re.compile(r"autocommit(?!\s*=\s*False)", re.IGNORECASE)
_BEGINS_BY_HAND = re.compile(r"\.\s*(?:begin|transaction)\s*\(")


def transaction_of(site: Site, connection: cst.BaseExpression, origin: Origin) -> Transaction | None:
    """The transaction that a call on a connection is in; None where it is not seen."""
    if begun := _begun_around(site):
        return begun
    if _is_atomic(site.scope):
        return Transaction(site.scope.span(site.scope.functions[-1]), Ending.COMMIT)
    function = site.scope.functions[-1] if site.scope.functions else None
    if function is None:
        return None
    # A connection of the thread's or the task's may be in a transaction before the function is called.
    is_ours = origin.library not in _SHARED and (origin.event is not None or is_own(connection, site.scope))
    if not is_ours and _is_called_in_transactions(function, site.scope):
        return Transaction(site.scope.span(function), Ending.COMMIT)
    if origin.library in COMMITS_BY_ITSELF and is_ours and not _begins_by_hand(site):
        return Transaction(site.scope.span(site.call), Ending.COMMIT, is_single=True)
    if origin.library in _BEGINS_BY_ITSELF:
        return _begun_implicitly(site, function, origin, is_ours=is_ours)
    return None


def _begun_around(site: Site) -> Transaction | None:
    """The transaction that a `with` statement around the call begins and ends."""
    for call, body in site.around:
        if isinstance(call, cst.Call) and _method(call) in _BEGINNING:
            is_undone = any(each.keyword and each.keyword.value == "force_rollback" for each in call.args)
            return Transaction(site.scope.span(body), Ending.ROLLBACK if is_undone else Ending.COMMIT)
    return None


def _is_called_in_transactions(function: cst.FunctionDef, scope: Scope) -> bool:
    """Whether all that calls a function has begun a transaction before."""
    calls = callers(scope.module.project).of(Definition(function, scope.outside))
    return calls.is_complete and all(map(_is_made_in_one, calls.found))


def _is_made_in_one(call: Call) -> bool:
    """Whether a call is made in a transaction, as the function around it shows."""
    scope, place = call.scope, call.scope.span(call.node) if call.node else None
    if place is None or _is_atomic(scope):
        return place is not None
    roots = scope.functions[-1:] or scope.tree.statements
    around = (each for root in roots for each in (root, *inside(root)) if isinstance(each, cst.With))
    bodies = [
        scope.span(each.body) for each in around if any(_method(item.item) in _BEGINNING for item in each.items)
    ]
    return any(body.start <= place.start and place.end <= body.end for body in bodies)


def _is_atomic(scope: Scope) -> bool:
    """Whether Django has the function in a transaction, `@transaction.atomic`."""
    decorators = (decorator.decorator for function in scope.functions for decorator in function.decorators)
    return any(_method(each) == "atomic" for each in decorators)


def _method(node: cst.CSTNode) -> str:
    """The last name of what is called, or of a name."""
    func = node.func if isinstance(node, cst.Call) else node
    if isinstance(func, cst.Attribute):
        return func.attr.value
    return func.value if isinstance(func, cst.Name) else ""


def _begins_by_hand(site: Site) -> bool:
    """Whether the function begins a transaction otherwise than in a `with` statement."""
    return _BEGINS_BY_HAND.search(site.scope.module.code(site.scope.tree.piece)) is not None


def _begun_implicitly(
    site: Site, function: cst.FunctionDef, origin: Origin, *, is_ours: bool
) -> Transaction | None:
    """The transaction that the driver began with the first statement since the last commit.

    Where the connection is not the function's own, it is seen to end only by what the function does.
    """
    scope, place = site.scope, site.scope.span(site.call)
    piece = scope.tree.piece
    own = scope.module.source.text[piece.start : piece.end]
    if _SETS_AUTOCOMMIT.search(own):
        return Transaction(place, Ending.COMMIT, is_single=True)
    if _MAY_SET_AUTOCOMMIT.search(own) or _may_commit_by_itself(scope, origin):
        return None
    whole = scope.span(function)
    ends = [(scope.span(call), ending) for call, ending in endings_in(function)]
    start = max((span.end for span, _ in ends if span.end <= place.start), default=whole.start)
    after = [(span, ending) for span, ending in ends if span.start >= place.end]
    if after:
        span, ending = min(after)
        return Transaction(Span(place.path, start, span.end), ending, is_cut=True)
    return _at_the_end(site, function, origin, Span(place.path, start, whole.end)) if is_ours else None


def _may_commit_by_itself(scope: Scope, origin: Origin) -> bool:
    """Whether the module that makes the pool says anything of autocommit."""
    module = scope.module.project.module(origin.maker.path) if origin.maker else None
    return module is not None and _MAY_SET_AUTOCOMMIT.search(module.source.text) is not None


@lru_cache(maxsize=64)
def endings_in(function: cst.FunctionDef) -> Sequence[tuple[cst.Call, Ending]]:
    """The calls in a function that end a transaction."""
    endings = {"commit": Ending.COMMIT, "rollback": Ending.ROLLBACK}
    return [
        (node, endings[node.func.attr.value])
        for node in inside(function)
        if isinstance(node, cst.Call)
        and not node.args
        and isinstance(node.func, cst.Attribute)
        and node.func.attr.value in endings
    ]


def _at_the_end(site: Site, function: cst.FunctionDef, origin: Origin, stretch: Span) -> Transaction | None:
    """A transaction that nothing ends but leaving a `with` statement, or the function."""
    if origin.event == "connect":
        # SQLAlchemy rolls back before the connection's first use; psycopg's pool refuses it in a transaction.
        return Transaction(stretch, Ending.ROLLBACK)
    if origin.event:
        return None
    for item, _ in site.around:
        if _is_connection(item) and origin_of(item, site.scope) == origin:
            commits = origin.library is not Library.SQLALCHEMY
            return Transaction(stretch, Ending.COMMIT if commits else Ending.ROLLBACK)
    return None if _hands_out(function) else Transaction(stretch, Ending.ROLLBACK)


def _is_connection(node: cst.BaseExpression) -> bool:
    """Whether what a `with` statement is over ends the transaction: a connection does, a cursor does not."""
    return _method(node) not in {"closing", "cursor", "execute"}


@lru_cache(maxsize=64)
def _hands_out(function: cst.FunctionDef) -> bool:
    """Whether something else than plain values may leave the function, such as its connection."""
    return any(
        (isinstance(node, cst.Yield) and node.value is not None)
        or (isinstance(node, cst.Return) and isinstance(node.value, cst.Name | cst.Attribute | cst.Tuple))
        or (isinstance(node, cst.Assign) and any(_is_attribute(target.target) for target in node.targets))
        for node in inside(function)
    )


def _is_attribute(node: cst.BaseExpression) -> bool:
    return isinstance(node, cst.Attribute) and dotted(node) is not None
