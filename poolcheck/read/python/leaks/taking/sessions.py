"""Which calls make sessions of SQLAlchemy's that take their connections from an engine."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.leaks.following.roles import yields
from poolcheck.read.python.libraries.terms import ASYNC_SESSION, SESSION, Terms
from poolcheck.read.python.pools.provenance import made_by
from poolcheck.read.python.syntax.bindings import annotation_of, bound_in, inside, last_name_behind, returned
from poolcheck.read.python.values.names import definitions, functions_called, in_class
from poolcheck.read.python.values.scope import Call, Class, Definition, Scope, is_kept, qualified

SESSIONS = frozenset({"sqlalchemy.orm.Session", "sqlalchemy.orm.session.Session", "sqlmodel.Session"})
ASYNC_SESSIONS = frozenset(
    {
        "sqlalchemy.ext.asyncio.AsyncSession", "sqlalchemy.ext.asyncio.session.AsyncSession",
        "sqlmodel.ext.asyncio.session.AsyncSession",
    }
)  # fmt: skip
SESSION_MAKERS = frozenset({"sqlalchemy.orm.sessionmaker", "sqlalchemy.orm.session.sessionmaker"})
ASYNC_SESSION_MAKERS = frozenset(
    {"sqlalchemy.ext.asyncio.async_sessionmaker", "sqlalchemy.ext.asyncio.session.async_sessionmaker"}
)
_REGISTRIES = frozenset({"sqlalchemy.orm.scoped_session", "sqlalchemy.orm.scoping.scoped_session"})
_WRAPPERS = frozenset({"Annotated", "ClassVar", "Final", "Optional"})


def session_made(call: cst.Call, scope: Scope) -> Terms | None:
    """The terms of the session that a call makes; None where it makes none, or no engine is seen behind it.

    A registry that a function makes for itself counts as the session in it.
    """
    called = last_name_behind(call.func).lower()
    if "session" not in called and "maker" not in called:
        return None
    name = qualified(call.func, scope) or ""
    given = [each for each in call.args if not each.star]
    if name in SESSIONS | ASYNC_SESSIONS:
        is_bound = _binds_engine(given, scope, otherwise=False)
        return _terms(is_async=name in ASYNC_SESSIONS) if is_bound else None
    if name in _REGISTRIES:
        is_own = bool(scope.functions) and len(call.args) == 1
        return _of_all(_makers(call.args[0].value, scope, set())) if is_own else None
    if not _binds_engine(given, scope, otherwise=True):
        return None
    return _of_all(_makers(call.func, scope, set()))


class _Maker(NamedTuple):
    """What makes sessions: the call of `sessionmaker`, None where only a type says so."""

    call: Call | None
    is_async: bool


def _of_all(makers: Iterator[_Maker | None]) -> Terms | None:
    """The terms of what any of some makers makes, None among them for what is not known."""
    found = [*makers]
    if not found or not all(each and _is_bound(each) for each in found):
        return None
    kinds = {each.is_async for each in found if each}
    return _terms(is_async=kinds.pop()) if len(kinds) == 1 else None


def _terms(*, is_async: bool) -> Terms:
    return ASYNC_SESSION if is_async else SESSION


def _is_bound(maker: _Maker) -> bool:
    call = maker.call
    if call is None or call.node is None:
        return True
    is_open = any(each.star for each in call.node.args)
    return _binds_engine([each for each in call.node.args if not each.star], call.scope, otherwise=not is_open)


def _binds_engine(given: Sequence[cst.Arg], scope: Scope, *, otherwise: bool) -> bool:
    """Whether a session is bound to an engine, or what is so `otherwise`."""
    for argument in given:
        if argument.keyword is None or argument.keyword.value == "bind":
            made = made_by(argument.value, scope)
            return bool(made and made.constructor.is_pool) or (
                last_name_behind(argument.value).lower().endswith("engine")
            )
    return otherwise


def _makers(node: cst.CSTNode, scope: Scope, seen: set[cst.CSTNode]) -> Iterator[_Maker | None]:
    """What an expression that is called may be, None for what is not known; nothing for what was `seen` before."""
    if node in seen or _is_none(node):
        return
    seen.add(node)
    match node:
        case cst.Call():
            name = qualified(node.func, scope)
            if name in SESSION_MAKERS | ASYNC_SESSION_MAKERS:
                yield _Maker(Call(node, scope), name in ASYNC_SESSION_MAKERS or _makes_async(node, scope))
            else:
                yield from _returned(node, None, scope, seen)
        case cst.Name() | cst.Attribute():
            yield from _bound_to(node, scope, seen)
        case cst.IfExp(body=one, orelse=other) | cst.BooleanOperation(left=one, right=other):
            yield from _makers(one, scope, seen)
            yield from _makers(other, scope, seen)
        case _:
            yield None


def _makes_async(maker: cst.Call, scope: Scope) -> bool:
    classes = (each.value for each in maker.args if each.keyword and each.keyword.value == "class_")
    return any(qualified(each, scope) in ASYNC_SESSIONS for each in classes)


def _bound_to(node: cst.Name | cst.Attribute, scope: Scope, seen: set[cst.CSTNode]) -> Iterator[_Maker | None]:
    if isinstance(node, cst.Name):
        for function in reversed(scope.functions):
            bound = bound_in(function).get(node.value, ())
            if bound and (annotation := annotation_of(node.value, function)) and len(bound) == 1:
                yield _declared(annotation, scope)
                return
            if bound and (unpacked := _unpacked(node.value, function)) and len(bound) == 1:
                yield from _returned(*unpacked, scope, seen)
                return
    found = _definitions(node, scope)
    if not found:
        yield None
    for bound_node, around in found:
        match bound_node:
            case cst.AnnAssign(annotation=declared, value=value):
                yield from _makers(value, around, seen) if value else [_declared(declared.annotation, around)]
            case cst.FunctionDef() | cst.Param():
                yield None
            case _:
                yield from _makers(bound_node, around, seen)


def _definitions(node: cst.Name | cst.Attribute, scope: Scope) -> tuple[Definition, ...]:
    match node:
        case cst.Attribute(value=cst.Name("self"), attr=cst.Name(name)) if scope.owner and scope.functions:
            return _set_in(scope.owner.itself, name)
        case _:
            return definitions(node, scope).definitions


@lru_cache(maxsize=64)
def _set_in(owner: Class, name: str) -> tuple[Definition, ...]:
    """What an attribute of a class is set to; many of its methods ask for it."""
    return in_class(owner, name).definitions


def _unpacked(name: str, function: cst.FunctionDef) -> tuple[cst.Call, int] | None:
    """The call whose result a name is unpacked from, and its place there: `engine, Session = connect()`."""
    for node in inside(function):
        match node:
            case cst.Assign(
                targets=[cst.AssignTarget(target=cst.Tuple(elements=elements))], value=cst.Call() as call
            ):
                for place, each in enumerate(elements):
                    if isinstance(each.value, cst.Name) and each.value.value == name:
                        return call, place
            case _:
                pass
    return None


def _returned(call: cst.Call, place: int | None, scope: Scope, seen: set[cst.CSTNode]) -> Iterator[_Maker | None]:
    """What functions of the project return, or have at a place of the tuple that they return."""
    functions = [*functions_called(call.func, scope)]
    if not functions:
        yield None
    for function, around in functions:
        if not isinstance(function, cst.FunctionDef) or yields(function) or not is_kept(function, around):
            yield None
            continue
        declared = _declared(function.returns.annotation, around, place) if function.returns else None
        if declared:
            yield declared
            continue
        for value in returned(function):
            inner = value if place is None else _element(value, place)
            if inner is None:
                yield None
            else:
                yield from _makers(inner, around.inside(function), seen)


def _element(value: cst.BaseExpression, place: int) -> cst.BaseExpression | None:
    elements = value.elements if isinstance(value, cst.Tuple) else ()
    return elements[place].value if place < len(elements) else None


def _declared(annotation: cst.BaseExpression, scope: Scope, place: int | None = None) -> _Maker | None:
    """The maker that a type stands for, be it one with `| None`, or the type at a place of a tuple."""
    match annotation:
        case cst.SimpleString(evaluated_value=str() as written):
            try:
                return _declared(cst.parse_expression(written), scope, place)
            except cst.ParserSyntaxError:
                return None
        case cst.BinaryOperation(left=left, right=right):
            return _declared(left, scope, place) or _declared(right, scope, place)
        case cst.Subscript(value=wrapper, slice=slices):
            inner = [each.slice.value for each in slices if isinstance(each.slice, cst.Index)]
            if place is not None and last_name_behind(wrapper).lower() == "tuple":
                return _declared(inner[place], scope) if place < len(inner) else None
            if last_name_behind(wrapper) in _WRAPPERS and inner:
                return _declared(inner[0], scope, place)
            found = _declared(wrapper, scope, place)
            is_async = any(qualified(each, scope) in ASYNC_SESSIONS for each in inner)
            return found._replace(is_async=found.is_async or is_async) if found else None
        case cst.Name() | cst.Attribute() if place is None:
            name = qualified(annotation, scope)
            is_maker = name in SESSION_MAKERS | ASYNC_SESSION_MAKERS
            return _Maker(None, name in ASYNC_SESSION_MAKERS) if is_maker else None
        case _:
            return None


def _is_none(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.Name) and node.value == "None"
