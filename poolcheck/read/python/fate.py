"""What becomes of a connection that a function takes.

Only what needs no flow analysis is claimed: nothing in the function gives the connection back; what is meant to
does not; or a statement behind it in the same block does, which an exception in between skips. Whatever else may
happen to the connection (it is returned, stored, handed over, given back on some branch) ends the judgement, for
then somebody else may own it.
"""

import re
from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.bindings import dotted, inside
from poolcheck.read.python.scope import Scope
from poolcheck.read.python.trees import children, walk
from poolcheck.source import Span


class Terms(NamedTuple):
    """On what terms a connection is taken: what gives it back, and what only seems to.

    `closing` are the methods of the connection that give it back, `returning` the methods of its pool, `useless`
    the methods of the connection that end it without giving it back; `with_gives_back` says whether leaving a
    `with` over the connection does, `takes_when_awaited` that a call which is not awaited takes nothing. When
    nothing refers to the connection any more, it `is_lost`; or `is_lost_in_use`, once a statement was executed;
    or else the pool has it back. If it `is_kept_by_cursors`, they refer to it.
    """

    closing: frozenset[str] = frozenset()
    returning: frozenset[str] = frozenset()
    useless: frozenset[str] = frozenset()
    with_gives_back: bool = False
    takes_when_awaited: bool = False
    is_lost: bool = False
    is_lost_in_use: bool = False
    is_kept_by_cursors: bool = False


class Outcome(StrEnum):
    """What is certain to go wrong."""

    NEVER_RELEASED = "never released"
    RELEASED_IN_VAIN = "released in vain"
    SKIPPED_ON_EXCEPTION = "skipped on exception"


class Fate(NamedTuple):
    """What becomes of a connection, the place that decides it, and where it is given back otherwise."""

    outcome: Outcome
    decided_at: Span | None = None
    release: Span | None = None


DATA = frozenset(
    {
        "all", "fetch", "fetchall", "fetchmany", "fetchone", "fetchrow", "fetchval", "first", "keys", "mogrify",
        "one", "one_or_none", "rowcount", "scalar", "scalar_one", "scalar_one_or_none",
    }
)  # fmt: skip
"""Methods whose results are plain values and keep no connection."""

STATES = frozenset(
    {
        "autocommit", "closed", "description", "encoding", "info", "inserted_primary_key", "isolation_level",
        "lastrowid", "notices", "returns_rows", "rowcount", "server_version", "status",
    }
)  # fmt: skip
"""Attributes that are plain values, and no methods that may be called later."""

SETTING_UP = frozenset(
    {
        "begin", "close", "cursor", "execution_options", "get_backend_pid", "get_dsn_parameters", "mogrify",
        "rollback", "set_autocommit", "set_client_encoding", "set_isolation_level", "set_session", "transaction",
    }
)  # fmt: skip
"""Methods that talk to no server, or not usually, or only after something else has failed."""

LOOKING_AT = frozenset(
    {
        "as_string", "bool", "critical", "debug", "error", "exception", "getattr", "hasattr", "id", "info",
        "isinstance", "len", "log", "print", "quote_ident", "register_composite", "register_default_json",
        "register_default_jsonb", "register_hstore", "register_type", "register_uuid", "register_vector", "repr",
        "str", "type", "warning",
    }
)  # fmt: skip
"""Functions that look at what they are given, and ask the server little or nothing."""

BORROWING = LOOKING_AT | frozenset(
    {
        "DataFrame", "Table", "all", "any", "create_all", "dict", "drop_all", "execute_batch", "execute_values",
        "from_postgis", "gather", "list", "max", "min", "next", "read_database", "read_postgis", "read_sql",
        "read_sql_query", "read_sql_table", "reflect", "set", "shield", "sorted", "sum", "to_postgis", "to_sql",
        "tuple", "wait_for", "writerows",
    }
)  # fmt: skip
"""Functions that use what they are given and do not keep it."""

