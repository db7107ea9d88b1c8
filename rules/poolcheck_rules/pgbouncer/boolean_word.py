"""A word such as yes or off for a switch that PgBouncer reads as a number."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Severity
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.read.pgbouncer.refusal import Cause
from poolcheck.read.pgbouncer.startup import SWITCHES
from poolcheck.rule import Rule
from poolcheck.source import Edit


class BooleanWord(Rule[PgBouncerConfig]):
    id = "boolean-word"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        for _, (word, place), reason in config.refused(Cause.BOOLEAN_WORD):
            number = SWITCHES[word.lower()]
            yield self.finding(place, reason, fix=Fix(f"Write {number}", (Edit(place, number),)))
