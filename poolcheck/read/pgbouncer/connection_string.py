"""The `key=value` pairs of an entry in [databases], [users] or [peers], as PgBouncer cuts them.

Pairs stand between spaces, and a tab is not one. A value that begins with `'` is quoted, `''` in it is a quote,
and the character behind the closing quote is dropped, whatever it is. PgBouncer, loader.c.
"""

import re
from typing import NamedTuple

from poolcheck.read.pgbouncer.refusal import Cause, Refusal
from poolcheck.read.template import is_placeholder, masked
from poolcheck.source import Located, Span

_WORD = re.compile(r"[^ ]+")
_KEY = re.compile(r"(?P<key>[^= ]+) *= *")
_PAIR = re.compile(r" *+(?P<key>[^= ;#][^= ]*+) *+= *+(?:'(?P<quoted>(?:[^']++|'')++)'|(?P<plain>[^' ][^ ]*+))")
"""What nearly every pair looks like: none that a template or a comment may be part of."""
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+]*://")
_VALUE = re.compile(r"'(?P<quoted>(?:[^']++|'')++)'|(?P<plain>[^' ][^ ]*)")


class Parameter(NamedTuple):
    """One pair. A quoted value is without its quotes, and its place is with them."""

    name: Located[str]
    value: Located[str]


class ConnectionString(NamedTuple):
    """What a connection string says, up to the place where PgBouncer would stop reading.

    `comment` is what looks like a comment behind the pairs; PgBouncer knows none there. The string is complete
    unless a template stands where pairs may come in.
    """

    parameters: tuple[Parameter, ...]
    comment: Located[str] | None
    fault: Refusal | None
    is_complete: bool


def read_connection_string(written: Located[str], *, is_literal: bool = False) -> ConnectionString:
    """The pairs of a connection string; one with a template in it is never at fault, unless it `is_literal`."""
    text = written.value if is_literal else masked(written.value)
    is_template = "\0" in text
    parameters: list[Parameter] = []
    is_complete = True
    position = 0
    while not is_template and (pair := _PAIR.match(text, position)):
        parameters.append(_parameter(written, pair))
        position = pair.end() + (pair["quoted"] is not None)
    while word := _WORD.search(text, position):
        if word[0][0] in ";#" and not _is_in_password(written, parameters):
            comment = _part(written, word.start(), len(text))
            return ConnectionString(tuple(parameters), comment, None, is_complete)
        key = _KEY.match(text, word.start())
        value = _VALUE.match(text, key.end()) if key else None
        if key and value and "\0" not in key["key"]:
            parameters.append(_parameter(written, value, key))
        elif is_template or (is_placeholder(word[0]) and not is_literal):
            is_complete = False
        else:
            fault = _fault(written, word, key, parameters)
            return ConnectionString(tuple(parameters), None, fault, is_complete)
        position = word.end() if value is None else value.end() + (value["quoted"] is not None)
    return ConnectionString(tuple(parameters), None, None, is_complete)


def _parameter(written: Located[str], value: re.Match[str], key: re.Match[str] | None = None) -> Parameter:
    """The pair of a value and its key, which may be one match."""
    text, (path, offset, _) = written
    is_quoted = value["quoted"] is not None
    start, end = value.span("quoted" if is_quoted else "plain")
    held = text[start:end].replace("''", "'") if is_quoted else text[start:end]
    place = Span(path, offset + start - is_quoted, offset + end + is_quoted)
    start, end = (key or value).span("key")
    return Parameter(Located(text[start:end], Span(path, offset + start, offset + end)), Located(held, place))


def _is_in_password(written: Located[str], parameters: list[Parameter]) -> bool:
    """Whether what follows the pairs may be the rest of a password that was not quoted."""
    if not parameters or parameters[-1].name.value != "password":
        return False
    return written.value[parameters[-1].value.span.start - written.span.start] != "'"


def _fault(
    written: Located[str], word: re.Match[str], key: re.Match[str] | None, parameters: list[Parameter]
) -> Refusal:
    if key is None:
        place = _part(written, *word.span())
        if _URI.match(word[0]):
            # What stands there may be a password.
            scheme = word[0].partition("://")[0]
            return Refusal(
                Cause.URI, place, f"PgBouncer refuses this entry: a {scheme}:// URI is no key=value pair"
            )
        if parameters and parameters[-1].name.value == "host" and parameters[-1].value.value.endswith(","):
            return Refusal(Cause.HOST_LIST, place, "PgBouncer refuses this entry: a list of hosts ends at a blank")
        return Refusal(Cause.SYNTAX, place, "PgBouncer refuses this entry: this word is no key=value pair")
    if written.value.startswith("'", key.end()) and not written.value.startswith("''", key.end()):
        quote = _part(written, key.end(), key.end() + 1)
        return Refusal(Cause.SYNTAX, quote, "PgBouncer refuses this entry: this quote is never closed")
    place = _part(written, *key.span())
    return Refusal(Cause.EMPTY_VALUE, place, "PgBouncer refuses this entry: this value is empty")


def _part(written: Located[str], start: int, end: int) -> Located[str]:
    path, offset, _ = written.span
    return Located(written.value[start:end], Span(path, offset + start, offset + end))