DERIVING = frozenset(
    {
        "AsyncSession", "Session", "async_scoped_session", "async_sessionmaker", "configure", "enumerate",
        "filter", "inspect", "iter", "map", "reversed", "scoped_session", "sessionmaker", "zip",
    }
)  # fmt: skip
"""Functions whose result uses what they are given, and does not give it back."""

CATCHING = frozenset(
    {
        "BaseException", "DBAPIError", "DatabaseError", "Error", "Exception", "InterfaceError", "OperationalError",
        "PostgresError", "ProgrammingError", "SQLAlchemyError",
    }
)  # fmt: skip
"""Exceptions whose handlers are taken to catch whatever the server may answer."""

_KEEPING = re.compile(
    r"add|append|callback|clean|clos|discard|dispos|enqueue|finish|free|give|partial|push|put|recycle|regist|releas"
    r"|return|save|schedul|send|set|shut|spawn|start|store|submit|task|teardown|thread|wrap",
    re.IGNORECASE,
)
"""Names of functions that may keep what they are given, or give it back."""


def fate_of(call: cst.Call, terms: Terms, function: cst.FunctionDef, scope: Scope) -> Fate | None:
    """What becomes of the connection that a call in a function takes; None where it is well, or not certain."""
    around = surroundings(function)
    site = around.awaited(call)
    if terms.takes_when_awaited and site is call:
        return None
    site = around.configured(site)
    match around.parent(site):
        case cst.Expr():
            return Fate(Outcome.NEVER_RELEASED) if terms.is_lost else None
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))]):
            return _of_name(name, site, terms, around, scope)
        case cst.AnnAssign(target=cst.Name(value=name)):
            return _of_name(name, site, terms, around, scope)
        case cst.WithItem() as item:
            return _of_with(item, terms, around, scope)
        case cst.Attribute():
            return _of_nameless(site, terms, around)
        case cst.Arg() as argument:
            return _of_argument(argument, terms, around, scope)
        case _:
            return None


