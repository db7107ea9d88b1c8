"""Numbers that take part in a connection budget: intervals that know where they come from."""

from collections.abc import Iterable
from functools import reduce
from typing import NamedTuple

from poolcheck.source import Span
from poolcheck.value import Known, Value, resolve, scalars_of


class Reason(NamedTuple):
    """Why a number is what it is ("4 replicas") and the place that says so; no place where no file does.

    `assumed` marks what nothing in the project states and what may well be otherwise, such as a server's
    built-in limit where its configuration was not found.
    """

    text: str
    span: Span | None = None
    assumed: bool = False


class Amount(NamedTuple):
    """A count that lies between `low` and `high`; no `high` where no upper end is known.

    `low_sum` and `high_sum` write out how the two ends come about: "4 × (5 + 10)".
    """

    low: int
    high: int | None
    because: tuple[Reason, ...]
    low_sum: str
    high_sum: str

    @property
    def is_assumed(self) -> bool:
        """Whether anything that went into it is an assumption."""
        return any(reason.assumed for reason in self.because)


class Overrun(NamedTuple):
    """More wanted than allowed; `certain` when no reading of the files makes it fit."""

    certain: bool
    wanted: int
    allowed: int
    wanted_sum: str
    allowed_sum: str

    @property
    def wanted_written(self) -> str:
        """What is wanted, written out: `6 × 4 = 24`, or the number alone where it is no sum."""
        return _written(self.wanted_sum, self.wanted)

    @property
    def allowed_written(self) -> str:
        """What is allowed, written out likewise."""
        return _written(self.allowed_sum, self.allowed)


def exactly(number: int, *because: Reason) -> Amount:
    """A number that is known."""
    return Amount(number, number, because, str(number), str(number))


def between(low: int, high: int | None, *because: Reason) -> Amount:
    """A number of which only the ends are known."""
    return Amount(low, high, because, str(low), "unknown" if high is None else str(high))


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
    is_certain = isinstance(value, Known) or settled == value
    low, high = min(numbers), max(numbers)
    written = f"{what} {low}" if low == high else f"{what} {low} to {high}"
    return between(low, high, Reason(written, settled.places[-1], assumed=not is_certain))


def total(parts: Iterable[Amount]) -> Amount:
    """All parts added up; 0 where there are none."""
    return reduce(_plus, parts) if (parts := tuple(parts)) else exactly(0)


def product(*parts: Amount) -> Amount:
    """All parts multiplied."""
    return reduce(_times, parts)


def difference(amount: Amount, less: Amount) -> Amount:
    """What is left of one number when another is taken away; never below 0."""
    low = 0 if less.high is None else max(amount.low - less.high, 0)
    high = None if amount.high is None else max(amount.high - less.low, 0)
    return Amount(
        low,
        high,
        amount.because + less.because,
        f"{amount.low_sum} − {_factor(less.high_sum)}",
        f"{amount.high_sum} − {_factor(less.low_sum)}",
    )


def least(amount: Amount, cap: Amount) -> Amount:
    """The smaller of two numbers, with the reasons of whichever decides."""
    low = min(amount, cap, key=lambda part: part.low)
    high = min(amount, cap, key=lambda part: float("inf") if part.high is None else part.high)
    because = low.because if low is high else amount.because + cap.because
    return Amount(low.low, high.high, because, low.low_sum, high.high_sum)


def overrun(wanted: Amount, allowed: Amount) -> Overrun | None:
    """By how much `wanted` is more than `allowed`; None where it fits, or where nothing is known."""
    if allowed.high is not None and wanted.low > allowed.high:
        certain = not (wanted.is_assumed or allowed.is_assumed)
        return Overrun(certain, wanted.low, allowed.high, wanted.low_sum, allowed.high_sum)
    if allowed.high is not None and wanted.high is not None and wanted.high > allowed.low:
        certain = False
        return Overrun(certain, wanted.high, allowed.low, wanted.high_sum, allowed.low_sum)
    return None


def _plus(one: Amount, other: Amount) -> Amount:
    high = None if one.high is None or other.high is None else one.high + other.high
    return Amount(
        one.low + other.low,
        high,
        # What adds nothing, or nobody knows how much, is no reason for the sum.
        tuple(reason for part in (one, other) if part.low or part.high for reason in part.because),
        " + ".join(part.low_sum for part in (one, other) if part.low) or "0",
        " + ".join(part.high_sum for part in (one, other) if part.high != 0) or "0",
    )


def _times(one: Amount, other: Amount) -> Amount:
    high = None if one.high is None or other.high is None else one.high * other.high
    return Amount(
        one.low * other.low,
        high,
        one.because + other.because,
        f"{_factor(one.low_sum)} × {_factor(other.low_sum)}",
        f"{_factor(one.high_sum)} × {_factor(other.high_sum)}",
    )


def _written(worked_out: str, number: int) -> str:
    return str(number) if worked_out == str(number) else f"{worked_out} = {number}"


def _factor(written: str) -> str:
    return f"({written})" if " + " in written else written
