"""TCP keepalive that is off, or comes after hours, so that a peer that vanished is waited for."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Note, Severity
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.read.pgbouncer.hosts import hosts_of, is_far, is_near
from poolcheck.rule import Rule
from poolcheck.source import Edit, Located

_ANY = frozenset({"0.0.0.0", "::"})  # noqa: S104 - connected to, not listened on
"""Who connects to these gets to the machine itself."""


class Keepalive(Rule[PgBouncerConfig]):
    id = "keepalive"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        keepalive = config.effective_integer("tcp_keepalive")
        if keepalive and keepalive.value == 0 and keepalive.span:
            server, client = next(servers_of(config), None), client_of(config)
            peers = [f"the server on {server.value}"] if server else []
            peers += ["a client from the network"] if client else []
            if peers:
                yield self.finding(
                    keepalive.span,
                    f"without TCP keepalive PgBouncer never notices that {' or '.join(peers)} has vanished",
                    notes=[Note(peer.span, "over the network") for peer in (server, client) if peer],
                    fix=Fix("Write 1, which is PgBouncer's default", (Edit(keepalive.span, "1"),), safe=False),
                )
        elif keepalive and is_off(config, "tcp_keepidle") and is_off(config, "tcp_user_timeout"):
            host = next((host for host in servers_of(config) if is_far(host.value) or "." in host.value), None)
            if host:
                yield self.finding(
                    host.span,
                    f"tcp_keepidle is 0: for 2 hours Linux does not ask whether {host.value} is still there",
                    severity=Severity.INFO,
                )


def servers_of(config: PgBouncerConfig) -> Iterator[Located[str]]:
    """The hosts on other machines, but for those that a template names; none where query_timeout ends the wait."""
    for entry in config.databases if is_off(config, "query_timeout") else ():
        hosts = entry.parameter("host") if entry.in_effect else None
        if hosts and not config.is_filled_in(hosts.value):
            yield from (host for host in hosts_of(hosts) if not is_near(host.value) and host.value not in _ANY)


def client_of(config: PgBouncerConfig) -> Located[str] | None:
    """An address that clients on other machines use; None where client_idle_timeout ends the wait for them."""
    return config.exposed_on() if is_off(config, "client_idle_timeout") else None


def is_off(config: PgBouncerConfig, name: str) -> bool:
    """Whether a setting is known to be 0, be it by default."""
    time = config.effective_seconds(name)
    return time is not None and time.value == 0