class Surroundings:
    """The nodes of a function, each with the node around it."""

    def __init__(self, function: cst.FunctionDef) -> None:
        self.function = function
        self.names: dict[str, list[cst.Name]] = {}
        self._parents: dict[cst.CSTNode, cst.CSTNode] = {}
        for node in walk(function):
            for child in children(node):
                self._parents[child] = node
                if isinstance(child, cst.Name):
                    self.names.setdefault(child.value, []).append(child)

    @property
    def lends(self) -> bool:
        """Whether what the function yields comes back to it, and with it what its user raises."""
        return any(_last_name(each.decorator) in _LENDING for each in self.function.decorators)

    def parent(self, node: cst.CSTNode) -> cst.CSTNode | None:
        """The node directly around."""
        return self._parents.get(node)

    def ancestors(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """All nodes around, the nearest first."""
        found = self.parent(node)
        while found is not None:
            yield found
            found = self.parent(found)

    def awaited(self, node: cst.CSTNode) -> cst.CSTNode:
        """The `await` of the node, or the node itself."""
        parent = self.parent(node)
        return parent if isinstance(parent, cst.Await) else node

    def called(self, node: cst.CSTNode) -> tuple[str, cst.Call] | None:
        """The method that is called on the value of a node, and the call."""
        match self.parent(node):
            case cst.Attribute(value=value, attr=cst.Name(value=name)) as attribute if value is node:
                call = self.parent(attribute)
                return (name, call) if isinstance(call, cst.Call) and call.func is attribute else None
            case _:
                return None

    def configured(self, node: cst.CSTNode) -> cst.CSTNode:
        """What is left of the node when options are set on it: `engine.connect().execution_options(…)`."""
        while (found := self.called(node)) and found[0] == "execution_options":
            node = self.awaited(found[1])
        return node

    def statement(self, node: cst.CSTNode) -> cst.CSTNode | None:
        """The line of simple statements that the node is in."""
        return next((each for each in self.ancestors(node) if isinstance(each, cst.SimpleStatementLine)), None)


_LENDING = frozenset({"asynccontextmanager", "contextmanager"})
_LISTENING = re.compile(r"consumer|listen|notifies|subscri", re.IGNORECASE)
"""Names of what has no end to iterate over, and of methods that keep a connection for good."""


@lru_cache(maxsize=4)
def surroundings(function: cst.FunctionDef) -> Surroundings:
    """The surroundings of a function, which often takes more than one connection."""
    return Surroundings(function)


class _Kind(StrEnum):
    BORROWED = "borrowed"
    HANDED_OVER = "handed over"
    RELEASED = "released"
    RELEASED_IN_VAIN = "released in vain"
    ESCAPED = "escaped"


class _Use(NamedTuple):
    """One thing that is done with a connection, or with what is derived from it under the name `derived`.

    It is handed over where a function of the project gets it, which may do anything, but likely only uses it.
    What is derived may be the connection itself, `with conn as same`.
    """

    kind: _Kind
    node: cst.CSTNode
    derived: str | None = None
    is_same: bool = False


_DERIVED_TERMS = Terms()
"""Nothing that is done with a cursor or a result gives its connection back."""


def _of_name(name: str, site: cst.CSTNode, terms: Terms, around: Surroundings, scope: Scope) -> Fate | None:
    uses = _uses(name, site, terms, around, lends=around.lends)
    kinds = {use.kind for use in uses}
    releases = [use.node for use in uses if use.kind is _Kind.RELEASED]
    in_vain = [use.node for use in uses if use.kind is _Kind.RELEASED_IN_VAIN]
    if _Kind.ESCAPED in kinds or (_Kind.HANDED_OVER in kinds and not releases) or _goes_on(site, around):
        return None
    if not releases:
        return Fate(Outcome.RELEASED_IN_VAIN, scope.span(in_vain[0])) if in_vain else Fate(Outcome.NEVER_RELEASED)
    if len(releases) == 1 and not in_vain:
        tracked = {name, *(use.derived for use in uses if use.derived)}
        return _if_skipped(site, releases[0], tracked, around, scope)
    return None


def _of_with(item: cst.WithItem, terms: Terms, around: Surroundings, scope: Scope) -> Fate | None:
    """Of a connection that a `with` statement takes, which is well if leaving the statement gives it back.

    If it does not, the author thinks that it does: what else is done inside is not meant to.
    """
    if terms.with_gives_back:
        return None
    match item.asname:
        case None:
            return Fate(Outcome.RELEASED_IN_VAIN, scope.span(item.item))
        case cst.AsName(name=cst.Name(value=name)):
            kinds = {use.kind for use in _uses(name, item.item, terms, around, lends=True)}
            is_well = {_Kind.ESCAPED, _Kind.RELEASED} & kinds or _goes_on(item.item, around)
            return None if is_well else Fate(Outcome.RELEASED_IN_VAIN, scope.span(item.item))
        case _:
            return None


def _goes_on(site: cst.CSTNode, around: Surroundings) -> bool:
    """Whether the function does not end after it has taken the connection, as a worker's may not."""
    nodes = iter(inside(around.function))
    return site in nodes and any(map(_is_endless, nodes))


def _is_endless(loop: cst.CSTNode) -> bool:
    match loop:
        case cst.While(test=cst.Name(value="True") | cst.Integer(value="1"), body=body):
            return not any(
                isinstance(each, cst.Return) or (isinstance(each, cst.Break) and not in_loop)
                for each, in_loop, _ in _within(body)
            )
        case cst.For(iter=iterated):
            return any(isinstance(each, cst.Name) and _LISTENING.search(each.value) for each in walk(iterated))
        case _:
            return False


def _of_nameless(site: cst.CSTNode, terms: Terms, around: Surroundings) -> Fate | None:
    """Of a connection that is used where it is taken, `engine.connect().execute(…)`, and out of reach then."""
    methods, value = _chain(site, around)
    if not methods or terms.closing & {*methods}:
        return None
    use = _result_use(methods[-1], value, around)
    uses = _uses(use.derived, value, _DERIVED_TERMS, around, lends=around.lends) if use.derived else [use]
    is_lost = terms.is_lost or (terms.is_lost_in_use and not {*methods} <= SETTING_UP)
    is_kept = use.derived is not None and terms.is_kept_by_cursors
    is_forgotten = all(each.kind is _Kind.BORROWED for each in uses)
    return Fate(Outcome.NEVER_RELEASED) if is_forgotten and (is_lost or is_kept) else None


def _of_argument(argument: cst.Arg, terms: Terms, around: Surroundings, scope: Scope) -> Fate | None:
    """Of a connection that is taken as an argument, and that nothing but the function called can give back."""
    called = around.parent(argument)
    if called and _closes(argument, around):
        return Fate(Outcome.RELEASED_IN_VAIN, scope.span(called)) if "close" in terms.useless else None
    use = _argument_use(argument, _DERIVED_TERMS, around)
    is_used = use.kind is _Kind.BORROWED and _function_called(argument, around) in BORROWING - LOOKING_AT
    return Fate(Outcome.NEVER_RELEASED) if is_used and (terms.is_lost or terms.is_lost_in_use) else None


def _chain(node: cst.CSTNode, around: Surroundings) -> tuple[list[str], cst.CSTNode]:
    """The methods that are called on a value one after the other, and the value of the whole."""
    methods: list[str] = []
    while found := around.called(node):
        method, call = found
        methods.append(method)
        node = around.awaited(call)
    return methods, node


def _uses(name: str, site: cst.CSTNode, terms: Terms, around: Surroundings, *, lends: bool) -> list[_Use]:
    """All that is done with a connection under its name, and with what is derived from it under other names."""
    uses: list[_Use] = []
    seen: set[str] = set()
    waiting = [(name, terms)]
    while waiting:
        tracked, here = waiting.pop()
        if tracked in seen:
            continue
        seen.add(tracked)
        nodes = [node for node in around.names.get(tracked, []) if _is_use(node, around)]
        found = [_use(node, site, here, around) for node in nodes if not (lends and _is_yielded(node, around))]
        uses += found
        waiting += [(use.derived, here if use.is_same else _DERIVED_TERMS) for use in found if use.derived]
    return uses


def _is_use(node: cst.Name, around: Surroundings) -> bool:
    """Whether a name is the variable; not an attribute, a keyword or a parameter that is called the same."""
    match around.parent(node):
        case cst.Attribute(value=value):
            return value is node
        case cst.Arg(value=value):
            return value is node
        case _:
            return True


def _is_yielded(node: cst.CSTNode, around: Surroundings) -> bool:
    """Whether a value is what a `yield` yields, or part of it."""
    match around.parent(node):
        case cst.Yield():
            return True
        case cst.Element() | cst.Tuple() as parent:
            return _is_yielded(parent, around)
        case _:
            return False


def _use(node: cst.Name, site: cst.CSTNode, terms: Terms, around: Surroundings) -> _Use:
    if any(isinstance(each, cst.FunctionDef | cst.Lambda) for each in _until(around.function, node, around)):
        return _Use(_Kind.ESCAPED, node)
    is_derived = terms is _DERIVED_TERMS
    match around.parent(node):
        case cst.Attribute() as attribute:
            return _attribute_use(attribute, terms, around)
        case cst.Arg() as argument:
            return _argument_use(argument, terms, around)
        case cst.AssignTarget() | cst.AnnAssign() as target:
            is_well = is_derived or _binds_again(target, node, site, around)
        case cst.AsName() as asname:
            item = around.parent(asname)
            is_same = isinstance(item, cst.WithItem) and isinstance(item.item, cst.Name)
            is_well = isinstance(item, cst.WithItem) and (item.item is site or is_same or is_derived)
        case cst.WithItem() as item:
            kind = _Kind.RELEASED if terms.with_gives_back else _Kind.BORROWED
            return _Use(kind, node, _bound_by(item), is_same=True)
        case cst.Del():
            # It closes a connection that nothing else refers to, unless a pool does.
            is_well = is_derived or terms.is_lost
        case cst.For(target=target) if target is node:
            is_well = is_derived
        case _:
            is_well = _is_looked_at(node, around)
    return _Use(_Kind.BORROWED if is_well else _Kind.ESCAPED, node)


def _bound_by(item: cst.WithItem) -> str | None:
    """The name that a `with` statement gives to what it is over."""
    match item.asname:
        case cst.AsName(name=cst.Name(value=name)):
            return name
        case _:
            return None


def _is_looked_at(node: cst.CSTNode, around: Surroundings) -> bool:
    """Whether a value stands where it does not go anywhere."""
    match around.parent(node):
        case cst.BooleanOperation() as parent:
            return _is_looked_at(parent, around)
        case cst.IfExp(test=test):
            return test is node
        case parent:
            return isinstance(parent, _LOOKING)


_LOOKING = (
    cst.Assert,
    cst.CompFor,
    cst.Comparison,
    cst.ComparisonTarget,
    cst.Expr,
    cst.For,
    cst.FormattedStringExpression,
    cst.If,
    cst.Subscript,
    cst.UnaryOperation,
    cst.While,
)


def _until(root: cst.CSTNode, node: cst.CSTNode, around: Surroundings) -> Iterator[cst.CSTNode]:
    for each in around.ancestors(node):
        if each is root:
            return
        yield each


def _binds_again(target: cst.CSTNode, node: cst.Name, site: cst.CSTNode, around: Surroundings) -> bool:
    """Whether an assignment to the name takes the connection, sets the name to None, or derives from it."""
    assignment = target if isinstance(target, cst.AnnAssign) else around.parent(target)
    if not isinstance(assignment, cst.Assign | cst.AnnAssign):
        return False
    value = assignment.value
    return value is site or value is None or dotted(value) == "None" or _root(value) == node.value


def _root(node: cst.CSTNode) -> str | None:
    """The name that a chain of attributes and calls begins with."""
    while isinstance(node, cst.Attribute | cst.Call | cst.Await | cst.Subscript):
        match node:
            case cst.Call(func=inner) | cst.Attribute(value=inner) | cst.Subscript(value=inner):
                node = inner
            case cst.Await(expression=inner):
                node = inner
            case _:
                break
    return node.value if isinstance(node, cst.Name) else None


def _attribute_use(attribute: cst.Attribute, terms: Terms, around: Surroundings) -> _Use:
    called = around.parent(attribute)
    name = attribute.attr.value
    if isinstance(called, cst.Call) and called.func is attribute:
        if name in terms.closing:
            return _Use(_Kind.RELEASED, called)
        if name in terms.useless:
            return _Use(_Kind.RELEASED_IN_VAIN, called)
        if _LISTENING.search(name):
            return _Use(_Kind.ESCAPED, called)
        return _result_use(name, around.awaited(called), around)
    # `stack.callback(conn.close)`: somebody may call it later. `cur.connection` is the connection again.
    is_looked_at = isinstance(called, cst.AssignTarget | cst.Attribute) or _is_looked_at(attribute, around)
    is_well = name in STATES or (is_looked_at and name != "connection")
    return _Use(_Kind.BORROWED if is_well else _Kind.ESCAPED, attribute)


def _result_use(method: str, value: cst.CSTNode, around: Surroundings) -> _Use:
    """What is done with what a method of a connection, cursor or result returns."""
    methods, value = _chain(value, around)
    if (methods[-1] if methods else method) in DATA:
        return _Use(_Kind.BORROWED, value)
    match around.parent(value):
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))]):
            return _Use(_Kind.BORROWED, value, name)
        case cst.AnnAssign(target=cst.Name(value=name)):
            return _Use(_Kind.BORROWED, value, name)
        case cst.WithItem(asname=cst.AsName(name=cst.Name(value=name))):
            return _Use(_Kind.BORROWED, value, name)
        case cst.WithItem(asname=None):
            return _Use(_Kind.BORROWED, value)
        case cst.Attribute() as attribute:
            return _attribute_use(attribute, _DERIVED_TERMS, around)
        case cst.Arg() as argument:
            return _argument_use(argument, _DERIVED_TERMS, around)
        case _:
            is_well = _is_looked_at(value, around) or (around.lends and _is_yielded(value, around))
            return _Use(_Kind.BORROWED if is_well else _Kind.ESCAPED, value)


