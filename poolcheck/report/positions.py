"""From offsets to lines and columns."""

import re
from bisect import bisect_right
from typing import NamedTuple

_LINE_END = re.compile(r"\r\n?|\n")


class Position(NamedTuple):
    """A line and a column, both from 1; columns count characters."""

    line: int
    column: int


class Positions:
    """Where the characters of one text stand.

    Lines end at LF, CRLF and a lone CR, and nowhere else. A byte-order mark has no width: the first line begins
    behind it.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [int(text.startswith("\ufeff")), *(end.end() for end in _LINE_END.finditer(text))]

    def __len__(self) -> int:
        """How many lines there are; at least one."""
        return len(self._starts)

    def position(self, offset: int) -> Position:
        """The line and column of the character at an offset, or of the end of the text."""
        line = max(bisect_right(self._starts, offset), 1)
        return Position(line, max(offset - self._starts[line - 1], 0) + 1)

    def line_text(self, line: int) -> str:
        """The characters of a line, without its line end."""
        start, end = self.offsets(line)
        return self._text[start:end].rstrip("\r\n")

    def offsets(self, line: int) -> tuple[int, int]:
        """Where a line begins, and where the next one does."""
        return self._starts[line - 1], self._starts[line] if line < len(self._starts) else len(self._text)
