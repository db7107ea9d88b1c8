"""Where the keys of a TOML text stand: tomllib, which reads the values, does not say."""

import re

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


def _keys(written: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in _PARTS.findall(written))
