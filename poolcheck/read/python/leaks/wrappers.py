"""What functions of the project do with a connection that they are given, and which take one for their caller."""

from collections.abc import Callable
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.leaks.deeds import Deed, Effect, Effects, Use, Uses
from poolcheck.read.python.leaks.roles import yields
from poolcheck.read.python.leaks.walk import Start, Walk, Walked
from poolcheck.read.python.libraries.terms import Terms
from poolcheck.read.python.syntax.arguments import order_of
from poolcheck.read.python.syntax.bindings import parameters, returned
from poolcheck.read.python.values.names import functions_called
from poolcheck.read.python.values.scope import Definition, Scope, decorator_of, is_kept

DEEPEST = 4
"""So many functions that call each other are followed."""

_SHARING = frozenset(
    {
        "cache",
        "cached_property",
        "functools.cache",
        "functools.cached_property",
        "functools.lru_cache",
        "lru_cache",
    }
)
"""Decorators that have a function called once only."""


class _Parameter(NamedTuple):
    """A parameter of a function, and where the function is defined."""

    function: cst.FunctionDef
    name: str
    scope: Scope


def effects(scope: Scope, terms: Terms) -> Effects:
    """What functions that are called in a scope do with a connection that was taken on some terms."""
    return _Effects(terms).of(scope, ())


class _Effects:
    """The effects that are known, for connections on the same terms."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._known: dict[tuple[cst.FunctionDef, str, bool], Effect] = {}

    def of(self, scope: Scope, above: tuple[cst.FunctionDef, ...]) -> Effects:
        """What functions that are called in a scope do, below others that are being looked at."""

        def effect(called: cst.Call, argument: cst.Arg, is_derived: bool) -> Effect:  # noqa: FBT001
            parameter = _parameter(called, argument, scope) if len(above) < DEEPEST else None
            if parameter is None or parameter.function in above:
                return Effect.UNKNOWN
            key = parameter.function, parameter.name, is_derived
            if key not in self._known:
                self._known[key] = Effect.UNKNOWN
                self._known[key] = self._effect(parameter, above, is_derived=is_derived)
            return self._known[key]

        return effect

    def _effect(self, parameter: _Parameter, above: tuple[cst.FunctionDef, ...], *, is_derived: bool) -> Effect:
        function, name, scope = parameter
        if yields(function):
            return Effect.UNKNOWN
        around = scope.inside(function)
        names = ((), (name,)) if is_derived else ((name,), ())
        use = Use(Deed.LOOKED, function, names=names[0] or ("",), derived=names[1])
        uses = Uses(function, self._terms, self.of(around, (*above, function)), lends=False)
        walked = Walk(function, uses, Start(None, use), lends=False).walked()
        if walked.given_up:
            return Effect.UNKNOWN
        if any(each.deed is Deed.RELEASED for each in walked.released):
            return Effect.RELEASES
        if walked.released and not walked.ended:
            return Effect.PAUSES
        if walked.ended or any(each.vain for each in walked.exits):
            return Effect.TAKES if any(use.deed is not Deed.HANDED for use in walked.ended) else Effect.UNKNOWN
        return Effect.BORROWS


def _parameter(called: cst.Call, argument: cst.Arg, scope: Scope) -> _Parameter | None:
    """The parameter of the one function that gets an argument."""
    functions = [*functions_called(called.func, scope)]
    if len(functions) != 1 or not isinstance(functions[0].node, cst.FunctionDef):
        return None
    function, around = functions[0].node, functions[0].scope
    if not is_kept(function, around) or argument.star:
        return None
    is_method = around.owner is not None and not around.functions
    for parameter in parameters(function):
        name, position = order_of(parameter, function, called, is_method=is_method)
        if argument.keyword:
            if argument.keyword.value == name:
                return _Parameter(function, parameter.name.value, around)
        elif called.args.index(argument) == position and not any(each.star for each in called.args):
            return _Parameter(function, parameter.name.value, around)
    return None


class Fresh(NamedTuple):
    """A connection that a function takes for its caller; `position` is its place in the tuple that is returned."""

    position: int | None
    is_awaited: bool


def fresh(function: Definition, walks: Callable[[cst.FunctionDef, Scope], "list[Walked]"]) -> Fresh | None:
    """What a function returns, if every value that it returns is a connection that it has just taken."""
    node, scope = function
    if not isinstance(node, cst.FunctionDef) or not is_kept(node, scope):
        return None
    if any(decorator_of(each, scope) in _SHARING for each in node.decorators):
        return None
    if yields(node):
        return None
    values = [each for each in returned(node) if not (isinstance(each, cst.Name) and each.value == "None")]
    uses = [use for walked in walks(node, scope) for use in walked.ended]
    handed = [use for use in uses if use.deed is Deed.RETURNED]
    positions = {use.position for use in handed}
    if not values or len(handed) < len(uses) or len(positions) != 1:
        return None
    if any(not any(_holds(value, use.node) for use in handed) for value in values):
        return None
    return Fresh(positions.pop(), node.asynchronous is not None)


def _holds(value: cst.BaseExpression, node: cst.CSTNode) -> bool:
    return value is node or (isinstance(value, cst.Tuple) and any(each.value is node for each in value.elements))
