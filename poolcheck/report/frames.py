"""The code frame of a finding: its place and those of its notes, marked below the lines they stand in."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import NamedTuple

from poolcheck.finding import Finding
from poolcheck.report.glyphs import flat, visible
from poolcheck.report.positions import Position, Positions
from poolcheck.report.redact import redact_message
from poolcheck.report.strip import Strip, strip
from poolcheck.report.styled import Line, Piece, Segment, Style, row
from poolcheck.source import Span


class _Label(NamedTuple):
    """A place to be marked, from its first character to behind its last."""

    start: Position
    end: Position
    mark: str
    style: Style
    message: str


class _Mark(NamedTuple):
    """A place on one line, from one cell up to another."""

    start: int
    end: int
    label: _Label


def frame(finding: Finding, pages: Callable[[str], Positions]) -> Iterator[Line]:
    """What there is to see of a finding, its own file first, and its fix; `pages` has the texts, by path."""
    by_path: dict[str, list[_Label]] = defaultdict(list)
    by_path[finding.span.path].append(_label(finding.span, pages, "^", Style(finding.severity)))
    for note in finding.notes:
        by_path[note.span.path].append(_label(note.span, pages, "-", Style.NOTE, note.message))
    margin = " " * len(str(max(label.end.line for labels in by_path.values() for label in labels)))
    for path, labels in by_path.items():
        if path != finding.span.path:
            yield row(f"{margin} |")
        arrow = "-->" if path == finding.span.path else ":::"
        line, column = labels[0].start
        yield Segment(f"{margin}{arrow} ", Style.MARGIN), Segment(f"{visible(path)}:{line}:{column}")
        if any(label.message or pages(path).line_text(label.start.line) for label in labels):
            yield row(f"{margin} |")
            yield from _excerpt(list(dict.fromkeys(labels)), pages(path), margin)
    if finding.sum:
        yield row(f"{margin} |")
        for lead, worked_out in zip(_leads("sum: "), finding.sum, strict=False):
            yield Segment(f"{margin} {lead}", Style.MARGIN), Segment(flat(redact_message(worked_out)))
    if finding.fix:
        applied = "applied by `--fix`" if finding.fix.safe else "applied by `--fix --unsafe-fixes`"
        yield row(f"{margin} |")
        yield (
            Segment(f"{margin} = help: ", Style.MARGIN),
            Segment(f"{flat(redact_message(finding.fix.title))} ({applied})"),
        )


def _leads(title: str) -> Iterator[str]:
    """What stands before the lines of a part: the title once, and blanks below it."""
    yield f"= {title}"
    while True:
        yield " " * (len(title) + 2)


def _label(span: Span, pages: Callable[[str], Positions], mark: str, style: Style, message: str = "") -> _Label:
    page = pages(span.path)
    start, end = page.position(span.start), page.position(span.end)
    while end.line > start.line and end.column == 1:  # a line end belongs to the line that it ends
        end = Position(end.line - 1, len(page.line_text(end.line - 1)) + 1)
    return _Label(start, end, mark, style, flat(redact_message(message)))


def _excerpt(labels: Sequence[_Label], page: Positions, margin: str) -> Iterator[Line]:
    """The lines on which places begin and end, and the marks below them.

    A place on several lines has a lane left of the code: a bar from its first line down to its last.
    """
    by_line: dict[int, list[_Label]] = defaultdict(list)
    for label in labels:
        for number in {label.start.line, label.end.line}:
            by_line[number].append(label)
    lanes = _lanes(label for label in labels if label.start.line < label.end.line)
    code = max(lanes.values(), default=-2) + 2
    bars: dict[int, Piece] = {}
    for number, following in _in_order(by_line):
        here = by_line.get(number, [])
        shown = strip(page.line_text(number), _columns(here, number), code)
        yield row(f"{number:>{len(margin)}} |", *bars.values(), Piece(code, shown.text))
        for marks in _below([label for label in here if label not in lanes], shown):
            yield row(f"{margin} |", *bars.values(), *marks)
        spread = sorted((lanes[label], label) for label in here if label in lanes)
        for lane, label in spread:
            if label.start.line == number:
                turn = _turn(lane, shown.cell(label.start.column), label)
                yield row(f"{margin} |", *turn, *bars.values())
                bars[lane] = Piece(lane, "|", label.style)
        for lane, label in reversed(spread):
            if label.end.line == number:
                cell = shown.cell(label.end.column - 1)
                turn = _turn(lane, cell, label)
                yield row(f"{margin} |", *turn, *bars.values(), Piece(cell + 2, label.message, label.style))
                del bars[lane]
        if following > number + 1:
            yield row("...".ljust(len(margin) + 2), *bars.values())


def _lanes(labels: Iterable[_Label]) -> Mapping[_Label, int]:
    """The lanes of places on several lines, counted from 0; the outer ones are further left."""
    lanes: dict[_Label, int] = {}
    for label in sorted(labels, key=lambda label: (label.start.line, -label.end.line)):
        taken = {lane for other, lane in lanes.items() if other.end.line >= label.start.line}
        lanes[label] = next(lane for lane in count() if lane not in taken)
    return lanes


def _in_order(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """The numbers of lines to show, each with the one that follows, the last with itself.

    One line between two that are marked is shown; it would take the place of the dots.
    """
    ordered = sorted(numbers)
    for number, following in zip(ordered, [*ordered[1:], ordered[-1]], strict=True):
        if following == number + 2:
            yield number, number + 1
            yield number + 1, following
        else:
            yield number, following


def _columns(labels: Iterable[_Label], number: int) -> list[int]:
    """The columns of a line at which a place begins or ends."""
    ends = [position for label in labels for position in (label.start, label.end)]
    return sorted(position.column for position in ends if position.line == number)


def _below(labels: Iterable[_Label], shown: Strip) -> Iterator[list[Piece]]:
    """The rows below a line: all marks, the last with its message; then the other messages, from right to left."""
    marks = [_mark(label, shown) for label in labels]
    if not marks:
        return
    last = max(marks, key=lambda mark: (mark.end, mark.start, mark.label.message != ""))
    on_top = sorted(marks, key=lambda mark: (mark.start - mark.end, mark.label.style is not Style.NOTE))
    drawn = [Piece(start, label.mark * (end - start), label.style) for start, end, label in on_top]
    yield [*drawn, Piece(last.end + 1, last.label.message, last.label.style)]
    hanging = sorted((mark for mark in marks if mark.label.message and mark is not last), reverse=True)
    strings = [Piece(start, "|", label.style) for start, _, label in hanging]
    if hanging:
        yield strings
    for number, (start, _, label) in enumerate(hanging, start=1):
        yield [*strings[number:], Piece(start, label.message, label.style)]


def _mark(label: _Label, shown: Strip) -> _Mark:
    """A place of no width is marked, too, and so is the line end behind the last character."""
    start = shown.cell(label.start.column)
    return _Mark(start, max(shown.cell(label.end.column), start + 1), label)


def _turn(lane: int, cell: int, label: _Label) -> list[Piece]:
    """What leads from a lane to a cell, and the mark there."""
    return [Piece(lane + 1, "_" * (cell - lane - 1), label.style), Piece(cell, label.mark, label.style)]
