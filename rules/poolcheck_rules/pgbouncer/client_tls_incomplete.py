"""TLS settings that do not do together: PgBouncer does not start, or trusts the CAs of the whole world."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Severity
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.read.pgbouncer.refusal import Cause
from poolcheck.rule import Rule


class ClientTlsIncomplete(Rule[PgBouncerConfig]):
    id = "client-tls-incomplete"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        refused = list(config.refused(Cause.TLS))
        for _, written, reason in refused:
            yield self.finding(written.span, reason)
        mode, authority = config.setting("client_tls_sslmode"), config.effective_text("client_tls_ca_file")
        if mode and mode.value.lower() == "verify-ca" and authority and not authority.value and not refused:
            message = "without client_tls_ca_file, a certificate of any CA that the system trusts lets a client in"
            yield self.finding(mode.span, message, severity=Severity.WARNING)
