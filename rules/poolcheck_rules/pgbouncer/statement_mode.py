"""Statement mode, in which a client that begins a transaction is disconnected."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Severity
from poolcheck.read.pgbouncer.config import PgBouncerConfig, PoolMode
from poolcheck.rule import Rule


class StatementMode(Rule[PgBouncerConfig]):
    id = "statement-mode"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        spans = {mode.span for mode in config.pool_modes() if mode and mode.value is PoolMode.STATEMENT}
        for span in spans:
            if span:
                yield self.finding(
                    span, "PgBouncer disconnects clients that begin a transaction in statement mode"
                )
