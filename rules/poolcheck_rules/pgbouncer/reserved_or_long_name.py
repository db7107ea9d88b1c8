"""A name that PgBouncer keeps for itself, refuses for its length, or cuts."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Severity
from poolcheck.read.pgbouncer.config import FALLBACK, PgBouncerConfig
from poolcheck.read.pgbouncer.refusal import Cause
from poolcheck.read.pgbouncer.startup import LONGEST_USER
from poolcheck.rule import Rule
from poolcheck.source import Located


class ReservedOrLongName(Rule[PgBouncerConfig]):
    id = "reserved-or-long-name"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        for _, written, reason in config.refused(Cause.RESERVED):
            yield self.finding(written.span, reason)
        for name, harm in users(config):
            length = len(name.value.encode(errors="surrogateescape"))
            if length > LONGEST_USER and not config.is_filled_in(name.value):
                message = f"PgBouncer keeps {LONGEST_USER} of the {length} bytes of this user's name{harm}"
                yield self.finding(name.span, message, severity=Severity.WARNING)


def users(config: PgBouncerConfig) -> Iterator[tuple[Located[str], str]]:
    """The names of users that count, and what else comes of one that is too long.

    On a reload PgBouncer does not find the user under the whole name, and cannot add another under the same bytes.
    """
    lethal = ", and ends at the next reload"
    for user in config.users:
        if user.in_effect:
            yield user.name, lethal
    for database in config.databases:
        if database.in_effect:
            for name, value in database.parameters:
                if name.value in {"auth_user", "user"}:
                    yield value, lethal if name.value == "auth_user" and database.name.value != FALLBACK else ""
