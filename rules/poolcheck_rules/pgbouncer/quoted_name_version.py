"""A name in single quotes for a PgBouncer that does not take them off."""

import re
from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Severity
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.read.pgbouncer.refusal import Cause
from poolcheck.rule import Rule
from poolcheck.source import Edit, Located

_PLAIN = re.compile(r"[A-Za-z0-9_.*-]+")


class QuotedNameVersion(Rule[PgBouncerConfig]):
    id = "quoted-name-version"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        for _, name, reason in config.refused(Cause.NAME_NEEDS_NEWER):
            yield self.finding(name.span, reason, fix=without_quotes(name))


def without_quotes(name: Located[str]) -> Fix | None:
    """The name as it is; None where it cannot stand without quotes."""
    if not _PLAIN.fullmatch(name.value):
        return None
    return Fix("Remove the quotes", (Edit(name.span, name.value),))
