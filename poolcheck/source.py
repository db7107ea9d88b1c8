"""The text of a file, a place in it, and new text for a place."""

from collections.abc import Iterable
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Source(NamedTuple):
    """One file: its path, with `/`, relative to the working directory, and its text.

    The text is the file's, character for character: line ends and a byte-order mark are kept.
    """

    path: str
    text: str


class Span(NamedTuple):
    """A place: the characters from `start` up to, not including, `end`, counted from 0 in the file's text."""

    path: str
    start: int
    end: int


class Located(NamedTuple, Generic[T]):
    """A value together with the place it was written at."""

    value: T
    span: Span


class Edit(NamedTuple):
    """New text for a place. An empty span inserts, an empty text deletes."""

    span: Span
    text: str


class EditsOverlap(ValueError):
    """Two edits want the same characters."""


def apply(text: str, edits: Iterable[Edit]) -> str:
    """`text` with all edits made, which must be edits of this one text.

    Raises EditsOverlap when two of them meet.
    """
    pieces: list[str] = []
    done = 0
    for edit in sorted(edits, key=lambda edit: (edit.span.start, edit.span.end)):
        if edit.span.start < done:
            raise EditsOverlap(f"{edit.span.path}: two edits change the characters at {edit.span.start}")
        pieces += (text[done : edit.span.start], edit.text)
        done = edit.span.end
    return "".join(pieces) + text[done:]
