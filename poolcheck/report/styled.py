"""Lines of output whose pieces say what they are, and what that looks like where there is colour."""

from collections.abc import Iterable
from enum import StrEnum
from itertools import groupby
from typing import NamedTuple, TextIO, TypeAlias


class Style(StrEnum):
    """What a piece of output is."""

    PLAIN = "plain"
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    NOTE = "note"
    MESSAGE = "message"
    MARGIN = "margin"
    ADDED = "added"
    REMOVED = "removed"


class Segment(NamedTuple):
    """Text of one style."""

    text: str
    style: Style = Style.PLAIN


Line: TypeAlias = tuple[Segment, ...]
"""One line of output, without a line end."""


class Piece(NamedTuple):
    """Text that begins at a cell of a row. What is not one cell a character belongs at the end of the row."""

    cell: int
    text: str
    style: Style = Style.PLAIN


LOOKS = {
    Style.PLAIN: "",
    Style.ERROR: "bold red",
    Style.WARNING: "bold yellow",
    Style.INFO: "bold blue",
    Style.NOTE: "cyan",
    Style.MESSAGE: "bold",
    Style.MARGIN: "dim",
    Style.ADDED: "green",
    Style.REMOVED: "red",
}
"""The looks in words of rich, from the colours that every terminal lets its user choose."""


def write(lines: Iterable[Line], stream: TextIO, *, color: bool) -> None:
    """Writes the lines. With colour they have the same characters, and escape sequences around them."""
    if color:
        _write_in_color(lines, stream)
    else:
        stream.writelines("".join(segment.text for segment in line) + "\n" for line in lines)


def row(margin: str, *pieces: Piece) -> Line:
    """What is laid out behind the margin and a blank, later pieces on top; no blanks at the end."""
    laid: list[Segment] = []
    for cell, text, style in pieces:
        laid += [Segment(" ")] * (cell - len(laid))
        laid[cell : cell + len(text)] = [Segment(character, style) for character in text]
    while laid and laid[-1].text == " ":
        laid.pop()
    if not laid:
        return (Segment(margin.rstrip(), Style.MARGIN),)
    return Segment(margin, Style.MARGIN), *_runs([Segment(" "), *laid])


def _write_in_color(lines: Iterable[Line], stream: TextIO) -> None:
    from rich.console import Console
    from rich.segment import Segment as Colored
    from rich.segment import Segments
    from rich.style import Style as Look

    console = Console(file=stream, force_terminal=True, color_system="standard", no_color=False, soft_wrap=True)
    looks = {style: Look.parse(look) for style, look in LOOKS.items()}
    colored: list[Colored] = []
    for line in lines:
        colored += [Colored(text, looks[style]) for text, style in line]
        colored.append(Colored.line())
    console.print(Segments(colored), end="")


def _runs(characters: Iterable[Segment]) -> Iterable[Segment]:
    """Neighbours of one style put together."""
    for style, run in groupby(characters, lambda character: character.style):
        yield Segment("".join(character.text for character in run), style)
