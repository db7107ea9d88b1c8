"""Sessions that `next()` draws out of a generator, which then ends and closes them before they are used."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.leaks.following.fate import fate_of
from poolcheck.read.python.leaks.following.outcome import Fate, Outcome
from poolcheck.read.python.leaks.following.roles import yields
from poolcheck.read.python.leaks.following.taken import Taken
from poolcheck.read.python.leaks.taking.sources import Source, source_of
from poolcheck.read.python.libraries.terms import Terms
from poolcheck.read.python.pools.uses import calls_in
from poolcheck.read.python.syntax.bindings import dotted, inside, last_name_behind
from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.syntax.trees import walk
from poolcheck.read.python.values.names import functions_called
from poolcheck.read.python.values.scope import Class, Definition, Scope
from poolcheck.source import Span

_DRAWING = re.compile(r"\ba?next\s*\(\s*[\w.]+\s*\(|\.\s*__a?next__\s*\(")


class Drawn(NamedTuple):
    """A call that draws a session out of a generator that it alone refers to, and what closes the session there.

    `function` makes the call; None where a request gets the session from a lambda. It `is_async` where the
    generator ends a little later.
    """

    span: Span
    generator: str
    closed_at: Span
    function: str | None
    is_async: bool


def drawn_in(module: Module) -> Iterator[Drawn]:
    """The sessions that are drawn in a module and that nothing closes again."""
    if not module.has(_DRAWING):
        return
    for piece in module.mentioning(_DRAWING):
        owner = Class(module, piece.scope) if piece.scope else None
        for tree, statement in module.statements(piece):
            for call, scope, around in calls_in(statement, Scope(module, tree, owner=owner)):
                if found := _drawn(call, scope, around):
                    yield found


def _drawn(call: cst.Call, scope: Scope, around: tuple[cst.CSTNode, ...]) -> Drawn | None:
    made = _generator_made(call)
    generator = _only(functions_called(made.func, scope)) if made else None
    lent = _lent(generator) if generator else None
    if generator is None or lent is None or not isinstance(generator.node, cst.FunctionDef):
        return None
    is_to_request = _is_given_to_requests(around)
    if not is_to_request and not _is_left_open(call, lent.terms, scope):
        return None
    function = None if is_to_request else scope.functions[-1].name.value
    is_async = generator.node.asynchronous is not None
    return Drawn(scope.span(call), generator.node.name.value, lent.closed_at, function, is_async)


def _generator_made(call: cst.Call) -> cst.Call | None:
    """The call that makes a generator whose first value another call takes, and which is forgotten then."""
    match call:
        case cst.Call(func=cst.Name("next" | "anext"), args=[cst.Arg(value=cst.Call() as made, star=""), *_]):
            return made
        case cst.Call(func=cst.Attribute(value=cst.Call() as made, attr=cst.Name("__next__" | "__anext__"))):
            return made
        case _:
            return None


def _only(functions: Iterator[Definition]) -> Definition | None:
    found = [*functions]
    return found[0] if len(found) == 1 else None


class _Lent(NamedTuple):
    """The terms of the session that a generator lends, and what closes it when the generator ends."""

    terms: Terms
    closed_at: Span


@lru_cache(maxsize=16)
def _lent(generator: Definition) -> _Lent | None:
    function, outside = generator
    if not isinstance(function, cst.FunctionDef) or function.decorators or yields(function) != 1:
        return None
    scope = outside.inside(function)
    value = next(each.value for each in inside(function) if isinstance(each, cst.Yield))
    name = value.value if isinstance(value, cst.Name) else None
    for each in inside(function):
        match each:
            case cst.WithItem(item=cst.Call() as call, asname=cst.AsName(name=cst.Name(value=bound))) if (
                bound == name
            ):
                if (source := source_of(call, scope)) and (terms := _of_session(source)):
                    return _Lent(terms, scope.span(call))
            case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=bound))], value=cst.Call() as call):
                source = source_of(call, scope) if bound == name else None
                terms = _of_session(source) if source else None
                closing = _closed_in_the_end(function, bound) if terms else None
                if terms and closing:
                    return _Lent(terms, scope.span(closing))
            case _:
                pass
    return None


def _of_session(source: Source) -> Terms | None:
    return source.terms if source.terms and source.terms.is_session else None


def _closed_in_the_end(function: cst.FunctionDef, name: str) -> cst.Call | None:
    """The call in a `finally` that closes what a name stands for."""
    for each in inside(function):
        if isinstance(each, cst.Finally):
            for node in walk(each):
                match node:
                    case cst.Call(func=cst.Attribute(attr=cst.Name("close" | "aclose")) as method):
                        if dotted(method.value) == name:
                            return node
                    case _:
                        pass
    return None


def _is_given_to_requests(around: tuple[cst.CSTNode, ...]) -> bool:
    """Whether it is what a lambda returns that FastAPI calls: `Depends(lambda: next(get_db()))`."""
    match around[:3]:
        case (cst.Lambda(), cst.Arg(), cst.Call(func=func)):
            return last_name_behind(func) in {"Depends", "Security", "Provide"}
        case _:
            return False


def _is_left_open(call: cst.Call, terms: Terms, scope: Scope) -> bool:
    """Whether the function that draws a session uses it and never closes it."""
    if not scope.functions:
        return False
    fate = fate_of(Taken(call, terms, scope.functions[-1], scope))
    return isinstance(fate, Fate) and fate.outcome is Outcome.NEVER_RELEASED
