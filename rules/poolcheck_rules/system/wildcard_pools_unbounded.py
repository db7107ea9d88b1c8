"""A `*` entry whose pools, one for each database and user that clients name, nothing limits together."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.pgbouncer import c_number
from poolcheck.read.pgbouncer.config import FALLBACK, Entry, PgBouncerConfig
from poolcheck.rule import Rule
from poolcheck.source import Located, Span
from poolcheck.system.whole import System

_LIMITS = ("max_db_connections", "max_user_connections")
_LISTS_NOBODY = frozenset({"pam", "ldap"})
"""The values of auth_type with which users need not be in auth_file."""


class WildcardPoolsUnbounded(Rule[System]):
    id = "wildcard-pools-unbounded"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        seen: set[Span] = set()
        for pooler in system.poolers:
            config = pooler.config
            if config is None or config.span in seen:
                continue
            seen.add(config.span)
            entry = fallback(config)
            size = config.pool_size(entry) if entry else None
            if entry and size and size.value > 0 and is_unlimited(config, entry):
                from_outside = users_from_outside(config, entry)
                notes = [Note(from_outside.span, "users need not be in auth_file")] if from_outside else []
                yield self.finding(
                    entry.name.span,
                    f"each database and user that clients name gets a pool of {size.value} server connections, "
                    "and neither max_db_connections nor max_user_connections limits them",
                    notes=notes,
                    severity=None if from_outside and not config.is_generated else Severity.INFO,
                )


def fallback(config: PgBouncerConfig) -> Entry | None:
    """The entry for all databases that have none, unless all its clients are one user of the server."""
    for entry in config.databases:
        if entry.in_effect and entry.name.value == FALLBACK:
            is_whole = entry.is_complete and entry.fault is None
            return entry if is_whole and entry.parameter("user") is None else None
    return None


def is_unlimited(config: PgBouncerConfig, entry: Entry) -> bool:
    """Whether surely no limit holds for the pools of an entry."""
    for name in _LIMITS:
        limit = config.effective_integer(name)
        if limit is None or limit.value > 0:
            return False
    stated = [entry.parameter("max_db_connections")]
    stated += [user.parameter("max_user_connections") for user in config.users_in_effect.values()]
    return not any(own and (config.is_filled_in(own.value) or c_number.leading(own.value) > 0) for own in stated)


def users_from_outside(config: PgBouncerConfig, entry: Entry) -> Located[str] | None:
    """What lets in users whom no file lists: the server, an LDAP or a PAM service knows them."""
    auth_type = config.setting("auth_type")
    if auth_type and auth_type.value.lower() in _LISTS_NOBODY:
        return auth_type
    return entry.parameter("auth_user") or config.setting("auth_user")
