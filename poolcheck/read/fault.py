"""What is wrong with a file before anything in it can be judged."""

from typing import NamedTuple

from poolcheck.source import Span


class SyntaxFault(NamedTuple):
    """A place where the text is not what its format allows."""

    span: Span
    message: str


class ReadFault(NamedTuple):
    """A file, or the place in it, that cannot be read as text at all."""

    span: Span
    message: str
