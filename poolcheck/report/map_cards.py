"""What is written on the card of each node of a picture, line by line, and how large the card is."""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

from poolcheck.picture import Node, State
from poolcheck.report.map_widths import shortened, text_width, wrapped
from poolcheck.report.map_words import name_of, state_of

MOST_TEXT = 236
"""The widest line, in pixels; longer ones are wrapped."""
MOST_NAME = 300
"""The widest name; longer ones are shortened."""
PADDING = 12
SIGN = 20
"""What a sign at the beginning of a line takes: the mark of a kind, or that of an excess."""

BETWEEN_FACTS = " · "


class Role(StrEnum):
    """What a line of a card says."""

    NAME = "name"
    FACT = "fact"
    OVER = "over"
    UNKNOWN = "unknown"


class Row(NamedTuple):
    """A line of text with its baseline, in pixels from the top of the card; with a sign where it `is_first`."""

    role: Role
    text: str
    y: int
    is_first: bool = False


class Card(NamedTuple):
    """A node as it is drawn, at the size that its lines need."""

    node: Node
    rows: tuple[Row, ...]
    width: int
    height: int


SIZES = {Role.NAME: 14, Role.FACT: 12, Role.OVER: 12, Role.UNKNOWN: 12}
_STEPS = {Role.NAME: 19, Role.FACT: 17, Role.OVER: 17, Role.UNKNOWN: 17}
_INDENTED = {Role.NAME, Role.OVER, Role.UNKNOWN}


def card(node: Node, mark: str = "") -> Card:
    """The card of a node, with what tells it from its namesakes."""
    rows: list[Row] = []
    bottom = PADDING - 2
    last: Role | None = None
    for role, text, is_first in _lines(node, mark):
        if role is not last and role in {Role.OVER, Role.UNKNOWN}:
            bottom += 4
        bottom += _STEPS[role]
        rows.append(Row(role, text, bottom - 4, is_first))
        last = role
    return Card(node, tuple(rows), max(map(_width, rows)) + 2 * PADDING, bottom + PADDING - 2 + bottom % 2)


def indent(role: Role) -> int:
    """How far from the left edge of the card a line begins."""
    return PADDING + (SIGN if role in _INDENTED else 0)


def _lines(node: Node, mark: str) -> Iterator[tuple[Role, str, bool]]:
    yield Role.NAME, shortened(name_of(node), MOST_NAME, SIZES[Role.NAME], bold=True), True
    if mark and mark != node.stage:
        yield Role.FACT, shortened(mark, MOST_TEXT, SIZES[Role.FACT]), False
    for facts in _side_by_side(filter(None, (node.stage, *node.facts))):
        for line in wrapped(facts, MOST_TEXT, SIZES[Role.FACT]):
            yield Role.FACT, line, False
    excesses = [excess.text for excess in node.excesses]
    if node.state is State.OVER:
        yield from _marked(Role.OVER, excesses or [state_of(node.state)])
    elif node.state is State.UNKNOWN:
        yield from _marked(Role.UNKNOWN, [state_of(node.state)])


def _side_by_side(facts: Iterable[str]) -> Iterator[str]:
    """As many facts on each line as fit whole."""
    line = ""
    for fact in facts:
        longer = f"{line}{BETWEEN_FACTS}{fact}" if line else fact
        if line and text_width(longer, SIZES[Role.FACT]) > MOST_TEXT:
            yield line
            longer = fact
        line = longer
    if line:
        yield line


def _marked(role: Role, texts: list[str]) -> Iterator[tuple[Role, str, bool]]:
    for text in texts:
        for number, line in enumerate(wrapped(text, MOST_TEXT - SIGN, SIZES[role])):
            yield role, line, number == 0


def _width(row: Row) -> int:
    sign = SIGN if row.role in _INDENTED else 0
    return sign + text_width(row.text, SIZES[row.role], bold=row.role in {Role.NAME, Role.OVER})
