"""What an expression is worth, as far as the text tells, and every place its value came through."""

import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

from poolcheck.source import Span

Places: TypeAlias = tuple[Span, ...]
"""From where a value is used, through everything it comes through, to where it is written."""

Scalar: TypeAlias = str | int | float | bool | None

HOLE = "\0"
"""Stands in a text for a part that is not known."""


class Known(NamedTuple):
    """A value that the files state."""

    scalar: Scalar
    places: Places


class EnvRef(NamedTuple):
    """An environment variable, symbolic until the workload is known in whose environment it is read.

    `default` is what the program goes on with where the variable is not set; None where it stops.
    """

    name: str
    default: "Value | None"
    places: Places


class Computed(NamedTuple):
    """One of FUNCTIONS, applied to values of which not all are known."""

    function: str
    arguments: "tuple[Value, ...]"
    places: Places


class Either(NamedTuple):
    """One of several values; which one is decided at run time."""

    options: "tuple[Value, ...]"
    places: Places


class Table(NamedTuple):
    """A dictionary with text for keys; it may have other entries than these unless it `is_complete`."""

    items: "tuple[tuple[str, Value], ...]"
    is_complete: bool
    places: Places


class Unknown(NamedTuple):
    """A value that no file of the project states."""

    places: Places


Value: TypeAlias = Known | EnvRef | Computed | Either | Table | Unknown

Lookup: TypeAlias = Callable[[str], Value | None]
"""An environment: the value of a variable, None where it is not set."""


def compute(function: str, arguments: Iterable[Value], places: Places) -> Value:
    """A function of values: worked out where all of them are known, put off where they may become known."""
    arguments = tuple(arguments)
    if function == "or":
        return _first_true(arguments, places)
    if function != "join" and any(isinstance(argument, Unknown | Table) for argument in arguments):
        return Unknown(places)
    if not all(isinstance(argument, Known) for argument in arguments) or _is_assembled(function, arguments):
        return Computed(function, arguments, places) if _weight(arguments) <= HEAVIEST else Unknown(places)
    known = [argument for argument in arguments if isinstance(argument, Known)]
    if function == "*" and any(isinstance(argument.scalar, str) for argument in known):
        return Unknown(places)
    try:
        scalar: Scalar = FUNCTIONS[function](*(argument.scalar for argument in known))
    except (ArithmeticError, TypeError, ValueError):
        return Unknown(places)
    if _is_too_large(scalar):
        return Unknown(places)
    return Known(scalar, places + (known[0].places if len(known) == 1 else ()))


def resolve(value: Value, environment: Lookup) -> Value:
    """A value with the variables of an environment put in. What the environment does not set has its default."""
    match value:
        case EnvRef(name, default, places):
            found = environment(name)
            if found is None:
                return Unknown(places) if default is None else moved(resolve(default, environment), places)
            return moved(found, places)
        case Computed(function, arguments, places):
            return compute(function, (resolve(argument, environment) for argument in arguments), places)
        case Either(options, places):
            return either((resolve(option, environment) for option in options), places)
        case Table(items, is_complete, places):
            return Table(tuple((key, resolve(item, environment)) for key, item in items), is_complete, places)
        case _:
            return value


def moved(value: Value, through: Places) -> Value:
    """A value that is used at the last of these places, in front of those it came through already."""
    return value._replace(places=through + value.places)


def either(options: Iterable[Value], places: Places) -> Value:
    """One of several values, of which there is at least one; the first where they are all the same."""
    first, *rest = options = tuple(options)
    if all(_is_same(first, other) for other in rest):
        return first
    return Either(options, places) if _weight(options) <= HEAVIEST else Unknown(places)


def options_of(value: Value) -> tuple[Value, ...]:
    """What a value may be, one after the other; itself where it is only one."""
    return value.options if isinstance(value, Either) else (value,)


def entry_of(value: Value, key: str) -> Value | None:
    """An entry of a dictionary; None where it surely has no such entry, Unknown where it may have one."""
    found = [_entry_of_one(option, key) for option in options_of(value)]
    there = [each for each in found if each is not None]
    if len(there) == len(found):
        return either(there, value.places)
    return Unknown(value.places) if there else None


