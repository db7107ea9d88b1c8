"""A server_idle_timeout that closes no server connection: it is off, or comes long after server_lifetime."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.pgbouncer import c_number
from poolcheck.read.pgbouncer.config import Entry, PgBouncerConfig
from poolcheck.rule import Rule


class IdleVsLifetime(Rule[PgBouncerConfig]):
    id = "idle-vs-lifetime"
    severity = Severity.INFO
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        idle, lifetime = config.seconds("server_idle_timeout"), config.effective_seconds("server_lifetime")
        if idle is None or lifetime is None or lifetime.value == 0:
            return
        longest = max([lifetime.value, *(own_lifetime(entry, config) for entry in config.databases)])
        if idle.value == 0:
            message = "is 0: the server connections of a peak stay open for {} s, and longer"
        elif idle.value >= 2 * longest:
            message = "closes nothing: server_lifetime closes unused server connections from {} s on"
        else:
            return
        yield self.finding(
            idle.span,
            f"server_idle_timeout {message.format(f'{lifetime.value:.15g}')}",
            notes=[Note(lifetime.span, "closes them")] if lifetime.span else (),
        )


def own_lifetime(entry: Entry, config: PgBouncerConfig) -> float:
    """The lifetime that a database sets for itself; 0 where it inherits that of [pgbouncer], or is undone.

    It has no end where it is below 0, and maybe where a template has a say.
    """
    own = entry.parameter("server_lifetime")
    if not entry.in_effect or (own is None and entry.is_complete):
        return 0
    seconds = c_number.leading(own.value) if own and not config.is_filled_in(own.value) else -1
    return seconds if seconds >= 0 else float("inf")
