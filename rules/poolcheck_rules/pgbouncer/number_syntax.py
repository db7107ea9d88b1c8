"""A number that PgBouncer cannot read as one."""

import re
from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Severity
from poolcheck.read.pgbouncer import c_number
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.read.pgbouncer.refusal import Cause
from poolcheck.read.pgbouncer.settings import Kind, KnownSetting, Scope, known
from poolcheck.read.pgbouncer.startup import SWITCHES
from poolcheck.rule import Rule
from poolcheck.source import Edit, Located

_AROUND = " \t\"'`\xa0"
_GROUPED = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+(?:_[0-9]+)+")
_WITHOUT_FRACTION = re.compile(r"(?P<whole>[0-9]+)\.0*")
_DECIMAL = re.compile(r"[+-]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_OF_OTHERS = re.compile(r'"[^"]*"|[a-z_]+=.*')
"""A port in double quotes, and the pair behind a port without a value: rules of their own tell of those."""


class NumberSyntax(Rule[PgBouncerConfig]):
    id = "number-syntax"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        names = {setting.value.span: setting.name.value for setting in config.settings}
        for _, value, reason in config.refused(Cause.NUMBER):
            fact = known(Scope.PGBOUNCER, names[value.span])
            if "\r" not in value.value and fact:
                yield self.finding(value.span, reason, fix=as_number(value, fact))
        for _, port, reason in config.refused(Cause.PORT):
            if not _OF_OTHERS.fullmatch(port.value):
                yield self.finding(port.span, reason)


def as_number(value: Located[str], fact: KnownSetting) -> Fix | None:
    """The number that is meant; None where that cannot be told."""
    bare = value.value.lstrip("= \t").rstrip(";, \t").strip(_AROUND)
    if fact.kind is not Kind.SECONDS:
        bare = without_groups(bare)
    if fact.kind is Kind.BOOL:
        bare = SWITCHES.get(bare.lower(), bare)
    if not is_plain(bare, fact):
        return None
    indent = " " if value.value.startswith("=") else ""
    return Fix(f"Write {bare}", (Edit(value.span, indent + bare),))


def without_groups(text: str) -> str:
    """Digits alone: 1,000 and 1_000 are 1000, and 20.0 is 20."""
    if _GROUPED.fullmatch(text):
        return re.sub("[,_]", "", text)
    found = _WITHOUT_FRACTION.fullmatch(text)
    return found["whole"] if found else text


def is_plain(text: str, fact: KnownSetting) -> bool:
    """Whether a number can be written so, and everybody reads it alike."""
    if fact.name == "unix_socket_mode":
        return re.fullmatch("0[0-7]+", text) is not None
    accepted = c_number.seconds(text) if fact.kind is Kind.SECONDS else c_number.signed(text)
    return accepted is not None and _DECIMAL.fullmatch(text) is not None
