"""Amounts of CPU as manifests write them."""

import re

_CPU = re.compile(r"(?P<number>[0-9]{1,6}(?:\.[0-9]{0,6})?)(?P<milli>m?)")


def cpus(written: str) -> float | None:
    """How many CPUs `2`, `0.5` and `250m` are; None where that is not told."""
    found = _CPU.fullmatch(written)
    if found is None:
        return None
    return float(found["number"]) / (1000 if found["milli"] else 1)
