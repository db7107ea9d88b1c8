"""Processes that share a port by so_reuseport, and do not forward cancel requests to each other."""

import re
from collections.abc import Iterator

from poolcheck.finding import Finding, Severity
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.rule import Rule

_PEERS = re.compile(r"^[^;#\n]*\[[ \t]*peers", re.MULTILINE)


class ReuseportWithoutPeers(Rule[PgBouncerConfig]):
    id = "reuseport-without-peers"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        shared = config.integer("so_reuseport")
        if shared is None or shared.value == 0 or not config.listens_on() or may_have_peers(config):
            return
        lost = f"processes that share {port(config)} lose each other's cancel requests"
        if config.is_before((1, 19)):
            message = f"{lost}, which PgBouncer forwards from 1.19 on"
            yield self.finding(shared.span, message, severity=Severity.INFO)
        else:
            severity = Severity.INFO if config.is_embedded else None
            message = f"{lost}: there are no [peers] to forward them to"
            yield self.finding(shared.span, message, severity=severity)


def may_have_peers(config: PgBouncerConfig) -> bool:
    """Whether there is a section [peers], or one may come in from what is not seen."""
    if config.gaps or any(config.is_filled_in(header.value) for header in config.headers):
        return True
    return any(_PEERS.search(part.text) for part in config.parts)


def port(config: PgBouncerConfig) -> str:
    """The port in words."""
    number = config.effective_integer("listen_port")
    return f"port {number.value}" if number else "the port"
