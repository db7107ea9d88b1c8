"""A release with a known vulnerability that this configuration is open to."""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.pgbouncer.config import FALLBACK, PgBouncerConfig, Version
from poolcheck.read.pgbouncer.hosts import hosts_of, is_near
from poolcheck.read.pgbouncer.releases import is_older, may_be_mended
from poolcheck.read.pgbouncer.settings import written
from poolcheck.read.pgbouncer.userlist import SecretKind
from poolcheck.read.template import has_template
from poolcheck.rule import Rule
from poolcheck.source import Located

_LARGE_PACKET = 1 << 30
_LARGEST_PACKET = (1 << 31) + 1
"""The first max_packet_size with CVE-2026-107348."""
_ENDS_THE_SEARCH = re.compile(r"\A[\s,]|[\s,]{2}|,\Z")
"""Where an empty name is found in ignore_startup_parameters; else the search for it has no end."""

Opening: TypeAlias = Callable[[PgBouncerConfig], Located[str] | None]
"""Finds what makes a configuration open to a vulnerability, and what it is called."""


class Vulnerability(NamedTuple):
    """One vulnerability of the releases from `since` up to, not including, `mended`.

    `harm` is what may happen, with `{}` for what makes it happen here.
    """

    name: str
    since: Version
    mended: Version
    harm: str
    severity: Severity
    opening: Opening


class KnownVulnerable(Rule[PgBouncerConfig]):
    id = "known-vulnerable"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        if config.version is None:
            return
        found = sorted(open_to(config), key=lambda each: -each[0].severity.rank)
        if not found:
            return
        (worst, opening), *others = found
        is_packaged = may_be_mended(config.version)
        unless = ", unless its package is mended," if is_packaged else ""
        yield self.finding(
            opening.span,
            f"PgBouncer {written(config.version)}{unless} has {said(worst, opening)}",
            notes=[Note(other.span, f"it has {said(each, other)}") for each, other in others],
            severity=worst.severity.milder if is_packaged else worst.severity,
        )


def open_to(config: PgBouncerConfig) -> Iterator[tuple[Vulnerability, Located[str]]]:
    """The vulnerabilities of its version that a configuration is open to, and what makes it so; each once."""
    names: set[str] = set()
    for each in VULNERABILITIES:
        is_had = is_older(config.version, each.mended) and not is_older(config.version, each.since)
        if is_had and each.name not in names and (opening := each.opening(config)):
            names.add(each.name)
            yield each, opening


def said(vulnerability: Vulnerability, opening: Located[str]) -> str:
    """Its name, the release without it, and what may happen."""
    harm = vulnerability.harm.format(opening.value)
    return f"{vulnerability.name}, mended in {written(vulnerability.mended)}: {harm}"


def listener_with_scram(config: PgBouncerConfig) -> Located[str] | None:
    """An address on which clients of other machines are asked for SCRAM."""
    auth_type = auth_type_of(config)
    users = config.userlist.users if config.userlist else ()
    has_scram = any(user.secret.value is SecretKind.SCRAM for user in users)
    is_asked = auth_type == "scram-sha-256" or (auth_type == "md5" and has_scram)
    return config.exposed_on() if is_asked else None


def listener_perhaps_with_scram(config: PgBouncerConfig) -> Located[str] | None:
    """An address on which clients of other machines are asked for SCRAM if their secrets or hba say so."""
    auth_type = auth_type_of(config)
    is_seen = config.userlist and config.userlist.is_complete and config.effective_text("auth_user") == ("", None)
    is_asked = auth_type == "hba" or (auth_type == "md5" and not is_seen)
    return config.exposed_on() if is_asked else None


def listener_with_several_users(config: PgBouncerConfig) -> Located[str] | None:
    """An address on which one who has a password in auth_file may give himself out for another."""
    file, users, lookup = config.setting("auth_file"), config.userlist, config.effective_text("auth_user")
    if file is None or not file.value:
        return None
    is_alone = users is not None and users.is_complete and len(users.users) < 2 and lookup == ("", None)
    return None if is_alone else listener_with_scram(config)


