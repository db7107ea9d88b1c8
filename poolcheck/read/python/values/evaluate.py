"""What an expression is worth, followed through names, calls, settings classes and other modules."""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

import libcst as cst

from poolcheck.functions import Scalar
from poolcheck.read.python.syntax.arguments import keywords_besides, order_of
from poolcheck.read.python.syntax.bindings import dotted
from poolcheck.read.python.values.callers import callers
from poolcheck.read.python.values.environment_readers import read_variable
from poolcheck.read.python.values.fields import field_value
from poolcheck.read.python.values.flow import Worth, value_at, value_behind
from poolcheck.read.python.values.given import Given
from poolcheck.read.python.values.methods import METHODS, method_of
from poolcheck.read.python.values.names import MAKING, attribute_of, definitions, in_class, parameters_given
from poolcheck.read.python.values.operations import operation
from poolcheck.read.python.values.outcome import outcome
from poolcheck.read.python.values.records import ENUMERATIONS
from poolcheck.read.python.values.scope import (
    Call,
    Class,
    Definition,
    Scope,
    Trail,
    class_named,
    decorator_of,
    is_kept,
    lineage,
    outset,
    qualified,
)
from poolcheck.read.python.values.tables import changed, entry, entry_for, pairs, written_out
from poolcheck.read.python.values.urls_built import PARTS_OF_URLS, url_built
from poolcheck.value import (
    EnvRef,
    Known,
    Places,
    Table,
    Unknown,
    Value,
    compute,
    either,
    known_text,
    moved,
    options_of,
)

_WORDS: Mapping[str, Scalar] = {"True": True, "False": False, "None": None}
_CONVERSIONS = frozenset({"abs", "bool", "float", "int", "max", "min", "round", "str"})
_BUILT_IN = _CONVERSIONS | {"dict", "getattr", "isinstance"}
_KINDS = frozenset({"bool", "float", "int", "str"})
_PROPERTIES = frozenset(
    {"cached_property", "computed_field", "functools.cached_property", "property", "pydantic.computed_field"}
)


def evaluate(node: cst.CSTNode, scope: Scope, trail: Trail | None = None) -> Value:
    """What an expression, or what else binds a name, is worth."""
    if (on := (trail or outset(callers(scope.module.project))).on()) is None:
        return Unknown((scope.span(node),))
    match node:
        case cst.Integer() | cst.Float() | cst.SimpleString():
            return _literal(node, (scope.span(node),))
        case cst.Name(value=word) if word in _WORDS:
            return Known(_WORDS[word], (scope.span(node),))
        case cst.Name() | cst.Attribute():
            return _named(node, scope, on)
        case cst.Dict():
            return written_out(node, scope, partial(evaluate, trail=on))
        case cst.Subscript():
            return _subscript(node, scope, on)
        case cst.Call():
            return _call(node, scope, on)
        case cst.FunctionDef() | cst.AnnAssign() | cst.WithItem() | cst.Param():
            return _defined(node, scope, on)
        case _:
            return operation(node, scope, partial(evaluate, trail=on))


def _literal(node: cst.Integer | cst.Float | cst.SimpleString, place: Places) -> Value:
    with warnings.catch_warnings():
        # Python has something to say about "\d", and who wrote the file has heard it.
        warnings.simplefilter("ignore")
        try:
            literal = node.evaluated_value
        except (SyntaxError, ValueError):
            return Unknown(place)
    return Unknown(place) if isinstance(literal, bytes) else Known(literal, place)


def _named(node: cst.Name | cst.Attribute, scope: Scope, trail: Trail) -> Value:
    """What a name, or an attribute, is worth; one of several where several things bind it."""
    place = (scope.span(node),)
    worth = partial(evaluate, trail=trail)
    told = _told(dotted(node) or "", scope)
    if told is None and isinstance(node, cst.Name):
        told = value_at(node, scope, worth)
    if told is not None:
        return moved(told, place)
    if isinstance(node, cst.Attribute):
        return moved(_attribute(node, scope, trail), place)
    found = definitions(node, scope, trail)
    values = [_as_used(each, node, scope, worth) for each in found.definitions]
    return moved(either(values if found.is_complete else [*values, Unknown(())], ()), place)


def _told(name: str, scope: Scope) -> Value | None:
    """What a name is worth at a place, where that is known before it is looked for."""
    here = dict(scope.values).get(name)
    call = scope.call if scope.functions and "." in name else None
    return (call.values or {}).get(name) if here is None and call else here


