"""What an expression is worth, as far as the text tells, and every place its value came through."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, product
from math import prod
from typing import NamedTuple, TypeAlias

from poolcheck.functions import FUNCTIONS, PUT_IN_URLS, Scalar, is_too_large, with_part
from poolcheck.source import Span

Places: TypeAlias = tuple[Span, ...]
"""From where a value is used, through everything it comes through, to where it is written."""

HOLE = "\0"
"""Stands in a text for a part that is not known."""


class Known(NamedTuple):
    """A value that the files state."""

    scalar: Scalar
    places: Places


class EnvRef(NamedTuple):
    """An environment variable, symbolic until the workload is known in whose environment it is read.

    `default` is what the program goes on with where the variable is not set; None where it stops. `others` are
    variables that count where the first is not set, one after the other. Some readers ignore the case of names.
    """

    name: str
    default: "Value | None"
    places: Places
    others: tuple[str, ...] = ()
    ignores_case: bool = False

    @property
    def usual_names(self) -> tuple[str, ...]:
        """What to call it, and the others: in capitals, where the case does not matter."""
        names = (self.name, *self.others)
        return tuple(dict.fromkeys(name.upper() for name in names)) if self.ignores_case else names

    @property
    def names(self) -> Iterator[str]:
        """The names under which it is looked for, in order."""
        for name in (self.name, *self.others):
            yield from dict.fromkeys((name, name.upper(), name.lower())) if self.ignores_case else (name,)


class Computed(NamedTuple):
    """One of FUNCTIONS, or `or`, `and` or `if`, applied to values of which not all are known."""

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
    """A function of values: worked out where all of them are known, put off where they may become known.

    `if` takes a condition, and what holds where it is true and where it is not.
    """
    arguments = tuple(arguments)
    match function:
        case "or" | "and":
            return _first(arguments, places, is_true=function == "or")
        case "if":
            test, then, otherwise = arguments
            return _chosen(test, then, otherwise, places)
        case _:
            return _applied(function, arguments, places)


def _applied(function: str, arguments: tuple[Value, ...], places: Places) -> Value:
    if (
        function == "+"
        and any(map(_is_text, arguments))
        and not all(isinstance(each, Known) for each in arguments)
    ):
        function = "join"
    if (answer := _answered(function, arguments)) is not None:
        return Known(answer, places)
    if function not in _MADE_OF_TEXTS:
        arguments = tuple(map(_put_together, arguments))
    if function != "join" and any(isinstance(argument, Unknown | Table) for argument in arguments):
        return Unknown(places)
    if function != "join" and any(isinstance(argument, Either) for argument in arguments):
        return _of_each(function, arguments, places)
    known = [argument for argument in arguments if isinstance(argument, Known)]
    if len(known) < len(arguments) or _is_assembled(function, arguments):
        return _put_off(function, arguments, places)
    return _worked_out(function, known, places)


def _worked_out(function: str, known: Sequence[Known], places: Places) -> Value:
    try:
        scalar: Scalar = FUNCTIONS[function](*(argument.scalar for argument in known))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return Unknown(places)
    if is_too_large(scalar):
        return Unknown(places)
    return Known(scalar, places + (known[0].places if len(known) == 1 else ()))


def resolve(value: Value, environment: Lookup) -> Value:
    """A value with the variables of an environment put in. What the environment does not set has its default."""
    match value:
        case EnvRef(_, default, places):
            found = next((each for name in value.names if (each := environment(name)) is not None), None)
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
    """One of several values, of which there is at least one; that one where they are all the same."""
    different: list[Value] = []
    for option in chain.from_iterable(map(_parts_of, options)):
        if not any(_is_same(option, other) for other in different):
            different.append(option)
        if len(different) > HEAVIEST:
            return Unknown(places)
    if len(different) == 1:
        return different[0]
    return Either(tuple(different), places) if _weight(different) <= HEAVIEST else Unknown(places)


def options_of(value: Value) -> tuple[Value, ...]:
    """What a value may be, one after the other; itself where it is only one."""
    match value:
        case Either(options, _):
            return options
        case Computed("if", (_, then, otherwise), _):
            return (*options_of(then), *options_of(otherwise))
        case _:
            return (value,)


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
        case EnvRef(_, default, _):
            return tuple(dict.fromkeys((*value.usual_names, *variables_of(default))))
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
        case Computed("replace", (text, Known(str() as old, _), Known(str() as new, _), *_), _):
            return _replaced(text_of(text), old, new)
        case Computed(function, (text, Known(str() | int() | None as part, _)), _) if function in PUT_IN_URLS:
            try:
                return with_part(text_of(text), PUT_IN_URLS[function], part)
            except ValueError:
                return HOLE
        case Computed("str", (text,), _):
            return text_of(text)
        case _:
            return HOLE


def origin_of(part: str, value: Value) -> Span:
    """Where a part of a text is written: the origin of the first piece of the text that holds it."""
    if isinstance(value, Computed) and value.function == "join":
        for argument in value.arguments:
            if part and argument.places and part in text_of(argument):
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


def known_text(value: Value | None) -> str | None:
    """The text that a value is; None where it is something else, or is not known."""
    return value.scalar if isinstance(value, Known) and isinstance(value.scalar, str) else None


def _entry_of_one(value: Value, key: str) -> Value | None:
    if not isinstance(value, Table):
        return Unknown(value.places)
    return dict(value.items).get(key) or (None if value.is_complete else Unknown(value.places))


def _answered(function: str, arguments: tuple[Value, ...]) -> bool | None:
    """What a question about a text comes to that is known in part, as far as that part tells."""
    match function, arguments:
        case "startswith", (text, Known(str() as prefix, _)):
            before = text_of(text).partition(HOLE)[0]
            return True if before.startswith(prefix) else (None if prefix.startswith(before) else False)
        case "in", (Known(str() as part, _), text):
            return True if any(part in piece for piece in text_of(text).split(HOLE) if part) else None
        case _:
            return None


_MADE_OF_TEXTS = frozenset({"join", "replace", "str", *PUT_IN_URLS})
"""Functions whose result is a text that shows which part of it comes from where."""


def _put_together(value: Value) -> Value:
    """A text that is put together of parts which are all known, as one; anything else as it is."""
    if not isinstance(value, Computed) or value.function not in _MADE_OF_TEXTS:
        return value
    text = text_of(value)
    if HOLE in text:
        return value
    places = (*value.places, *(place for part in value.arguments for place in part.places))
    return Known(text, tuple(dict.fromkeys(places)))


def _is_assembled(function: str, arguments: tuple[Value, ...]) -> bool:
    """Whether a text is put together from parts that are written in other places, which are to be remembered."""
    return function == "join" and any(len(argument.places) > 1 for argument in arguments)


def _parts_of(value: Value) -> tuple[Value, ...]:
    """The options of a value, each with all places it comes through; itself where it is only one."""
    return tuple(moved(each, value.places) for each in value.options) if isinstance(value, Either) else (value,)


def _put_off(function: str, arguments: tuple[Value, ...], places: Places) -> Value:
    return Computed(function, arguments, places) if _weight(arguments) <= HEAVIEST else Unknown(places)


def _of_each(function: str, arguments: tuple[Value, ...], places: Places) -> Value:
    """A function of values of which some are one of several."""
    options = [options_of(argument) for argument in arguments]
    if prod(map(len, options)) > MOST_OPTIONS:
        return Unknown(places)
    return either([compute(function, each, places) for each in product(*options)], places)


def _first(arguments: tuple[Value, ...], places: Places, *, is_true: bool) -> Value:
    """The first value that is true, or that is not; the last where none is."""
    for at, argument in enumerate(arguments[:-1]):
        truth = _truth(argument)
        if truth is None:
            rest = arguments[at:]
            if isinstance(argument, Either):
                parts = [_first((each, *rest[1:]), places, is_true=is_true) for each in argument.options]
                return either(parts, places)
            function = "or" if is_true else "and"
            return Unknown(places) if isinstance(argument, Unknown) else _put_off(function, rest, places)
        if truth is is_true:
            return moved(argument, places)
    return moved(arguments[-1], places)


def _chosen(test: Value, then: Value, otherwise: Value, places: Places) -> Value:
    """What a condition chooses; one of both where it will never be known."""
    truth = _truth(test)
    if truth is not None:
        return moved(then if truth else otherwise, places)
    if isinstance(test, Unknown | Either) or _is_same(then, otherwise):
        return either((then, otherwise), places)
    return _put_off("if", (test, then, otherwise), places)


def _truth(value: Value) -> bool | None:
    """Whether a value is true, as far as that is known by now."""
    match value:
        case Known(scalar, _):
            return bool(scalar)
        case Table(items, is_complete, _):
            return True if items else (False if is_complete else None)
        case Either(options, _):
            truths = {_truth(option) for option in options}
            return truths.pop() if len(truths) == 1 else None
        case Computed("join", parts, _):
            return True if any(isinstance(part, Known) and part.scalar != "" for part in parts) else None
        case _:
            return None


def _is_text(value: Value) -> bool:
    match value:
        case Known(str(), _) | Computed("join", _, _):
            return True
        case _:
            return False


def _replaced(text: str, old: str, new: str) -> str:
    """A text of which a part is replaced: of one with holes its prefix; the rest may hang together with a hole."""
    if HOLE not in text and text.count(old) <= 1:
        return text.replace(old, new)
    if text.startswith(old) and old not in text[len(old) :]:
        return new + text[len(old) :]
    scheme, colon, _ = text.partition("://")
    return text if colon and HOLE not in scheme and old.endswith("://") else HOLE


MOST_OPTIONS = 16
HEAVIEST = 100
"""Values that may be more than this, or that are made up of more parts, are not followed."""


def _is_same(one: Value | None, other: Value | None) -> bool:
    """Whether two values are the same wherever they come from."""
    match one, other:
        case Known(scalar, _), Known(another, _):
            return scalar == another and type(scalar) is type(another)
        case EnvRef(_, default, _), EnvRef(_, another_default, _):
            return tuple(one.names) == tuple(other.names) and _is_same(default, another_default)
        case Computed(function, parts, _), Computed(another_function, others, _):
            return function == another_function and _are_same(parts, others)
        case Either(parts, _), Either(others, _):
            return _are_same(parts, others)
        case Table(items, is_complete, _), Table(other_items, is_other_complete, _):
            is_alike = is_complete is is_other_complete and [*dict(items)] == [*dict(other_items)]
            return is_alike and _are_same([item for _, item in items], [item for _, item in other_items])
        case Unknown(_), Unknown(_):
            return True
        case _:
            return one is None and other is None


def _are_same(some: Sequence[Value], others: Sequence[Value]) -> bool:
    return len(some) == len(others) and all(map(_is_same, some, others))


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
