"""A query_wait_timeout of 0: clients wait for a server connection without end."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Severity
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.rule import Rule
from poolcheck.source import Edit


class QueryWaitTimeoutOff(Rule[PgBouncerConfig]):
    id = "query-wait-timeout-off"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        timeout, of_queries = config.seconds("query_wait_timeout"), config.effective_seconds("query_timeout")
        if timeout and timeout.value == 0 and of_queries and of_queries.value == 0:
            fix = Fix("Write 120, which is PgBouncer's default", (Edit(timeout.span, "120"),), safe=False)
            yield self.finding(
                timeout.span, f"a client waits for a server connection without end{limit(config)}", fix=fix
            )


def limit(config: PgBouncerConfig) -> str:
    """What ends the queue when time does not."""
    clients = config.effective_integer("max_client_conn")
    return f", and the client after number {clients.value} is turned away" if clients and clients.value > 0 else ""