def _attribute(node: cst.Attribute, scope: Scope, trail: Trail) -> Value:
    """What an attribute is worth of an object, a class, a module or a URL."""
    worth = partial(evaluate, trail=trail)
    owner = class_named(node.value, scope)
    if owner and lineage(owner).outside & ENUMERATIONS:
        # A member is another thing than its value.
        return Unknown(())
    if owner is None and (member := _member(node, scope)):
        return worth(member.node, member.scope)
    found = definitions(node, scope, trail)
    if not found.definitions and node.attr.value in PARTS_OF_URLS:
        # A URL is the same as its text here.
        return compute(PARTS_OF_URLS[node.attr.value], [worth(node.value, scope)], ())
    values: list[Value] = []
    for bound in _by_object(found.definitions):
        made, others = _behind_making(node.attr.value, bound, worth)
        values += [*made, *(_as_used(each, node, scope, worth) for each in others)]
    return either(values if found.is_complete else [*values, Unknown(())], ())


def _by_object(bound: Sequence[Definition]) -> Iterable[Sequence[Definition]]:
    """What binds an attribute, for each of the objects that it may be an attribute of."""
    groups: dict[Class | None, list[Definition]] = {}
    for each in bound:
        groups.setdefault(each.scope.this, []).append(each)
    return groups.values()


def _as_used(definition: Definition, node: cst.Name | cst.Attribute, scope: Scope, worth: Worth) -> Value:
    """What a definition makes of a name where it is used."""
    value = worth(definition.node, definition.scope)
    is_table = any(isinstance(option, Table) for option in options_of(value))
    return changed(value, definition, node, scope, worth) if is_table else value


def _member(node: cst.Attribute, scope: Scope) -> Definition | None:
    """What the value of a member of an enumeration is written as, for `Colour.RED.value`."""
    if node.attr.value != "value" or not isinstance(node.value, cst.Attribute):
        return None
    owner = class_named(node.value.value, scope)
    if owner is None or not lineage(owner).outside & ENUMERATIONS:
        return None
    found = in_class(owner, node.value.attr.value, is_itself=True).definitions
    return found[0] if len(found) == 1 and isinstance(found[0].node, cst.BaseExpression) else None


def _behind_making(
    name: str, bound: Sequence[Definition], worth: Worth
) -> tuple[list[Value], Sequence[Definition]]:
    """What an attribute is worth when its object is made, as far as that is told, and what else may bind it."""
    by_default = [each for each in bound if not each.scope.functions]
    making = {each.scope.functions[0]: each.scope for each in bound if _makes_objects(each.scope)}
    if not making or any(isinstance(each.node, cst.FunctionDef) for each in by_default):
        return [], bound
    value = either([worth(each.node, each.scope) for each in by_default], ()) if by_default else None
    for scope in sorted(making.values(), key=lambda scope: scope.functions[0].name.value != "__init__"):
        value = value_behind(f"self.{name}", value, scope, worth)
        if value is None:
            return [], bound
    others = [each for each in bound if each.scope.functions and not _makes_objects(each.scope)]
    return ([value] if value else []), others


def _makes_objects(scope: Scope) -> bool:
    """Whether a scope is that of a method which is called for every object that is made."""
    if not scope.is_method:
        return False
    function = scope.functions[0]
    is_validator = any("model_validator" in (decorator_of(each, scope) or "") for each in function.decorators)
    return is_validator or function.name.value in MAKING


def _defined(
    node: cst.FunctionDef | cst.AnnAssign | cst.WithItem | cst.Param, scope: Scope, trail: Trail
) -> Value:
    """What a name is worth that is bound by more than an expression."""
    match node:
        case cst.FunctionDef(decorators=decorators):
            if any(decorator_of(each, scope) in _PROPERTIES for each in decorators):
                return _returned(Definition(node, scope), Call(None, scope), trail)
            return Unknown((scope.span(node.name),))
        case cst.Param():
            return _parameter(node, scope, trail)
        case cst.AnnAssign() if scope.owner and not scope.functions:
            return field_value(node, scope, partial(evaluate, trail=trail), trail)
        case cst.AnnAssign(value=value) if value:
            return evaluate(value, scope, trail)
        case _:
            return Unknown((scope.span(node),))


def _parameter(parameter: cst.Param, scope: Scope, trail: Trail) -> Value:
    """What a parameter is worth: its argument, or one of those of all calls."""
    calls = parameters_given(Definition(parameter, scope), trail)
    values = [_argument(parameter, scope, call, trail) for call in calls.found]
    return either(values if calls.is_complete else [*values, Unknown((scope.span(parameter),))], ())


def _argument(parameter: cst.Param, scope: Scope, call: Call, trail: Trail) -> Value:
    """What a call gives for a parameter."""
    place = (scope.span(parameter),)
    function = scope.functions[-1]
    if call.values is not None:
        return call.values.get(parameter.name.value, Unknown(place))
    if parameter.star == "**":
        others = keywords_besides(function, call.node)
        return pairs(others, [evaluate(each.value, call.scope, trail) for each in others], place)
    if parameter.star:
        return Unknown(place)
    if call.node:
        given = Given(call.node, call.scope, partial(evaluate, trail=trail))
        value = given.value(*order_of(parameter, function, call.node, is_method=scope.is_method))
        if value is not None:
            return value
    return evaluate(parameter.default, scope.outside, trail) if parameter.default else Unknown(place)


