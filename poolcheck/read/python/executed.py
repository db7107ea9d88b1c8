"""What a module does to the sessions that it executes SQL in: settings, locks, channels and the like."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.bindings import inside
from poolcheck.read.python.evaluate import evaluate
from poolcheck.read.python.module import Module
from poolcheck.read.python.origins import Origin, origin_of
from poolcheck.read.python.pools import Role, role_of
from poolcheck.read.python.query_sets import alias_of, is_query_set
from poolcheck.read.python.scope import Class, Scope
from poolcheck.read.python.sql_pieces import EXECUTING, pieces_executing
from poolcheck.read.python.sql_texts import SqlText, functions_in, sql_text
from poolcheck.read.python.transactions import (
    COMMITS_BY_ITSELF,
    Ending,
    Site,
    Transaction,
    endings_in,
    transaction_of,
)
from poolcheck.read.python.trees import children
from poolcheck.read.sql.acts import SESSION_CHARACTERISTICS, Act, Deed, deeds
from poolcheck.read.sql.tokens import HOLE
from poolcheck.source import Located, Span
from poolcheck.value import Known, text_of

TOLD = frozenset(
    {
        Act.SET, Act.LISTEN, Act.LOCK, Act.TEMP, Act.PREPARE, Act.EXECUTE, Act.HOLD, Act.SEQUENCE, Act.LOAD,
        Act.CURSOR,
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

_POSTGRES = frozenset(
    {
        "aiopg", "asyncpg", "databases", "django", "pgvector", "psycopg", "psycopg2", "psycopg_pool", "sqlalchemy",
        "sqlmodel",
    }
)  # fmt: skip
"""What is imported where SQL may be meant for PostgreSQL."""
_OTHERS = frozenset(
    {
        "MySQLdb", "aiomysql", "aiosqlite", "apsw", "asyncmy", "cassandra", "clickhouse_connect",
        "clickhouse_driver", "cx_Oracle", "databricks", "duckdb", "mysql", "oracledb", "pymssql", "pymysql",
        "pyodbc", "pyspark", "snowflake", "sqlite3", "trino", "vertica_python",
    }
)  # fmt: skip
"""What is imported where it may be meant for another database."""

_PUT_IN = re.compile(rf"{HOLE}|\{{[^{{}}]*\}}")
"""What Python puts something in for."""


class Executed(NamedTuple):
    """Something that is done to a session, and in which.

    `words` are what to call it in a message: the beginning of a statement, a function, a method. `text` is all of
    the SQL, `span` where the module does it, `written` where the deed's part of the SQL stands as it is. It
    `is_undone` where the same transaction takes it back, as far as that is seen, `is_followed` where more is done
    in the transaction, and `is_missed` where the function names it again behind it. `origin` is where the
    connection comes from; `is_postgres` says whether the module is about PostgreSQL, and about no other database.
    """

    deed: Deed
    words: str
    text: str
    span: Span
    written: Span | None
    function: Located[str] | None
    role: Role
    origin: Origin
    is_postgres: bool
    transaction: Transaction | None
    is_undone: bool
    is_followed: bool
    is_missed: bool

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


class _Done(NamedTuple):
    """What a call does, with what Executed has of it."""

    site: Site
    deed: Deed
    words: str
    text: str
    span: Span
    written: Span | None = None

    @property
    def function(self) -> cst.FunctionDef | None:
        """The function around it."""
        return self.site.scope.functions[-1] if self.site.scope.functions else None

    @property
    def call(self) -> Span:
        """The place of the whole call."""
        return self.site.scope.span(self.site.call)


def executed_in(module: Module) -> Iterator[Executed]:
    """What a module does to sessions, in order; nothing of one of Alembic's migrations, wherever it is."""
    if any(each.target == "alembic.op" for each in module.imports):
        return
    role = role_of(module.path)
    packages = {each.target.partition(".")[0] for each in module.imports}
    is_postgres = not packages.isdisjoint(_POSTGRES) and packages.isdisjoint(_OTHERS)
    for piece in pieces_executing(module):
        owner = Class(module, piece.scope) if piece.scope else None
        for tree, statement in module.statements(piece):
            sites = list(_sites(statement, Scope(module, tree, owner=owner)))
            done = [each for site in sites for each in _done_at(site)][:MOST_DEEDS]
            for at, each in enumerate(done):
                if each.deed.act in TOLD and (connection := _connection(each.site)):
                    found = _executed(each, connection, [*done[:at], *done[at + 1 :]])
                    is_followed = _is_followed(each, found.transaction, sites)
                    yield found._replace(role=role, is_postgres=is_postgres, is_followed=is_followed)


