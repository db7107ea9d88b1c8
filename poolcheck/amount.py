"""Numbers that take part in a connection budget: intervals that know where they come from."""

from collections.abc import Iterable, Iterator
from functools import reduce
from typing import NamedTuple

from poolcheck.source import Span
from poolcheck.value import Known, Value, resolve, scalars_of


class Reason(NamedTuple):
    """Why a number is what it is ("4 replicas") and the place that says so; no place where no file does.

    `assumption` is what must hold for it, where nothing in the project states that and it may well be otherwise:
    "max_connections is left at its default". `least` and `most` are what the ends of a range go by.
    """

    text: str
    span: Span | None = None
    assumption: str = ""
    least: str = ""
    most: str = ""


class Amount(NamedTuple):
    """A count between `low` and `most`, or larger where it `is_open`: then nothing is known of the rest.

    It is `surely` as much even if its assumptions do not hold. `low_sum` and `most_sum` write out how the two ends
    come about: "4 × (5 + 10)".
    """

    surely: int
    low: int
    most: int
    is_open: bool
    because: tuple[Reason, ...]
    low_sum: str
    most_sum: str

    @property
    def high(self) -> int | None:
        """The upper end; None where none is known."""
        return None if self.is_open else self.most

    @property
    def ceiling(self) -> int | None:
        """The upper end even if assumptions do not hold; None where none is known."""
        return None if self.is_assumed else self.high

    @property
    def is_assumed(self) -> bool:
        """Whether anything that went into it is an assumption."""
        return any(reason.assumption for reason in self.because)


class Overrun(NamedTuple):
    """More wanted than allowed; `certain` when no reading of the files makes it fit, else under assumptions."""

    certain: bool
    wanted: int
    allowed: int
    wanted_sum: str
    allowed_sum: str
    assumptions: tuple[str, ...]

    @property
    def wanted_written(self) -> str:
        """What is wanted, written out: `6 × 4 = 24`, or the number alone where it is no sum."""
        return _written(self.wanted_sum, self.wanted)

    @property
    def allowed_written(self) -> str:
        """What is allowed, written out likewise."""
        return _written(self.allowed_sum, self.allowed)

    @property
    def provided(self) -> str:
        """What must hold, as the end of a sentence: `, assuming 12 pods of api`; nothing where it is certain."""
        *others, last = self.assumptions or ("",)
        if len(others) >= MOST_ASSUMPTIONS:
            others, last = others[: MOST_ASSUMPTIONS - 1], "more"
        return f", assuming {' and '.join([', '.join(others)] * bool(others) + [last])}" if last else ""


MOST_ASSUMPTIONS = 3
"""A sentence names so many assumptions."""


def exactly(number: int, *because: Reason, surely: int | None = None) -> Amount:
    """A number that is known; if that is assumed, it is `surely` so much."""
    return between(number, number, *because, surely=surely)


def between(low: int, high: int | None, *because: Reason, surely: int | None = None) -> Amount:
    """A number of which only the ends are known."""
    most = low if high is None else high
    if surely is None:
        surely = 0 if any(reason.assumption for reason in because) else low
    return Amount(surely, low, most, high is None, because, str(low), str(most))


def amount_of(value: Value | None, what: str) -> Amount:
    """The number that a value of this description is: "replicas", "pool_size".

    Where it depends on environment variables that no known environment sets, their defaults are assumed.
    """
    if value is None:
        return between(0, None)
    settled = resolve(value, lambda _: None)
    scalars = scalars_of(settled)
    numbers = [scalar for scalar in scalars or () if isinstance(scalar, int) and scalar >= 0]
    if scalars is None or len(numbers) < len(scalars):
        return between(0, None)
    low, high = min(numbers), max(numbers)
    reason = Reason(f"{what} {low}", settled.places[-1])
    if low < high:
        reason = reason._replace(text=f"{what} {low} to {high}", least=f"{what} {low}", most=f"{what} {high}")
    if not isinstance(value, Known) and settled != value:
        reason = reason._replace(assumption=f"{what} is left at its default")
    return between(low, high, reason)


def total(parts: Iterable[Amount]) -> Amount:
    """All parts added up; 0 where there are none."""
    return reduce(_plus, parts) if (parts := tuple(parts)) else exactly(0)


def product(*parts: Amount) -> Amount:
    """All parts multiplied."""
    return reduce(_times, parts)


def difference(amount: Amount, less: Amount) -> Amount:
    """What is left of one number when another is taken away; never below 0."""
    return Amount(
        0 if less.is_open else max(amount.surely - less.most, 0),
        0 if less.is_open else max(amount.low - less.most, 0),
        max(amount.most - less.low, 0),
        amount.is_open,
        amount.because + less.because,
        _minus(amount.low_sum, less.most_sum),
        _minus(amount.most_sum, less.low_sum),
    )


