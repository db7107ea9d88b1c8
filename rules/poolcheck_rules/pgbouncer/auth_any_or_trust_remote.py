"""No password is asked of clients on other machines: auth_type any or trust on an address of the network."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.read.pgbouncer.hosts import is_far
from poolcheck.rule import Rule

_NAMES = {"any": "under any name", "trust": "as any user it knows"}
_CERTIFIED = frozenset({"verify-ca", "verify-full"})
"""The modes in which a client needs a certificate."""


class AuthAnyOrTrustRemote(Rule[PgBouncerConfig]):
    id = "auth-any-or-trust-remote"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        auth, tls = config.setting("auth_type"), config.effective_text("client_tls_sslmode")
        exposed = next((address for address in config.listens_on() or () if is_far(address.value)), None)
        method = auth.value.lower() if auth else ""
        named = _NAMES.get(method)
        if auth is None or named is None or exposed is None or lets_nobody_in(method, config):
            return
        if tls and tls.value.lower() not in _CERTIFIED:
            message = f"whoever reaches PgBouncer over the network logs in {named}, without a password"
            yield self.finding(
                auth.span,
                message,
                notes=[Note(exposed.span, f"it listens on {exposed.value}")],
                severity=Severity.WARNING if config.is_embedded else None,
            )


def lets_nobody_in(method: str, config: PgBouncerConfig) -> bool:
    """Whether any login fails: no entry names the user that `any` needs, or `trust` knows no user."""
    entries = [entry for entry in config.databases if entry.in_effect]
    are_seen = all(entry.is_complete for entry in entries) and not config.gaps
    if method == "any":
        return bool(entries) and are_seen and not any(entry.parameter("user") for entry in entries)
    sources = (config.effective_text(name) for name in ("auth_file", "auth_user"))
    if config.users or any(source is None or source.value for source in sources):
        return False
    return are_seen and not any(entry.parameter("auth_user") for entry in entries)
