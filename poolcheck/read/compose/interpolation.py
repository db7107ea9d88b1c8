"""The variables that Compose puts into the values of its files.

The Compose specification, 12-interpolation.md.
"""

import re
from collections.abc import Iterator, Mapping

from poolcheck.source import Located
from poolcheck.value import Computed, EnvRef, Known, Places, Unknown, Value, compute, moved

DEEPEST = 10
"""How deep a default may stand in another."""

_BRACED = re.compile(r"\$(?:\$|\{)|\}")
_VARIABLE = re.compile(r"\$(?:(?P<dollar>\$)|(?P<bare>[A-Za-z_]\w*)|(?P<brace>\{))", re.ASCII)
_INSIDE = re.compile(r"(?P<name>[A-Za-z_]\w*)(?:(?P<sign>:?[-?+])(?P<rest>.*))?", re.ASCII | re.DOTALL)


def interpolated(written: Located[str]) -> Value:
    """A text with its variables: `$X`, `${X}`, `${X:-default}`, `${X:+instead}`; `$$` is a dollar.

    A variable without a default counts as one that is set, although Compose goes on with nothing where it is not.
    """
    return _joined(written.value, (written.span,), 0)


def put_in(value: Value, variables: Mapping[str, Value]) -> Value:
    """A value with the variables that are known put in; the others stay what they are, with their defaults."""
    match value:
        case EnvRef(name, default, places):
            if name in variables:
                return moved(variables[name], places)
            return value if default is None else value._replace(default=put_in(default, variables))
        case Computed(function, arguments, places):
            return compute(function, (put_in(each, variables) for each in arguments), places)
        case _:
            return value


def parts_of(written: str) -> list[str]:
    """The parts of a text between colons, of which those inside `${}` are none."""
    parts: list[str] = []
    start = at = 0
    while at < len(written):
        if written.startswith("${", at):
            at = _end(written, at + 2) or len(written)
        elif written[at] == ":":
            parts.append(written[start:at])
            start = at = at + 1
        else:
            at += 1
    return [*parts, written[start:]]


def _joined(text: str, places: Places, depth: int) -> Value:
    parts = list(_pieces(text, places, depth))
    return parts[0] if len(parts) == 1 else compute("join", parts, places)


def _pieces(text: str, places: Places, depth: int) -> Iterator[Value]:
    done = 0
    while variable := _VARIABLE.search(text, done):
        if variable.start() > done:
            yield Known(text[done : variable.start()], places)
        done = variable.end()
        if variable["dollar"]:
            yield Known("$", places)
        elif variable["bare"]:
            yield EnvRef(variable["bare"], None, places)
        else:
            end = _end(text, done)
            yield _braced(text[done : end - 1], places, depth) if end else Unknown(places)
            done = end or len(text)
    if done < len(text) or not text:
        yield Known(text[done:], places)


def _end(text: str, start: int) -> int:
    """The offset behind the brace that closes what begins at `start`; 0 where none does."""
    depth = 1
    for brace in _BRACED.finditer(text, start):
        depth += {"${": 1, "}": -1}.get(brace[0], 0)
        if depth == 0:
            return brace.end()
    return 0


def _braced(inside: str, places: Places, depth: int) -> Value:
    found = _INSIDE.fullmatch(inside)
    if found is None or depth == DEEPEST:
        return Unknown(places)
    match found["sign"]:
        case ":-":
            is_set = EnvRef(found["name"], Known("", places), places)
            return compute("or", (is_set, _joined(found["rest"], places, depth + 1)), places)
        case "-":
            return EnvRef(found["name"], _joined(found["rest"], places, depth + 1), places)
        case ":+":
            is_set, nothing = EnvRef(found["name"], Known("", places), places), Known("", places)
            return compute("if", (is_set, _joined(found["rest"], places, depth + 1), nothing), places)
        case "+":
            return Unknown(places)
        case _:
            return EnvRef(found["name"], None, places)
