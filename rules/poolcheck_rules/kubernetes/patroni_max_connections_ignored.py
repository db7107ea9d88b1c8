"""A max_connections that is too small for Patroni, which takes its own in place of it."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Severity
from poolcheck.read.kubernetes.managed import Managed
from poolcheck.read.kubernetes.manifest import Manifest
from poolcheck.read.kubernetes.operators import LEAST_OF_PATRONI
from poolcheck.rule import Rule
from poolcheck.source import Located


class PatroniMaxConnectionsIgnored(Rule[Manifest]):
    id = "patroni-max-connections-ignored"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, manifest: Manifest) -> Iterator[Finding]:
        for managed in manifest.managed:
            written = max_connections(managed)
            if written and written.value.isdecimal() and int(written.value) < LEAST_OF_PATRONI:
                yield self.finding(
                    written.span,
                    f"Patroni takes {DEFAULT} in place of max_connections {written.value}, "
                    f"as it takes no fewer than {LEAST_OF_PATRONI}",
                )


DEFAULT = 100
"""What Patroni takes. Its config.py."""


def max_connections(managed: Managed) -> Located[str] | None:
    """What an object sets for servers that Patroni runs."""
    if managed.kind == "SGPostgresConfig":
        told = (each.value for each in managed.statements if each.name.value == "max_connections")
        return next(told, None)
    server = managed.server
    if server is None or server.least != LEAST_OF_PATRONI:
        return None
    return server.max_connections if isinstance(server.max_connections, Located) else None
