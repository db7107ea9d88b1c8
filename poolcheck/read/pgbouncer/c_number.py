"""Numbers as C reads them on a 64-bit machine, which is how PgBouncer reads its settings.

A setting of [pgbouncer] goes through `strtol`, `strtoul` or `strtod` and has to be a number to its end; a number
in a connection string goes through `atoi`, which takes what it can. An int keeps the low 32 bits, unchecked.
A `0b` begins no number here, though it does to a PgBouncer that was built by a compiler of C23.
libusual, cfparser.c; PgBouncer, loader.c.
"""

import re
import sys

_BLANKS = r"[ \t\n\v\f\r]*"
_INTEGER = re.compile(
    _BLANKS + r"(?P<sign>[+-]?)(?:0x(?P<hex>[0-9a-f]+)|(?P<octal>0[0-7]*)|(?P<decimal>[1-9][0-9]*))", re.IGNORECASE
)
_LEADING = re.compile(_BLANKS + r"(?P<sign>[+-]?)(?P<decimal>[0-9]+)")
_REAL = re.compile(
    _BLANKS + r"(?P<sign>[+-]?)(?:(?P<hex>0x(?:[0-9a-f]+\.?[0-9a-f]*|\.[0-9a-f]+)(?:p[+-]?[0-9]+)?)"
    r"|(?P<decimal>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?)"
    r"|(?P<infinity>inf(?:inity)?)|(?P<nan>nan(?:\([0-9a-z_]*\))?))",
    re.IGNORECASE | re.ASCII,
)

_LONG_ENOUGH = 30
"""A number with more digits is beyond 64 bits in any base, whatever the other digits are."""

_MICROSECONDS = 1_000_000


def signed(text: str) -> int | None:
    """A whole number as `strtol` reads it in base 0 and a C int keeps it; None where PgBouncer refuses it."""
    number = _INTEGER.fullmatch(text)
    return None if number is None else _to_int(_exact(number))


def unsigned(text: str) -> int | None:
    """A whole number as `strtoul` reads it in base 0 and a C unsigned int keeps it; None where it is refused."""
    number = _INTEGER.fullmatch(text)
    if number is None:
        return None
    exact = _exact(number)
    return (exact if abs(exact) < 2**64 else -1) % 2**32


def leading(text: str) -> int:
    """The number that a text begins with, as `atoi` reads it; 0 where it begins with none."""
    number = _LEADING.match(text)
    return 0 if number is None else _to_int(_exact(number))


def seconds(text: str) -> float | None:
    """A time, which PgBouncer keeps in whole microseconds; None where it is refused.

    What takes more than 64 bits, infinity too, becomes 0; what is not a number, 2**63 microseconds.
    """
    number = _REAL.fullmatch(text)
    if number is None:
        return None
    if number["nan"]:
        return 2**63 / _MICROSECONDS
    if number["infinity"]:
        return None if number["sign"] == "-" else 0.0
    value = _finite(number)
    if value is None or (value > 0 and number["sign"] == "-"):
        return None
    microseconds = value * _MICROSECONDS
    return 0.0 if microseconds >= 2**64 else int(microseconds) / _MICROSECONDS


def _finite(number: re.Match[str]) -> float | None:
    """The number without its sign; None where a double cannot hold it, which `strtod` reports as an error."""
    try:
        value = float.fromhex(number["hex"]) if number["hex"] else float(number["decimal"])
    except OverflowError:
        return None
    if value == float("inf") or (value < sys.float_info.min and _is_cut(number, value)):
        return None
    return value


def _is_cut(number: re.Match[str], value: float) -> bool:
    """Whether a number so close to 0 is not quite the one that is written."""
    if value == 0:
        mantissa, _, _ = re.sub("^0x", "", number[0].lstrip("+-"), flags=re.IGNORECASE).lower().partition("p")
        digits = mantissa if number["hex"] else mantissa.partition("e")[0]
        return any(digit not in " \t\n\v\f\r+-0." for digit in digits)
    if number["hex"]:
        return len(number["hex"]) > _LONG_ENOUGH
    from fractions import Fraction

    return len(number["decimal"]) > 1_000 or Fraction(number["decimal"]) != Fraction(value)


def _exact(number: re.Match[str]) -> int:
    """The number as it is written, or one beyond 64 bits where that is."""
    form = number.lastgroup or "decimal"
    magnitude = int(number[form].lstrip("0")[:_LONG_ENOUGH] or "0", {"hex": 16, "octal": 8, "decimal": 10}[form])
    return -magnitude if number["sign"] == "-" else magnitude


def _to_int(exact: int) -> int:
    """What is left in a C int of a number that was cut to a C long before."""
    return (min(max(exact, -(2**63)), 2**63 - 1) + 2**31) % 2**32 - 2**31
