"""A time with a unit behind it, where PgBouncer reads a bare number."""

import re
from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Severity
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.read.pgbouncer.refusal import Cause
from poolcheck.read.pgbouncer.settings import Kind, Scope, known
from poolcheck.read.pgbouncer.startup import MILLISECONDS
from poolcheck.rule import Rule
from poolcheck.source import Edit, Located

_TIME = re.compile(r"(?P<number>[0-9]{1,9}(?:\.[0-9]{0,6})?|\.[0-9]{1,6})[ \t]*(?P<unit>[A-Za-z]+)")


class TimeWithUnit(Rule[PgBouncerConfig]):
    id = "time-with-unit"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        names = {setting.value.span: setting.name.value for setting in config.settings}
        for _, value, reason in config.refused(Cause.UNIT):
            yield self.finding(value.span, reason, fix=bare(value, names[value.span]))


def bare(value: Located[str], name: str) -> Fix | None:
    """The number in place of the time; None where PgBouncer refuses its fraction, or would make 0 of it."""
    fact, time = known(Scope.PGBOUNCER, name), _TIME.fullmatch(value.value)
    if fact is None or time is None:
        return None
    unit = "seconds" if fact.kind is Kind.SECONDS else fact.unit
    number = float(time["number"]) * MILLISECONDS[time["unit"].lower()] / MILLISECONDS[unit]
    written = f"{number:.6f}".rstrip("0").rstrip(".")
    if ("." in written and fact.kind is not Kind.SECONDS) or (written == "0" and number > 0):
        return None
    return Fix(f"Write {written}", (Edit(value.span, written),))