def _returned(function: Definition, call: Call, trail: Trail) -> Value:
    """What a function of the project returns to a call."""
    node, scope = function
    if not isinstance(node, cst.FunctionDef) or not is_kept(node, scope):
        return Unknown((scope.span(node),))
    return outcome(node, scope.inside(node, call), partial(evaluate, trail=trail))


def _subscript(node: cst.Subscript, scope: Scope, trail: Trail) -> Value:
    place = (scope.span(node),)
    match node.slice:
        case [cst.SubscriptElement(slice=cst.Index(value=index))]:
            key = evaluate(index, scope, trail)
        case [cst.SubscriptElement(slice=cst.Slice(lower=cst.Integer("1"), upper=None, step=None))]:
            return compute("behind the first", [evaluate(node.value, scope, trail)], place)
        case _:
            return Unknown(place)
    if isinstance(key, Known) and isinstance(key.scalar, int):
        return _element(node.value, key.scalar, scope, trail)
    written = known_text(key)
    if written is not None and qualified(node.value, scope) == "os.environ":
        return EnvRef(written, None, place)
    table = evaluate(node.value, scope, trail)
    if written is None:
        return entry_for(table, key, Unknown(place), place)
    return entry(table, written, Unknown(place), place)


def _element(node: cst.BaseExpression, at: int, scope: Scope, trail: Trail) -> Value:
    """An element of a tuple, a list or a text that is split, by its number."""
    place = (scope.span(node),)
    match node:
        case cst.Call(func=cst.Attribute(value=base, attr=cst.Name("split" | "rsplit" as split)), args=arguments):
            nodes = [base, *(argument.value for argument in arguments if not (argument.star or argument.keyword))]
            if at in {0, -1} and len(nodes) == len(arguments) + 1:
                values = [evaluate(each, scope, trail) for each in nodes]
                return compute(f"{'last' if at else 'first'} of {split}", values, place)
        case cst.Tuple(elements=elements) | cst.List(elements=elements):
            if -len(elements) <= at < len(elements) and all(isinstance(each, cst.Element) for each in elements):
                return evaluate(elements[at].value, scope, trail)
        case cst.Name() | cst.Attribute():
            found = definitions(node, scope, trail)
            if found.is_complete and len(found.definitions) == 1:
                bound, around = found.definitions[0]
                if isinstance(bound, cst.Tuple):
                    return moved(_element(bound, at, around, trail), place)
        case _:
            pass
    return Unknown(place)


def _call(node: cst.Call, scope: Scope, trail: Trail) -> Value:
    place = (scope.span(node),)
    name = qualified(node.func, scope)
    given = Given(node, scope, partial(evaluate, trail=trail))
    for read in (read_variable, url_built):
        if (value := read(name, given, trail)) is not None:
            return value
    found = definitions(node.func, scope, trail)
    match node.func:
        case cst.Name(value=word) if word in _BUILT_IN and not found.definitions:
            return _built_in(word, given, trail)
        case cst.Attribute(value=base, attr=cst.Name(value=method)) if method in METHODS and not found.definitions:
            return Unknown(place) if name else method_of(evaluate(base, scope, trail), method, given)
        case _:
            values = [_returned(each, Call(node, scope), trail) for each in found.definitions]
            return moved(either(values if found.is_complete else [*values, Unknown(place)], ()), place)


def _built_in(word: str, given: Given, trail: Trail) -> Value:
    place = (given.scope.span(given.call),)
    if word == "dict":
        return given.as_table(place)
    values = given.positional()
    if not values:
        return Unknown(place)
    if word == "isinstance":
        kind = dotted(given.call.args[-1].value)
        return compute(word, [values[0], Known(kind, place)], place) if kind in _KINDS else Unknown(place)
    if word == "getattr":
        return _attribute_named(values, given, trail)
    return compute(word, values, place)


def _attribute_named(values: Sequence[Value], given: Given, trail: Trail) -> Value:
    """`getattr(object, name, default)`, for an attribute that the project shows."""
    place = (given.scope.span(given.call),)
    name = known_text(values[1]) if len(values) > 1 else None
    if name is None or not name.isidentifier():
        return Unknown(place)
    found = attribute_of(given.call.args[0].value, name, given.scope, trail)
    shown = [given.worth(each.node, each.scope) for each in found.definitions]
    return moved(either(shown, ()), place) if shown and found.is_complete else Unknown(place)
