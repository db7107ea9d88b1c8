"""A max_client_conn that refuses everybody, or that no pool can be filled with."""

from collections.abc import Iterator
from typing import NamedTuple

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.pgbouncer import c_number
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.rule import Rule
from poolcheck.source import Located, Span

_SIZES_OF_USERS = (1, 23)
"""The first with pool_size in [users]. NEWS, 1.23.0."""


class Pool(NamedTuple):
    """A pool size that is written, and whose it is: " of shop", or nothing where of all."""

    size: int
    span: Span
    of: str


class ClientLimitTooSmall(Rule[PgBouncerConfig]):
    id = "client-limit-too-small"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        limit, written = config.effective_integer("max_client_conn"), config.setting("max_client_conn")
        if limit is None:
            return
        if written and limit.value <= 0:
            if is_as_written(written, limit.value):
                message = f"max_client_conn {written.value} refuses every client but those of the console"
                yield self.finding(written.span, message)
            return
        largest = max(pools(config), key=lambda pool: pool.size, default=None)
        if largest is None or largest.size <= limit.value:
            return
        wanted = f"no pool{largest.of} can use its {largest.size} server connections"
        if written:
            notes = [Note(largest.span, "the largest pool")]
            message = f"{wanted}: max_client_conn is {limit.value}"
            yield self.finding(written.span, message, notes=notes, severity=Severity.INFO)
        else:
            message = f"{wanted}: max_client_conn is {limit.value} by default"
            yield self.finding(largest.span, message, severity=Severity.WARNING)


def is_as_written(written: Located[str], number: int) -> bool:
    """Whether the number is what it looks like, and not what is left of one that is too large for PgBouncer."""
    return (
        written.value.startswith("-") if number < 0 else not any(digit in written.value for digit in "123456789")
    )


def pools(config: PgBouncerConfig) -> Iterator[Pool]:
    """The pools with a size that is written."""
    own_sizes = {setting.value.span for setting in config.settings}
    for entry in config.databases:
        if entry.in_effect and (size := config.pool_size(entry)) and size.span:
            yield Pool(size.value, size.span, "" if size.span in own_sizes else f" of {entry.name.value}")
    if config.is_before(_SIZES_OF_USERS):
        return
    for name, user in config.users_in_effect.items():
        own = user.parameter("pool_size")
        if own and not config.is_filled_in(own.value):
            yield Pool(c_number.leading(own.value), own.span, f" of {name}")
