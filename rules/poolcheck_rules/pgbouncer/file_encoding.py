"""Bytes that are no text to PgBouncer: a byte-order mark, UTF-16, a NUL, lines that end with a carriage return."""

import re
from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Severity
from poolcheck.read.pgbouncer.config import Part, PgBouncerConfig
from poolcheck.read.pgbouncer.refusal import Cause
from poolcheck.rule import Rule
from poolcheck.source import Edit, Located, Span

_OF_UTF_16 = "\udcff"
"""A byte of the mark that UTF-16 begins with, as bytes that are not UTF-8 are decoded."""
_BLANKS = " \t\n\v\f\r\0"
_LINE = re.compile(
    r"""[ \t\v\f\r]*
        (?:\[[^\]\n]*\][ \t\v\f\r]*)*
        (?P<rest>(?P<sign>[#;]?)[^\n]*)""",
    re.VERBOSE,
)
_IN_VALUE = re.compile(r"\r+(?=[^\r\n]*[^ \t\v\f\r\n])")
_IN_COMMENT = re.compile(r"\r+(?=[ \t\v\f\r]*(?:\[|%include[ \t]|[A-Za-z0-9_.*'-]+[ \t]*=))")
_CARRIAGE_RETURN = re.compile(r"\r(?!\r*\Z)")


class FileEncoding(Rule[PgBouncerConfig]):
    id = "file-encoding"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        for _, written, reason in config.refused(Cause.ENCODING):
            yield self.finding(written.span, reason, fix=without(written))
        is_utf_16 = any(_OF_UTF_16 in written.value for _, written, _ in config.refused(Cause.ENCODING))
        for nul in () if is_utf_16 else config.nuls:
            part = next(part for part in config.parts if part.region.path == nul.path)
            if part.source.text[nul.end : part.region.end].strip(_BLANKS):
                yield self.finding(nul, "PgBouncer reads this file up to this NUL byte and ignores what follows")
        for part in config.parts:
            for place, what, line in swallowed(part):
                is_safe = bool(config.refusals) and what != "comment"
                message = f"PgBouncer takes what follows this carriage return for part of the {what}"
                yield self.finding(place, message, fix=broken(line, is_safe=is_safe))


def without(written: Located[str]) -> Fix | None:
    """Spaces in place of blanks that are none to PgBouncer, and nothing in place of a mark; None for UTF-16."""
    if written.value[0] == "\ufeff":
        return Fix("Remove the byte-order mark", (Edit(written.span, written.value.replace("\ufeff", "")),))
    if written.value.isspace():
        return Fix("Indent with spaces", (Edit(written.span, " " * len(written.value)),))
    return None


def swallowed(part: Part) -> Iterator[tuple[Span, str, Located[str]]]:
    """The first carriage return of a line that text follows, what it is a part of, and the line.

    In a comment it matters only where a statement follows.
    """
    source, (path, start, end) = part
    if start > 0 or end < len(source.text) or "\r" not in source.text:
        return
    text = part.text.partition("\0")[0]
    position = 0
    for text_of_line in text.split("\n"):
        line = _LINE.match(text_of_line)
        inside = _IN_COMMENT if line and line["sign"] else _IN_VALUE
        found = inside.search(text_of_line, line.start("rest")) if line else None
        if line and found:
            what = "comment" if line["sign"] else "line"
            place = Span(path, position + found.start(), position + found.end())
            yield place, what, Located(text_of_line, Span(path, position, position + len(text_of_line)))
        position += len(text_of_line) + 1


def broken(line: Located[str], *, is_safe: bool) -> Fix:
    """A line break in place of each carriage return."""
    (text, (path, start, _)) = line
    places = [start + each.start() for each in _CARRIAGE_RETURN.finditer(text)]
    edits = tuple(Edit(Span(path, place, place + 1), "\n") for place in places)
    return Fix("Break the lines", edits, safe=is_safe)
