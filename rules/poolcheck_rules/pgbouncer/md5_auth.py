"""Clients that log in by MD5: secrets that are stored as MD5 hashes, or no auth_type, which means md5."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.read.pgbouncer.settings import Scope
from poolcheck.read.pgbouncer.userlist import SecretKind, User
from poolcheck.rule import Rule
from poolcheck.source import Span

_SCRAM_SINCE = (1, 11)
_MOST_NOTES = 5


class Md5Auth(Rule[PgBouncerConfig]):
    id = "md5-auth"
    severity = Severity.INFO
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        auth_type = config.effective_text("auth_type")
        if auth_type is None or auth_type.value.lower() != "md5" or config.is_before(_SCRAM_SINCE):
            return
        place = auth_type.span or header_of(config)
        if place is None:
            return
        stored = users_with_md5(config)
        if stored:
            notes = [
                Note(user.secret.span, f"{user.name.value} has an MD5 secret") for user in stored[:_MOST_NOTES]
            ]
            message = f"auth_file holds {counted(stored)}, good for no server that asks for SCRAM"
            yield self.finding(place, message, notes=notes)
        elif auth_type.span is None and may_use_md5(config):
            yield self.finding(
                place, "auth_type is unset, which means md5 for all whose secret is not stored as SCRAM"
            )


def header_of(config: PgBouncerConfig) -> Span | None:
    """The header under which a setting would stand that is not set."""
    return next((header.span for header in reversed(config.headers) if header.value == Scope.PGBOUNCER), None)


def users_with_md5(config: PgBouncerConfig) -> list[User]:
    """The users whom auth_file gives an MD5 hash for a secret."""
    users = config.userlist.users if config.userlist else ()
    return [user for user in users if user.secret.value is SecretKind.MD5]


def counted(users: list[User]) -> str:
    """How many secrets there are."""
    return "an MD5 secret" if len(users) == 1 else f"{len(users)} MD5 secrets"


def may_use_md5(config: PgBouncerConfig) -> bool:
    """Whether others reach it, and it is not seen to take all its secrets from where they are SCRAM."""
    if config.exposed_on() is None or config.effective_text("auth_user") != ("", None):
        return False
    if any(entry.parameter("auth_user") for entry in config.databases if entry.in_effect):
        return False
    secrets = {user.secret.value for user in config.userlist.users} if config.userlist else {SecretKind.PLAIN}
    return SecretKind.PLAIN in secrets
