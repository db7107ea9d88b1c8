"""A picture as a tree: what accepts connections, and below it who opens them, with numbers."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TextIO

from poolcheck.picture import Edge, Node, NodeKind, Picture, State
from poolcheck.report.glyphs import flat, width
from poolcheck.report.map_words import (
    NOT_CERTAIN,
    NOTHING,
    counted,
    has_sign,
    kind_of,
    name_of,
    state_of,
    verdict,
)
from poolcheck.report.styled import Line, Segment, Style

WIDEST_NAME = 40
"""What is known of neighbours begins in one column, behind the widest name up to this."""
LEAST_TEXT = 30
"""Text has so many cells, however deep it is indented."""
SIGNS = {State.FITS: "", State.OVER: "! ", State.UNKNOWN: "? "}

_STYLES = {State.FITS: Style.INFO, State.OVER: Style.ERROR, State.UNKNOWN: Style.WARNING}
_ASCII = str.maketrans(
    {"├": "|", "└": "`", "│": "|", "─": "-", "·": "-", "×": "x", "−": "-", "–": "-", "…": "..."}
)
_NEEDED = "├└│─·×−"
_SHOWN = "shown above"


class Paper(NamedTuple):
    """How many cells a line may take, and whether what is drawn may be only ASCII."""

    width: int
    is_ascii: bool = False


def needs_ascii(stream: TextIO) -> bool:
    """Whether a stream cannot encode the lines of a tree."""
    try:
        _NEEDED.encode(stream.encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return True
    return False


def tree(picture: Picture, paper: Paper) -> Iterator[Line]:
    """The tree, what is not known, and whether all fits."""
    for line in (*_Tree(picture, paper.width).lines(), *_notes(picture, paper.width), *_summary(picture)):
        yield _in_ascii(line) if paper.is_ascii else line


def _in_ascii(line: Line) -> Line:
    return tuple(segment._replace(text=segment.text.translate(_ASCII)) for segment in line)


def _notes(picture: Picture, cells: int) -> Iterator[Line]:
    if not picture.notes:
        return
    yield (Segment("Not known, or assumed:" if picture.nodes else "What was looked at, and what to try:"),)
    for note in picture.notes:
        yield from _wrapped([Segment("- ", Style.MARGIN)], "  ", [Segment(flat(note))], cells)
    if picture.nodes:
        yield ()


def _summary(picture: Picture) -> Iterator[Line]:
    if picture.nodes:
        is_over = any(node.state is State.OVER for node in picture.nodes)
        text = counted(picture)
        yield Segment(f"{text}. "), Segment(verdict(picture), Style.ERROR if is_over else Style.PLAIN)


class _Tree:
    """The lines of a tree as they are drawn. What is below a node is drawn once."""

    def __init__(self, picture: Picture, cells: int) -> None:
        self._nodes = {node.id: node for node in picture.nodes}
        self._into: dict[str, list[Edge]] = defaultdict(list)
        for edge in picture.edges:
            self._into[edge.target].append(edge)
        self._cells = cells
        self._shown: set[str] = set()

    def lines(self) -> Iterator[Line]:
        """What accepts connections, each with all below it; then what leads nowhere."""
        if not self._nodes:
            yield from ((Segment(NOTHING),), ())
        for kind in (NodeKind.DATABASE, NodeKind.OUTSIDE, NodeKind.POOLER):
            for node in self._nodes.values():
                if node.kind is kind and node.id not in self._shown:
                    yield from self._root(node)
                    yield ()
        lost = [node for node in self._nodes.values() if node.id not in self._shown]
        if lost:
            yield (Segment("Leading nowhere that is known:"),)
            for node in lost:
                yield from self._root(node)
            yield ()

    def _root(self, node: Node) -> Iterator[Line]:
        first = [Segment(name_of(node), Style.MESSAGE), Segment("  ")]
        yield from self._told(node, first, _margin("", has_more=bool(self._into[node.id])), (kind_of(node),))
        yield from self._below(node, "")

    def _below(self, node: Node, margin: str) -> Iterator[Line]:
        """Who opens connections to a node, each with all below it."""
        self._shown.add(node.id)
        edges = self._into[node.id]
        numbers = max((width(_number(edge)) for edge in edges), default=0)
        names = max((width(name_of(self._nodes[edge.source])) for edge in edges), default=0)
        for edge in edges:
            source = self._nodes[edge.source]
            has_more, is_last = bool(self._into[source.id]), edge is edges[-1]
            is_again = has_more and source.id in self._shown
            first = [
                Segment(margin + ("└─ " if is_last else "├─ "), Style.MARGIN),
                *_branch(edge, name_of(source), numbers, min(names, WIDEST_NAME)),
            ]
            inner = margin + ("   " if is_last else "│  ")
            said = [] if edge.is_certain else [NOT_CERTAIN]
            if is_again:
                text = " · ".join((*said, _SHOWN))
                yield from _wrapped(first, inner, [Segment(text, Style.MARGIN)], self._cells)
                continue
            yield from self._told(source, first, _margin(inner, has_more=has_more), said, edge)
            yield from self._below(source, inner)

    def _told(
        self, node: Node, first: Sequence[Segment], behind: str, said: Iterable[str], edge: Edge | None = None
    ) -> Iterator[Line]:
        """What is known of a node behind its name, and below that what is wrong with it."""
        facts = " · ".join(filter(None, map(flat, (*said, node.stage, *node.facts))))
        column = sum(width(segment.text) for segment in first)
        place = [Segment(flat(node.place), Style.MARGIN)] if node.place else []
        rest = behind.ljust(column) if column + LEAST_TEXT <= self._cells else f"{behind}  "
        yield from _wrapped(first, rest, [*([Segment(facts)] if facts else []), *place], self._cells)
        if edge and edge.sum and edge.state is State.OVER:
            yield from self._aside(behind, Segment(flat(edge.sum), Style.MARGIN))
        if node.state is State.UNKNOWN:
            yield from self._aside(behind, Segment(f"{SIGNS[node.state]}{state_of(node.state)}", Style.WARNING))
        if node.state is State.OVER:
            yield from self._excesses(node, behind)

    def _excesses(self, node: Node, behind: str) -> Iterator[Line]:
        if not node.excesses:
            yield from self._aside(behind, Segment(f"{SIGNS[node.state]}{state_of(node.state)}", Style.ERROR))
        for excess in node.excesses:
            yield from self._aside(behind, Segment(f"{SIGNS[node.state]}{flat(excess.text)}", Style.ERROR))
            for each in excess.sums:
                yield from self._aside(f"{behind}  ", Segment(flat(each)))

    def _aside(self, behind: str, text: Segment) -> Iterator[Line]:
        yield from _wrapped([Segment(f"{behind}  ", Style.MARGIN)], f"{behind}    ", [text], self._cells)


def _margin(margin: str, *, has_more: bool) -> str:
    """What stands left of further lines about a node: the line that leads down to what is below it."""
    return margin + ("│  " if has_more else "   ")


def _branch(edge: Edge, name: str, numbers: int, names: int) -> Iterator[Segment]:
    number = _number(edge)
    yield Segment(" " * (numbers - width(number)))
    yield Segment(number, _STYLES[edge.state])
    yield Segment("  " if numbers else "")
    yield Segment(name, Style.MESSAGE)
    yield Segment(" " * max(names - width(name), 0) + "  ")


def _number(edge: Edge) -> str:
    return (SIGNS[edge.state] if has_sign(edge) else "") + flat(edge.label)


def _wrapped(first: Sequence[Segment], rest: str, text: Iterable[Segment], cells: int) -> Iterator[Line]:
    """Text behind a beginning, in lines of so many cells that further ones of begin with `rest`."""
    line, taken = [*first], sum(width(segment.text) for segment in first)
    most = max(cells, width(rest) + LEAST_TEXT)
    is_empty = True
    for number, segment in enumerate(text):
        for word in ("", *segment.text.split(" ")) if number else segment.text.split(" "):
            gap = "" if is_empty else " "
            if not is_empty and taken + 1 + width(word) > most:
                yield _stripped(line)
                line, taken, gap = [Segment(rest, Style.MARGIN)], width(rest), ""
            line.append(Segment(gap + word, segment.style))
            taken += len(gap) + width(word)
            is_empty = False
    yield _stripped(line)


def _stripped(line: Sequence[Segment]) -> Line:
    """A line without blanks at its end, and neighbours of one style put together."""
    joined: list[Segment] = []
    for text, style in line:
        if joined and joined[-1].style is style:
            joined[-1] = Segment(joined[-1].text + text, style)
        elif text:
            joined.append(Segment(text, style))
    while joined and not joined[-1].text.rstrip():
        joined.pop()
    if joined:
        joined[-1] = joined[-1]._replace(text=joined[-1].text.rstrip())
    return tuple(joined)
