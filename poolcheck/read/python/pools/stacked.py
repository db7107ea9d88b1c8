"""Pools that take their connections from other pools."""

from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.libraries.constructor import Constructor
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.pools.provenance import made_by
from poolcheck.read.python.pools.uses import placed
from poolcheck.read.python.syntax.arguments import keyword_of
from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.values.scope import Scope
from poolcheck.source import Span

_TAKING = frozenset({"acquire", "connection", "get_connection", "getconn"})
"""Methods of pools that hand out a connection."""
_CREATORS = frozenset({"async_creator", "creator"})


class Inner(NamedTuple):
    """The pool beneath another: what makes it, with which arguments, where it is named, and how it is called."""

    constructor: Constructor
    keywords: frozenset[str] | None
    place: Span
    name: str


def inner_pool(pool: ClientPool, module: Module) -> Inner | None:
    """The pool that an engine's `creator` takes connections from; None where it connects by itself."""
    if pool.arguments.keys().isdisjoint(_CREATORS):
        return None
    made = placed(module, pool.span)
    for argument in made.call.args if made else ():
        if made and keyword_of(argument) in _CREATORS:
            return _taken_from(argument.value, made.scope)
    return None


def _taken_from(node: cst.BaseExpression, scope: Scope) -> Inner | None:
    match node:
        case cst.Lambda(body=cst.Call(func=func)):
            return _taken_from(func, scope)
        case cst.Attribute(value=value, attr=cst.Name(value=method)) if method in _TAKING:
            made = made_by(value, scope)
            if made is None or not made.constructor.is_pool:
                return None
            place = scope.span(node)
            written = scope.module.source.text[place.start : place.end]
            return Inner(made.constructor, made.keywords, place, written.rpartition(".")[0].strip())
        case _:
            return None
