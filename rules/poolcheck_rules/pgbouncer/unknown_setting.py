"""A setting that no section of PgBouncer has."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Severity
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.read.pgbouncer.refusal import Cause
from poolcheck.read.pgbouncer.settings import NEWEST, OF_FORKS
from poolcheck.rule import Rule


class UnknownSetting(Rule[PgBouncerConfig]):
    id = "unknown-setting"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        is_newer = config.version is not None and config.version > NEWEST
        for _, name, reason in config.refused(Cause.UNKNOWN_SETTING):
            if name.value not in OF_FORKS:
                yield self.finding(
                    name.span, reason, severity=Severity.INFO if is_newer else severity_of(name.value)
                )


def severity_of(name: str) -> Severity:
    """How sure it is that PgBouncer does not start: on Windows it has a setting more."""
    return Severity.WARNING if name == "service_name" else Severity.ERROR
