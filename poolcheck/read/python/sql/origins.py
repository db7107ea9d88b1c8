"""Where a connection, a cursor or a session comes from: the call that makes its pool, or opens it."""

from collections.abc import Iterator
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.libraries.constructors import DJANGO, FLASK
from poolcheck.read.python.pools.client_pools import constructor_called
from poolcheck.read.python.sql.handed_in import Handed, handed_in
from poolcheck.read.python.syntax.bindings import bound_in, dotted, inside, returned
from poolcheck.read.python.syntax.trees import walk
from poolcheck.read.python.values.callers import callers
from poolcheck.read.python.values.evaluate import evaluate
from poolcheck.read.python.values.names import definitions, functions_called, in_class, objects_of
from poolcheck.read.python.values.scope import Call, Definition, Scope, Trail, qualified
from poolcheck.source import Span
from poolcheck.value import Known

_LENDING = frozenset(
    {
        "__enter__", "acquire", "begin", "begin_nested", "connect", "connection", "cursor", "execution_options",
        "get_bind", "get_raw_connection", "getconn", "raw_connection", "run_async", "session", "transaction",
    }
)  # fmt: skip
"""Methods whose value is a connection, or the like, of what they are methods of."""

_PARTS = frozenset(
    {"bind", "connection", "dbapi_connection", "driver_connection", "engine", "session", "sync_connection",
     "sync_engine", "sync_session"}
)  # fmt: skip
"""Attributes that lead to the same connection, or the same engine."""

_AROUND = frozenset({"aclosing", "anext", "closing", "enter_async_context", "enter_context", "next"})
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


class Origin(NamedTuple):
    """Where a connection comes from: `maker` is the call that makes its pool, or opens it.

    `setting` is how settings of Django and Flask-SQLAlchemy call the database, where these make the pool.
    `event` is what has the function called which is given the connection: an event of SQLAlchemy's, or `connect`
    for what a pool does to each new connection. Where it `is_routed`, a router of Django's, if there is one, may
    choose another database.
    """

    maker: Span | None = None
    library: Library | None = None
    setting: str | None = None
    event: str | None = None
    is_routed: bool = False

    @property
    def is_seen(self) -> bool:
        """Whether it is known which pool it is."""
        return self.maker is not None or self.setting is not None


NOWHERE = Origin()


def of_django(alias: str) -> Origin:
    """A connection to one of Django's databases."""
    return Origin(library=DJANGO.library, setting=f"DATABASES[{alias!r}]")


DEEPEST = 24
MOST_STEPS = 300
MOST_BINDINGS = 16
"""Through so many hands a connection is followed, in so many steps, and a name that is bound no more often."""


def origin_of(node: cst.CSTNode, scope: Scope) -> Origin:
    """Where a connection comes from; of several places, what they have in common."""
    trail = Trail(DEEPEST, iter(range(MOST_STEPS)), callers(scope.module.project))
    return _common(_origins(node, scope, set(), trail))


def _common(origins: Iterator[Origin]) -> Origin:
    found = dict.fromkeys(origins)
    if not found:
        return NOWHERE
    first, *others = found
    for other in others:
        first = Origin(
            maker=first.maker if first.maker == other.maker else None,
            library=first.library if first.library is other.library else None,
            setting=first.setting if first.setting == other.setting else None,
            event=first.event if first.event == other.event else None,
        )
    return first


def alias_in(node: cst.BaseExpression, scope: Scope) -> str | None:
    """What of Django's databases an expression names."""
    if qualified(node, scope) in {"django.db.DEFAULT_DB_ALIAS", "django.db.utils.DEFAULT_DB_ALIAS"}:
        return "default"
    value = evaluate(node, scope)
    return value.scalar if isinstance(value, Known) and isinstance(value.scalar, str) else None


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
    if node in seen or _is_none(node):
        return
    if (on := trail.on()) is None:
        yield NOWHERE
        return
    seen.add(node)
    match node:
        case cst.Await(expression=value) | cst.NamedExpr(value=value):
            yield from _origins(value, scope, seen, on)
        case cst.IfExp(body=one, orelse=other):
            yield from _origins(one, scope, seen, on)
            yield from _origins(other, scope, seen, on)
        case cst.BooleanOperation(left=given, right=other):
            # What is not seen to be given is perhaps None.
            yield from (each for each in _origins(given, scope, seen, on) if each.is_seen)
            yield from _origins(other, scope, seen, on)
        case cst.Call():
            yield from _called(node, scope, seen, on)
        case cst.Subscript(value=value, slice=[cst.SubscriptElement(slice=cst.Index(value=index))]):
            alias = alias_in(index, scope) if qualified(value, scope) == "django.db.connections" else None
            yield of_django(alias) if alias else NOWHERE
        case cst.Name() | cst.Attribute() if qualified(node, scope) == "django.db.connection":
            yield of_django("default")
        case cst.Name() | cst.Attribute():
            yield from _bound(node, scope, seen, on)
        case _:
            yield NOWHERE


