"""What functions of the project do with a connection that they are given, and which take one for their caller."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.leaks.following.deed import Deed, Effect, Effects, Use
from poolcheck.read.python.leaks.following.deeds import Uses
from poolcheck.read.python.leaks.following.roles import yields
from poolcheck.read.python.leaks.following.walk import Walk
from poolcheck.read.python.leaks.following.walked import Start, Walked
from poolcheck.read.python.leaks.following.words import DERIVING
from poolcheck.read.python.libraries.terms import Terms
from poolcheck.read.python.pools.provenance import MOST_BINDINGS
from poolcheck.read.python.syntax.arguments import order_of
from poolcheck.read.python.syntax.bindings import bound_in, dotted, last_name, parameters, returned
from poolcheck.read.python.values.names import definitions, functions_called, in_class
from poolcheck.read.python.values.scope import Class, Definition, Scope, class_in_annotation, decorator_of, is_kept

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

_REPEATING = frozenset({"backoff.on_predicate", "retry.retry", "retrying.retry"})
"""Decorators that call a function again when it has failed, and return what it returns."""


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
        if any(each.vain for each in walked.exits):
            return Effect.UNKNOWN
        is_asked = any(each.left_by_raise and each.raising for each in walked.exits)
        if walked.ended:
            return _effect_of_ends(walked.ended, uses, names=(name,), is_asked=is_asked, is_derived=is_derived)
        return Effect.BORROWS if is_asked else Effect.LOOKS


def _is_made_with_it(node: cst.CSTNode, names: tuple[str, ...]) -> bool:
    """Whether a call may make an object that has it, and that may give it back."""
    match node:
        case cst.Await(expression=inner):
            return _is_made_with_it(inner, names)
        case cst.Call(func=func, args=args):
            return last_name(func) not in DERIVING and any(dotted(each.value) in names for each in args)
        case _:
            return False


def _effect_of_ends(
    ended: Sequence[Use], uses: Uses, *, names: tuple[str, ...], is_asked: bool, is_derived: bool
) -> Effect:
    """What a function does that does not have it any more at its end, and that may have asked something."""
    if all(use.deed is Deed.HANDED for use in ended):
        return Effect.UNKNOWN
    if all(isinstance(uses.around.parent(use.node), cst.Return) for use in ended):
        if all(use.deed is Deed.GONE and not _is_made_with_it(use.node, names) for use in ended):
            return Effect.DERIVES_ASKING if is_asked else Effect.DERIVES
        if not is_derived and all(use.deed is Deed.RETURNED and use.position is None for use in ended):
            return Effect.RETURNS_ASKING if is_asked else Effect.RETURNS
    return Effect.TAKES


def _parameter(called: cst.Call, argument: cst.Arg, scope: Scope) -> _Parameter | None:
    """The parameter of the one function that gets an argument."""
    functions = functions_meant(called.func, scope)
    if len(functions) != 1 or not isinstance(functions[0].node, cst.FunctionDef):
        return None
    function, around = functions[0].node, functions[0].scope
    if not is_kept(function, around, _REPEATING) or argument.star:
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


def functions_meant(func: cst.BaseExpression, scope: Scope) -> list[Definition]:
    """The functions of the project that a call may call; of what a method is, an annotation may tell."""
    if isinstance(func, cst.Attribute) and _is_bound_often(func.value, scope):
        return []
    found = [*functions_called(func, scope)]
    if not found:
        # `get_connection = database.get_connection`
        found = [
            function
            for other, around in definitions(func, scope).definitions
            if isinstance(other, cst.Name | cst.Attribute)
            for function in functions_called(other, around)
        ]
    owner = _annotated(func.value, scope) if not found and isinstance(func, cst.Attribute) else None
    if owner and isinstance(func, cst.Attribute):
        bound = in_class(owner, func.attr.value).definitions
        found = [each for each in bound if isinstance(each.node, cst.FunctionDef)]
    return [each for each in found if not _is_stub(each.node)]


def _is_bound_often(node: cst.BaseExpression, scope: Scope) -> bool:
    """Whether a name is bound to so many things in a function that they are not all asked what they are."""
    if not isinstance(node, cst.Name) or not scope.functions:
        return False
    return len(bound_in(scope.functions[-1]).get(node.value, ())) > MOST_BINDINGS


def _annotated(node: cst.BaseExpression, scope: Scope) -> Class | None:
    """The class of the project that the annotation of a parameter names."""
    if not isinstance(node, cst.Name) or not scope.functions:
        return None
    bound = bound_in(scope.functions[-1]).get(node.value, ())
    match bound:
        case (cst.Param(annotation=cst.Annotation() as annotation),):
            return class_in_annotation(annotation, scope.outside)
        case _:
            return None


def _is_stub(function: cst.CSTNode) -> bool:
    """Whether others say what a function does: it has no body but `...`, `pass` or an error."""
    if not isinstance(function, cst.FunctionDef):
        return False
    small = [
        each
        for line in function.body.body
        for each in (line.body if isinstance(line, cst.SimpleStatementLine) else (line,))
    ]
    return all(
        isinstance(each, cst.Pass | cst.Raise)
        or (isinstance(each, cst.Expr) and isinstance(each.value, cst.BaseString | cst.Ellipsis))
        for each in small
    )


class Fresh(NamedTuple):
    """A connection that a function takes for its caller; `position` is its place in the tuple that is returned.

    At the `derived` places there are cursors of it and the like.
    """

    position: int | None
    is_awaited: bool
    derived: tuple[int, ...] = ()


def fresh(function: Definition, walks: Callable[[cst.FunctionDef, Scope], "list[Walked]"]) -> Fresh | None:
    """What a function returns, if every value that it returns is a connection that it has just taken."""
    node, scope = function
    if not isinstance(node, cst.FunctionDef) or not is_kept(node, scope, _REPEATING):
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
    position = positions.pop()
    names = frozenset(name for walked in walks(node, scope) for name in walked.derived)
    derived = _places(values[0], position, names) if position is not None else ()
    return Fresh(position, node.asynchronous is not None, derived)


def _places(value: cst.BaseExpression, position: int, names: frozenset[str]) -> tuple[int, ...]:
    """The places in a tuple of what is derived from the connection in it: names, or what its methods return."""
    elements = [each.value for each in value.elements] if isinstance(value, cst.Tuple) else []
    itself = dotted(elements[position]) if position < len(elements) else None
    return tuple(
        place
        for place, each in enumerate(elements)
        if (isinstance(each, cst.Name) and each.value in names)
        or (isinstance(each, cst.Call) and itself and (dotted(each.func) or "").startswith(f"{itself}."))
    )


def _holds(value: cst.BaseExpression, node: cst.CSTNode) -> bool:
    return value is node or (isinstance(value, cst.Tuple) and any(each.value is node for each in value.elements))
