"""Prepared statements that PgBouncer does not keep apart, where server connections change hands."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Note, Severity
from poolcheck.read.pgbouncer.config import PgBouncerConfig, PoolMode, Version
from poolcheck.rule import Rule
from poolcheck.source import Edit, Located

_HARM = "clients that prepare statements get errors, or each other's results"


class PreparedStatementsOff(Rule[PgBouncerConfig]):
    id = "prepared-statements-off"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        mode = next(shared_modes(config), None)
        if mode is None:
            return
        limit = config.integer("max_prepared_statements")
        if limit and limit.value == 0 and (config.version is None or config.version >= (1, 21)):
            note = Note(mode.span, f"server connections change hands after each {mode.value}")
            yield self.finding(
                limit.span,
                f"max_prepared_statements is 0: {_HARM}",
                notes=[note],
                fix=switched_on(limit, config.version),
            )
        elif is_off_by_default(config):
            yield self.finding(
                mode.span, f"max_prepared_statements is unset, and 0 before PgBouncer 1.24: {_HARM}"
            )


def shared_modes(config: PgBouncerConfig) -> Iterator[Located[PoolMode]]:
    """The modes of the pools whose server connections change hands before a client leaves."""
    for mode in config.pool_modes():
        if mode and mode.span and mode.value is not PoolMode.SESSION:
            yield Located(mode.value, mode.span)


def is_off_by_default(config: PgBouncerConfig) -> bool:
    """Whether the setting is unset in a version that is known to have it, and to have it at 0."""
    return (
        config.version is not None
        and config.version >= (1, 21)
        and config.effective_integer("max_prepared_statements") == (0, None)
    )


def switched_on(limit: Located[int], version: Version | None) -> Fix | None:
    """None for 1.21, where a client that deallocates all its statements breaks those of the others."""
    if version is not None and version < (1, 22):
        return None
    return Fix("Write 200, the default since PgBouncer 1.24", (Edit(limit.span, "200"),), safe=False)
