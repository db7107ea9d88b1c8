"""Where a file's comments stand."""

import re
from collections.abc import Iterator

from poolcheck.files import Format, format_of
from poolcheck.read.document import Reading
from poolcheck.source import Span

_INI = re.compile(r"^[ \t]*([;#].*)$", re.MULTILINE)
_YAML = re.compile(r"(?:^|(?<=[ \t]))(#.*)$", re.MULTILINE)


def comments(reading: Reading) -> Iterator[Span]:
    """The comments of a file in order, from the sign that begins each to the end of its line.

    In a pgbouncer.ini, also one inside a manifest, only a line of its own is a comment.
    """
    match format_of(reading.path):
        case Format.PYTHON:
            from poolcheck.read.python.syntax.slices import comments_of

            yield from (Span(reading.path, start, end) for start, end in comments_of(reading.text))
        case Format.YAML:
            embedded = [fact.span for fact in reading.facts if type(fact).__name__ == "PgBouncerConfig"]
            for comment in _YAML.finditer(reading.text):
                if not any(span.start <= comment.start() < span.end for span in embedded):
                    yield Span(reading.path, *comment.span(1))
            for span in embedded:
                for comment in _INI.finditer(reading.text, span.start, span.end):
                    yield Span(reading.path, *comment.span(1))
        case _:
            for comment in _INI.finditer(reading.text):
                yield Span(reading.path, *comment.span(1))
