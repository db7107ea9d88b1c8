"""What tomllib, which reads TOML, cannot do: say where the keys of a text stand, and write values."""

import re
from collections.abc import Mapping
from typing import cast

from poolcheck.source import Span

_PART = r"""(?: "(?:[^"\\]|\\.)*" | '[^']*' | [A-Za-z0-9_-]+ )"""
_KEY = rf"{_PART} (?: [ \t]* \. [ \t]* {_PART} )*"
_HEADER = re.compile(rf"^[ \t]* \[\[? [ \t]* (?P<key>{_KEY}) [ \t]* \]", re.VERBOSE)
_ENTRY = re.compile(rf"^[ \t]* (?P<key>{_KEY}) [ \t]* =", re.VERBOSE)
_PARTS = re.compile(_PART, re.VERBOSE)


def place(path: str, text: str, keys: tuple[str, ...]) -> Span:
    """The key whose value stands under `keys`, or the innermost table around it that is written out.

    Keys inside an inline table are placed at the table's own key. The start of the file where nothing is found.
    """
    table: tuple[str, ...] = ()
    best, depth = Span(path, 0, 0), 0
    offset = 0
    for line in text.splitlines(keepends=True):
        if match := _HEADER.match(line) or _ENTRY.match(line):
            within = () if match.re is _HEADER else table
            found = within + _keys(match["key"])
            table = found if match.re is _HEADER else table
            if depth < len(found) and keys[: len(found)] == found:
                best, depth = Span(path, offset + match.start("key"), offset + match.end("key")), len(found)
        offset += len(line)
    return best


def written(value: object) -> str:
    """A value as TOML has it: a boolean, a number, a string, a list of them or an empty table."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            escaped = value.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}"'
        case tuple():
            members = cast("tuple[object, ...]", value)
            return f"[{', '.join(map(written, members))}]"
        case Mapping():
            return "{}"
        case _:
            return str(value)


def _keys(written: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in _PARTS.findall(written))
