"""What a module does to the sessions that it executes SQL in, on whose connections, and what becomes of it."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.sql.done import Done, done_at, sites_in
from poolcheck.read.python.sql.origins import Origin, origin_of
from poolcheck.read.python.sql.query_sets import origin_of_query_set
from poolcheck.read.python.sql.sql_pieces import pieces_executing
from poolcheck.read.python.sql.transactions import (
    COMMITS_BY_ITSELF,
    Ending,
    Transaction,
    endings_in,
    transaction_of,
)
from poolcheck.read.python.syntax.bindings import inside
from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.values.scope import Class, Scope
from poolcheck.read.sql.acts import Act, Deed
from poolcheck.source import Located, Span

TOLD = frozenset(
    {
        Act.SET, Act.LISTEN, Act.HEAR, Act.LOCK, Act.TEMP, Act.PREPARE, Act.EXECUTE, Act.HOLD, Act.SEQUENCE,
        Act.LOAD, Act.CURSOR,
    }
)  # fmt: skip
"""What needs the session that it was done in, or leaves something there."""

MOST_DEEDS = 300
"""What a function does beyond this is not judged; nobody writes so much by hand."""

_TAKEN_BACK_BY: dict[Act, frozenset[Act]] = {
    Act.SET: frozenset({Act.RESET, Act.DISCARD}),
    Act.LOCK: frozenset({Act.UNLOCK, Act.DISCARD}),
    Act.TEMP: frozenset({Act.DROP, Act.DISCARD}),
    Act.PREPARE: frozenset({Act.DEALLOCATE, Act.DISCARD}),
    Act.HOLD: frozenset({Act.CLOSE, Act.DISCARD}),
}
_OUTLIVES_ROLLBACK = frozenset({Act.LOCK, Act.LOAD, Act.PREPARE, Act.EXECUTE, Act.SEQUENCE})
"""What a rollback does not take back. PostgreSQL's manual, PREPARE, LOAD, and Advisory Locks."""


class Executed(NamedTuple):
    """Something that is done to a session, and in which.

    What Done has of it as well is as Done has it; `function` is the one around it, `origin` is where the
    connection comes from. It `is_undone` where the same transaction takes it back, as far as that is seen,
    `is_followed` where more is done in the transaction, and `is_missed` where the function names it again behind
    it. It `is_first` in a transaction that follows another in the function.
    """

    deed: Deed
    words: str
    text: str
    span: Span
    written: Span | None
    statement: Span | None
    function: Located[str] | None
    origin: Origin
    transaction: Transaction | None
    is_undone: bool
    is_followed: bool
    is_missed: bool
    is_first: bool

    @property
    def act(self) -> Act:
        """What is done."""
        return self.deed.act

    @property
    def name(self) -> str | None:
        """What it is done to, as a Deed has it."""
        return self.deed.name

    @property
    def phrase(self) -> str:
        """The deed's part of the SQL."""
        return self.text[self.deed.start : self.deed.end]

    @property
    def is_kept(self) -> bool:
        """Whether it is there when the transaction has ended: a rollback takes most things back."""
        is_rolled_back = self.transaction is not None and self.transaction.ending is Ending.ROLLBACK
        return not self.is_undone and (self.act in _OUTLIVES_ROLLBACK or not is_rolled_back)

    @property
    def is_alone(self) -> bool:
        """Whether the call is a transaction by itself, or is made once for each new connection."""
        is_single = self.transaction is not None and self.transaction.is_single
        return is_single or self.origin.event == "connect"


def executed_in(module: Module) -> Iterator[Executed]:
    """What a module does to sessions, in order; nothing of one of Alembic's migrations, wherever it is."""
    if any(each.target == "alembic.op" for each in module.imports):
        return
    for piece in pieces_executing(module):
        owner = Class(module, piece.scope) if piece.scope else None
        for tree, statement in module.statements(piece):
            sites = [*sites_in(statement, Scope(module, tree, owner=owner))]
            done = [*islice((each for site in sites for each in done_at(site)), MOST_DEEDS)]
            calls = [site.scope.span(site.call) for site in sites if site.method not in _IDLE]
            for each in done:
                if each.deed.act in TOLD and not _is_own_method(each):
                    yield _executed(each, [other for other in done if other is not each], calls)


_IDLE = frozenset(
    {
        "close", "commit", "cursor", "fetchall", "fetchmany", "fetchone", "first", "one", "one_or_none",
        "rollback", "scalar_one",
    }
)  # fmt: skip
"""Methods that do nothing more in a transaction."""


def _is_own_method(done: Done) -> bool:
    """Whether the class itself has the method, and nobody knows what that does; but for Django's own."""
    of = done.site.of
    return isinstance(of, cst.Name) and of.value in {"cls", "self"} and done.deed.act is not Act.CURSOR


