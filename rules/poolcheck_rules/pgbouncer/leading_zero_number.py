"""A number with a 0 in front, which PgBouncer reads as octal."""

import re
from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Severity
from poolcheck.read.pgbouncer import c_number
from poolcheck.read.pgbouncer.config import PgBouncerConfig, Setting
from poolcheck.read.pgbouncer.refusal import Cause
from poolcheck.read.pgbouncer.settings import Kind, Scope, known
from poolcheck.rule import Rule
from poolcheck.source import Edit, Located

_ZERO_FIRST = re.compile(r"(?P<sign>[+-]?)0+(?P<digits>[0-9]{1,30})")

_MODE = "unix_socket_mode"
"""File permissions, which are meant to be octal."""


class LeadingZeroNumber(Rule[PgBouncerConfig]):
    id = "leading-zero-number"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        names = {setting.value.span: setting.name.value for setting in config.settings}
        for _, value, reason in config.refused(Cause.LEADING_ZERO):
            fix = None if names.get(value.span) == _MODE else without_zero(value, is_safe=True)
            yield self.finding(value.span, reason, severity=Severity.ERROR, fix=fix)
        for setting in config.settings:
            number = octal(setting) if setting.in_effect else None
            if number is not None:
                name, (text, place) = setting.name.value, setting.value
                message = f"PgBouncer reads {name} = {text} as octal, which is {number}"
                yield self.finding(place, message, fix=without_zero(setting.value, is_safe=False))


def octal(setting: Setting) -> int | None:
    """The number that PgBouncer reads; None where it is the one that is written, and where none is read."""
    fact, written = known(Scope.PGBOUNCER, setting.name.value), _ZERO_FIRST.fullmatch(setting.value.value)
    if fact is None or fact.name == _MODE or fact.kind not in {Kind.INT, Kind.UNSIGNED} or written is None:
        return None
    number = (c_number.unsigned if fact.kind is Kind.UNSIGNED else c_number.signed)(setting.value.value)
    if number is None or abs(number) == int(written["digits"]) or abs(number) != int(written["digits"], 8):
        return None
    return number


def without_zero(value: Located[str], *, is_safe: bool) -> Fix | None:
    """The number without its zeros in front."""
    written = _ZERO_FIRST.fullmatch(value.value)
    if written is None:
        return None
    decimal = f"{written['sign']}{written['digits']}"
    return Fix(f"Write {decimal}", (Edit(value.span, decimal),), safe=is_safe)
