"""A parameter in track_extra_parameters that PgBouncer cannot track, or had better not."""

import re
from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Note, Severity
from poolcheck.read.pgbouncer.config import PgBouncerConfig, Version
from poolcheck.read.pgbouncer.releases import is_older, may_be_mended
from poolcheck.read.pgbouncer.settings import written
from poolcheck.read.template import has_template
from poolcheck.rule import Rule
from poolcheck.source import Edit, Located, Span

_TRACKS_UNREPORTED: Version = (1, 26)
_TRACKS_ALL_REPORTED: Version = (1, 26)
_BUILT_IN = "IntervalStyle"
"""The list of 1.20 to 1.25 by default."""
_CHOOSES_NO_PATH: Version = (1, 25, 1)
"""The first without CVE-2025-12819."""

_NAME = re.compile(r"[^\s,](?:[^,]*[^\s,])?")
_REPORTED = frozenset(
    {
        "application_name",
        "client_encoding",
        "datestyle",
        "default_transaction_read_only",
        "in_hot_standby",
        "integer_datetimes",
        "intervalstyle",
        "is_superuser",
        "scram_iterations",
        "server_encoding",
        "server_version",
        "session_authorization",
        "standard_conforming_strings",
        "timezone",
    }
)
"""PostgreSQL's manual, "Asynchronous Operations", and what versions 15 and 18 send."""
_REPORTED_BY_SOME = "search_path"

_WITHOUT_QUERIES = frozenset({"any", "ldap", "pam"})
_QUALIFIED = re.compile(r"'[^']*'|[:=]+>|OPERATOR\s*\([^)]*\)", re.IGNORECASE)
_UNQUALIFIED = re.compile(r"[<=>]|\b(?:FROM|JOIN)\s+(?!LATERAL\b)\w+\b(?!\s*\.)", re.IGNORECASE)


class TrackSearchPath(Rule[PgBouncerConfig]):
    id = "track-search-path"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        if config.is_before((1, 20)):
            return
        yield from self._about_the_default(config)
        for name in names_of(config):
            if len(name.value.split()) > 1:
                yield self.finding(
                    name.span,
                    f"PgBouncer takes {name.value} for the name of one parameter: between two must be a comma",
                    fix=Fix("Write commas", (Edit(name.span, ", ".join(name.value.split())),)),
                )
            elif name.value.lower() == _REPORTED_BY_SOME:
                yield from self._about_search_path(name, config)
            elif config.is_before(_TRACKS_UNREPORTED) and config.version and is_never_reported(name.value):
                yield self.finding(
                    name.span,
                    f"PgBouncer {written(config.version)} drops the {name.value} that clients ask for when they "
                    "connect: PostgreSQL does not report it",
                )

    def _about_the_default(self, config: PgBouncerConfig) -> Iterator[Finding]:
        """The list takes the place of the built-in one, of which it is easily forgotten that there is one."""
        tracked, version = config.setting("track_extra_parameters"), config.version
        names = [name.value for name in names_of(config)]
        is_taken_over = any(_BUILT_IN.lower() in name.lower().split() for name in names)
        if tracked and version and names and config.is_before(_TRACKS_ALL_REPORTED) and not is_taken_over:
            yield self.finding(
                tracked.span,
                f"PgBouncer {written(version)} does not track {_BUILT_IN}, which it does by default: "
                "it turns away clients that ask for one when they connect",
                fix=Fix(
                    f"Add {_BUILT_IN}",
                    (Edit(tracked.span._replace(end=tracked.span.start), f"{_BUILT_IN}, "),),
                    safe=False,
                ),
                severity=Severity.INFO,
            )

    def _about_search_path(self, name: Located[str], config: PgBouncerConfig) -> Iterator[Finding]:
        version = config.version
        if version is None or not config.is_before(_TRACKS_UNREPORTED):
            return
        user = choosable_auth_user(config) if is_older(version, _CHOOSES_NO_PATH) else None
        if user is None:
            yield self.finding(
                name.span,
                f"PgBouncer {written(version)} drops the {name.value} that clients ask for when they connect, "
                "unless PostgreSQL reports it, as 18 does, and Citus from 12 on",
                severity=Severity.INFO,
            )
            return
        is_packaged = may_be_mended(version)
        unless = ", unless its package is mended," if is_packaged else ""
        yield self.finding(
            name.span,
            f"PgBouncer {written(version)}{unless} has CVE-2025-12819, mended in {written(_CHOOSES_NO_PATH)}: "
            "a client that has not logged in chooses the search_path of auth_query",
            notes=[Note(user.span, "runs auth_query")],
            severity=Severity.WARNING if is_packaged else Severity.ERROR,
        )


def names_of(config: PgBouncerConfig) -> Iterator[Located[str]]:
    """What stands between the commas of the list, up to what looks like a comment."""
    tracked = config.setting("track_extra_parameters")
    if tracked is None:
        return
    path, start, _ = tracked.span
    listed = re.split(r"[;#]", tracked.value, maxsplit=1)[0]
    for found in _NAME.finditer(listed):
        yield Located(found[0], Span(path, start + found.start(), start + found.end()))


def is_never_reported(name: str) -> bool:
    """Whether no server tells clients when it changes. An extension may, for its own, which have a dot."""
    return "." not in name and name.lower() not in _REPORTED


def choosable_auth_user(config: PgBouncerConfig) -> Located[str] | None:
    """Who runs an auth_query that means something else under another search_path; None where none is seen."""
    auth_type = config.effective_text("auth_type")
    if auth_type and auth_type.value.lower() in _WITHOUT_QUERIES:
        return None
    for entry in config.databases:
        user = entry.parameter("auth_user") or config.setting("auth_user")
        query = entry.parameter("auth_query") or config.setting("auth_query")
        has_default = query is None and entry.is_complete and not config.is_unknown("auth_query")
        if user and entry.in_effect and (has_default or (query and is_unqualified(query.value))):
            return user
    return None


def is_unqualified(query: str) -> bool:
    """Whether a query certainly names an operator, a table or a function without its schema."""
    return not has_template(query) and _UNQUALIFIED.search(_QUALIFIED.sub(" ", query)) is not None
