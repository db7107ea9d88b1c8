"""A URI where PgBouncer wants key=value pairs."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Severity
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.read.pgbouncer.refusal import Cause
from poolcheck.rule import Rule


class ConnstrUri(Rule[PgBouncerConfig]):
    id = "connstr-uri"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        for _, uri, reason in config.refused(Cause.URI):
            yield self.finding(uri.span, reason)