def _argument_use(argument: cst.Arg, terms: Terms, around: Surroundings) -> _Use:
    called = around.parent(argument)
    name = _function_called(argument, around)
    if not isinstance(called, cst.Call) or not name:
        return _Use(_Kind.ESCAPED, argument)
    if name in terms.returning:
        return _Use(_Kind.RELEASED, called)
    if _closes(argument, around) and "close" in terms.closing | terms.useless:
        return _Use(_Kind.RELEASED if "close" in terms.closing else _Kind.RELEASED_IN_VAIN, called)
    is_kept = name == "dict" and argument.keyword
    is_read_later = any(each.keyword and each.keyword.value == "chunksize" for each in called.args)
    if name in DERIVING or (name in BORROWING and is_read_later):
        return _result_use(name, around.awaited(called), around)
    if name in BORROWING:
        return _Use(_Kind.ESCAPED if is_kept else _Kind.BORROWED, called)
    return _Use(_Kind.HANDED_OVER if _only_uses(called, name, around) else _Kind.ESCAPED, called)


def _function_called(argument: cst.Arg, around: Surroundings) -> str:
    called = around.parent(argument)
    return _last_name(called.func) if isinstance(called, cst.Call) else ""


def _only_uses(called: cst.Call, name: str, around: Surroundings) -> bool:
    """Whether a function likely keeps nothing of what it is given: one of the module's or of the object's own.

    None that is named for it, no class, and none that is called where things are cleaned up.
    """
    if _KEEPING.search(name) or not name.lstrip("_")[:1].islower():
        return False
    if isinstance(called.func, cst.Attribute) and dotted(called.func.value) not in {"self", "cls"}:
        return False
    return not any(isinstance(each, cst.ExceptHandler | cst.Finally) for each in around.ancestors(called))


