"""Connections that are used behind the end of the `with` statement that lent them."""

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.leaks.following.dependencies import closes, dependent, is_closed_by_dependents
from poolcheck.read.python.leaks.following.roles import yields
from poolcheck.read.python.leaks.outliving.lending import Lent, lent_by
from poolcheck.read.python.syntax.bindings import bound_in, dotted, inside, last_name, names_bound, parameters
from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.syntax.trees import children, walk
from poolcheck.read.python.values.names import functions_called
from poolcheck.read.python.values.scope import Class, Scope
from poolcheck.source import Span

_LENDING = re.compile(
    r"\bwith\b[^:\n]*(?:acquire|begin|clos|conn|cursor|db|database|engine|pool|session|Session|scope)"
)

_BUILDING = frozenset(
    {
        "distinct", "filter", "filter_by", "group_by", "having", "join", "limit", "offset", "options", "order_by",
        "outerjoin", "query", "select_from", "where", "with_entities",
    }
)  # fmt: skip
"""Methods of sessions and queries that execute nothing yet."""
_STREAMING = frozenset(
    {"Response", "EventSourceResponse", "StreamingHttpResponse", "StreamingResponse", "stream_with_context"}
)
"""What hands on what it is given and reads it later."""
_ASKING = frozenset(
    {
        "cursor", "exec", "exec_driver_sql", "execute", "executemany", "fetch", "fetchrow", "fetchval", "flush",
        "get", "merge", "query", "refresh", "scalar", "scalars", "stream",
    }
)  # fmt: skip
"""Methods that need a connection."""
_ENDING = frozenset({"aclose", "close", "commit", "invalidate", "remove", "rollback"})
"""Methods after which a session holds none."""


class How(StrEnum):
    """How a connection comes to be used behind its `with` statement."""

    RETURNED = "returned"
    STORED = "stored"
    CAPTURED = "captured"
    ITERATED = "iterated"
    CURSOR = "cursor"
    STREAM = "stream"
    QUERY = "query"
    USED = "used"


class Escape(NamedTuple):
    """A connection, by its name and what it is, that outlives the `with` statement over `lender`.

    `as_what` is the attribute that keeps it, or the function or the generator that uses it. What is returned is
    `asked_by` a place that has it done for each request.
    """

    span: Span
    how: How
    lent: Lent
    name: str
    as_what: str
    function: str
    lender: Span
    asked_by: Span | None = None


def escapes_in(module: Module) -> Iterator[Escape]:
    """The connections in a module that outlive the `with` statements that lend them."""
    if not module.has(_LENDING):
        return
    for piece in module.mentioning(_LENDING):
        owner = Class(module, piece.scope) if piece.scope else None
        for tree, statement in module.statements(piece):
            for entered, scope in _entered(statement, Scope(module, tree, owner=owner)):
                yield from _escapes(entered, scope)


class _Entered(NamedTuple):
    """A `with` statement in a function, and the statements behind it in the same block."""

    node: cst.With
    behind: Sequence[cst.CSTNode]


def _entered(root: cst.CSTNode, scope: Scope) -> Iterator[tuple[_Entered, Scope]]:
    waiting: list[tuple[cst.CSTNode, Scope, Sequence[cst.CSTNode]]] = [(root, scope, ())]
    while waiting:
        node, within, behind = waiting.pop()
        if isinstance(node, cst.With) and within.functions:
            yield _Entered(node, behind), within
        if isinstance(node, cst.FunctionDef):
            within = within.inside(node)
        below = () if type(node) is cst.SimpleStatementLine else children(node)
        rest = [below[at + 1 :] if isinstance(node, cst.IndentedBlock) else () for at in range(len(below))]
        waiting += [(each, within, after) for each, after in zip(below, rest, strict=True)][::-1]


def _escapes(entered: _Entered, scope: Scope) -> Iterator[Escape]:
    for item in entered.node.items:
        match item:
            case cst.WithItem(item=over, asname=cst.AsName(name=cst.Name(value=name))):
                ways = [*_found(name, entered, scope)]
                lent = lent_by(over, scope) if ways else None
                told = [each for each in ways if lent and _is_told(each, lent, scope)]
                if lent and told:
                    yield _escape(told[0], lent, name, scope.span(over), scope)
            case _:
                pass


def _escape(found: "_Found", lent: Lent, name: str, lender: Span, scope: Scope) -> Escape:
    function = scope.functions[-1]
    asked_by = dependent(function, scope) if found.how is How.RETURNED else None
    return Escape(
        scope.span(found.node), found.how, lent, name, found.as_what, function.name.value, lender, asked_by
    )


class _Found(NamedTuple):
    node: cst.CSTNode
    how: How
    as_what: str = ""


_LAZY = {
    How.CURSOR: frozenset({Lent.SHARED, Lent.RELEASED, Lent.CLOSED}),
    How.STREAM: frozenset({Lent.CONNECTION, Lent.SESSION}),
    How.QUERY: frozenset({Lent.SESSION}),
}
"""What is lazy, by what it is of."""


