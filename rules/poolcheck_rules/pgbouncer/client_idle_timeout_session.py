"""A client_idle_timeout in session mode, where it ends no client that has run a query."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.pgbouncer.config import Part, PgBouncerConfig, PoolMode
from poolcheck.rule import Rule


class ClientIdleTimeoutSession(Rule[PgBouncerConfig]):
    id = "client-idle-timeout-session"
    severity = Severity.INFO
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        timeout = config.seconds("client_idle_timeout")
        if timeout is None or timeout.value == 0 or not sees_all_databases(config):
            return
        modes = list(config.pool_modes())
        if all(mode and mode.value is PoolMode.SESSION for mode in modes):
            written = dict.fromkeys(mode.span for mode in modes if mode and mode.span)
            yield self.finding(
                timeout.span,
                "in session mode client_idle_timeout ends only clients that have not run a query yet",
                notes=[Note(span, "session mode") for span in written],
            )


def sees_all_databases(config: PgBouncerConfig) -> bool:
    """Whether there is one, and neither an include that is not seen nor a template may bring in more."""
    is_whole = all(isinstance(inclusion.found, Part) for inclusion in config.includes)
    is_final = not any(config.is_filled_in(part.text) for part in config.parts)
    return bool(config.databases) and is_whole and is_final
