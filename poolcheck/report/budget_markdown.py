"""The connection budget as Markdown, for a page or a comment on a change."""

from collections.abc import Iterator, Sequence

from poolcheck.budget.accounts import Budget
from poolcheck.report.budget_rows import HEADINGS, Table, table
from poolcheck.report.budget_text import NOTHING
from poolcheck.report.glyphs import flat
from poolcheck.report.places import Places
from poolcheck.report.redact import redact_message
from poolcheck.report.styled import Line, Segment
from poolcheck.scale import Situation


def described(budget: Budget, places: Places) -> Iterator[Line]:
    """A section with a table for each limit, and a list of what is not known."""
    lines = ["# Connection budget", "", *_body(budget, places)]
    return ((Segment(line),) for line in lines)


def _body(budget: Budget, places: Places) -> Iterator[str]:
    if not budget.accounts:
        yield " ".join(NOTHING)
    for account in budget.accounts:
        yield from _section(table(account, places))
    if budget.unknown:
        yield from ("## Not known", "")
        for each in budget.unknown:
            where = f" ({_code(place)})" if (place := places.line(each.place)) else ""
            yield f"- {_escaped(each.what)}: {_escaped(each.why)}{where}"


def _section(shown: Table) -> Iterator[str]:
    yield from (f"## {_escaped(shown.title)}", "", f"{_escaped(shown.accepts)}{_at(shown.place)}", "")
    if shown.rows:
        yield _row(HEADINGS)
        yield _row(["---", *["---:"] * len(Situation), "---", "---"])
        for row in shown.rows:
            over = [False, *(situation in row.is_over for situation in Situation), False, False]
            cells = map(_escaped, row.cells)
            yield _row([f"**{cell}**" if is_over else cell for cell, is_over in zip(cells, over, strict=True)])
        yield ""
    if shown.severity:
        yield from (f"**{shown.severity}:** {_escaped(shown.verdict)}", "")
    if shown.assumptions:
        yield from (f"Assumed: {_escaped('; '.join(shown.assumptions))}", "")


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _at(place: str) -> str:
    return f" ({_code(place)})" if place else ""


def _code(text: str) -> str:
    return f"`{text.replace('`', '')}`"


def _escaped(text: str) -> str:
    """Text that Markdown takes for nothing else."""
    shown = flat(redact_message(text))
    for sign in "\\`*_[]<>|":
        shown = shown.replace(sign, f"\\{sign}")
    return shown
