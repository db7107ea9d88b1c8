"""A database that names no user, where auth_type any takes the user from the database."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.pgbouncer.config import FALLBACK, Entry, PgBouncerConfig
from poolcheck.rule import Rule


class AuthAnyWithoutUser(Rule[PgBouncerConfig]):
    id = "auth-any-without-user"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        auth = config.setting("auth_type")
        if auth is None or auth.value.lower() != "any":
            return
        for entry in config.databases:
            if entry.in_effect and entry.is_complete and not entry.fault and entry.parameter("user") is None:
                yield self.finding(
                    entry.name.span,
                    f"{named(entry)} lets nobody in: auth_type any needs a user= in it",
                    notes=[Note(auth.span, "clients have no user of their own")],
                )


def named(entry: Entry) -> str:
    """The entry in words."""
    return "the fallback database" if entry.name.value == FALLBACK else f"database {entry.name.value}"