def _sites(root: cst.CSTNode, scope: Scope) -> Iterator[Site]:
    """The calls of methods in a statement, in order."""
    waiting: list[tuple[cst.CSTNode, Scope, tuple[cst.With, ...]]] = [(root, scope, ())]
    while waiting:
        node, here, around = waiting.pop()
        if isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute):
            yield Site(node, here, around)
        within = here.inside(node) if isinstance(node, cst.FunctionDef) else here
        if isinstance(node, cst.FunctionDef):
            around = ()
        for child in reversed(children(node)):
            is_body = isinstance(node, cst.With) and child is node.body
            waiting.append((child, within, (*around, node) if isinstance(node, cst.With) and is_body else around))


def _is_of_asyncpg(site: Site) -> bool:
    return any(each.target.partition(".")[0] == "asyncpg" for each in site.scope.module.imports)


def _done_at(site: Site) -> Iterator[_Done]:
    """What a call does to the session, if it executes anything."""
    func = cst.ensure_type(site.call.func, cst.Attribute)
    method, arguments = func.attr.value, site.call.args
    if special := _done_by_method(site, method):
        yield special
    if method not in EXECUTING or not arguments or arguments[0].star:
        return
    given = arguments[0].value
    if text := sql_text(given, site.scope):
        for deed in deeds(text.text):
            yield _done_by_sql(site, deed, text)
    else:
        for sql, call in functions_in(given, site.scope):
            for deed in deeds(sql):
                place = site.scope.span(cst.ensure_type(call.func, cst.Attribute).attr)
                yield _Done(site, deed, _words(deed, sql), sql, place)


def _done_by_sql(site: Site, deed: Deed, text: SqlText) -> _Done:
    written = text.written(deed.start, deed.end)
    is_here = written and text.span.start <= written.start and written.end <= text.span.end
    place = written if written and is_here and written.path == text.span.path else text.span
    return _Done(site, deed, _words(deed, text.text), text.text, place, written)


def _words(deed: Deed, text: str) -> str:
    """What to call a deed in a message."""
    if deed.act in {Act.LOCK, Act.SEQUENCE}:
        return f"{deed.name}()"
    words = _PUT_IN.sub("…", " ".join(text[deed.start : deed.end].split()))
    return f"set_config() of {deed.name or '…'}" if words.lower().startswith("set_config") else words


def _done_by_method(site: Site, method: str) -> _Done | None:
    """What some methods do that are told no SQL for it."""
    func = cst.ensure_type(site.call.func, cst.Attribute)
    place, nowhere = site.scope.span(func.attr), (0, 0)
    match method:
        case "add_listener" if _is_of_asyncpg(site):
            channel = text_of(evaluate(site.call.args[0].value, site.scope)) if site.call.args else None
            return _Done(site, Deed(Act.LISTEN, channel, *nowhere), "add_listener()", "", place)
        case "cursor" if _is_true("withhold", site):
            return _Done(site, Deed(Act.HOLD, None, *nowhere), "cursor(withhold=True)", "", place)
        case "set_session" if len(site.call.args) > 1 and _is_true("autocommit", site):
            return _Done(site, Deed(Act.SET, SESSION_CHARACTERISTICS, *nowhere), "set_session()", "", place)
        case "iterator" | "aiterator" if is_query_set(func.value, site.scope):
            return _Done(site, Deed(Act.CURSOR, None, *nowhere), f"{method}()", "", place)
        case _:
            return None


def _is_true(name: str, site: Site) -> bool:
    """Whether an argument of a call is surely true."""
    given = [each.value for each in site.call.args if each.keyword and each.keyword.value == name]
    value = evaluate(given[0], site.scope) if given else None
    return isinstance(value, Known) and value.scalar is True