def _is_told(found: _Found, lent: Lent, scope: Scope) -> bool:
    """Whether it is certain that what is lent does not do any more; a session that is used again may be closed."""
    if lent not in _LAZY.get(found.how, frozenset(Lent)):
        return False
    if lent is not Lent.SESSION:
        return True
    if found.how is How.STORED:
        return not closes(found.as_what, scope.module.masked.text)
    return found.how is not How.RETURNED or not _is_closed_by_callers(scope)


def _is_closed_by_callers(scope: Scope) -> bool:
    """Whether any of those who call a function may close what it returns."""
    function, home = scope.functions[-1], scope.module
    if is_closed_by_dependents(function, scope):
        return True
    name = re.escape(function.name.value)
    for path in dict.fromkeys((home.path, *(home.project.mentions.of(function.name.value) or ()))):
        module = home.project.module(path)
        text = module.masked.text if module else ""
        if re.search(rf"\bwith\s+(?:await\s+)?(?:[\w]+\s*\.\s*)*{name}\s*\(", text):
            return True
        taken = re.finditer(rf"\b(\w+)\s*=\s*(?:await\s+)?(?:\w+\s*\.\s*)*{name}\s*\(", text)
        if any(closes(each[1], text) for each in taken):
            return True
    return False


def _found(name: str, entered: _Entered, scope: Scope) -> Iterator[_Found]:
    """How a name outlives the `with` statement that binds it, as the syntax tells."""
    function = scope.functions[-1]
    body = entered.node.body
    if any(bound == name for node in _nodes(body) for bound, _ in names_bound(node)):
        return
    for node in _nodes(body):
        if isinstance(node, cst.Return) and node.value:
            yield from _returned(node.value, name, body, scope)
    yield from _stored(name, entered, scope)
    if len(bound_in(function).get(name, ())) == 1 and not _always_leaves(body):
        yield from _used_behind(name, entered.behind)


def _nodes(body: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """The nodes in a block that are of the function itself."""
    yield from inside(body)


def _returned(value: cst.BaseExpression, name: str, body: cst.BaseSuite, scope: Scope) -> Iterator[_Found]:
    match value:
        case cst.Name(value=own) if own == name:
            yield _Found(value, How.RETURNED)
        case cst.Name() | cst.Lambda() | cst.GeneratorExp():
            yield from _captured(value, name, body)
        case cst.Tuple(elements=elements) | cst.List(elements=elements):
            for each in elements:
                if isinstance(each.value, cst.Name) and each.value.value == name:
                    yield _Found(each.value, How.RETURNED)
        case cst.Await(expression=cst.Call() as call) | (cst.Call() as call):
            yield from _called(call, name, scope, is_awaited=isinstance(value, cst.Await))
        case _:
            pass


def _captured(value: cst.Name | cst.Lambda | cst.GeneratorExp, name: str, body: cst.BaseSuite) -> Iterator[_Found]:
    """What uses a name when it is called, or iterated over."""
    match value:
        case cst.Name(value=own):
            nested = (each for each in _nodes(body) if isinstance(each, cst.FunctionDef))
            if any(each.name.value == own and _mentions(each, name) for each in nested):
                yield _Found(value, How.CAPTURED, f"{own}()")
        case cst.Lambda():
            if _mentions(value, name):
                yield _Found(value, How.CAPTURED, "a lambda")
        case cst.GeneratorExp():
            if _is_iterated_later(value, name):
                yield _Found(value, How.ITERATED, "a generator expression")


def _mentions(nested: cst.FunctionDef | cst.Lambda, name: str) -> bool:
    """Whether a function uses a name of the function around it, and not to close what it stands for."""
    if any(each.name.value == name for each in parameters(nested)):
        return False
    if isinstance(nested, cst.FunctionDef) and name in bound_in(nested):
        return False
    nodes = [*walk(nested.body)]
    is_used = any(isinstance(each, cst.Name) and each.value == name for each in nodes)
    closing = {f"{name}.aclose", f"{name}.close"}
    return is_used and not any(dotted(each) in closing for each in nodes if isinstance(each, cst.Attribute))


def _is_iterated_later(generator: cst.GeneratorExp, name: str) -> bool:
    """Whether a generator expression uses a name when it is iterated over, and not when it is made."""
    first = generator.for_in.iter
    if any(isinstance(each, cst.Name) and each.value == name for each in walk(generator.for_in.target)):
        return False
    now = {*walk(first)}
    return any(isinstance(each, cst.Name) and each.value == name and each not in now for each in walk(generator))


def _called(call: cst.Call, name: str, scope: Scope, *, is_awaited: bool) -> Iterator[_Found]:
    """What a call returns that uses the connection later."""
    chain = _chain(call, name)
    if chain and chain[0] == "query" and {*chain} <= _BUILDING:
        yield _Found(call, How.QUERY)
    elif chain == ("cursor",) and not is_awaited:
        yield _Found(call, How.CURSOR)
    elif chain in {("stream",), ("stream_scalars",)} and is_awaited:
        yield _Found(call, How.STREAM)
    elif _is_generator_over(call, name, scope):
        yield _Found(call, How.ITERATED, f"{last_name(call.func)}()")
    elif last_name(call.func) in _STREAMING:
        for argument in call.args[:1]:
            if isinstance(argument.value, cst.Call) and _is_generator_over(argument.value, name, scope):
                yield _Found(argument.value, How.ITERATED, f"{last_name(argument.value.func)}()")


def _chain(call: cst.Call, name: str) -> tuple[str, ...]:
    """The methods of `name.one(…).other(…)`; none where it is anything else."""
    methods: list[str] = []
    node: cst.BaseExpression = call
    while isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute):
        methods.append(node.func.attr.value)
        node = node.func.value
    return tuple(reversed(methods)) if isinstance(node, cst.Name) and node.value == name else ()


