"""Server connections over a network without TLS, or with a certificate that nobody checks."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.pgbouncer.config import Effective, PgBouncerConfig
from poolcheck.read.pgbouncer.hosts import hosts_of, is_address, is_near, is_public
from poolcheck.rule import Rule
from poolcheck.source import Located

_HARM = {
    "disable": "server connections are not encrypted",
    "allow": "server connections are encrypted if the server likes, and its certificate is not checked",
    "prefer": "server connections are encrypted if the server likes, and its certificate is not checked",
    "require": "server connections are encrypted, but the server's certificate is not checked",
}


class ServerTlsUnverified(Rule[PgBouncerConfig]):
    id = "server-tls-unverified"
    severity = Severity.INFO
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        mode = config.effective_text("server_tls_sslmode")
        harm = _HARM.get(mode.value.lower()) if mode else None
        hosts = [host for host in hosts_of_databases(config) if not is_near(host.value)]
        in_clear = mode is not None and mode.value.lower() == "disable"
        if mode is None or harm is None or not hosts or not (mode.span or in_clear):
            return
        public = next((host for host in hosts if in_clear and is_public(host.value)), None)
        host = public or hosts[0]
        yield self.finding(
            mode.span or host.span,
            f"{harm}: server_tls_sslmode is {mode.value}{'' if mode.span else ' by default'}",
            notes=notes(mode, host, public),
            severity=Severity.WARNING if public else None,
        )


def hosts_of_databases(config: PgBouncerConfig) -> Iterator[Located[str]]:
    """The hosts that are known of the databases in effect."""
    for entry in config.databases:
        host = entry.parameter("host") if entry.in_effect and entry.is_complete else None
        for each in hosts_of(host) if host else ():
            if is_address(each.value) and not config.is_filled_in(each.value):
                yield each


def notes(mode: Effective[str], host: Located[str], public: Located[str] | None) -> Iterator[Note]:
    """What the server is reached over, where that is not the place of the finding or says more."""
    if public:
        yield Note(host.span, f"{host.value} is an address of the Internet")
    elif mode.span:
        yield Note(host.span, f"{host.value} is reached over the network")