def _called(call: cst.Call, scope: Scope, seen: set[cst.CSTNode], trail: Trail) -> Iterator[Origin]:
    """Where the value of a call comes from."""
    name = qualified(call.func, scope)
    if name == "django.db.transaction.get_connection":
        alias = alias_in(call.args[0].value, scope) if call.args else "default"
        yield of_django(alias) if alias else NOWHERE
    elif made := constructor_called(call, scope):
        own = Origin(library=Library.SQLALCHEMY, setting=FLASK.name)
        yield own if made.library is FLASK.library else Origin(scope.span(call), made.library)
    elif name in _SESSIONS:
        given = [
            each.value for each in call.args if each.keyword and each.keyword.value in {"bind", "session_factory"}
        ]
        given += [each.value for each in call.args[:1] if each.keyword is None and not each.star]
        yield from _origins(given[0], scope, seen, trail) if given else [Origin(library=Library.SQLALCHEMY)]
    elif call.args and _last_name(call.func) in _AROUND:
        yield from _origins(call.args[0].value, scope, seen, trail)
    elif functions := [*functions_called(call.func, scope, trail)]:
        for function in functions:
            yield from _handed_out(function, call, scope, seen, trail)
    elif isinstance(call.func, cst.Attribute) and call.func.attr.value in _LENDING:
        yield from _origins(call.func.value, scope, seen, trail)
    elif isinstance(call.func, cst.Name | cst.Attribute):
        # `SessionLocal()`, where `SessionLocal` is what sessionmaker() returned.
        yield from _origins(call.func, scope, seen, trail)
    else:
        yield NOWHERE


def _handed_out(
    function: Definition, call: cst.Call | None, scope: Scope, seen: set[cst.CSTNode], trail: Trail
) -> Iterator[Origin]:
    """Where what a function returns, or yields, to a call comes from."""
    if not isinstance(function.node, cst.FunctionDef):
        return
    within = function.scope.inside(function.node, Call(call, scope) if call else None)
    yields = (each.value for each in inside(function.node) if isinstance(each, cst.Yield) and each.value)
    lent = [each for each in yields if isinstance(each, cst.BaseExpression)]
    given = lent or returned(function.node)
    for value in given:
        yield from _origins(value, within, seen, trail)
    if not given:
        yield NOWHERE


def _bound(node: cst.Name | cst.Attribute, scope: Scope, seen: set[cst.CSTNode], trail: Trail) -> Iterator[Origin]:
    """Where the value of a name, or of an attribute, comes from."""
    found = definitions(node, scope, trail).definitions
    if len(found) > MOST_BINDINGS:
        yield NOWHERE
    elif found:
        for each in found:
            yield from _of_definition(
                each, seen, trail, is_only=len(found) == 1, is_of=isinstance(node, cst.Attribute)
            )
    elif looped := _looped_over(node, scope):
        yield from _origins(looped, scope, seen, trail)
    elif isinstance(node, cst.Attribute) and node.attr.value in _PARTS:
        yield from _origins(node.value, scope, seen, trail)
    else:
        package = (qualified(node, scope) or "").partition(".")[0]
        yield Origin(library=_LIBRARIES.get(package))


def _of_definition(
    definition: Definition, seen: set[cst.CSTNode], trail: Trail, *, is_only: bool, is_of: bool
) -> Iterator[Origin]:
    """Where what a name is bound to comes from. It `is_only` what it is bound to, and `is_of` an object."""
    bound, scope = definition
    match bound:
        case cst.WithItem(item=item):
            yield from _entered(item, scope, seen, trail)
        case cst.AnnAssign(value=value):
            yield from _origins(value, scope, seen, trail) if value else ()
        case cst.FunctionDef() if is_of:
            # A property.
            yield from _handed_out(definition, None, scope, seen, trail)
        case cst.Param():
            origin = _given(bound, scope, seen, trail)
            # What is not seen to be given is perhaps None, and something else takes its place.
            yield from [origin] if origin.is_seen or is_only else ()
        case cst.BaseExpression():
            yield from _origins(bound, scope, seen, trail)
        case _:
            yield NOWHERE


def _entered(item: cst.BaseExpression, scope: Scope, seen: set[cst.CSTNode], trail: Trail) -> Iterator[Origin]:
    """Where what a `with` statement is handed comes from: from what a class of the project returns there."""
    classes = [each for each in objects_of(item, scope, trail) if each] if isinstance(item, cst.Call) else []
    methods = [
        method
        for each in classes
        for name in ("__enter__", "__aenter__")
        for method in in_class(each, name, trail).definitions
    ]
    if not methods:
        yield from _origins(item, scope, seen, trail)
    for method in methods:
        yield from _handed_out(method, None, scope, seen, trail)


def _looped_over(node: cst.Name | cst.Attribute, scope: Scope) -> cst.BaseExpression | None:
    """What the only loop is over that binds a name in its function: `async for session in get_session():`."""
    if not isinstance(node, cst.Name) or not scope.functions or node.value not in bound_in(scope.functions[-1]):
        return None
    loops = [each for each in inside(scope.functions[-1]) if isinstance(each, cst.For)]
    found = [each.iter for each in loops if dotted(each.target) == node.value]
    return found[0] if len(found) == 1 else None


def _given(parameter: cst.Param, scope: Scope, seen: set[cst.CSTNode], trail: Trail) -> Origin:
    """Where a parameter's value comes from, as far as it is seen; else the library whose type it declares."""
    found = [_of_handed(each, seen, trail) for each in handed_in(parameter, scope, trail)]
    known = [each for each in found if each.is_seen] or [each for each in found if each.event]
    return _common(iter(known)) if known else Origin(library=_library_of(parameter, scope.outside))


def _of_handed(handed: Handed, seen: set[cst.CSTNode], trail: Trail) -> Origin:
    if not handed.is_provider:
        found = _common(_origins(handed.node, handed.scope, seen, trail))
        return found._replace(event=handed.event or found.event)
    functions = functions_called(handed.node, handed.scope, trail)
    return _common(
        each for function in functions for each in _handed_out(function, None, handed.scope, seen, trail)
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


def _is_none(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.Name) and node.value == "None"


def _last_name(node: cst.CSTNode) -> str:
    return (dotted(node) or "").rpartition(".")[2]
