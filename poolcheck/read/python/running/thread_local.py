"""Connections that belong to the thread that first asks for one, and that the thread keeps when it is done."""

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.leaks.flow.graph import is_always_true
from poolcheck.read.python.project.roles import Role, role_of
from poolcheck.read.python.running.entry_points import entry_point
from poolcheck.read.python.running.occasions import Occasion
from poolcheck.read.python.running.reached import Function, nodes_of, reached
from poolcheck.read.python.running.threads import Started, started_in
from poolcheck.read.python.syntax.bindings import bound_in, dotted, last_name, last_name_behind
from poolcheck.read.python.syntax.module import Module, Project
from poolcheck.read.python.syntax.slices import Kind as PieceKind
from poolcheck.read.python.values.names import definitions
from poolcheck.read.python.values.scope import Definition, Scope, class_named, lineage, qualified
from poolcheck.source import Span

REGISTRIES = frozenset({"sqlalchemy.orm.scoped_session", "sqlalchemy.orm.scoping.scoped_session"})

_EXECUTING = frozenset(
    {
        "aggregate", "bulk_create", "bulk_update", "count", "create", "delete", "earliest", "execute", "exists",
        "first", "get", "get_by_id", "get_or_create", "get_or_none", "in_bulk", "insert_many", "last", "latest",
        "scalar", "update", "update_or_create",
    }
)  # fmt: skip
"""Methods of Django's managers and of peewee's models and queries that ask the server at once."""
_READING = frozenset({"all", "execute", "first", "get", "one", "scalar", "scalars", "query"})
"""Methods of sessions, or of what they return, that ask the server or prepare to."""
_LETTING_GO = re.compile(r"close|connection_context|\bremove\b|\brecycle|\bdispose|\bcommit\b|\brollback\b")
_CLOSING = re.compile(r"close|connection_context|terminate|request_finished|request_started")


class Kind(StrEnum):
    """Whose connections the thread keeps."""

    DJANGO = "Django"
    PEEWEE = "peewee"
    REGISTRY = "scoped_session"


_WORDS = {Kind.DJANGO: "django.db", Kind.PEEWEE: "playhouse.pool", Kind.REGISTRY: "scoped_session"}
"""What a project mentions that has such connections."""


class Kept(NamedTuple):
    """A connection that a thread keeps: whose, where it is used first, and what starts the thread.

    `name` is that of the model, the connection or the registry, `title` what starts the thread in short, and
    `runs` the function that the thread runs.
    """

    kind: Kind
    name: str
    runs: str
    used_at: Span
    title: str
    place: Span


def kept_by_threads(module: Module) -> Iterator[Kept]:
    """The connections that the threads keep which a module starts."""
    kinds = [kind for kind in Kind if _may_be(kind, module.project)]
    for started in started_in(module) if kinds else ():
        if _is_short_lived(started):
            continue
        functions = [*reached(started.function)]
        if any(map(_runs_forever, functions)):
            continue
        for kind in kinds:
            found = _used(kind, functions) if _is_kept(kind, functions) else None
            if found:
                name, place = found
                runs = functions[0].node.name.value
                yield Kept(kind, name, runs, place, started.title, started.place)
                break


def _may_be(kind: Kind, project: Project) -> bool:
    """Whether a project has such connections, and nothing that empties registries if they are in one."""
    is_emptied = kind is Kind.REGISTRY and project.mentions.of(".remove()")
    return bool(project.mentions.of(_WORDS[kind])) and not is_emptied


def _is_short_lived(started: Started) -> bool:
    """Whether the whole process ends with its threads, as a command does, or starts only one of them."""
    scope = started.starter
    if "/management/commands/" in f"/{scope.module.path}" or role_of(scope.module.path) is not Role.APPLICATION:
        return True
    if not scope.functions:
        return True
    entry = entry_point(Definition(scope.functions[0], scope._replace(functions=())))
    return entry is not None and not entry.kind.is_repeated and entry.kind is not Occasion.CACHED


def _runs_forever(function: Function) -> bool:
    """Whether a function has a loop without end, and keeps what it has for that long."""
    return any(isinstance(each, cst.While) and is_always_true(each.test) for each in nodes_of(function))


def _is_kept(kind: Kind, functions: Sequence[Function]) -> bool:
    """Whether nothing that the thread runs lets go of a connection."""
    text = "\n".join(map(_code, functions))
    return (_LETTING_GO if kind is Kind.REGISTRY else _CLOSING).search(text) is None


def _code(function: Function) -> str:
    """The code of a function, and its decorators, which may do something around it."""
    span = function.scope.span(function.node)
    decorators = " ".join(last_name_behind(each.decorator) for each in function.node.decorators)
    return f"{decorators}\n{function.scope.module.masked.text[span.start : span.end]}"


def _used(kind: Kind, functions: Sequence[Function]) -> tuple[str, Span] | None:
    """The first use of a connection: what it is of, and where."""
    for function in functions:
        for node in nodes_of(function):
            if isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute):
                name = _OF[kind](node.func, function.scope)
                if name:
                    return name, function.scope.span(node)
    return None


