"""Logging that is off, so that servers out of reach and clients that were dropped leave no line."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.rule import Rule


class SilentLogs(Rule[PgBouncerConfig]):
    id = "silent-logs"
    severity = Severity.INFO
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        disconnections, errors = config.integer("log_disconnections"), config.integer("log_pooler_errors")
        if disconnections is None or disconnections.value != 0:
            return
        if errors and errors.value == 0:
            yield self.finding(
                errors.span,
                "the log says neither that a host is out of reach nor why a connection of any kind is dropped",
                notes=[Note(disconnections.span, "the line with the reason")],
            )
        elif config.effective_integer("log_pooler_errors"):
            yield self.finding(
                disconnections.span,
                "the log says neither that a host is out of reach nor why a server connection is dropped",
            )