def least(amount: Amount, cap: Amount) -> Amount:
    """The smaller of two numbers, with the reasons of whichever decides."""
    low = min(amount, cap, key=lambda part: part.low)
    most = min(amount, cap, key=lambda part: (part.is_open, part.most))
    because = low.because if low is most else amount.because + cap.because
    if low is not most and amount.is_open:
        reached = (each._replace(most=f"{each.text} is reached") for each in cap.because)
        because = (*amount.because, *reached)
    return low._replace(
        surely=min(amount.surely, cap.surely),
        most=most.most,
        is_open=most.is_open,
        because=because,
        most_sum=most.most_sum,
    )


def known_part(amount: Amount, cap: Amount) -> Amount:
    """What is known of a number, and no more than a cap; what may be on top stays open."""
    return least(amount._replace(is_open=False), cap)._replace(is_open=amount.is_open)


def either(parts: Iterable[Amount]) -> Amount:
    """One of several numbers, of which there is at least one; nobody knows which."""
    parts = tuple(parts)
    low, most = min(parts, key=lambda part: part.low), max(parts, key=lambda part: part.most)
    if low.low == most.most:
        low = most
    if low is not most:
        at_low, at_most = ({reason.text for reason in part.because} for part in (low, most))
        because = [
            *(each if each.text in at_most else _at_low_end(each) for each in low.because),
            *(each if each.text in at_low else _at_high_end(each) for each in most.because),
        ]
        low = low._replace(because=tuple(dict.fromkeys(because)))
    return low._replace(
        surely=min(part.surely for part in parts),
        most=most.most,
        is_open=any(part.is_open for part in parts),
        most_sum=most.most_sum,
    )


def overrun(wanted: Amount, allowed: Amount) -> Overrun | None:
    """By how much `wanted` is more than `allowed`; None where it fits, or where nothing is known."""
    if allowed.is_open:
        return None
    certain = allowed.ceiling is not None and wanted.surely > allowed.ceiling
    if wanted.low > allowed.most:
        assumed = () if certain else tuple(_assumptions(wanted, allowed, ends=False))
        return Overrun(certain, wanted.low, allowed.most, wanted.low_sum, allowed.most_sum, assumed)
    if wanted.most > allowed.low:
        assumed = tuple(_assumptions(wanted, allowed, ends=True))
        return Overrun(certain, wanted.most, allowed.low, wanted.most_sum, allowed.low_sum, assumed)
    return None


def _at_low_end(reason: Reason) -> Reason:
    return reason._replace(least=reason.least or reason.text, most="")


def _at_high_end(reason: Reason) -> Reason:
    return reason._replace(least="", most=reason.most or reason.text)


def _assumptions(wanted: Amount, allowed: Amount, *, ends: bool) -> Iterable[str]:
    """All that must hold for an overrun, each once; also that ranges are at their far `ends`."""
    return dict.fromkeys(filter(None, _said(wanted, allowed, ends=ends)))


def _said(wanted: Amount, allowed: Amount, *, ends: bool) -> Iterator[str]:
    for reason in allowed.because:
        yield reason.assumption
        yield reason.least if ends else ""
    for reason in wanted.because:
        yield reason.assumption
        yield reason.most if ends else ""


def _plus(one: Amount, other: Amount) -> Amount:
    return Amount(
        one.surely + other.surely,
        one.low + other.low,
        one.most + other.most,
        one.is_open or other.is_open,
        # What adds nothing, or nobody knows how much, is no reason for the sum.
        tuple(reason for part in (one, other) if part.most for reason in part.because),
        " + ".join(part.low_sum for part in (one, other) if part.low) or "0",
        " + ".join(part.most_sum for part in (one, other) if part.most) or "0",
    )


def _times(one: Amount, other: Amount) -> Amount:
    is_nothing = one.high == 0 or other.high == 0
    return Amount(
        one.surely * other.surely,
        one.low * other.low,
        one.most * other.most,
        (one.is_open or other.is_open) and not is_nothing,
        one.because + other.because,
        _multiplied(one.low_sum, other.low_sum),
        _multiplied(one.most_sum, other.most_sum),
    )


def _multiplied(one: str, other: str) -> str:
    """A product as it is written; what is taken once is written alone."""
    factors = [_factor(written) for written in (one, other) if written != "1"]
    return " × ".join(factors) if len(factors) == 2 else other if one == "1" else one


def _minus(written: str, less: str) -> str:
    return written if less == "0" else f"{written} − {_factor(less)}"


def _written(worked_out: str, number: int) -> str:
    return str(number) if worked_out == str(number) else f"{worked_out} = {number}"


def _factor(written: str) -> str:
    return f"({written})" if _is_sum(written) else written


def _is_sum(written: str) -> bool:
    """Whether something is added or taken away outside of all brackets."""
    depth = 0
    for word in written.split(" "):
        depth += word.count("(") - word.count(")")
        if depth == 0 and word in {"+", "−"}:
            return True
    return False