def _closes(argument: cst.Arg, around: Surroundings) -> bool:
    """Whether an argument is what `with closing(…)` is to close."""
    is_closing = _function_called(argument, around) in _CLOSING
    called = around.parent(argument)
    return is_closing and called is not None and isinstance(around.parent(called), cst.WithItem)


_CLOSING = frozenset({"closing", "aclosing"})


def _last_name(node: cst.CSTNode) -> str:
    """The last part of a dotted name."""
    match node:
        case cst.Attribute(attr=cst.Name(value=name)) | cst.Name(value=name):
            return name
        case _:
            return ""


def _if_skipped(
    site: cst.CSTNode, release: cst.CSTNode, tracked: set[str], around: Surroundings, scope: Scope
) -> Fate | None:
    """The fate where the release certainly comes after the site, and something in between may raise."""
    between = _between(site, release, around)
    if any(_leaves(statement, lends=around.lends) for statement in between):
        return None
    for statement in between:
        for node in (statement, *inside(statement)):
            if _may_raise(node, tracked, around) and not _is_caught(node, release, around):
                return Fate(Outcome.SKIPPED_ON_EXCEPTION, scope.span(node), scope.span(release))
    return None


def _between(site: cst.CSTNode, release: cst.CSTNode, around: Surroundings) -> list[cst.CSTNode]:
    """The statements from the site to the release, which must be a statement behind the site.

    It may also be in the `finally` of one, which does not guard what is before it.
    """
    between: list[cst.CSTNode] = []
    for statement in _following(site, around):
        if statement in around.ancestors(release):
            is_certain = _is_plain(statement, release, around) or _is_guarded_by(statement, release, around)
            return between if is_certain else []
        between.append(statement)
    return []


