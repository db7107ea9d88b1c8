"""Which sessions and connections are used at the same time: by children that run together, by requests."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.pools.uses import calls_in
from poolcheck.read.python.project.roles import Role, role_of
from poolcheck.read.python.running.entry_points import entry_point
from poolcheck.read.python.running.occasions import EntryPoint, Occasion
from poolcheck.read.python.running.reached import Function, nodes_of
from poolcheck.read.python.running.sessions import Kind, Session, session_in, session_of
from poolcheck.read.python.running.together import Child, Group
from poolcheck.read.python.syntax.arguments import order_of, passed
from poolcheck.read.python.syntax.bindings import bound_in, dotted, last_name_behind, parameters
from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.syntax.slices import Kind as PieceKind
from poolcheck.read.python.values.names import functions_called
from poolcheck.read.python.values.scope import Class, Definition, Scope
from poolcheck.source import Span

MOST_STEPS = 4
ASKING = frozenset(
    {
        "add", "add_all", "begin", "begin_nested", "commit", "connection", "copy_records_to_table", "cursor",
        "delete", "exec", "execute", "executemany", "fetch", "fetchmany", "fetchrow", "fetchval", "flush",
        "get", "get_one", "merge", "query", "refresh", "rollback", "run_sync", "scalar", "scalars", "stream",
        "stream_scalars", "transaction",
    }
)  # fmt: skip
"""Methods that have a session or a connection do something on the server, now or soon."""
_HARMLESS = frozenset({"add", "add_all"})
_LIKELY = re.compile(r"sess|conn|cnx|db", re.IGNORECASE)
"""What sessions and connections are called."""
_AUTOCOMMIT = re.compile(r"\bautocommit\b|\bset_isolation_level\b|\bISOLATION_LEVEL_AUTOCOMMIT\b")
"""What has a connection keep no transaction between statements."""
_LOCK = re.compile(r"lock|mutex|sem(?:aphore)?\b|limiter", re.IGNORECASE)
_REQUESTS = frozenset({Occasion.ROUTE, Occasion.SOCKET, Occasion.HOOK, Occasion.DEPENDENCY, Occasion.SERVICER})


class Use(NamedTuple):
    """That a child uses a session, under this name where it is started; and what is called."""

    name: str
    session: Session
    call: str
    is_repeated: bool


def uses_at_once(child: Child, group: Group) -> Iterator[Use]:
    """The sessions that a child uses, which are the same for all of the children."""
    seen: set[str] = set()
    for name, session in _sessions_of(child):
        if name in seen or session.kind.is_async == group.is_threads or session.kind is Kind.CONNECTION:
            continue
        seen.add(name)
        is_repeated = child.loop is not None and not _is_made_in(child.loop, session, child.scope)
        if child.loop is None or is_repeated:
            yield Use(name, session, last_name_behind(child.func), is_repeated)


def _is_made_in(loop: Span, session: Session, scope: Scope) -> bool:
    """Whether each round of a loop has a session of its own."""
    return any(
        place.path == scope.module.path and loop.start <= place.start < loop.end for place in session.places
    )


def _sessions_of(child: Child) -> Iterator[tuple[str, Session]]:
    """The sessions that a child uses: the one that it is a method of, those it is given, those of its object."""
    func, scope = child.func, child.scope
    is_method = isinstance(func, cst.Attribute) and func.attr.value in ASKING - _HARMLESS
    if is_method and isinstance(func, cst.Attribute) and (own := session_of(func.value, scope)):
        yield dotted(func.value) or "", own
        return
    functions = [*functions_called(func, scope)]
    if len(functions) != 1 or not isinstance(functions[0].node, cst.FunctionDef):
        return
    function = Function(functions[0].node, functions[0].scope.inside(functions[0].node))
    call = cst.Call(func, child.args)
    for parameter in parameters(function.node):
        order = order_of(parameter, function.node, call, is_method=function.scope.is_method)
        given = passed(call, *order).node
        found = session_of(given, scope) if given else None
        if given and found and _uses(parameter.name.value, function, MOST_STEPS):
            yield dotted(given) or "", found
    if len(function.scope.functions) > 1:
        yield from _of_closure(function)
    elif isinstance(func, cst.Attribute) and function.scope.is_method and (owner := dotted(func.value)):
        for attribute, found in _of_object(function, MOST_STEPS):
            yield f"{owner}.{attribute}", found


def _uses(name: str, function: Function, steps: int) -> bool:
    """Whether a function has a session of this name do something, and no lock around it."""
    if not steps or len(bound_in(function.node).get(name, ())) != 1 or _has_lock(function):
        return False
    calls = [each for each in nodes_of(function) if isinstance(each, cst.Call)]
    if any(_method_of(name, each) in ASKING - _HARMLESS for each in calls):
        return True
    return any(_is_handed_on(name, each, function, steps) for each in calls)


def _is_handed_on(name: str, call: cst.Call, function: Function, steps: int) -> bool:
    """Whether a function that is called with the session uses it."""
    if not any(isinstance(each.value, cst.Name) and each.value.value == name for each in call.args):
        return False
    for inner, around in functions_called(call.func, function.scope):
        if isinstance(inner, cst.FunctionDef):
            within = Function(inner, around.inside(inner))
            for parameter in parameters(inner):
                order = order_of(parameter, inner, call, is_method=within.scope.is_method)
                given = passed(call, *order).node
                if isinstance(given, cst.Name) and given.value == name:
                    return _uses(parameter.name.value, within, steps - 1)
    return False


def _of_object(function: Function, steps: int) -> Iterator[tuple[str, Session]]:
    """The sessions of its object that a method uses, by the attributes that hold them."""
    if not steps or _has_lock(function):
        return
    for node in nodes_of(function):
        match node:
            case cst.Call(
                func=cst.Attribute(
                    value=cst.Attribute(value=cst.Name("self"), attr=cst.Name(value=attribute)) as held,
                    attr=cst.Name(value=method),
                )
            ) if method in ASKING - _HARMLESS:
                if found := session_of(held, function.scope):
                    yield attribute, found
            case cst.Call(func=cst.Attribute(value=cst.Name("self")) as func):
                for inner, around in functions_called(func, function.scope):
                    if isinstance(inner, cst.FunctionDef) and inner is not function.node:
                        yield from _of_object(Function(inner, around.inside(inner)), steps - 1)
            case _:
                pass


def _of_closure(function: Function) -> Iterator[tuple[str, Session]]:
    """The sessions of the function around that a function inside of it uses."""
    if _has_lock(function):
        return
    for node in nodes_of(function):
        match node:
            case cst.Call(func=cst.Attribute(value=held, attr=cst.Name(value=method))) if (
                method in ASKING - _HARMLESS
            ):
                name = dotted(held) or ""
                is_outer = name and name.partition(".")[0] not in bound_in(function.node)
                if is_outer and (found := session_of(held, function.scope)):
                    yield name, found
            case _:
                pass


def _method_of(name: str, call: cst.Call) -> str:
    match call.func:
        case cst.Attribute(value=cst.Name(value=own), attr=cst.Name(value=method)) if own == name:
            return method
        case _:
            return ""


def _has_lock(function: Function) -> bool:
    """Whether a function waits for its turn."""
    items = (each for each in nodes_of(function) if isinstance(each, cst.WithItem))
    return any(_LOCK.search(last_name_behind(item.item)) for item in items)


class Global(NamedTuple):
    """A session or a connection of a module that requests use: where it is made and where a function uses it."""

    name: str
    kind: Kind
    place: Span
    function: str
    used: Span
    entry: EntryPoint


def global_sessions(module: Module) -> Iterator[Global]:
    """The sessions and connections that a module makes when it is imported, and that its routes use."""
    for piece in module.members(""):
        if piece.kind is not PieceKind.STATEMENT or not piece.name or not _LIKELY.search(piece.name):
            continue
        if not re.search(r"=\s*(?:await\s+)?[\w.]+\s*\(", module.code(piece)):
            continue
        found = session_in(module, piece.name)
        if found and found.kind is Kind.CONNECTION and module.has(_AUTOCOMMIT):
            continue
        is_own = found is not None and all(place.path == module.path for place in found.places)
        if found and is_own and (use := _used_in_request(piece.name, found.kind, module)):
            yield Global(piece.name, found.kind, found.places[-1], *use)


def _used_in_request(name: str, kind: Kind, home: Module) -> tuple[str, Span, EntryPoint] | None:
    """A function that requests call and that uses a session of a module, be it in a module that imports it."""
    if found := _used_in(name, kind, home):
        return found
    for path in home.project.mentions.of(name) or ():
        module = home.project.module(path) if path != home.path and role_of(path) is Role.APPLICATION else None
        for each in module.imports if module else ():
            if module and each.target.rpartition(".")[2] == name:
                target = home.project.find(each.target, path)
                if target and target[0] is home and (found := _used_in(each.name, kind, module)):
                    return found
    return None


def _used_in(name: str, kind: Kind, module: Module) -> tuple[str, Span, EntryPoint] | None:
    """A function of a module that requests call and that uses what is called so there."""
    for piece in module.naming(name):
        if piece.kind is not PieceKind.FUNCTION:
            continue
        owner = Class(module, piece.scope) if piece.scope else None
        for tree, statement in module.statements(piece):
            for call, scope, _ in calls_in(statement, Scope(module, tree, owner=owner)):
                if _method_of(name, call) not in ASKING or not scope.functions:
                    continue
                function = scope.functions[0]
                if name in bound_in(function) or (kind.is_async != (function.asynchronous is not None)):
                    continue
                entry = entry_point(Definition(function, scope._replace(functions=())))
                if entry and entry.kind in _REQUESTS:
                    return function.name.value, scope.span(call.func), entry
    return None
