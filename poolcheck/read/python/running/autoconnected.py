"""Connections that peewee takes out of a pool by itself in a request, and that nothing gives back."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.pools.provenance import made_by
from poolcheck.read.python.running.entry_points import entry_point
from poolcheck.read.python.running.occasions import Occasion
from poolcheck.read.python.running.reached import Function, nodes_of
from poolcheck.read.python.syntax.bindings import dotted
from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.syntax.slices import Kind as PieceKind
from poolcheck.read.python.values.scope import Class, Definition, Scope
from poolcheck.source import Span

_ATOMIC = re.compile(r"\.\s*(?:atomic|transaction)\s*\(")
_GIVING_BACK = (
    "connection_context",
    "FlaskDB",
    ".is_closed()",
    "close_idle",
    "close_stale",
    "close_all",
    "manual_close",
)
"""What a project mentions that closes connections of peewee's when a request is done."""
_REPEATED = frozenset({Occasion.MESSAGE, Occasion.ROUTE, Occasion.SCHEDULED, Occasion.SERVICER, Occasion.TASK})


class Atomic(NamedTuple):
    """A transaction of a pool's database in a function that is run again and again, in the threads of a server."""

    span: Span
    database: str
    function: str
    occasion: str


def atomic_in_requests(module: Module) -> Iterator[Atomic]:
    """The transactions behind which a connection stays with its thread."""
    if not module.has(_ATOMIC) or any(module.project.mentions.of(word) for word in _GIVING_BACK):
        return
    for piece in module.mentioning(_ATOMIC):
        if piece.kind is PieceKind.FUNCTION:
            owner = Class(module, piece.scope) if piece.scope else None
            for tree, statement in module.statements(piece):
                if isinstance(statement, cst.FunctionDef):
                    yield from _atomic(statement, Scope(module, tree, owner=owner))


def _atomic(function: cst.FunctionDef, scope: Scope) -> Iterator[Atomic]:
    within = scope.inside(function)
    for node in nodes_of(Function(function, within)):
        match node:
            case cst.WithItem(
                item=cst.Call(func=cst.Attribute(value=database, attr=cst.Name("atomic" | "transaction")))
            ):
                name = dotted(database)
                if name and _is_pool(database, within) and not _is_closed(name, within.module):
                    entry = entry_point(Definition(function, scope)) if function.asynchronous is None else None
                    if entry and entry.kind in _REPEATED:
                        yield Atomic(within.span(node.item), name, function.name.value, entry.occasion)
                    return
            case _:
                pass


def _is_pool(database: cst.BaseExpression, scope: Scope) -> bool:
    made = made_by(database, scope)
    return made is not None and made.constructor.library is Library.PEEWEE and not made.constructor.is_async


def _is_closed(name: str, module: Module) -> bool:
    """Whether anything in the project closes the database's connection, or enters the database itself."""
    last = name.rpartition(".")[2]
    if module.project.mentions.of(f"{last}.close"):
        return True
    return any(module.project.mentions.of(f"with {each}:") for each in {name, last})
