"""server_reset_query_always where clients share server connections: a reset after each transaction."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.pgbouncer.config import PgBouncerConfig, PoolMode
from poolcheck.read.pgbouncer.sql import statements
from poolcheck.rule import Rule
from poolcheck.source import Located


class ResetQueryAlways(Rule[PgBouncerConfig]):
    id = "reset-query-always"
    severity = Severity.INFO
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        always = config.integer("server_reset_query_always")
        query = config.effective_text("server_reset_query")
        mode = shared_mode(config)
        if always and always.value and mode and query and statements(query.value):
            yield self.finding(
                always.span,
                f"PgBouncer sends {query.value} after each {mode.value}: "
                f"one more round trip each time, and clients lose what it resets",
                notes=[Note(mode.span, f"server connections change hands after each {mode.value}")],
            )


def shared_mode(config: PgBouncerConfig) -> Located[PoolMode] | None:
    """The mode of the first pool that would not need the query, as clients must not rely on sessions there."""
    for mode in config.pool_modes():
        if mode and mode.span and mode.value is not PoolMode.SESSION:
            return Located(mode.value, mode.span)
    return None
