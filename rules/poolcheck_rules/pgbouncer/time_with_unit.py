"""A time with a unit behind it, where PgBouncer reads a bare number."""

import re
from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Severity
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.read.pgbouncer.settings import Kind, KnownSetting, Scope, known
from poolcheck.rule import Rule
from poolcheck.source import Edit, Located

_TIME = re.compile(r"(?P<number>[0-9]{1,9}(?:\.[0-9]{0,6})?|\.[0-9]{1,6})[ \t]*(?P<unit>[A-Za-z]+)")

_MILLISECONDS = {
    **dict.fromkeys(("us", "usec", "usecs", "microsecond", "microseconds"), 0.001),
    **dict.fromkeys(("ms", "msec", "msecs", "millisecond", "milliseconds"), 1),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1_000),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60_000),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3_600_000),
    **dict.fromkeys(("d", "day", "days"), 86_400_000),
    **dict.fromkeys(("w", "week", "weeks"), 604_800_000),
}


class TimeWithUnit(Rule[PgBouncerConfig]):
    id = "time-with-unit"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        for setting in config.settings:
            name, (text, place) = setting.name.value, setting.value
            fact = known(Scope.PGBOUNCER, name)
            unit = unit_of(fact) if fact else None
            time = milliseconds(text)
            if fact and unit and time is not None:
                message = f"PgBouncer reads {name} as a number of {unit} and does not start with {text}"
                fix = bare(setting.value, time / _MILLISECONDS[unit], fact.kind)
                yield self.finding(place, message, fix=fix)


def unit_of(fact: KnownSetting) -> str | None:
    """The unit of a setting that is a time."""
    unit = "seconds" if fact.kind is Kind.SECONDS else fact.unit
    return unit if unit in _MILLISECONDS else None


def milliseconds(text: str) -> float | None:
    """How long a time with a unit is; None where the text is something else."""
    time = _TIME.fullmatch(text)
    factor = _MILLISECONDS.get(time["unit"].lower()) if time else None
    return float(time["number"]) * factor if time and factor else None


def bare(value: Located[str], number: float, kind: Kind) -> Fix | None:
    """The number in place of the time; None where PgBouncer refuses its fraction, or would make 0 of it."""
    written = f"{number:.6f}".rstrip("0").rstrip(".")
    if ("." in written and kind is not Kind.SECONDS) or (written == "0" and number > 0):
        return None
    return Fix(f"Write {written}", (Edit(value.span, written),))
