"""A setting that no section of PgBouncer has, or none any more."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Severity
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.read.pgbouncer.refusal import Cause
from poolcheck.read.pgbouncer.settings import NEWEST, OF_FORKS
from poolcheck.rule import Rule
from poolcheck.source import Edit, Located


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
        severity = Severity.INFO if config.version is None else Severity.ERROR
        for _, name, reason in config.refused(Cause.NEEDS_OLDER):
            yield self.finding(name.span, reason, severity=severity, fix=without(name, config))


def severity_of(name: str) -> Severity:
    """How sure it is that PgBouncer does not start: on Windows it has a setting more."""
    return Severity.WARNING if name == "service_name" else Severity.ERROR


def without(name: Located[str], config: PgBouncerConfig) -> Fix | None:
    """No such line; None where an older PgBouncer may need it, and where more stands on the line."""
    line = config.line(name.span)
    if config.version is None or not line.value.lstrip().startswith(name.value):
        return None
    return Fix(f"Remove {name.value}", (Edit(line.span, ""),))
