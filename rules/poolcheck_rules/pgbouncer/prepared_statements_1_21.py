"""Prepared statements in PgBouncer 1.21, which believes in those that a client has dropped."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.pgbouncer.config import PgBouncerConfig, PoolMode
from poolcheck.read.pgbouncer.sql import statements
from poolcheck.rule import Rule
from poolcheck.source import Located

_DROP_ALL = frozenset({("DISCARD", "ALL"), ("DEALLOCATE", "ALL"), ("DEALLOCATE", "PREPARE", "ALL")})


class PreparedStatements121(Rule[PgBouncerConfig]):
    id = "prepared-statements-1-21"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        limit = config.integer("max_prepared_statements")
        mode = shared_mode(config)
        if config.version is None or config.version[:2] != (1, 21) or not (limit and limit.value and mode):
            return
        if always := drops_them_itself(config):
            yield self.finding(
                limit.span,
                "PgBouncer 1.21 does not prepare again what its own reset query has dropped: "
                "clients get errors for statements that they have prepared",
                notes=[Note(always.span, f"the reset query is sent after each {mode.value}")],
                severity=Severity.ERROR,
            )
        else:
            yield self.finding(
                limit.span,
                "PgBouncer 1.21 does not notice DISCARD ALL and DEALLOCATE ALL: when one client sends them, "
                "others get errors for statements that they have prepared",
                notes=[Note(mode.span, f"server connections change hands after each {mode.value}")],
            )


def shared_mode(config: PgBouncerConfig) -> Located[PoolMode] | None:
    """The mode of the first pool in which PgBouncer follows prepared statements."""
    for mode in config.pool_modes():
        if mode and mode.span and mode.value is not PoolMode.SESSION:
            return Located(mode.value, mode.span)
    return None


def drops_them_itself(config: PgBouncerConfig) -> Located[int] | None:
    """What makes PgBouncer send a reset query that drops prepared statements in every mode."""
    always = config.integer("server_reset_query_always")
    reset = config.effective_text("server_reset_query")
    if not (always and always.value and reset) or config.is_filled_in(reset.value):
        return None
    return always if _DROP_ALL.intersection(statements(reset.value) or ()) else None