def _of_django(method: cst.Attribute, scope: Scope) -> str:
    """The model whose manager is asked, `Order.objects.get()`, or Django's connection."""
    if method.attr.value == "cursor" and qualified(method.value, scope) == "django.db.connection":
        return "connection"
    if method.attr.value not in _EXECUTING:
        return ""
    node: cst.BaseExpression = method.value
    while isinstance(node, cst.Call | cst.Attribute):
        if isinstance(node, cst.Attribute) and node.attr.value == "objects":
            return last_name(node.value) if _is_model(node.value, scope, "django") else ""
        node = node.func if isinstance(node, cst.Call) else node.value
    return ""


def _of_peewee(method: cst.Attribute, scope: Scope) -> str:
    if method.attr.value not in _EXECUTING:
        return ""
    node: cst.BaseExpression = method.value
    while isinstance(node, cst.Call | cst.Attribute):
        node = node.func if isinstance(node, cst.Call) else node.value
    return last_name(node) if _is_model(node, scope, "peewee") else ""


def _is_model(node: cst.BaseExpression, scope: Scope, package: str) -> bool:
    owner = class_named(node, scope)
    return owner is not None and any(each.partition(".")[0] == package for each in lineage(owner).outside)


def _of_registry(method: cst.Attribute, scope: Scope) -> str:
    node: cst.BaseExpression = method.value
    if method.attr.value not in _READING:
        return ""
    while isinstance(node, cst.Call | cst.Attribute) and not registry_of(node, scope):
        node = node.func if isinstance(node, cst.Call) else node.value
    return registry_of(node, scope)


def registry_of(node: cst.BaseExpression, scope: Scope) -> str:
    """The name of the registry of sessions that an expression stands for; "" where it is none."""
    name = dotted(node)
    if not name or not re.search(r"sess|db|registry", name, re.IGNORECASE):
        return ""
    if any(name.partition(".")[0] in bound_in(function) for function in scope.functions):
        return ""
    found = definitions(node, scope).definitions
    values = [
        (each.node.value if isinstance(each.node, cst.AnnAssign) else each.node, each.scope) for each in found
    ]
    is_registry = bool(values) and all(_makes_registry(value, around) for value, around in values)
    return name if is_registry else ""


@lru_cache(maxsize=64)
def _makes_registry(node: cst.CSTNode | None, scope: Scope) -> bool:
    """Whether a call makes a registry that has a session for each thread."""
    if not isinstance(node, cst.Call) or qualified(node.func, scope) not in REGISTRIES:
        return False
    is_by_thread = len(node.args) == 1 and not node.args[0].star
    return is_by_thread and not any(each.target.startswith("zope") for each in scope.module.imports)


_OF = {Kind.DJANGO: _of_django, Kind.PEEWEE: _of_peewee, Kind.REGISTRY: _of_registry}


class Registry(NamedTuple):
    """A registry of sessions for threads: its name, where it is made, and a function that uses it for requests."""

    name: str
    made_at: Span
    function: str
    used_at: Span
    occasion: str


def registries_kept(module: Module) -> Iterator[Registry]:
    """The registries that a module makes, that requests take sessions from, and that nothing ever empties."""
    if not module.has(_REGISTRY):
        return
    for piece in module.members(""):
        if piece.kind is PieceKind.STATEMENT and piece.name and _REGISTRY.search(module.code(piece)):
            if _is_emptied(piece.name, module):
                continue
            for tree, statement in module.statements(piece):
                scope = Scope(module, tree)
                for value in bound_in(statement).get(piece.name, ()):
                    if value and _makes_registry(value, scope) and (use := _used_in_request(piece.name, module)):
                        yield Registry(piece.name, scope.span(value), *use)


_REGISTRY = re.compile(r"\bscoped_session\s*\(")


def _is_emptied(name: str, module: Module) -> bool:
    """Whether anything in the project lets go of a session of a registry, by whatever name it goes there."""
    mentions = module.project.mentions
    return bool(mentions.of(".remove()") or mentions.of(f"{name}.remove") or mentions.of(f"{name}.close"))


def _used_in_request(name: str, home: Module) -> tuple[str, Span, str] | None:
    """A function that requests or tasks run, which reads by a registry and does not end the transaction."""
    for path in dict.fromkeys((home.path, *(home.project.mentions.of(name) or ()))):
        module = home.project.module(path) if role_of(path) is Role.APPLICATION else None
        for piece in module.naming(name) if module else ():
            if module is None or piece.kind is not PieceKind.FUNCTION or _LETTING_GO.search(module.code(piece)):
                continue
            for tree, statement in module.statements(piece):
                if isinstance(statement, cst.FunctionDef) and (
                    found := _read_by(statement, name, Scope(module, tree))
                ):
                    return found
    return None


def _read_by(function: cst.FunctionDef, name: str, scope: Scope) -> tuple[str, Span, str] | None:
    entry = entry_point(Definition(function, scope)) if function.asynchronous is None else None
    if entry is None or entry.kind not in {Occasion.ROUTE, Occasion.TASK}:
        return None
    within = scope.inside(function)
    for node in nodes_of(Function(function, within)):
        method = node.func if isinstance(node, cst.Call) else None
        if isinstance(method, cst.Attribute) and _of_registry(method, within).rpartition(".")[2] == name:
            return function.name.value, within.span(node), entry.occasion
    return None
