"""A source line as it is shown: harmless, and no longer than can be looked at."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from poolcheck.report.glyphs import glyph, width

LONGEST = 150
"""Longer lines are cut, to what lies around the columns that matter: so many characters on either side."""
AROUND = 50


class Strip(NamedTuple):
    """What is shown of a line, the columns of its characters, and the cells of the terminal they are shown at."""

    text: str
    columns: Sequence[int]
    cells: Sequence[int]

    def cell(self, column: int) -> int:
        """Where a character is shown, or what stands for it, or the end of the line."""
        return self.cells[bisect_right(self.columns, column) - 1]


def strip(line: str, columns: Sequence[int], cell: int = 0) -> Strip:
    """A line, shown from a cell on. The columns that matter are in order, and may lie behind its end."""
    shown = list(_shown(line, columns))
    cells: list[int] = []
    for _, text in shown:
        cells.append(cell)
        cell += width(text)
    return Strip("".join(text for _, text in shown), [column for column, _ in shown], cells)


def _shown(line: str, columns: Sequence[int]) -> Iterator[tuple[int, str]]:
    """What is shown, and at which column of the line that is; nothing at its end."""
    done = 0
    for start, end in _kept(len(line), columns):
        if start > done:
            yield done + 1, "…"
        for index in range(start, end):
            yield index + 1, glyph(line[index])
        done = end
    if done < len(line):
        yield done + 1, "…"
    yield len(line) + 1, ""


def _kept(length: int, columns: Sequence[int]) -> list[tuple[int, int]]:
    """What is not cut from a line, from where up to where."""
    if length <= LONGEST:
        return [(0, length)]
    kept: list[tuple[int, int]] = []
    for column in columns or [1]:
        start, end = max(column - 1 - AROUND, 0), min(column - 1 + AROUND, length)
        if kept and start <= kept[-1][1]:
            start, _ = kept.pop()
        kept.append((start, end))
    return kept
