"""Where a connection, a cursor or a session comes from: the call that makes its pool, or opens it."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.bindings import bound_in, dotted, inside, returned
from poolcheck.read.python.constructors import Library
from poolcheck.read.python.names import definitions, functions_called
from poolcheck.read.python.pools import constructor_called
from poolcheck.read.python.scope import Definition, Scope, Trail, outset, qualified
from poolcheck.read.python.trees import walk
from poolcheck.source import Span

LENDING = frozenset(
    {
        "__enter__", "acquire", "begin", "begin_nested", "connect", "connection", "cursor", "execution_options",
        "get_bind", "getconn", "raw_connection", "run_async", "session", "transaction",
    }
)  # fmt: skip
"""Methods whose value is a connection, or the like, of what they are methods of."""

_PARTS = frozenset(
    {"bind", "connection", "dbapi_connection", "driver_connection", "engine", "session", "sync_connection",
     "sync_engine", "sync_session"}
)  # fmt: skip
"""Attributes that lead to the same connection, or the same engine."""

_AROUND = frozenset(
    {"aclosing", "anext", "closing", "enter_async_context", "enter_context", "next", "scoped_session"}
)
"""Functions whose value is, or lends, their first argument."""

_SESSIONS = frozenset(
    {
        f"{package}.{name}"
        for package in ("sqlalchemy.orm", "sqlalchemy.orm.session", "sqlalchemy.ext.asyncio", "sqlmodel",
                        "sqlmodel.ext.asyncio.session", "sqlalchemy.ext.asyncio.session")
        for name in ("AsyncSession", "Session", "async_sessionmaker", "scoped_session", "async_scoped_session",
                     "sessionmaker")
    }
)  # fmt: skip
"""What makes sessions of SQLAlchemy, and what makes such makers."""


_LIBRARIES = {
    "aiopg": Library.AIOPG,
    "asyncpg": Library.ASYNCPG,
    "psycopg": Library.PSYCOPG,
    "psycopg2": Library.PSYCOPG2,
    "psycopg_pool": Library.PSYCOPG,
    "sqlalchemy": Library.SQLALCHEMY,
    "sqlmodel": Library.SQLALCHEMY,
}
"""Whose the types are of a package."""

_CALLBACK = re.compile(r"\b(?:after_connect|configure|init|on_connect|setup)\s*=\s*(?:\w+\s*\.\s*)*(?P<name>\w+)")
"""An argument that names a function which is called with each new connection."""


class Origin(NamedTuple):
    """Where a connection comes from: `maker` is the call that makes its pool, or opens it.

    `alias` is the name of one of Django's databases. `event` is what it is that has the function called which is
    given the connection: an event of SQLAlchemy's, or `connect` for what a pool does to each new connection.
    """

    maker: Span | None = None
    library: Library | None = None
    alias: str | None = None
    event: str | None = None


NOWHERE = Origin()


def origin_of(node: cst.CSTNode, scope: Scope) -> Origin:
    """Where a connection comes from; of several places, what they have in common."""
    found = dict.fromkeys(_origins(node, scope, set(), outset()))
    if not found:
        return NOWHERE
    first, *others = found
    for other in others:
        first = Origin(
            maker=first.maker if first.maker == other.maker else None,
            library=first.library if first.library is other.library else None,
            alias=first.alias if first.alias == other.alias else None,
            event=first.event if first.event == other.event else None,
        )
    return first


def is_own(node: cst.CSTNode, scope: Scope) -> bool:
    """Whether the function itself takes the connection that an expression stands for, or makes it."""
    return _is_own(node, scope, set())


def _is_own(node: cst.CSTNode, scope: Scope, seen: set[str]) -> bool:
    match node:
        case cst.Await(expression=expression):
            return _is_own(expression, scope, seen)
        case cst.Call(func=cst.Attribute(value=value, attr=cst.Name(value="cursor" | "execution_options"))):
            return _is_own(value, scope, seen)
        case cst.Call(func=cst.Name(value="closing"), args=[argument, *_]):
            return _is_own(argument.value, scope, seen)
        case cst.Call():
            return True
        case cst.Name(value=name) if scope.functions and name not in seen:
            bound = bound_in(scope.functions[-1]).get(name, ())
            values = [each.item if isinstance(each, cst.WithItem) else each for each in bound]
            # What is bound to something that is made of itself, `conn = await conn`, is what it was before.
            own = [value for value in values if not _mentions(name, value)]
            return bool(own) and all(value is not None and _is_own(value, scope, {*seen, name}) for value in own)
        case _:
            return False


def _mentions(name: str, node: cst.CSTNode | None) -> bool:
    return node is not None and any(isinstance(each, cst.Name) and each.value == name for each in walk(node))


def _origins(node: cst.CSTNode, scope: Scope, seen: set[cst.CSTNode], trail: Trail) -> Iterator[Origin]:
    if node in seen or (on := trail.on()) is None:
        return
    seen.add(node)
    match node:
        case cst.Await(expression=value):
            yield from _origins(value, scope, seen, on)
        case cst.Call():
            yield from _called(node, scope, seen, on)
        case cst.Subscript(value=value, slice=[cst.SubscriptElement(slice=cst.Index(value=index))]):
            is_django = qualified(value, scope) == "django.db.connections"
            alias = index.evaluated_value if isinstance(index, cst.SimpleString) else None
            yield Origin(alias=str(alias)) if is_django and alias else NOWHERE
        case cst.Name() | cst.Attribute() if qualified(node, scope) == "django.db.connection":
            yield Origin(alias="default")
        case cst.Name(value=name) if _is_parameter(name, scope):
            yield from _given(name, scope, seen, on)
        case cst.Name() | cst.Attribute():
            yield from _bound(node, scope, seen, on)
        case _:
            yield NOWHERE


def _called(call: cst.Call, scope: Scope, seen: set[cst.CSTNode], trail: Trail) -> Iterator[Origin]:
    """Where the value of a call comes from."""
    if made := constructor_called(call, scope):
        yield Origin(scope.span(call), made.library)
        return
    name = qualified(call.func, scope)
    if name in _SESSIONS:
        bound = [
            each.value for each in call.args if each.keyword and each.keyword.value in {"bind", "session_factory"}
        ]
        first = bound or [each.value for each in call.args[:1] if each.keyword is None and not each.star]
        yield from _origins(first[0], scope, seen, trail) if first else [Origin(library=Library.SQLALCHEMY)]
        return
    match call.func:
        case cst.Name(value=word) | cst.Attribute(attr=cst.Name(value=word)) if word in _AROUND and call.args:
            yield from _origins(call.args[0].value, scope, seen, trail)
            return
        case _:
            pass
    functions = [*functions_called(call.func, scope, trail)]
    for function in functions:
        found = _handed_out(function, seen, trail)
        # What it is told may be where to connect to.
        yield from (each._replace(maker=None) for each in found) if call.args else found
    if not functions:
        match call.func:
            case cst.Attribute(value=value, attr=cst.Name(value=method)) if method in LENDING:
                yield from _origins(value, scope, seen, trail)
            case cst.Name() | cst.Attribute() as factory:
                # `SessionLocal()`, where `SessionLocal` is what sessionmaker() returned.
                yield from _origins(factory, scope, seen, trail)
            case _:
                yield NOWHERE


def _handed_out(definition: Definition, seen: set[cst.CSTNode], trail: Trail) -> Iterator[Origin]:
    """Where what a function returns, or yields, comes from."""
    function, scope = definition
    if not isinstance(function, cst.FunctionDef):
        return
    within = scope.inside(function)
    yields = (each.value for each in inside(function) if isinstance(each, cst.Yield) and each.value)
    lent = [each for each in yields if isinstance(each, cst.BaseExpression)]
    given = [*lent, *(() if lent else returned(function))]
    for value in given:
        yield from _origins(value, within, seen, trail)
    if not given:
        yield NOWHERE


def _is_parameter(name: str, scope: Scope) -> bool:
    """Whether a name is a parameter of a function around, and nothing else is ever bound to it."""
    return any(len(bound_in(each).get(name, ())) == 1 and _parameter(name, each) for each in scope.functions)


def _parameter(name: str, function: cst.FunctionDef) -> cst.Param | None:
    listed = (*function.params.posonly_params, *function.params.params, *function.params.kwonly_params)
    return next((each for each in listed if each.name.value == name), None)


def _given(name: str, scope: Scope, seen: set[cst.CSTNode], trail: Trail) -> Iterator[Origin]:
    """Where a parameter's value comes from: a dependency of FastAPI's, or what calls the function back."""
    for depth, function in reversed([*enumerate(scope.functions)]):
        if parameter := _parameter(name, function):
            outside = scope._replace(functions=scope.functions[:depth])
            if depended := _dependency(parameter, outside, trail):
                yield from _depended(*depended, seen, trail)
            elif event := _listened_to(function, outside):
                target, what = event
                yield from (each._replace(event=what) for each in _origins(target, outside, seen, trail))
            elif maker := _calling_back(function, scope):
                yield maker
            else:
                yield Origin(library=_library_of(parameter, outside))
            return


def _dependency(parameter: cst.Param, scope: Scope, trail: Trail) -> tuple[cst.BaseExpression, Scope] | None:
    """What FastAPI calls for a parameter: `db = Depends(get_db)`, `db: Annotated[Session, Depends(get_db)]`."""
    candidates = [(parameter.default, scope)] if parameter.default else []
    annotation = parameter.annotation.annotation if parameter.annotation else None
    types = [(annotation, scope)]
    if isinstance(annotation, cst.Name | cst.Attribute):
        found = definitions(annotation, scope, trail).definitions
        types = [(each.node, each.scope) for each in found if isinstance(each.node, cst.BaseExpression)]
    for each, there in types:
        if isinstance(each, cst.Subscript):
            inner = [part.slice.value for part in each.slice if isinstance(part.slice, cst.Index)]
            candidates += [(part, there) for part in inner[1:]]
    for each, there in candidates:
        if isinstance(each, cst.Call) and each.args and _last_name(each.func) == "Depends":
            return each.args[0].value, there
    return None


def _depended(node: cst.BaseExpression, scope: Scope, seen: set[cst.CSTNode], trail: Trail) -> Iterator[Origin]:
    functions = [*functions_called(node, scope, trail)]
    for function in functions:
        yield from _handed_out(function, seen, trail)
    if not functions:
        yield NOWHERE


def _listened_to(function: cst.FunctionDef, scope: Scope) -> tuple[cst.BaseExpression, str] | None:
    """Whose event it is that a function is decorated to be called at: `@event.listens_for(engine, "connect")`."""
    for decorator in function.decorators:
        match decorator.decorator:
            case cst.Call(func=func, args=[target, cst.Arg(value=cst.SimpleString() as name), *_]) if _last_name(
                func
            ) == "listens_for" and "sqlalchemy" in (qualified(func, scope) or ""):
                return target.value, str(name.evaluated_value)
            case _:
                pass
    return None


def _calling_back(function: cst.FunctionDef, scope: Scope) -> Origin | None:
    """The pool that calls a function with each new connection, `create_pool(…, init=function)`."""
    name = function.name.value
    for piece in scope.module.mentioning(re.compile(rf"=\s*(?:\w+\s*\.\s*)*{re.escape(name)}\b(?!\s*[(.\[])")):
        if name not in {found["name"] for found in _CALLBACK.finditer(scope.module.code(piece))}:
            continue
        for tree, statement in scope.module.statements(piece):
            around = Scope(scope.module, tree)
            for call in walk(statement):
                if isinstance(call, cst.Call) and _is_given(name, call):
                    made = constructor_called(call, around)
                    return made and Origin(around.span(call), made.library, event="connect")
    return None


def _is_given(name: str, call: cst.Call) -> bool:
    words = {"after_connect", "configure", "init", "on_connect", "setup"}
    return any(
        each.keyword and each.keyword.value in words and _last_name(each.value) == name for each in call.args
    )


def _library_of(parameter: cst.Param, scope: Scope) -> Library | None:
    """Whose type a parameter is declared to have."""
    if parameter.annotation is None:
        return None
    for node in walk(parameter.annotation.annotation):
        if isinstance(node, cst.Name | cst.Attribute):
            package = (qualified(node, scope) or "").partition(".")[0]
            if package in _LIBRARIES:
                return _LIBRARIES[package]
    return None


def _bound(node: cst.Name | cst.Attribute, scope: Scope, seen: set[cst.CSTNode], trail: Trail) -> Iterator[Origin]:
    """Where the value of a name, or of an attribute, comes from."""
    found = definitions(node, scope, trail).definitions
    for bound, around in found:
        match bound:
            case cst.WithItem(item=item):
                yield from _origins(item, around, seen, trail)
            case cst.AnnAssign(value=value):
                yield from _origins(value, around, seen, trail) if value and not _is_none(value) else ()
            case cst.FunctionDef() if isinstance(node, cst.Attribute):
                # A property.
                yield from _handed_out(Definition(bound, around), seen, trail)
            case cst.BaseExpression():
                yield from _origins(bound, around, seen, trail) if not _is_none(bound) else ()
            case _:
                yield NOWHERE
    if found:
        return
    if isinstance(node, cst.Attribute) and node.attr.value in _PARTS:
        yield from _origins(node.value, scope, seen, trail)
        return
    package = (qualified(node, scope) or "").partition(".")[0]
    yield Origin(library=_LIBRARIES.get(package))


def _is_none(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.Name) and node.value == "None"


def _last_name(node: cst.CSTNode) -> str:
    return (dotted(node) or "").rpartition(".")[2]
