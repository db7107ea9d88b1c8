"""A setting that PgBouncer knows, but not in this section."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Severity
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.read.pgbouncer.refusal import Cause
from poolcheck.read.pgbouncer.settings import NEWEST, Scope, known
from poolcheck.rule import Rule
from poolcheck.source import Edit, Located, Span

_CALLED = {
    (Scope.PGBOUNCER, "pool_size"): "default_pool_size",
    (Scope.PGBOUNCER, "reserve_pool"): "reserve_pool_size",
    (Scope.DATABASE, "default_pool_size"): "pool_size",
    (Scope.USER, "default_pool_size"): "pool_size",
    (Scope.USER, "reserve_pool"): "reserve_pool_size",
    (Scope.PEER, "default_pool_size"): "pool_size",
}
"""What is called otherwise in the section that it stands in."""


class SettingInWrongScope(Rule[PgBouncerConfig]):
    id = "setting-in-wrong-scope"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        is_newer = config.version is not None and config.version > NEWEST
        sections = dict(siblings(config))
        for _, name, reason in config.refused(Cause.WRONG_SCOPE):
            scope, others = sections[name.span]
            yield self.finding(
                name.span,
                reason,
                severity=Severity.INFO if is_newer else Severity.ERROR,
                fix=renamed(name, scope, others, config),
            )


def siblings(config: PgBouncerConfig) -> Iterator[tuple[Span, tuple[Scope, set[str]]]]:
    """For the place of each name where it is set, and the names that are set there with it."""
    own = {setting.name.value for setting in config.settings}
    for setting in config.settings:
        yield setting.name.span, (Scope.PGBOUNCER, own)
    for scope, entries in (
        (Scope.DATABASE, config.databases),
        (Scope.USER, config.users),
        (Scope.PEER, config.peers),
    ):
        for entry in entries:
            own = {name.value for name, _ in entry.parameters}
            yield from ((name.span, (scope, own)) for name, _ in entry.parameters)


def renamed(name: Located[str], scope: Scope, others: set[str], config: PgBouncerConfig) -> Fix | None:
    """The name that it has here; None where the version does not have it, or it is set as well."""
    called = _CALLED.get((scope, name.value), "")
    fact = known(scope, called)
    if fact is None or called in others or fact.since > (config.version or NEWEST):
        return None
    if scope is Scope.PGBOUNCER and config.is_unknown(called):
        return None
    return Fix(f"Write {called}", (Edit(name.span, called),))
