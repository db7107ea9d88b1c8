"""A server_lifetime of 0, with which a server connection is used once and closed."""

import re
from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Note, Severity
from poolcheck.read.pgbouncer import c_number
from poolcheck.read.pgbouncer.config import Effective, Entry, PgBouncerConfig, PoolMode
from poolcheck.rule import Rule
from poolcheck.source import Edit

_ZERO = re.compile(r"[+-]?(?:0+\.?0*|\.0+)")
"""What is too large, of which PgBouncer makes 0 as well, is another matter."""

_USES = {
    PoolMode.SESSION: "client session",
    PoolMode.TRANSACTION: "transaction",
    PoolMode.STATEMENT: "statement",
}


class LifetimeZero(Rule[PgBouncerConfig]):
    id = "lifetime-zero"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        lifetime = config.setting("server_lifetime")
        if lifetime is None or not _ZERO.fullmatch(lifetime.value):
            return
        mode = shortest_use(config)
        if mode:
            yield self.finding(
                lifetime.span,
                "server_lifetime is 0, which is one use and not no limit: each"
                f" {_USES[mode.value]} logs in to PostgreSQL anew",
                notes=[Note(mode.span, f"a use is a {_USES[mode.value]}")] if mode.span else (),
                fix=Fix("Write 3600, which is PgBouncer's default", (Edit(lifetime.span, "3600"),), safe=False),
                severity=Severity.INFO if mode.value is PoolMode.SESSION else None,
            )


def shortest_use(config: PgBouncerConfig) -> Effective[PoolMode] | None:
    """The mode in which most is lost, of those of the pools that have no lifetime of their own."""
    databases = [entry for entry in config.databases if entry.in_effect]
    entries = [entry for entry in databases if not has_own_lifetime(entry, config)]
    modes = [config.pool_mode(entry) for entry in entries] if databases else [config.pool_mode()]
    return max((mode for mode in modes if mode), key=lambda mode: list(_USES).index(mode.value), default=None)


def has_own_lifetime(entry: Entry, config: PgBouncerConfig) -> bool:
    """Whether a database has, or may have, a lifetime of its own; 0 inherits that of [pgbouncer]."""
    own = entry.parameter("server_lifetime")
    if own is None:
        return not entry.is_complete
    return config.is_filled_in(own.value) or c_number.leading(own.value) != 0
