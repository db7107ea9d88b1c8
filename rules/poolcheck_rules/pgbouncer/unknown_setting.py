"""A setting that PgBouncer does not know, or does not know in the section where it stands."""

import re
from collections.abc import Iterable, Iterator

from poolcheck.finding import Finding, Severity
from poolcheck.read.pgbouncer.config import FALLBACK, PgBouncerConfig
from poolcheck.read.pgbouncer.settings import NEWEST, OF_FORKS, SETTINGS, Scope, known, scopes_of
from poolcheck.rule import Rule
from poolcheck.source import Located

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")

_LIBPQ = {
    "connect_timeout": "server_connect_timeout",
    "keepalives": "tcp_keepalive",
    "keepalives_idle": "tcp_keepidle",
    "sslcert": "server_tls_cert_file",
    "sslkey": "server_tls_key_file",
    "sslmode": "server_tls_sslmode",
    "sslrootcert": "server_tls_ca_file",
}
"""Parameters of PostgreSQL's own connection strings, and what takes their place in [pgbouncer]."""


class UnknownSetting(Rule[PgBouncerConfig]):
    id = "unknown-setting"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        is_newer = config.version is not None and config.version > NEWEST
        severity = Severity.INFO if is_newer else Severity.ERROR
        program = f"PgBouncer {'.'.join(map(str, NEWEST))}" if is_newer else "PgBouncer"
        for scope, name in looked_up(config):
            if known(scope, name.value) is None and name.value not in OF_FORKS:
                yield self.finding(
                    name.span, f"{program} does not start: {reason(scope, name.value)}", severity=severity
                )


def looked_up(config: PgBouncerConfig) -> Iterator[tuple[Scope, Located[str]]]:
    """Every name that PgBouncer looks up when it starts, and where."""
    for setting in config.settings:
        yield Scope.PGBOUNCER, setting.name
    for scope, entries in (
        (Scope.DATABASE, config.databases),
        (Scope.USER, config.users),
        (Scope.PEER, config.peers),
    ):
        for entry in entries:
            if (scope, entry.name.value) != (Scope.DATABASE, FALLBACK):
                yield from ((scope, name) for name, _ in entry.parameters)


def reason(scope: Scope, name: str) -> str:
    """What is wrong with a name. What looks like no name may be the rest of a password and is not repeated."""
    if places := scopes_of(name):
        return f"{name} is set in {described(places)}, not in {described([scope])}"
    if not name:
        return "there is no name before the ="
    if not _NAME.fullmatch(name):
        return f"this is no setting of {described([scope])}"
    if name in _LIBPQ:
        return f"there is no setting {name} in {described([scope])}, but {_LIBPQ[name]} in [pgbouncer]"
    return f"there is no setting {name} in {described([scope])}{suggestion(name, scope)}"


def suggestion(name: str, scope: Scope) -> str:
    """The setting that must have been meant; most names share words with others, so only a very close one."""
    from difflib import get_close_matches

    close = get_close_matches(name.lower().replace("-", "_"), sorted(SETTINGS[scope]), n=1, cutoff=0.8)
    return f"; did you mean '{close[0]}'?" if close else ""


def described(scopes: Iterable[Scope]) -> str:
    """Sections in words: "[pgbouncer] or in an entry of [databases] or [users]"."""
    entries = " or ".join(f"[{scope}]" for scope in scopes if scope is not Scope.PGBOUNCER)
    own = ["[pgbouncer]"] if Scope.PGBOUNCER in scopes else []
    return " or in ".join([*own, *([f"an entry of {entries}"] if entries else [])])
