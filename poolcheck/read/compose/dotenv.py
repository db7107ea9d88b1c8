"""Files of variables, as Compose reads `.env` and what `env_file` names.

compose-go 2, dotenv/parser.go.
"""

import re
from collections.abc import Mapping

from poolcheck.read.compose.interpolation import interpolated, put_in
from poolcheck.source import Located, Source, Span
from poolcheck.value import Known, Value

_BETWEEN = re.compile(r"(?:\s|#[^\n]*)*")
_NAME = re.compile(r"(?:export[ \t]+)?(?P<name>[\w.\[\]-]+)[ \t\r]*(?:(?P<sign>[=:])[ \t\r]*|\n|\Z)")
_PLAIN = re.compile(r"[^\n]*")
_QUOTED = re.compile(r"""(?P<quote>["'])(?P<inside>(?:(?!(?P=quote))[^\\]|\\.)*)(?P=quote)""", re.DOTALL)
_ESCAPED = re.compile(r"\\([abfnrtv$\\]|0\d{0,3})")
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "$": "$$", "\\": "\\"}


def read_dotenv(source: Source, outer: Mapping[str, Value]) -> dict[str, Value] | None:
    """The variables in a file; None where Compose refuses it. The `outer` are those that are set where it runs.

    A value that is not in quotes ends with its line, or before ` #`. Only one in single quotes keeps its `$`.
    """
    text, found = source.text, dict[str, Value]()
    at = _BETWEEN.match(text, 1 if text.startswith("\ufeff") else 0)
    while at and at.end() < len(text):
        name = _NAME.match(text, at.end())
        if name is None:
            return None
        end = name.end()
        if name["sign"]:
            read = _value(source, end)
            if read is None:
                return None
            value, end = read
            found[name["name"]] = put_in(value, {**found, **outer})
        elif name["name"] in outer:
            found[name["name"]] = outer[name["name"]]
        at = _BETWEEN.match(text, end)
    return found


def _value(source: Source, start: int) -> tuple[Value, int] | None:
    """The value that begins there, and where it ends; None where its quotes do not close."""
    text = source.text
    if text[start : start + 1] not in {"'", '"'}:
        line = _PLAIN.match(text, start)
        written = (line[0] if line else "").partition(" #")[0].rstrip()
        span = Span(source.path, start, start + len(written))
        return interpolated(Located(written, span)), line.end() if line else start
    quoted = _QUOTED.match(text, start)
    if quoted is None:
        return None
    quote = quoted["quote"]
    inside, span = quoted["inside"].replace(f"\\{quote}", quote), Span(source.path, start, quoted.end())
    if quote == "'":
        return Known(inside, (span,)), quoted.end()
    return interpolated(Located(_ESCAPED.sub(_unescaped, inside), span)), quoted.end()


def _unescaped(escape: re.Match[str]) -> str:
    written = escape[1]
    return _ESCAPES[written] if written in _ESCAPES else chr(int(written, 8))