def _following(site: cst.CSTNode, around: Surroundings) -> Iterator[cst.CSTNode]:
    """The statements that are executed one after the other if nothing comes in between, from the site on.

    Where it is in the body of a `try` statement, what is behind that as well.
    """
    line = around.statement(site)
    while line and isinstance(block := around.parent(line), cst.IndentedBlock):
        yield from block.body[block.body.index(line) + 1 :]
        line = around.parent(block)
        if not isinstance(line, cst.Try) or line.body is not block or line.finalbody:
            return
        if line.orelse:
            yield from line.orelse.body.body


def _is_plain(statement: cst.CSTNode, release: cst.CSTNode, around: Surroundings) -> bool:
    """Whether a statement is the release and nothing else."""
    is_whole = isinstance(around.parent(around.awaited(release)), cst.Expr)
    return is_whole and around.statement(release) is statement


def _is_guarded_by(statement: cst.CSTNode, release: cst.CSTNode, around: Surroundings) -> bool:
    """Whether the release happens however a `try` statement ends."""
    guard = statement.finalbody if isinstance(statement, cst.Try) else None
    return guard is not None and guard in around.ancestors(release)


def _leaves(statement: cst.CSTNode, *, lends: bool) -> bool:
    """Whether a statement may end the block that it is in other than by an exception, or by passing one on."""
    for node, in_loop, in_handler in _within(statement):
        match node:
            case cst.Return():
                return True
            case cst.Raise() if not in_handler:
                return True
            case cst.Yield() if not lends:
                return True
            case cst.Break() | cst.Continue() if not in_loop:
                return True
            case _:
                pass
    return False


