"""What the methods of texts and of dictionaries return."""

import libcst as cst

from poolcheck.read.python.syntax.formats import formatted
from poolcheck.read.python.values.given import Given
from poolcheck.read.python.values.tables import entry, entry_for, pairs
from poolcheck.value import Known, Places, Table, Unknown, Value, compute, known_text, moved

_OF_TEXTS = frozenset(
    {
        "endswith", "lower", "lstrip", "removeprefix", "removesuffix", "replace", "rstrip", "startswith", "strip",
        "upper",
    }
)  # fmt: skip
_SAME_TEXT = frozenset({"get_secret_value", "render_as_string", "unicode_string"})
"""Methods that give the text of a secret or a URL, which are the same as their texts here."""

METHODS = _OF_TEXTS | _SAME_TEXT | {"copy", "format", "get", "join", "setdefault"}
"""All that are known."""


def method_of(value: Value, method: str, given: Given) -> Value:
    """What a method returns that a value has."""
    place = (given.scope.span(given.call),)
    match method:
        case "copy":
            return moved(value, place) if isinstance(value, Table) else Unknown(place)
        case "format":
            return _formatted(value, given, place)
        case "get" | "setdefault":
            return _got(value, given, place)
        case "join":
            return _put_together(value, given, place)
        case _ if method in _SAME_TEXT:
            return moved(value, place)
        case _:
            values = given.positional()
            return Unknown(place) if values is None else compute(method, [value, *values], place)


def _got(table: Value, given: Given, place: Places) -> Value:
    """`table.get(key, default)`."""
    key, otherwise = given.value("key", 0), given.value("default", 1) or Known(None, place)
    if key is None:
        return Unknown(place)
    written = known_text(key)
    return entry_for(table, key, otherwise, place) if written is None else entry(table, written, otherwise, place)


def _put_together(separator: Value, given: Given, place: Places) -> Value:
    """`", ".join([…])`."""
    node = given.node(None, 0)
    elements = node.elements if isinstance(node, cst.List | cst.Tuple) else None
    if not elements or any(isinstance(each, cst.StarredElement) for each in elements):
        return Unknown(place)
    parts = [part for each in elements for part in (separator, given.worth(each.value, given.scope))]
    return compute("join", parts[1:], place)


def _formatted(text: Value, given: Given, place: Places) -> Value:
    """`"…{}…".format(value)`."""
    written = known_text(text)
    if written is None or any(argument.star == "*" for argument in given.call.args):
        return Unknown(place)
    values = [(argument, given.worth(argument.value, given.scope)) for argument in given.call.args]
    listed = [value for argument, value in values if not argument.keyword and not argument.star]
    named = [pair for pair in values if pair[0].keyword or pair[0].star]
    table = pairs([argument for argument, _ in named], [value for _, value in named], place)
    return compute("join", formatted(written, listed, dict(table.items), place), place)
