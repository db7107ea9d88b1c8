"""A budget that fails, in words: the message, the sum line by line, and a note at the place of each operand."""

from collections.abc import Iterator

from poolcheck.amount import Amount
from poolcheck.budget.accounts import Kind
from poolcheck.budget.facts import Owner
from poolcheck.budget.verdicts import Verdict
from poolcheck.finding import Note
from poolcheck.source import Span

MOST_NAMES = 4
"""A sentence names so many workloads."""


def place(verdict: Verdict) -> Span | None:
    """Where it is told: at the limit, or else at the first operand that a file shows."""
    if verdict.account.limit.place:
        return verdict.account.limit.place
    return next((reason.span for reason in _wanted(verdict).because if reason.span), None)


def message(verdict: Verdict) -> str:
    """What is accepted and what is wanted, and when."""
    limit, over = verdict.account.limit, verdict.over
    connections = "client connections" if limit.kind is Kind.POOLER else "connections"
    each = " in each pod" if limit.in_pod else ""
    when = f"; {verdict.why.when}" if verdict.why.when else ""
    within = [*sorted(verdict.stages), *(["session mode"] if limit.kind is Kind.POOL else [])]
    mode = f"in {' and '.join(within)}, " if within else ""
    accepts = "has" if limit.kind is Kind.POOL else "accepts"
    may = "may keep" if limit.kind is Kind.POOL else "may open"
    return (
        f"{mode}{limit.name} {accepts} {over.allowed_written} {connections}{each}{when}, "
        f"{who(verdict.account.names)} {may} {over.wanted_written}{over.provided}"
    )


def who(names: tuple[str, ...]) -> str:
    """Those who open connections, in words."""
    shown = list(names[:MOST_NAMES])
    if len(names) > MOST_NAMES:
        shown[-1] = f"{len(names) - MOST_NAMES + 1} others"
    *others, last = shown
    return f"{', '.join(others)} and {last}" if others else last


def notes(verdict: Verdict) -> list[Note]:
    """A note at the place of each number that goes into the sum."""
    reasons = (*verdict.account.limit.accepts.because, *_wanted(verdict).because)
    own = place(verdict)
    operands = [Note(each.span, each.text) for each in dict.fromkeys(reasons) if each.span and each.span != own]
    return [*operands, *_pools(verdict)]


def _pools(verdict: Verdict) -> Iterator[Note]:
    """Where the pools are made of an owner that has several: each of them counts, and one is easily forgotten."""
    pools: dict[Owner, dict[Span, None]] = {}
    for part in verdict.account.parts:
        if part.place and part.is_counted:
            pools.setdefault(part.owner, {})[part.place] = None
    for owner, places in pools.items():
        if len(places) > 1:
            yield from (Note(each, f"one of {len(places)} pools of {owner.name}") for each in places)


def written_out(verdict: Verdict) -> tuple[str, ...]:
    """The sum, a line for each who opens connections, what they come to, and what is accepted."""
    account, why, over = verdict.account, verdict.why, verdict.over
    is_low = over.wanted == _wanted(verdict).low
    parts = account.wanted_by(why.situation, with_reserve=why.with_reserve)
    rows = [(owner.name, *_end(amount, is_low=is_low)) for owner, amount in parts]
    if len(rows) > 1:
        rows.append(("together", "", over.wanted))
    rows.append(("accepted", over.allowed_sum, over.allowed))
    return (*_aligned(rows), *_besides(verdict))


def _besides(verdict: Verdict) -> Iterator[str]:
    """What it comes to in other situations, where that is another number."""
    known = {verdict.over.wanted}
    others: list[str] = []
    for why, over in verdict.besides:
        if over.wanted not in known:
            known.add(over.wanted)
            others.append(f"{over.wanted} {why.when or 'as deployed'}")
    if others:
        yield ", ".join(others)


def _end(amount: Amount, *, is_low: bool) -> tuple[str, int]:
    return (amount.low_sum, amount.low) if is_low else (amount.most_sum, amount.most)


def _aligned(rows: list[tuple[str, str, int]]) -> Iterator[str]:
    """The rows as columns: who, the sum unless it is the number itself, the number."""
    shown = [(name, "" if worked_out == str(number) else worked_out, number) for name, worked_out, number in rows]
    names, sums, numbers = (max(len(str(row[at])) for row in shown) for at in range(3))
    for name, worked_out, number in shown:
        middle = f"{worked_out:{sums}} {'=' if worked_out else ' '} " if sums else ""
        yield f"{name:{names}}  {middle}{number:>{numbers}}"


def _wanted(verdict: Verdict) -> Amount:
    return verdict.account.wanted(verdict.why.situation, with_reserve=verdict.why.with_reserve)
