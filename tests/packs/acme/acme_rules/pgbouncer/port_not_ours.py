"""A pooler that listens on another port than the house has agreed on."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Severity
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.rule import Rule, option
from poolcheck.source import Edit


class PortNotOurs(Rule[PgBouncerConfig]):
    id = "port-not-ours"
    severity = Severity.WARNING
    since = "1.0"

    port: int = option(6432, "The port that every pooler of the house listens on.")

    def check(self, subject: PgBouncerConfig) -> Iterator[Finding]:
        port = subject.integer("listen_port")
        if port and port.value != self.port:
            message = f"this pooler listens on {port.value}, the house on {self.port}"
            yield self.finding(
                port.span, message, fix=Fix("use the house's port", (Edit(port.span, str(self.port)),))
            )
