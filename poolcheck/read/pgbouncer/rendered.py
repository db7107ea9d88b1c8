"""A configuration that stands in no file as PgBouncer reads it: quoted, encoded, or written by an image's script.

Its text is put together of pieces. It is read as if it stood in a file of its own, whose name no file can have;
what is found in it is then told at the places that its pieces are from.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import NamedTuple

from poolcheck.read.pgbouncer.settings import SETTINGS
from poolcheck.source import Source, Span

_SIGN = "\0"
"""Stands in no path."""
HIDDEN = "***"
_WORD = re.compile(r"[^\s'\"=,;:\[\]()]+")
_SHORT = 3
_OF_PGBOUNCER = frozenset({"session", "transaction", "statement"}).union(*SETTINGS.values())


class Piece(NamedTuple):
    """A part of the text, and the place that it is from.

    It is a `mere_form` where it says nothing, such as a header or an equals sign, and `is_forced` where nobody can
    change what it says, or it is told otherwise what is wrong with it.
    """

    text: str
    place: Span
    mere_form: bool = False
    is_forced: bool = False


class Rendered(NamedTuple):
    """A text put together of pieces, and the place of all of it. Where it `is_secret`, nobody may quote it.

    A `key` tells it from others at the same place.
    """

    place: Span
    pieces: tuple[Piece, ...]
    is_secret: bool = False
    key: str = ""

    @property
    def source(self) -> Source:
        """The text as a file of its own."""
        path = f"{self.place.path}{_SIGN}{self.place.start}.{self.key}"
        return Source(path, "".join(piece.text for piece in self.pieces))


class Renderings:
    """The texts of a project that stand in no file as they are read."""

    def __init__(self, all_rendered: Iterable[Rendered]) -> None:
        self._known: Mapping[str, _Index] = {each.source.path: _Index(each) for each in all_rendered}

    def has(self, span: Span) -> bool:
        """Whether a place is in such a text."""
        return span.path in self._known

    def written(self, span: Span) -> Span:
        """The place in a file that a place is from; itself where it is in a file."""
        index = self._known.get(span.path)
        return index.written(span) if index else span

    def is_forced(self, span: Span) -> bool:
        """Whether nobody can change what is there."""
        index = self._known.get(span.path)
        return index is not None and index.first(span)[0].is_forced

    def without_secrets(self, message: str, places: Iterable[Span]) -> str:
        """A message about some places without the words that nobody may quote."""
        indexes = (self._known[path] for path in {place.path for place in places} & self._known.keys())
        secret = frozenset[str]().union(*(index.secret_words for index in indexes))
        return _WORD.sub(lambda word: HIDDEN if word[0] in secret else word[0], message) if secret else message


def file_of(path: str) -> str:
    """The file that a text is from, be it one as it is read or not."""
    return path.partition(_SIGN)[0]


class _Index:
    """The pieces of a text by the offsets at which they begin."""

    def __init__(self, rendered: Rendered) -> None:
        self._rendered = rendered
        self._starts = [0, *accumulate(len(piece.text) for piece in rendered.pieces)]

    @property
    def secret_words(self) -> frozenset[str]:
        """The words of the values in a text that nobody may quote, but for those of PgBouncer itself."""
        if not self._rendered.is_secret:
            return frozenset()
        values = (value for line in self._rendered.source.text.splitlines() for value in line.split("=")[1:])
        words = {word for value in values for word in _WORD.findall(value) if len(word) > _SHORT}
        return frozenset(words - _OF_PGBOUNCER)

    def written(self, span: Span) -> Span:
        """The place of the first piece that says anything, exactly where its characters are those of the file."""
        piece, start = self.first(span)
        return _inside(piece, span.start - start, span.end - start)

    def first(self, span: Span) -> tuple[Piece, int]:
        """The first piece of a place that says anything, and the offset at which it begins."""
        pieces = self._rendered.pieces
        first = max(bisect_right(self._starts, span.start) - 1, 0)
        last = max(bisect_right(self._starts, max(span.end - 1, span.start)) - 1, first)
        touched = [at for at in range(first, last + 1) if at < len(pieces)] or [len(pieces) - 1]
        own = [at for at in touched if not pieces[at].mere_form] or touched
        return pieces[own[0]], self._starts[own[0]]


def _inside(piece: Piece, start: int, end: int) -> Span:
    """The characters of a piece from one offset to another, or all of it where they do not tell."""
    path, first, last = piece.place
    quotes = {0: 0, 2: 1}.get(last - first - len(piece.text))
    is_part = 0 <= start < end <= len(piece.text) and end - start < len(piece.text)
    if quotes is None or piece.mere_form or not is_part:
        return piece.place
    return Span(path, first + quotes + start, first + quotes + end)
