"""What becomes of a connection that a function takes.

Only what needs no flow analysis is claimed: nothing in the function gives the connection back; what is meant to
does not; or a statement behind it in the same block does, which an exception in between skips. Whatever else may
happen to the connection (it is returned, stored, handed over, given back on some branch) ends the judgement, for
then somebody else may own it.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

import libcst as cst

from poolcheck.read.names import Scope, dotted, inside
from poolcheck.read.trees import children, walk
from poolcheck.source import Span


class Terms(NamedTuple):
    """On what terms a connection is taken: what gives it back, and what only seems to.

    `closing` are the methods of the connection that give it back, `returning` the methods of its pool, `useless`
    the methods of the connection that end it without giving it back; `with_gives_back` says whether leaving a
    `with` over the connection does, `takes_when_awaited` that a call which is not awaited takes nothing.
    """

    closing: frozenset[str] = frozenset()
    returning: frozenset[str] = frozenset()
    useless: frozenset[str] = frozenset()
    with_gives_back: bool = False
    takes_when_awaited: bool = False


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

SETTING_UP = frozenset(
    {
        "begin", "close", "closed", "cursor", "execution_options", "get_backend_pid", "isolation_level",
        "set_client_encoding", "set_isolation_level", "set_session", "transaction",
    }
)  # fmt: skip
"""Methods that talk to no server, or not usually."""

BORROWING = frozenset(
    {
        "all", "any", "as_string", "bool", "configure", "create_all", "critical", "debug", "dict", "drop_all",
        "enumerate", "error", "exception", "execute_batch", "execute_values", "getattr", "hasattr", "id", "info",
        "inspect", "isinstance", "len", "list", "log", "max", "min", "next", "print", "read_sql", "read_sql_query",
        "read_sql_table", "reflect", "register_composite", "register_default_json", "register_default_jsonb",
        "register_hstore", "register_uuid", "register_vector", "repr", "set", "sorted", "str", "sum", "to_sql",
        "tuple", "type", "warning", "zip",
    }
)  # fmt: skip
"""Functions that use what they are given and do not keep it."""

CATCHING = frozenset(
    {
        "BaseException", "DBAPIError", "DatabaseError", "Error", "Exception", "InterfaceError", "OperationalError",
        "PostgresError", "ProgrammingError", "SQLAlchemyError",
    }
)  # fmt: skip
"""Exceptions whose handlers are taken to catch whatever the server may answer."""


def fate_of(call: cst.Call, terms: Terms, function: cst.FunctionDef, scope: Scope) -> Fate | None:
    """What becomes of the connection that a call in a function takes; None where it is well, or not certain."""
    around = Surroundings(function)
    site = around.awaited(call)
    if terms.takes_when_awaited and site is call:
        return None
    match around.parent(site):
        case cst.Expr():
            return Fate(Outcome.NEVER_RELEASED)
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))]):
            return _of_name(name, site, terms, around, scope)
        case cst.AnnAssign(target=cst.Name(value=name)):
            return _of_name(name, site, terms, around, scope)
        case cst.WithItem() as item:
            return _of_with(item, terms, around, scope)
        case cst.Attribute():
            return _of_nameless(site, terms, around)
        case cst.Arg() as argument if _closes(argument, around) and "close" in terms.useless:
            return Fate(Outcome.RELEASED_IN_VAIN, scope.span(site))
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

    def statement(self, node: cst.CSTNode) -> cst.CSTNode | None:
        """The line of simple statements that the node is in."""
        return next((each for each in self.ancestors(node) if isinstance(each, cst.SimpleStatementLine)), None)


class _Use(NamedTuple):
    """One thing that is done with a connection, or with what is derived from it under the name `derived`."""

    kind: "_Kind"
    node: cst.CSTNode
    derived: str | None = None


class _Kind(StrEnum):
    BORROWED = "borrowed"
    RELEASED = "released"
    RELEASED_IN_VAIN = "released in vain"
    ESCAPED = "escaped"


_DERIVED_TERMS = Terms()
"""Nothing that is done with a cursor or a result gives its connection back."""


def _of_name(name: str, site: cst.CSTNode, terms: Terms, around: Surroundings, scope: Scope) -> Fate | None:
    uses = _uses(name, site, terms, around)
    kinds = {use.kind for use in uses}
    if _Kind.ESCAPED in kinds:
        return None
    releases = [use.node for use in uses if use.kind is _Kind.RELEASED]
    in_vain = [use.node for use in uses if use.kind is _Kind.RELEASED_IN_VAIN]
    if not releases:
        return Fate(Outcome.RELEASED_IN_VAIN, scope.span(in_vain[0])) if in_vain else Fate(Outcome.NEVER_RELEASED)
    if len(releases) == 1 and not in_vain:
        tracked = {name, *(use.derived for use in uses if use.derived)}
        return _if_skipped(site, releases[0], tracked, around, scope)
    return None


def _of_with(item: cst.WithItem, terms: Terms, around: Surroundings, scope: Scope) -> Fate | None:
    """Of a connection that a `with` statement takes, which is well if leaving the statement gives it back."""
    if terms.with_gives_back:
        return None
    match item.asname:
        case None:
            return Fate(Outcome.RELEASED_IN_VAIN, scope.span(item.item))
        case cst.AsName(name=cst.Name(value=name)):
            kinds = {use.kind for use in _uses(name, item.item, terms, around)}
            is_open = not {_Kind.ESCAPED, _Kind.RELEASED} & kinds
            return Fate(Outcome.RELEASED_IN_VAIN, scope.span(item.item)) if is_open else None
        case _:
            return None


def _of_nameless(site: cst.CSTNode, terms: Terms, around: Surroundings) -> Fate | None:
    """Of a connection that is used where it is taken, `engine.connect().execute(…)`, and out of reach then."""
    methods, value = _chain(site, around)
    parent = around.parent(value)
    is_dropped = isinstance(parent, cst.Expr) or (isinstance(parent, cst.Assign) and methods[-1] in DATA)
    # A driver's own connection is closed when it is out of reach; one of a pool is not given back.
    is_pooled = terms.returning or terms.with_gives_back
    return Fate(Outcome.NEVER_RELEASED) if is_dropped and is_pooled and not terms.closing & {*methods} else None


def _chain(node: cst.CSTNode, around: Surroundings) -> tuple[list[str], cst.CSTNode]:
    """The methods that are called on a value one after the other, and the value of the whole."""
    methods: list[str] = []
    while True:
        attribute = around.parent(node)
        called = (
            around.parent(attribute) if isinstance(attribute, cst.Attribute) and attribute.value is node else None
        )
        if (
            not isinstance(attribute, cst.Attribute)
            or not isinstance(called, cst.Call)
            or called.func is not attribute
        ):
            return methods, node
        methods.append(attribute.attr.value)
        node = around.awaited(called)


def _uses(name: str, site: cst.CSTNode, terms: Terms, around: Surroundings) -> list[_Use]:
    """All that is done with a connection under its name, and with what is derived from it under other names."""
    uses: list[_Use] = []
    seen: set[str] = set()
    waiting = [(name, terms)]
    while waiting:
        tracked, here = waiting.pop()
        if tracked in seen:
            continue
        seen.add(tracked)
        found = [_use(node, site, here, around) for node in around.names.get(tracked, []) if _is_use(node, around)]
        uses += found
        waiting += [(use.derived, _DERIVED_TERMS) for use in found if use.derived]
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


def _use(node: cst.Name, site: cst.CSTNode, terms: Terms, around: Surroundings) -> _Use:
    if any(isinstance(each, cst.FunctionDef | cst.Lambda) for each in _until(around.function, node, around)):
        return _Use(_Kind.ESCAPED, node)
    match around.parent(node):
        case cst.Attribute() as attribute:
            return _attribute_use(attribute, terms, around)
        case cst.Arg() as argument:
            return _argument_use(argument, terms, around)
        case cst.AssignTarget() | cst.AnnAssign() as target:
            is_well = terms is _DERIVED_TERMS or _binds_again(target, node, site, around)
            return _Use(_Kind.BORROWED if is_well else _Kind.ESCAPED, node)
        case cst.AsName() as asname:
            item = around.parent(asname)
            is_own = isinstance(item, cst.WithItem) and (item.item is site or terms is _DERIVED_TERMS)
            return _Use(_Kind.BORROWED if is_own else _Kind.ESCAPED, node)
        case cst.WithItem(asname=None):
            return _Use(_Kind.RELEASED if terms.with_gives_back else _Kind.BORROWED, node)
        case cst.For(target=target) if target is node:
            return _Use(_Kind.ESCAPED, node)
        case parent if isinstance(parent, _LOOKING):
            return _Use(_Kind.BORROWED, node)
        case _:
            return _Use(_Kind.ESCAPED, node)


_LOOKING = (
    cst.Assert,
    cst.BooleanOperation,
    cst.CompFor,
    cst.Comparison,
    cst.ComparisonTarget,
    cst.Expr,
    cst.For,
    cst.FormattedStringExpression,
    cst.If,
    cst.IfExp,
    cst.Subscript,
    cst.UnaryOperation,
    cst.While,
)
"""What a value may stand in and still not go anywhere."""


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
        return _result_use(name, around.awaited(called), around)
    # `stack.callback(conn.close)`: somebody may call it later.
    is_handed_over = isinstance(called, cst.Arg) or name in terms.closing | terms.useless
    return _Use(_Kind.ESCAPED if is_handed_over else _Kind.BORROWED, attribute)


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
        case cst.Arg() as argument:
            return _argument_use(argument, _DERIVED_TERMS, around)
        case parent if isinstance(parent, (*_LOOKING, cst.Attribute)):
            return _Use(_Kind.BORROWED, value)
        case _:
            return _Use(_Kind.ESCAPED, value)


def _argument_use(argument: cst.Arg, terms: Terms, around: Surroundings) -> _Use:
    called = around.parent(argument)
    name = called.func if isinstance(called, cst.Call) else None
    last = name.attr.value if isinstance(name, cst.Attribute) else dotted(name) if name else None
    if called is None or last is None:
        return _Use(_Kind.ESCAPED, argument)
    if last in terms.returning:
        return _Use(_Kind.RELEASED, called)
    if _closes(argument, around) and "close" in terms.closing | terms.useless:
        return _Use(_Kind.RELEASED if "close" in terms.closing else _Kind.RELEASED_IN_VAIN, called)
    return _Use(_Kind.BORROWED if last in BORROWING else _Kind.ESCAPED, called)


def _closes(argument: cst.Arg, around: Surroundings) -> bool:
    """Whether an argument is what `with closing(…)` is to close."""
    called = around.parent(argument)
    is_closing = isinstance(called, cst.Call) and (dotted(called.func) or "").rpartition(".")[2] in _CLOSING
    return is_closing and called is not None and isinstance(around.parent(called), cst.WithItem)


_CLOSING = frozenset({"closing", "aclosing"})


def _if_skipped(
    site: cst.CSTNode, release: cst.CSTNode, tracked: set[str], around: Surroundings, scope: Scope
) -> Fate | None:
    """The fate where the release stands behind the site, in the same block, and something in between may raise."""
    first, last = around.statement(site), around.statement(release)
    block = around.parent(first) if first else None
    is_plain = isinstance(around.parent(around.awaited(release)), cst.Expr)
    if first is None or last is None or around.parent(last) is not block or not is_plain:
        return None
    if not isinstance(block, cst.IndentedBlock):
        return None
    between = block.body[block.body.index(first) + 1 : block.body.index(last)]
    if any(_leaves(statement) for statement in between):
        return None
    for statement in between:
        for node in (statement, *inside(statement)):
            if _may_raise(node, tracked) and not _is_caught(node, block, around):
                return Fate(Outcome.SKIPPED_ON_EXCEPTION, scope.span(node), scope.span(release))
    return None


def _leaves(statement: cst.CSTNode) -> bool:
    """Whether a statement may end the block that it is in other than by an exception of somebody else's."""
    waiting = [(statement, False)]
    while waiting:
        node, in_loop = waiting.pop()
        if isinstance(node, cst.Return | cst.Raise | cst.Yield):
            return True
        if isinstance(node, cst.Break | cst.Continue) and not in_loop:
            return True
        if not isinstance(node, cst.FunctionDef | cst.ClassDef | cst.Lambda):
            within = in_loop or isinstance(node, cst.For | cst.While)
            waiting += [(child, within) for child in children(node)]
    return False


def _may_raise(node: cst.CSTNode, tracked: set[str]) -> bool:
    """Whether a node asks something of the server by way of one of the names."""
    if isinstance(node, cst.For):
        return _root(node.iter) in tracked
    if not isinstance(node, cst.Call):
        return False
    if isinstance(node.func, cst.Attribute) and _root(node.func) in tracked:
        return node.func.attr.value not in SETTING_UP
    return any(isinstance(argument.value, cst.Name) and argument.value.value in tracked for argument in node.args)


def _is_caught(node: cst.CSTNode, block: cst.CSTNode, around: Surroundings) -> bool:
    """Whether a `try` between the node and the block catches what the node may raise."""
    inner = node
    for outer in _until(block, node, around):
        if isinstance(outer, cst.Try) and inner is outer.body and any(map(_catches, outer.handlers)):
            return True
        inner = outer
    return False


def _catches(handler: cst.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    types = (
        [each.value for each in handler.type.elements] if isinstance(handler.type, cst.Tuple) else [handler.type]
    )
    return any((dotted(each) or "").rpartition(".")[2] in CATCHING for each in types)