def listener_with_ignored_parameters(config: PgBouncerConfig) -> Located[str] | None:
    """An address where the search of the list for the parameter without a name does not end."""
    ignored = config.setting("ignore_startup_parameters")
    if ignored is None or not ignored.value or _ENDS_THE_SEARCH.search(ignored.value):
        return None
    words = {word.value for word in config.words("ignore_startup_parameters") or ()}
    return None if config.is_since((1, 26)) and "options" in words else config.exposed_on()


def listener_with_largest_packets(config: PgBouncerConfig) -> Located[str] | None:
    """An address on which packets of more than 2 GiB are read."""
    return config.exposed_on() if largest_packets(config) else None


def largest_packets(config: PgBouncerConfig) -> Located[str] | None:
    """The setting by which packets of more than 2 GiB are read."""
    size = config.integer("max_packet_size")
    return Located(str(size.value), size.span) if size and size.value >= _LARGEST_PACKET else None


def listener_with_large_packets(config: PgBouncerConfig) -> Located[str] | None:
    """An address on which packets of more than 1 GiB are read."""
    size = config.effective_integer("max_packet_size")
    return config.exposed_on() if size and size.value % 2**32 > _LARGE_PACKET else None


def console_for_anybody(config: PgBouncerConfig) -> Located[str] | None:
    """An address on which clients of other machines get to the console without a password."""
    return config.exposed_on() if auth_type_of(config) == "any" else None


def stats_user(config: PgBouncerConfig) -> Located[str] | None:
    """Who may look at statistics and is no admin."""
    admins = {admin.value for admin in config.words("admin_users") or ()}
    return next((user for user in config.words("stats_users") or () if user.value not in admins), None)


def unverified_server(config: PgBouncerConfig) -> Located[str] | None:
    """A host on another machine in whose place another may answer."""
    sslmode = config.effective_text("server_tls_sslmode")
    if sslmode is None or sslmode.value.lower() in {"verify-ca", "verify-full"}:
        return None
    for entry in config.databases:
        written_hosts = entry.parameter("host")
        if entry.in_effect and written_hosts and not has_template(written_hosts.value):
            for host in hosts_of(written_hosts):
                if not is_near(host.value):
                    return host
    return None


def listener_by_certificate(config: PgBouncerConfig) -> Located[str] | None:
    """An address on which clients of other machines are let in by their certificates alone."""
    return config.exposed_on() if auth_type_of(config) == "cert" else None


def any_auth_user(config: PgBouncerConfig) -> Located[str] | None:
    """Who runs auth_query."""
    own = (entry.parameter("auth_user") for entry in config.databases if entry.in_effect)
    return next(filter(None, own), None) or config.setting("auth_user")


def listener_with_any_database(config: PgBouncerConfig) -> Located[str] | None:
    """An address on which clients of other machines may ask for a database of any name."""
    has_fallback = any(entry.in_effect and entry.name.value == FALLBACK for entry in config.databases)
    return config.exposed_on() if has_fallback else None


def auth_type_of(config: PgBouncerConfig) -> str:
    """How clients are asked who they are; "" where that is not known."""
    auth_type = config.effective_text("auth_type")
    return auth_type.value.lower() if auth_type else ""


