"""Several hosts for a database, and a pause of server_login_retry after each try of one that is down."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.read.pgbouncer.hosts import hosts_of
from poolcheck.rule import Rule
from poolcheck.source import Located

_DEFAULT_S = 15


class HostListLoginRetry(Rule[PgBouncerConfig]):
    id = "host-list-login-retry"
    severity = Severity.INFO
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        pause = config.effective_seconds("server_login_retry")
        if pause is None or pause.value < _DEFAULT_S or config.is_before((1, 17)):
            return
        lists = list(host_lists(config))
        if lists:
            first, *others = lists
            notes = [Note(other.span, "so does this pool") for other in others]
            notes += [Note(pause.span, "the pause")] if pause.span else []
            yield self.finding(
                first.span,
                f"when one of these hosts is down, the pool tries the next after {pause.value:.15g} s:"
                " server_login_retry",
                notes=notes,
            )


def host_lists(config: PgBouncerConfig) -> Iterator[Located[str]]:
    """The hosts of the databases that have more than one."""
    for entry in config.databases:
        host = entry.parameter("host") if entry.in_effect else None
        if host and not config.is_filled_in(host.value) and len({each.value for each in hosts_of(host)}) > 1:
            yield host