def _executed(done: Done, others: Sequence[Done], calls: Sequence[Span]) -> Executed:
    site, scope, function = done.site, done.site.scope, done.function
    origin = (origin_of_query_set if done.deed.act is Act.CURSOR else origin_of)(site.of, scope)
    transaction = transaction_of(site, site.of, origin)
    if transaction is None or transaction.is_single:
        transaction = _begun_by_sql(done, others) or transaction
    is_missed = _is_missed(done, transaction)
    return Executed(
        deed=done.deed,
        words=done.words,
        text=done.text,
        span=done.span,
        written=done.written,
        statement=done.statement,
        function=Located(function.name.value, scope.span(function)) if function else None,
        origin=origin,
        transaction=transaction,
        is_undone=_is_undone(done, transaction, origin, others) or (not is_missed and _is_made_anew(done, others)),
        is_followed=_is_followed(done, transaction, calls),
        is_missed=is_missed,
        is_first=_is_first(done, transaction, calls),
    )


def _begun_by_sql(done: Done, others: Sequence[Done]) -> Transaction | None:
    """The transaction between a `BEGIN` and a `COMMIT` that the function executes as SQL."""
    endings = {Act.COMMIT: Ending.COMMIT, Act.ROLLBACK: Ending.ROLLBACK}
    mine = [each for each in others if each.function is done.function and each.deed.act in {*endings, Act.BEGIN}]
    before = [each for each in mine if each.call.end <= done.call.start]
    after = [each for each in mine if each.call.start >= done.call.end]
    if not before or before[-1].deed.act is not Act.BEGIN or not after or after[0].deed.act is Act.BEGIN:
        return None
    span = Span(done.call.path, before[-1].call.end, after[0].call.end)
    return Transaction(span, endings[after[0].deed.act])


def _is_undone(done: Done, transaction: Transaction | None, origin: Origin, others: Sequence[Done]) -> bool:
    """Whether something behind it takes it back in the same transaction, or where none is seen to end before."""
    for each in others:
        if each.function is not done.function or not _takes_back(each, done):
            continue
        if each.call.start < done.call.start or (each.call == done.call and each.deed.start < done.deed.start):
            continue
        if each.call == done.call:
            # One text is executed in one transaction.
            return True
        if transaction:
            if each.call.end <= transaction.span.end:
                return True
        elif origin.library not in COMMITS_BY_ITSELF and not _may_end_between(done, each):
            return True
    return False


def _is_made_anew(done: Done, others: Sequence[Done]) -> bool:
    """Whether the function drops what may have the name of a table before it makes the table."""
    return done.deed.act is Act.TEMP and any(
        each.deed.act is Act.DROP and each.deed.name == done.deed.name and each.function is done.function
        for each in others
    )


def _takes_back(other: Done, done: Done) -> bool:
    """Whether one thing takes back what another did; what a parameter is set to last is what it was before."""
    act, name = done.deed.act, done.deed.name
    is_same = other.deed.name in {name, "*"} or act is Act.LOCK
    is_set_again = act is Act.SET and other.deed.act is Act.SET and name is not None
    if is_set_again and other.site.call is not done.site.call:
        return is_same and other.site.within <= done.site.within
    return is_same and other.deed.act in _TAKEN_BACK_BY.get(act, ())


def _is_followed(done: Done, transaction: Transaction | None, calls: Sequence[Span]) -> bool:
    """Whether other methods are called in the transaction behind it; what ends it does not count."""
    if transaction is None:
        return False
    return any(done.call.end <= place.start and place.end <= transaction.span.end for place in calls)


def _is_missed(done: Done, transaction: Transaction | None) -> bool:
    """Whether the function names what was made behind the transaction that it was made in."""
    scope, name = done.site.scope, done.deed.name
    if not transaction or not name or not done.function:
        return False
    rest = scope.module.source.text[transaction.span.end : scope.span(done.function).end]
    return re.search(rf"\b{re.escape(name)}\b", rest) is not None


def _is_first(done: Done, transaction: Transaction | None, calls: Sequence[Span]) -> bool:
    """Whether nothing was done yet in a transaction that begins where the function ended another."""
    if transaction is None or done.function is None:
        return False
    start = transaction.span.start
    ends = (done.site.scope.span(call).end for call, _ in endings_in(done.function))
    return start in ends and not any(start <= place.start and place.end < done.call.start for place in calls)


def _may_end_between(first: Done, second: Done) -> bool:
    """Whether the transaction may end between two calls in one function: it does, or somebody else has a turn."""
    function, scope = first.function, first.site.scope
    if function is None:
        return True
    ends = [call for call, _ in endings_in(function)]
    places = [scope.span(node) for node in (*_yields_in(function), *ends)]
    return any(first.call.end <= place.start and place.end <= second.call.start for place in places)


@lru_cache(maxsize=64)
def _yields_in(function: cst.FunctionDef) -> Sequence[cst.Yield]:
    return [node for node in inside(function) if isinstance(node, cst.Yield)]
