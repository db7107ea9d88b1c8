"""Numbers and times as they are written in sums."""

import math


def plain(number: float) -> str:
    """A number with as few digits as tell what it is."""
    return str(round(number)) if abs(number - round(number)) < 1e-9 or number >= 1000 else f"{number:.4g}"


def time(seconds: float) -> str:
    """A time in the unit in which it is a handy number."""
    if math.isinf(seconds):
        return "∞"
    for unit, in_unit in (("s", seconds), ("ms", seconds * 1e3), ("µs", seconds * 1e6)):
        if in_unit >= 0.9995:
            return f"{_handy(in_unit)} {unit}"
    return "0 ms" if seconds < 1e-9 else "less than 1 µs"


def percent(share: float) -> str:
    """A share of a whole."""
    hundredths = share * 100
    return "less than 0.01 %" if 0 < hundredths < 0.01 else f"{_handy(hundredths)} %"


def _handy(number: float) -> str:
    return str(round(number)) if number >= 99.95 else f"{number:.3g}"
