"""Session mode with a server_reset_query that resets nothing: sessions go from client to client."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Note, Severity
from poolcheck.read.pgbouncer.config import Effective, PgBouncerConfig, PoolMode
from poolcheck.read.pgbouncer.sql import Statement, statements
from poolcheck.rule import Rule
from poolcheck.source import Edit, Located

_OF_STATEMENTS = frozenset({("DEALLOCATE", "ALL"), ("DEALLOCATE", "PREPARE", "ALL")})
_LEFT = "the next client takes over SET values, locks and temporary tables of the last one"


class EmptyResetQuerySession(Rule[PgBouncerConfig]):
    id = "empty-reset-query-session"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        query, mode = config.setting("server_reset_query"), session_mode(config)
        harm = harm_of(query.value) if query else None
        if query and harm and mode:
            yield self.finding(
                query.span if query.value else name_of(query, config).span,
                f"{harm}: {_LEFT}",
                notes=[Note(mode.span, "here clients leave it to the reset query")] if mode.span else [],
                fix=Fix("Write DISCARD ALL, the default", (discarding(query, config),), safe=False),
            )


def session_mode(config: PgBouncerConfig) -> Effective[PoolMode] | None:
    """The mode of the first pool that is seen to be in session mode."""
    return next((mode for mode in config.pool_modes() if mode and mode.value is PoolMode.SESSION), None)


def harm_of(query: str) -> str | None:
    """What a query leaves alone; None where it resets more than prepared statements, or is refused."""
    found = statements(query)
    if found is None or not all(statement in _OF_STATEMENTS or is_idle(statement) for statement in found):
        return None
    if _OF_STATEMENTS.intersection(found):
        return "server_reset_query drops prepared statements and nothing else"
    return "server_reset_query resets nothing" if found else "server_reset_query is empty"


def is_idle(statement: Statement) -> bool:
    """Whether a statement changes no session: `DISCARD PLANS`, which will be made again, and `SELECT 1`."""
    return statement == ("DISCARD", "PLANS") or (
        statement[0] == "SELECT" and len(statement) == 2 and statement[1].isdecimal()
    )


def name_of(query: Located[str], config: PgBouncerConfig) -> Located[str]:
    """The name in front of a value, to point at where the value is empty."""
    return next(setting.name for setting in config.settings if setting.value.span == query.span)


def discarding(query: Located[str], config: PgBouncerConfig) -> Edit:
    """DISCARD ALL in place of the query, with a blank in front of it where one stands before the `=`."""
    line, place = config.line(query.span)
    before = line[: query.span.start - place.start]
    return Edit(query.span, " DISCARD ALL" if before.endswith(" =") else "DISCARD ALL")
