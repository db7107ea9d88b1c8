"""A reserve that never opens: it is switched off, or clients are gone before it would."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.pgbouncer import c_number
from poolcheck.read.pgbouncer.config import Effective, PgBouncerConfig
from poolcheck.rule import Rule
from poolcheck.source import Located

_RESERVES_OF_USERS = (1, 24)
"""The first with reserve_pool_size in [users]. NEWS, 1.24.0."""


class ReservePoolOff(Rule[PgBouncerConfig]):
    id = "reserve-pool-off"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        timeout = config.effective_seconds("reserve_pool_timeout")
        notes = [Note(size.span, "this reserve is never used") for size in reserves(config) if size.value > 0]
        if timeout is None or not notes:
            return
        if timeout.value == 0 and timeout.span:
            yield self.finding(timeout.span, "reserve_pool_timeout 0 switches the reserve off", notes=notes)
        for name, end in ends_of_waiting(config):
            place = timeout.span or end.span
            if place and 0 < end.value < timeout.value:
                message = (
                    f"the reserve opens for a client that has waited {in_words(timeout)}, "
                    f"and {name} ends the wait after {in_words(end)}"
                )
                yield self.finding(place, message, notes=notes)
                return


def reserves(config: PgBouncerConfig) -> Iterator[Located[int]]:
    """The reserves that are written: for all pools, for those of a database, and for those of a user."""
    if general := config.integer("reserve_pool_size"):
        yield general
    users = () if config.is_before(_RESERVES_OF_USERS) else config.users
    for entry in (*config.databases, *users):
        own = entry.parameter("reserve_pool_size", "reserve_pool") if entry.in_effect else None
        if own and not config.is_filled_in(own.value):
            yield Located(c_number.leading(own.value), own.span)


def ends_of_waiting(config: PgBouncerConfig) -> Iterator[tuple[str, Effective[float]]]:
    """What ends the wait of every client for a server connection, as far as it is known; 0 is no end."""
    query_wait, query = config.effective_seconds("query_wait_timeout"), config.effective_seconds("query_timeout")
    entries = (entry for entry in (*config.databases, *config.users) if entry.in_effect)
    # From 1.26 on a database and a user may have a time of their own.
    if query_wait and not any(entry.parameter("query_wait_timeout") for entry in entries):
        yield "query_wait_timeout", query_wait
    if query:
        yield "query_timeout", query


def in_words(time: Effective[float]) -> str:
    """A time, and whether it is the default."""
    number = f"{time.value:.6f}".rstrip("0").rstrip(".")
    unit = "second" if time.value == 1 else "seconds"
    return f"{number} {unit}{'' if time.span else ' by default'}"
