"""A setting that the PgBouncer it is for does not have yet."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Severity
from poolcheck.read.pgbouncer.config import PgBouncerConfig, Version
from poolcheck.read.pgbouncer.refusal import Cause
from poolcheck.read.pgbouncer.settings import Scope, known, written
from poolcheck.rule import Rule
from poolcheck.source import Edit, Located

_IN_USE: Version = (1, 18)
"""The oldest release that distributions still carry and care for: what it has, nobody needs to be told of."""
_PEERS: Version = (1, 19)


class SettingNeedsNewerVersion(Rule[PgBouncerConfig]):
    id = "setting-needs-newer-version"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        with_peers = {name.span for scope, name in names(config) if scope is Scope.PEER}
        for _, name, reason in config.refused(Cause.NEEDS_NEWER):
            if not (config.is_before(_PEERS) and name.span in with_peers):
                yield self.finding(name.span, reason, fix=older_name(name, config))
        if config.version is None:
            for name, since in recent(config):
                message = f"{name.value} needs PgBouncer {written(since)} or newer"
                yield self.finding(name.span, message, severity=Severity.INFO)


def names(config: PgBouncerConfig) -> Iterator[tuple[Scope, Located[str]]]:
    """The names of all settings, and where they are set."""
    for setting in config.settings:
        yield Scope.PGBOUNCER, setting.name
    for scope, entries in (
        (Scope.DATABASE, config.databases),
        (Scope.USER, config.users),
        (Scope.PEER, config.peers),
    ):
        for entry in entries:
            yield from ((scope, name) for name, _ in entry.parameters)


def older_name(name: Located[str], config: PgBouncerConfig) -> Fix | None:
    """The name that a setting of a database has in all versions."""
    of_databases = {each.span for scope, each in names(config) if scope is Scope.DATABASE}
    if name.value != "reserve_pool_size" or name.span not in of_databases:
        return None
    return Fix("Write reserve_pool, its name in all versions", (Edit(name.span, "reserve_pool"),))


def recent(config: PgBouncerConfig) -> Iterator[tuple[Located[str], Version]]:
    """What not every PgBouncer in use has, and the release that it came with."""
    for header in config.headers:
        if header.value == Scope.PEER:
            yield header._replace(value="[peers]"), _PEERS
    for scope, name in names(config):
        fact = known(scope, name.value)
        if fact and scope is not Scope.PEER and fact.since > _IN_USE:
            yield name, fact.since