VULNERABILITIES = (
    Vulnerability(
        "CVE-2026-107350",
        since=(1, 17),
        mended=(1, 26, 1),
        harm="a user of auth_file who reaches {} can log in as another whose password is asked for by SCRAM",
        severity=Severity.WARNING,
        opening=listener_with_several_users,
    ),
    Vulnerability(
        "CVE-2026-107349",
        since=(1, 20),
        mended=(1, 26, 1),
        harm="whoever reaches {} can keep it from serving anybody, without logging in",
        severity=Severity.WARNING,
        opening=listener_with_ignored_parameters,
    ),
    Vulnerability(
        "CVE-2026-107348",
        since=(1, 23),
        mended=(1, 26, 1),
        harm="whoever reaches {} can keep it from serving anybody, without logging in",
        severity=Severity.WARNING,
        opening=listener_with_largest_packets,
    ),
    Vulnerability(
        "CVE-2026-107348",
        since=(1, 21),
        mended=(1, 26, 1),
        harm="with a max_packet_size of {} a client can keep it from serving anybody",
        severity=Severity.INFO,
        opening=largest_packets,
    ),
    Vulnerability(
        "CVE-2026-19888",
        since=(1, 11),
        mended=(1, 26),
        harm="whoever reaches {} can crash it without logging in",
        severity=Severity.WARNING,
        opening=listener_with_scram,
    ),
    Vulnerability(
        "CVE-2026-19888",
        since=(1, 11),
        mended=(1, 26),
        harm="whoever reaches {} and is asked for SCRAM can crash it without logging in",
        severity=Severity.INFO,
        opening=listener_perhaps_with_scram,
    ),
    Vulnerability(
        "CVE-2026-6668",
        since=(1, 23),
        mended=(1, 26),
        harm="whoever reaches {} may keep it from serving anybody by very large packets",
        severity=Severity.INFO,
        opening=listener_with_large_packets,
    ),
    Vulnerability(
        "CVE-2026-6669",
        since=(1, 11),
        mended=(1, 26),
        harm="whoever answers in place of {} can keep it from serving anybody",
        severity=Severity.INFO,
        opening=unverified_server,
    ),
    Vulnerability(
        "CVE-2026-6664",
        since=(1, 11),
        mended=(1, 25, 2),
        harm="whoever reaches {} can crash it without logging in",
        severity=Severity.WARNING,
        opening=listener_with_scram,
    ),
    Vulnerability(
        "CVE-2026-6664",
        since=(1, 11),
        mended=(1, 25, 2),
        harm="whoever reaches {} and is asked for SCRAM can crash it without logging in",
        severity=Severity.INFO,
        opening=listener_perhaps_with_scram,
    ),
    Vulnerability(
        "CVE-2026-6667",
        since=(1, 24),
        mended=(1, 25, 2),
        harm="whoever reaches {} can disconnect its clients by KILL_CLIENT",
        severity=Severity.WARNING,
        opening=console_for_anybody,
    ),
    Vulnerability(
        "CVE-2026-6667",
        since=(1, 24),
        mended=(1, 25, 2),
        harm="{}, who is no admin, can disconnect its clients by KILL_CLIENT",
        severity=Severity.INFO,
        opening=stats_user,
    ),
    Vulnerability(
        "CVE-2026-6665",
        since=(1, 11),
        mended=(1, 25, 2),
        harm="whoever answers in place of {} can overflow its stack",
        severity=Severity.INFO,
        opening=unverified_server,
    ),
    Vulnerability(
        "CVE-2026-6666",
        since=(1, 21),
        mended=(1, 25, 2),
        harm="whoever answers in place of {} can crash it",
        severity=Severity.INFO,
        opening=unverified_server,
    ),
    Vulnerability(
        "CVE-2021-3935",
        since=(1, 7),
        mended=(1, 16, 1),
        harm="whoever is between {} and a client can slip in SQL before TLS begins",
        severity=Severity.WARNING,
        opening=listener_by_certificate,
    ),
    Vulnerability(
        "CVE-2015-6817",
        since=(1, 6, 0),
        mended=(1, 6, 1),
        harm="a client whose name is not known is logged in as {}",
        severity=Severity.ERROR,
        opening=any_auth_user,
    ),
    Vulnerability(
        "CVE-2012-4575",
        since=(),
        mended=(1, 5, 3),
        harm="whoever reaches {} can end it with the name of a database that is too long",
        severity=Severity.WARNING,
        opening=listener_with_any_database,
    ),
)
"""PgBouncer's NEWS, and its sources for the first release.

What depends on the settings of auth_query or track_extra_parameters, CVE-2025-2291 and CVE-2025-12819, is told by
the rules about these.
"""
