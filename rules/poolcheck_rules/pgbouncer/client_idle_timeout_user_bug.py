"""A client_idle_timeout in [users] while that of [pgbouncer] is 0, which is then taken for a limit of no time."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Severity
from poolcheck.read.pgbouncer import c_number
from poolcheck.read.pgbouncer.config import Effective, Entry, PgBouncerConfig, Version, outlives_header
from poolcheck.rule import Rule
from poolcheck.source import Edit, Span

_NAME = "client_idle_timeout"
_FIRST: Version = (1, 24)
_LAST_SEEN: Version = (1, 25, 2)
_YEAR = "31536000"


class ClientIdleTimeoutUserBug(Rule[PgBouncerConfig]):
    id = "client-idle-timeout-user-bug"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        limit = config.effective_seconds(_NAME)
        own = next((value for user in config.users if not user.fault and (value := user.parameter(_NAME))), None)
        if own and limit and limit.value == 0 and has_bug(config.version):
            yield self.finding(
                own.span,
                f"{_NAME} of [pgbouncer] is 0: PgBouncer 1.24 to 1.25.2 drops {dropped(config)} within a second",
                fix=a_year_for_all_others(limit, config),
            )


def has_bug(version: Version | None) -> bool:
    """Whether the bug was seen in a version: older ones refuse the line, newer ones are not known."""
    return version is None or _FIRST <= version <= _LAST_SEEN


def dropped(config: PgBouncerConfig) -> str:
    """The clients that are dropped. A user's line needs not be in effect to turn the check on."""
    is_anybody_spared = any(user.in_effect and has_limit(user, config) for user in config.users)
    return "every idle client of a user without one" if is_anybody_spared else "every idle client"


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
