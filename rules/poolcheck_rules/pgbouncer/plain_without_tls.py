"""Passwords, or all that clients say, in clear text on an address of the network."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.read.pgbouncer.hosts import is_far
from poolcheck.rule import Rule

_CLEAR = frozenset({"plain", "pam", "ldap"})
"""The methods for which a client sends the password itself."""
_HASHED = frozenset({"md5", "scram-sha-256"})

_CLIENTS = {
    "disable": "clients",
    "allow": "clients that do not ask for TLS",
    "prefer": "clients that do not ask for TLS",
}
"""Who does without TLS."""


class PlainWithoutTls(Rule[PgBouncerConfig]):
    id = "plain-without-tls"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        auth, mode = config.effective_text("auth_type"), config.effective_text("client_tls_sslmode")
        exposed = next((address for address in config.listens_on() or () if is_far(address.value)), None)
        clients = _CLIENTS.get(mode.value.lower()) if mode else None
        if auth is None or mode is None or exposed is None or clients is None:
            return
        note = Note(exposed.span, f"they come over the network to {exposed.value}")
        given = f"client_tls_sslmode is {mode.value}{'' if mode.span else ' by default'}"
        if auth.span and auth.value.lower() in _CLEAR:
            message = f"with auth_type {auth.value}, {clients} send their passwords in clear text: {given}"
            severity = Severity.WARNING if mode.value.lower() == "disable" else Severity.INFO
            severity = severity.milder if config.is_embedded else severity
            yield self.finding(auth.span, message, notes=[note], severity=severity)
        elif auth.value.lower() in _HASHED and not config.is_embedded:
            message = f"{clients} send and receive all but their passwords in clear text: {given}"
            place, notes = (mode.span, [note]) if mode.span else (exposed.span, [])
            yield self.finding(place, message, notes=notes, severity=Severity.INFO)
