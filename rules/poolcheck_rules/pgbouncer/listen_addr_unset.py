"""No address that clients reach PgBouncer on: none at all, one that cannot be, or a socket in a pod of its own."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Severity
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.read.pgbouncer.refusal import Cause
from poolcheck.read.pgbouncer.settings import Scope
from poolcheck.rule import Rule
from poolcheck.source import Span


class ListenAddrUnset(Rule[PgBouncerConfig]):
    id = "listen-addr-unset"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        for _, written, reason in config.refused(Cause.LISTENING):
            yield self.finding(written.span, reason)
        place = place_of(config)
        if place and config.listens_on() == () and is_alone(config):
            message = "listen_addr is not set, and only a Unix socket inside the container leads to PgBouncer"
            yield self.finding(place, message, severity=Severity.WARNING)


def is_alone(config: PgBouncerConfig) -> bool:
    """Whether it is part of a manifest and nobody has thought of a socket that containers share."""
    has_folder = config.is_unknown("unix_socket_dir") or "unix_socket_dir" in config.settings_in_effect
    return config.is_embedded and not has_folder


def place_of(config: PgBouncerConfig) -> Span | None:
    """The empty setting, or the header that it would stand under."""
    written = config.settings_in_effect.get("listen_addr")
    headers = (header.span for header in reversed(config.headers) if header.value == Scope.PGBOUNCER)
    return written.span if written else next(headers, None)
