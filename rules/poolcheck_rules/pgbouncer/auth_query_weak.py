"""An auth_query that lets expired passwords in, or that a superuser runs."""

import re
from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Severity
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.read.pgbouncer.releases import is_older, may_be_mended
from poolcheck.read.pgbouncer.settings import written
from poolcheck.read.template import has_template
from poolcheck.rule import Rule
from poolcheck.source import Edit, Located

_ASKS_FOR_EXPIRY = (1, 24, 1)
"""The first whose own auth_query does. NEWS, 1.24.1, CVE-2025-2291."""
_WITHOUT_QUERIES = frozenset({"any", "ldap", "pam"})
_SUPERUSER = "postgres"

_OF_PASSWORDS = re.compile(r"\bpg_(?:shadow|authid)\b", re.IGNORECASE)
_OF_EXPIRY = re.compile(r"\b(?:rolvaliduntil|valuntil)\b", re.IGNORECASE)
_SIMPLE = re.compile(
    r"select\s+\w+\s*,\s*(?P<column>passwd|rolpassword)\s+from\s+(?:pg_catalog\.)?pg_(?:shadow|authid)\s+where\s[^';]+;?",
    re.IGNORECASE,
)
_EXPIRY_OF = {"passwd": "valuntil", "rolpassword": "rolvaliduntil"}


class AuthQueryWeak(Rule[PgBouncerConfig]):
    id = "auth-query-weak"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        auth_type = config.effective_text("auth_type")
        users = list(dict.fromkeys(auth_users(config)))
        if not users or (auth_type and auth_type.value.lower() in _WITHOUT_QUERIES):
            return
        for query in queries(config):
            if (
                not has_template(query.value)
                and _OF_PASSWORDS.search(query.value)
                and not _OF_EXPIRY.search(query.value)
            ):
                message = (
                    "this auth_query does not ask whether a password has expired: clients still log in with it"
                )
                yield self.finding(query.span, message, fix=asking_for_expiry(query))
        for user in users:
            if user.value == _SUPERUSER:
                yield self.finding(
                    user.span,
                    f"{user.value} runs auth_query, and is a superuser as a rule",
                    severity=Severity.INFO,
                )
        yield from self._by_default(config)

    def _by_default(self, config: PgBouncerConfig) -> Iterator[Finding]:
        version = config.version
        user = next(auth_users_by_default(config), None)
        if version is None or user is None or not is_older(version, _ASKS_FOR_EXPIRY):
            return
        packaged = may_be_mended(version)
        besides = ", unless its package has the new one" if packaged else ""
        yield self.finding(
            user.span,
            f"the auth_query that PgBouncer {written(version)} has by default does not ask whether a password has "
            f"expired{besides}: clients still log in with it",
            severity=Severity.INFO if packaged or config.is_generated else None,
        )


def auth_users(config: PgBouncerConfig) -> Iterator[Located[str]]:
    """Who runs auth_query."""
    if everywhere := config.setting("auth_user"):
        yield everywhere
    for entry in config.databases:
        if entry.in_effect and (own := entry.parameter("auth_user")):
            yield own


def queries(config: PgBouncerConfig) -> Iterator[Located[str]]:
    """The queries that are written out."""
    if everywhere := config.setting("auth_query"):
        yield everywhere
    for entry in config.databases:
        if entry.in_effect and (own := entry.parameter("auth_query")):
            yield own


def auth_users_by_default(config: PgBouncerConfig) -> Iterator[Located[str]]:
    """Who runs the auth_query that PgBouncer has by default."""
    if config.is_unknown("auth_query") or config.setting("auth_query"):
        return
    everywhere = config.setting("auth_user")
    for entry in config.databases:
        user = entry.parameter("auth_user") or everywhere
        if user and entry.in_effect and entry.is_complete and entry.parameter("auth_query") is None:
            yield user


def asking_for_expiry(query: Located[str]) -> Fix | None:
    """A password that has expired read as none; None where the query is not plain enough."""
    simple = _SIMPLE.fullmatch(query.value)
    place = query.span
    quote = (place.end - place.start - len(query.value)) // 2
    if simple is None or quote not in {0, 1}:
        return None
    column, behind = simple["column"], place.start + quote
    edit = Edit(
        place._replace(start=behind + simple.start("column"), end=behind + simple.end("column")),
        f"CASE WHEN {_EXPIRY_OF[column.lower()]} < now() THEN NULL ELSE {column} END",
    )
    return Fix("Read no password where it has expired", (edit,), safe=False)