def _within(root: cst.CSTNode) -> Iterator[tuple[cst.CSTNode, bool, bool]]:
    """A node and those inside, each with whether it is in a loop, and in a handler, that is inside as well."""
    waiting = [(root, False, False)]
    while waiting:
        node, in_loop, in_handler = waiting.pop()
        yield node, in_loop, in_handler
        if not isinstance(node, cst.FunctionDef | cst.ClassDef | cst.Lambda):
            loops = in_loop or isinstance(node, cst.For | cst.While)
            handles = in_handler or isinstance(node, cst.ExceptHandler)
            waiting += [(child, loops, handles) for child in children(node)]


def _may_raise(node: cst.CSTNode, tracked: set[str], around: Surroundings) -> bool:
    """Whether a node asks something of the server by way of one of the names, or lends the connection."""
    if isinstance(node, cst.Yield):
        return around.lends
    if isinstance(node, cst.For):
        return _root(node.iter) in tracked
    if not isinstance(node, cst.Call):
        return False
    if isinstance(node.func, cst.Attribute) and _root(node.func) in tracked:
        return node.func.attr.value not in SETTING_UP
    looks = _last_name(node.func) in LOOKING_AT | DERIVING
    given = (argument.value for argument in node.args)
    return not looks and any(isinstance(value, cst.Name) and value.value in tracked for value in given)


def _is_caught(node: cst.CSTNode, release: cst.CSTNode, around: Surroundings) -> bool:
    """Whether a `try` before the release catches what the node may raise, and keeps it."""
    passed = {*around.ancestors(release)}
    inner = node
    for outer in around.ancestors(node):
        if isinstance(outer, cst.Try) and inner is outer.body and outer not in passed:
            catching = next(filter(_catches, outer.handlers), None)
            if catching and not any(isinstance(each, cst.Raise) for each in inside(catching)):
                return True
        inner = outer
    return False


def _catches(handler: cst.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    types = (
        [each.value for each in handler.type.elements] if isinstance(handler.type, cst.Tuple) else [handler.type]
    )
    return any(_last_name(each) in CATCHING for each in types)
