"""The connection budget as tables of words: a table for each limit and deployment."""

from typing import NamedTuple

from poolcheck.amount import Amount
from poolcheck.budget.accounts import Account, Kind, Limit
from poolcheck.budget.parts import Part
from poolcheck.budget.told import message
from poolcheck.budget.verdicts import verdict_on
from poolcheck.finding import Severity
from poolcheck.report.places import Places
from poolcheck.scale import Scale, Situation

HEADINGS: tuple[str, ...] = ("", *(situation.value for situation in Situation), "as deployed", "where")
"""What the columns are: who, the situations, how the first number comes about, and where it is written."""


class Row(NamedTuple):
    """What somebody wants; `is_over` are the situations in which that is too much."""

    who: str
    numbers: tuple[str, ...]
    how: str = ""
    where: str = ""
    is_over: frozenset[Situation] = frozenset()

    @property
    def cells(self) -> tuple[str, ...]:
        """The texts of all columns."""
        return (self.who, *self.numbers, self.how, self.where)


class Table(NamedTuple):
    """A limit in one deployment: what it accepts, the rows, and what is to be said of it."""

    title: str
    place: str
    accepts: str
    rows: tuple[Row, ...]
    verdict: str
    severity: Severity | None
    assumptions: tuple[str, ...]


def table(account: Account, places: Places) -> Table:
    """The table of one account."""
    verdict = verdict_on(account)
    over = frozenset(situation for situation in Situation if account.overrun(situation))
    together = Scale(*map(account.wanted, Situation))
    rows = [Row(_who(part), numbers(part.connections), _how(part), _where(part, places)) for part in account.parts]
    if len(rows) > 1:
        rows.append(Row("together", numbers(together), is_over=over))
    if rows:
        rows.append(Row("left", tuple(_left(account, situation) for situation in Situation), is_over=over))
    said = message(verdict) if verdict else ""
    amounts = (account.limit.accepts, *together)
    assumed = (reason.assumption for amount in amounts for reason in amount.because if reason.assumption)
    return Table(
        _title(account),
        places.line(account.limit.place),
        _accepts(account.limit),
        tuple(rows),
        said,
        verdict.severity if verdict else None,
        tuple(dict.fromkeys(assumed)),
    )


def number(amount: Amount) -> str:
    """`60`, `60 to 120`, `60 or more`, or `?` where nothing is known."""
    if amount.is_open:
        return f"{amount.low} or more" if amount.low else "?"
    return str(amount.low) if amount.low == amount.most else f"{amount.low} to {amount.most}"


def numbers(scale: Scale) -> tuple[str, ...]:
    """A number for each situation."""
    return tuple(map(number, scale))


def _title(account: Account) -> str:
    """`postgres`, and for which stage or namespace where that makes a difference."""
    stages = f", {' '.join(sorted(account.stages))}" if account.stages else ""
    namespace = f", namespace {account.namespace}" if account.namespace else ""
    kinds = {Kind.DATABASE: "database", Kind.POOLER: "pooler", Kind.POOL: "", Kind.OUTSIDE: "outside the project"}
    kind = kinds[account.limit.kind]
    return f"{account.limit.name}{f' ({kind})' if kind else ''}{stages}{namespace}"


def _accepts(limit: Limit) -> str:
    """What it accepts, with what is kept back."""
    if limit.accepts.is_open and not limit.accepts.low:
        return "nobody knows how many connections it accepts"
    what = {Kind.POOLER: "client connections", Kind.POOL: "connections, each for one client at a time"}
    each = " in each pod" if limit.in_pod else ""
    kept_back = f" of {number(limit.has)}, {number(limit.kept_back)} kept back" if limit.kept_back.most else ""
    worked_out = (
        "" if limit.kept_back.most or limit.has.low_sum == str(limit.has.low) else f" = {limit.has.low_sum}"
    )
    return f"accepts {number(limit.accepts)}{worked_out} {what.get(limit.kind, 'connections')}{each}{kept_back}"


def _who(part: Part) -> str:
    return part.owner.name if part.is_pooler else f"{part.owner.name}: {part.title}"


def _how(part: Part) -> str:
    steady = part.connections.steady
    return "" if steady.low_sum == str(steady.low) or not part.is_counted else steady.low_sum


def _where(part: Part, places: Places) -> str:
    return places.line(part.owner.span)


def _left(account: Account, situation: Situation) -> str:
    """What is left in the worst reading of the files; how much is missing where that is below zero."""
    wanted, accepts = account.wanted(situation), account.limit.accepts
    if accepts.is_open:
        return "?"
    left = accepts.low - wanted.most
    shown = str(left) if left >= 0 else f"−{-left}"
    return f"{shown} or less" if wanted.is_open else shown
