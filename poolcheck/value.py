"""What an expression is worth, as far as the text tells, and every place its value came through."""

from typing import NamedTuple, TypeAlias

from poolcheck.source import Span

Places: TypeAlias = tuple[Span, ...]
"""From where a value is used, through everything it comes through, to where it is written."""

Scalar: TypeAlias = str | int | float | bool | None
Value: TypeAlias = "Known | EnvRef | Computed | Either | Table | Unknown"


class Known(NamedTuple):
    """A value that the files state."""

    scalar: Scalar
    places: Places


class EnvRef(NamedTuple):
    """An environment variable, symbolic until the workload is known in whose environment it is read.

    `default` is what the program goes on with where the variable is not set; None where it stops.
    """

    name: str
    default: Value | None
    places: Places


class Computed(NamedTuple):
    """A function of values of which not all are known: one of FUNCTIONS, by name."""

    function: str
    arguments: tuple[Value, ...]
    places: Places


class Either(NamedTuple):
    """One of several values; which one is decided at run time."""

    options: tuple[Value, ...]
    places: Places


class Table(NamedTuple):
    """A dictionary with text for keys. `is_complete` is False where it may have other entries than these."""

    items: tuple[tuple[str, Value], ...]
    is_complete: bool
    places: Places


class Unknown(NamedTuple):
    """A value that no file of the project states."""

    places: Places


LARGEST = 2**63
"""Whole numbers beyond this are not followed: no pool is that large."""
LONGEST = 100_000
"""Nor are longer texts."""
DEEPEST = 200
"""Nor are values made of more parts than this."""