def _connection(site: Site) -> cst.BaseExpression | None:
    """What a call is a method of; None for a method of the class's own."""
    connection = cst.ensure_type(site.call.func, cst.Attribute).value
    is_own = isinstance(connection, cst.Name) and connection.value in {"cls", "self"}
    return None if is_own else connection


def _executed(done: _Done, connection: cst.BaseExpression, others: Sequence[_Done]) -> Executed:
    scope = done.site.scope
    is_django = done.deed.act is Act.CURSOR
    origin = Origin(alias=alias_of(connection, scope)) if is_django else origin_of(connection, scope)
    transaction = transaction_of(done.site, connection, origin)
    if transaction is None or transaction.is_single:
        transaction = _begun_by_sql(done, others) or transaction
    function = done.function
    return Executed(
        deed=done.deed,
        words=done.words,
        text=done.text,
        span=done.span,
        written=done.written,
        function=Located(function.name.value, scope.span(function)) if function else None,
        role=Role.APPLICATION,
        origin=origin,
        is_postgres=False,
        transaction=transaction,
        is_undone=_is_undone(done, transaction, origin, others),
        is_followed=False,
        is_missed=_is_missed(done, transaction),
    )


def _begun_by_sql(done: _Done, others: Sequence[_Done]) -> Transaction | None:
    """The transaction between a `BEGIN` and a `COMMIT` that the function executes as SQL."""
    endings = {Act.COMMIT: Ending.COMMIT, Act.ROLLBACK: Ending.ROLLBACK}
    mine = [each for each in others if each.function is done.function and each.deed.act in {*endings, Act.BEGIN}]
    before = [each for each in mine if each.call.end <= done.call.start]
    after = [each for each in mine if each.call.start >= done.call.end]
    if not before or before[-1].deed.act is not Act.BEGIN or not after or after[0].deed.act is Act.BEGIN:
        return None
    span = Span(done.call.path, before[-1].call.end, after[0].call.end)
    return Transaction(span, endings[after[0].deed.act])


def _is_undone(done: _Done, transaction: Transaction | None, origin: Origin, others: Sequence[_Done]) -> bool:
    """Whether something behind it takes it back in the same transaction, or where none is seen to end before."""
    takes_back = _TAKEN_BACK_BY.get(done.deed.act, frozenset())
    for each in others:
        is_match = each.deed.name in {done.deed.name, "*"} or done.deed.act is Act.LOCK
        if each.deed.act not in takes_back or not is_match or each.function is not done.function:
            continue
        if each.call.start < done.call.start or (each.call == done.call and each.deed.start < done.deed.start):
            continue
        if transaction:
            if each.call.end <= transaction.span.end:
                return True
        elif origin.library not in COMMITS_BY_ITSELF and origin.alias is None and not _may_end_between(done, each):
            return True
    return False


def _is_followed(done: _Done, transaction: Transaction | None, sites: Sequence[Site]) -> bool:
    """Whether other methods are called in the transaction behind it; what ends it does not count."""
    if transaction is None:
        return False
    places = (
        site.scope.span(site.call)
        for site in sites
        if cst.ensure_type(site.call.func, cst.Attribute).attr.value not in {"close", "commit", "rollback"}
    )
    return any(done.call.end <= place.start and place.end <= transaction.span.end for place in places)


def _is_missed(done: _Done, transaction: Transaction | None) -> bool:
    """Whether the function names what was made behind the transaction that it was made in."""
    scope, name = done.site.scope, done.deed.name
    if not transaction or not name or not done.function:
        return False
    rest = scope.module.source.text[transaction.span.end : scope.span(done.function).end]
    return re.search(rf"\b{re.escape(name)}\b", rest) is not None


def _may_end_between(first: _Done, second: _Done) -> bool:
    """Whether the transaction may end between two calls in one function: it does, or somebody else has a turn."""
    function, scope = first.function, first.site.scope
    if function is None:
        return True
    yields = [node for node in inside(function) if isinstance(node, cst.Yield)]
    ends = [call for call, _ in endings_in(function)]
    places = [scope.span(node) for node in (*yields, *ends)]
    return any(first.call.end <= place.start and place.end <= second.call.start for place in places)
