"""A client_idle_timeout in [users] while that of [pgbouncer] is 0, which is then taken for a limit of no time."""

from collections.abc import Container, Iterator, Sequence

from poolcheck.finding import Finding, Fix, Severity
from poolcheck.read.pgbouncer import c_number
from poolcheck.read.pgbouncer.config import Effective, Entry, PgBouncerConfig, Version, outlives_header
from poolcheck.read.pgbouncer.settings import written
from poolcheck.rule import Rule
from poolcheck.source import Edit, Span

_NAME = "client_idle_timeout"
_FIRST: Version = (1, 24)
_LAST_SEEN: Version = (1, 26, 1)
_YEAR = "31536000"
_OF_LISTED_USERS = frozenset({"trust", "plain", "md5", "scram-sha-256"})
"""Values of auth_type by which only those of auth_file log in, if nobody is looked up."""


class ClientIdleTimeoutUserBug(Rule[PgBouncerConfig]):
    id = "client-idle-timeout-user-bug"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        limit = config.effective_seconds(_NAME)
        own = next((value for user in config.users if not user.fault and (value := user.parameter(_NAME))), None)
        if own and limit and limit.value == 0 and has_bug(config.version) and (clients := dropped(config)):
            yield self.finding(
                own.span,
                f"{_NAME} of [pgbouncer] is 0: PgBouncer 1.24 to {written(_LAST_SEEN)} drops {clients} "
                "within a second",
                fix=a_year_for_all_others(limit, config),
            )


def has_bug(version: Version | None) -> bool:
    """Whether the bug was seen in a version: older ones refuse the line, newer ones are not known."""
    return version is None or _FIRST <= version <= _LAST_SEEN


def dropped(config: PgBouncerConfig) -> str | None:
    """The clients that are dropped; None where all may have a limit.

    Under auth_type = any a client counts as the user that the entry names, else as who it says it is.
    """
    spared = {user.name.value for user in config.users if user.in_effect and has_limit(user, config)}
    auth_type = config.effective_text("auth_type")
    if auth_type is None or auth_type.value.lower() == "any":
        databases = [entry.name.value for entry in config.databases if is_dropped(entry, spared, config)]
        if not databases:
            return None
        if auth_type:
            return "every idle client" + (f" of {in_words(databases)}" if spared else "")
    if is_everybody_spared(spared, config):
        return None
    return "every idle client" + (" of a user without one" if spared else "")


def is_everybody_spared(spared: Container[str], config: PgBouncerConfig) -> bool:
    """Whether all users who can log in are seen, and each has a limit."""
    auth_type, lookup = config.effective_text("auth_type"), config.effective_text("auth_user")
    is_listed = auth_type is not None and auth_type.value.lower() in _OF_LISTED_USERS and lookup == ("", None)
    has_own_lookup = any(entry.parameter("auth_user") or not entry.is_complete for entry in config.databases)
    users = config.userlist
    if users is None or not users.is_complete or users.fault or has_own_lookup:
        return False
    return is_listed and all(user.name.value in spared for user in users.users)


def is_dropped(entry: Entry, spared: Container[str], config: PgBouncerConfig) -> bool:
    """Whether a database names a user, and certainly none who has a limit."""
    user = entry.parameter("user")
    return (
        entry.in_effect and user is not None and not config.is_filled_in(user.value) and user.value not in spared
    )


def in_words(databases: Sequence[str]) -> str:
    """Two names, or one and a number."""
    first, *others = databases
    match others:
        case []:
            return first
        case [other]:
            return f"{first} and {other}"
        case _:
            return f"{first} and {len(others)} other databases"


def has_limit(user: Entry, config: PgBouncerConfig) -> bool:
    """Whether a user has, or may have, a limit of its own, which is what counts for its clients."""
    own = user.parameter(_NAME)
    return own is not None and (config.is_filled_in(own.value) or c_number.leading(own.value) != 0)


def a_year_for_all_others(limit: Effective[float], config: PgBouncerConfig) -> Fix | None:
    """A limit in [pgbouncer] that no client reaches; None where no line shows how those of its section begin."""
    title = f"Write {_NAME} = {_YEAR}, a year, in [pgbouncer]"
    if limit.span:
        return Fix(title, (Edit(limit.span, _YEAR),))
    names = (setting.name for setting in config.settings if setting.in_effect)
    if name := next((name for name in names if not outlives_header(name.value)), None):
        line, (path, start, _) = config.line(name.span)
        indent = line[: len(line) - len(line.lstrip(" \t"))]
        line_break = "\r\n" if line.endswith("\r\n") else "\n"
        if line.startswith(indent + name.value):
            return Fix(title, (Edit(Span(path, start, start), f"{indent}{_NAME} = {_YEAR}{line_break}"),))
    return None
