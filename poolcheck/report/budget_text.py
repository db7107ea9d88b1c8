"""The connection budget for people to read in a terminal."""

from collections.abc import Iterator, Sequence

from poolcheck.budget.accounts import Budget, Unknown
from poolcheck.report.budget_rows import HEADINGS, Row, Table, table
from poolcheck.report.glyphs import flat, width
from poolcheck.report.places import Places
from poolcheck.report.redact import redact_message
from poolcheck.report.styled import Line, Segment, Style
from poolcheck.scale import Situation

NOTHING = (
    "There is nothing to count: no pooler, no database and no client pool was found here.",
    "poolcheck reads pgbouncer.ini, Kubernetes manifests, Compose files and Python source.",
    "What no file shows can be stated in [tool.poolcheck.databases], .poolers and .workloads.",
)


def described(budget: Budget, places: Places) -> Iterator[Line]:
    """A table for each limit, and what is not known."""
    if not budget.accounts:
        yield from ((Segment(line),) for line in NOTHING)
    for at, account in enumerate(budget.accounts):
        if at:
            yield ()
        yield from _table(table(account, places))
    if budget.unknown:
        yield ()
        yield (Segment("not known", Style.MESSAGE),)
        yield from _unknown(budget.unknown, places)


def _table(shown: Table) -> Iterator[Line]:
    yield (
        Segment(flat(shown.title), Style.MESSAGE),
        Segment(f"  {shown.place}" if shown.place else "", Style.MARGIN),
    )
    yield (Segment(f"  {shown.accepts}"),)
    if shown.rows:
        cells = [HEADINGS, *(tuple(flat(redact_message(cell)) for cell in row.cells) for row in shown.rows)]
        widths = [max(map(width, column)) for column in zip(*cells, strict=True)]
        yield _line(cells[0], widths, Row("", ()), heading=True)
        for row, texts in zip(shown.rows, cells[1:], strict=True):
            yield _line(texts, widths, row)
    else:
        yield (Segment("  nothing is seen to connect to it", Style.MARGIN),)
    if shown.severity:
        yield (
            Segment(f"  {shown.severity}: ", Style(shown.severity)),
            Segment(flat(redact_message(shown.verdict))),
        )
    for assumption in shown.assumptions:
        yield (Segment(f"  assumed: {flat(assumption)}", Style.NOTE),)


def _line(texts: Sequence[str], widths: Sequence[int], row: Row, *, heading: bool = False) -> Line:
    """Names to the left, numbers to the right; at numbers that are too much stands a sign besides the colour."""
    over = [False, *(situation in row.is_over for situation in Situation), False, False]
    segments = [Segment("  ")]
    for at, (text, cells) in enumerate(zip(texts, widths, strict=True)):
        is_number = 0 < at <= len(Situation)
        blanks = " " * (cells - width(text))
        shown = f"{blanks}{text}" if is_number else f"{text}{blanks}"
        style = Style.MARGIN if heading or at == len(texts) - 1 else Style.ERROR if over[at] else Style.PLAIN
        segments.append(Segment(f"{shown}{'!' if over[at] else ' '} " if at < len(texts) - 1 else text, style))
    while segments and not segments[-1].text.strip():
        segments.pop()
    return (*segments[:-1], segments[-1]._replace(text=segments[-1].text.rstrip()))


def _unknown(unknown: Sequence[Unknown], places: Places) -> Iterator[Line]:
    for each in unknown:
        where = places.line(each.place)
        yield (
            Segment(f"  {flat(redact_message(each.what))}: {each.why}"),
            Segment(f"  {where}" if where else "", Style.MARGIN),
        )