def _is_generator_over(call: cst.Call, name: str, scope: Scope) -> bool:
    """Whether a call makes a generator of the project that is given the connection."""
    if not any(isinstance(each.value, cst.Name) and each.value.value == name for each in call.args):
        return False
    own = inside(scope.functions[-1])
    local = [each for each in own if isinstance(each, cst.FunctionDef) and each.name.value == dotted(call.func)]
    found = (each.node for each in functions_called(call.func, scope))
    functions = local or [each for each in found if isinstance(each, cst.FunctionDef)]
    return len(functions) == 1 and yields(functions[0]) > 0 and not functions[0].decorators


def _stored(name: str, entered: _Entered, scope: Scope) -> Iterator[_Found]:
    """An attribute that keeps it, where nothing else happens in the block, and that is used elsewhere."""
    function, body = scope.functions[-1], entered.node.body.body
    for at, statement in enumerate(body):
        attribute = _kept_in(statement, name)
        if not attribute:
            continue
        behind = [each for later in body[at + 1 :] for each in inside(later)]
        count = sum(
            dotted(each.target) == attribute for each in walk(function) if isinstance(each, cst.AssignTarget)
        )
        uses = re.findall(rf"\b{re.escape(attribute)}\b", scope.module.masked.text)
        is_left = all(_is_of(each, name, behind, attribute) for each in behind if isinstance(each, cst.Call))
        if not yields(function) and count == 1 and len(uses) > _count(attribute, entered.node) and is_left:
            yield _Found(statement, How.STORED, attribute)


def _kept_in(statement: cst.CSTNode, name: str) -> str:
    """The attribute of `self` that a statement assigns a name to; "" where it does not."""
    match statement:
        case cst.SimpleStatementLine(
            body=[
                cst.Assign(
                    targets=[
                        cst.AssignTarget(target=cst.Attribute(value=cst.Name("self"), attr=cst.Name(value=kept)))
                    ],
                    value=cst.Name(value=own),
                )
            ]
        ) if own == name:
            return f"self.{kept}"
        case _:
            return ""


def _is_of(call: cst.Call, name: str, behind: Sequence[cst.CSTNode], attribute: str) -> bool:
    """Whether a call is one of the connection, or of a cursor of it, and nothing that runs while it is kept."""
    kept = {name, attribute, *(dotted(each.target) or "" for each in behind if isinstance(each, cst.AssignTarget))}
    path = (dotted(call.func) or "").split(".")
    return any(".".join(path[:length]) in kept for length in range(1, len(path)))


def _count(attribute: str, root: cst.CSTNode) -> int:
    return sum(dotted(each) == attribute for each in walk(root) if isinstance(each, cst.Attribute))


def _always_leaves(body: cst.BaseSuite) -> bool:
    """Whether the last statement of a block leaves the function or the loop."""
    last = body.body[-1] if body.body else None
    last = last.body[-1] if isinstance(last, cst.SimpleStatementLine) else last
    return isinstance(last, cst.Return | cst.Raise | cst.Break | cst.Continue)


def _used_behind(name: str, behind: Sequence[cst.CSTNode]) -> Iterator[_Found]:
    """The first use behind the block that needs a connection, where nothing after it lets go of it."""
    first: _Found | None = None
    for statement in behind:
        for node in (statement, *inside(statement)):
            match node:
                case cst.Call(func=cst.Attribute(value=cst.Name(value=own), attr=cst.Name(value=method))) if (
                    own == name
                ):
                    if method in _ENDING:
                        return
                    if method in _ASKING and first is None:
                        first = _Found(node, How.USED)
                case cst.Return(value=cst.Name(value=own)) | cst.Yield(value=cst.Name(value=own)) if own == name:
                    first = first or _Found(node, How.RETURNED)
                case _:
                    pass
    if first:
        yield first