def variables_of(value: Value | None) -> tuple[str, ...]:
    """The environment variables that a value depends on, as far as their values are not put in."""
    match value:
        case EnvRef(name, default, _):
            return tuple(dict.fromkeys((name, *variables_of(default))))
        case Computed(_, parts, _) | Either(parts, _):
            return tuple(dict.fromkeys(name for part in parts for name in variables_of(part)))
        case _:
            return ()


def by_default(value: Value | None) -> tuple[Value | None, str]:
    """A value where no environment variable is set, and what a message says about that: ", unless SIZE is set"."""
    names = variables_of(value)
    condition = f", unless {' or '.join(names)} is set" if names else ""
    return (value and resolve(value, lambda _: None)), condition


def text_of(value: Value | None) -> str:
    """A value as text, with HOLEs for the parts of it that are not known, or not yet."""
    match value:
        case Known(None, _):
            return HOLE
        case Known(scalar, _):
            return str(scalar)
        case Computed("join", arguments, _):
            return "".join(map(text_of, arguments))
        case _:
            return HOLE


def origin_of(part: str, value: Value) -> Span:
    """Where a part of a text is written: the origin of the first piece of the text that holds it."""
    if isinstance(value, Computed) and value.function == "join":
        for argument in value.arguments:
            if part and part in text_of(argument):
                return origin_of(part, argument)
    return value.places[-1]


def scalars_of(value: Value | None) -> tuple[Scalar, ...] | None:
    """All that a value can be; None where that is not known. A variable that is not set has its default."""
    match value:
        case Known(scalar, _):
            return (scalar,)
        case Either(options, _):
            found = [scalars_of(option) for option in options]
            return None if None in found else tuple(scalar for scalars in found for scalar in scalars or ())
        case _:
            return None


def number_of(value: Value | None) -> int | float | None:
    """The number that a value is; None where it is something else, or is not known."""
    scalar = value.scalar if isinstance(value, Known) else None
    return scalar if isinstance(scalar, int | float) and not isinstance(scalar, bool) else None


def _entry_of_one(value: Value, key: str) -> Value | None:
    if not isinstance(value, Table):
        return Unknown(value.places)
    return dict(value.items).get(key) or (None if value.is_complete else Unknown(value.places))


def _is_assembled(function: str, arguments: tuple[Value, ...]) -> bool:
    """Whether a text is put together from parts that are written in other places, which are to be remembered."""
    return function == "join" and any(len(argument.places) > 1 for argument in arguments)


def _first_true(arguments: tuple[Value, ...], places: Places) -> Value:
    for at, argument in enumerate(arguments):
        if not isinstance(argument, Known):
            rest = arguments[at:]
            return Computed("or", rest, places) if isinstance(argument, EnvRef | Computed) else Unknown(places)
        if argument.scalar or at == len(arguments) - 1:
            return moved(argument, places)
    return Unknown(places)


def _join(*parts: Scalar) -> str:
    return "".join(map(str, parts))


def _divided(one: float, other: float) -> float:
    return one / other


def _floored(one: float, other: float) -> float:
    return one // other


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": _floored,
    "/": _divided,
    "negative": operator.neg,
    "int": int,
    "float": float,
    "str": str,
    "join": _join,
    "lower": str.lower,
    "strip": str.strip,
    "replace": str.replace,
    "max": max,
    "min": min,
}
"""What is worked out. Powers and shifts are not: no pool is sized by one, and their results may be enormous."""

LARGEST = 2**63
LONGEST = 100_000
HEAVIEST = 100
"""Numbers, texts and parts of a value beyond these are not followed."""


def _is_too_large(scalar: Scalar) -> bool:
    if isinstance(scalar, str):
        return len(scalar) > LONGEST
    return isinstance(scalar, int) and abs(scalar) >= LARGEST


def _is_same(one: Value, other: Value) -> bool:
    if isinstance(one, Known) and isinstance(other, Known):
        return one.scalar == other.scalar and type(one.scalar) is type(other.scalar)
    return isinstance(one, Unknown) and isinstance(other, Unknown)


def _weight(values: Iterable[Value]) -> int:
    """Of how many parts values are made up, counted no further than HEAVIEST."""
    weight, left = 0, list(values)
    while left and weight <= HEAVIEST:
        weight += 1
        match left.pop():
            case Computed(_, arguments, _):
                left += arguments
            case Either(options, _):
                left += options
            case Table(items, _, _):
                left += (item for _, item in items)
            case EnvRef(_, default, _) if default is not None:
                left.append(default)
            case _:
                pass
    return weight
