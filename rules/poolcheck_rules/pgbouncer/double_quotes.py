"""A name or a value of an entry in double quotes, which PgBouncer takes for a part of it."""

import re
from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Severity
from poolcheck.read.pgbouncer.config import FALLBACK, Entry, PgBouncerConfig
from poolcheck.read.pgbouncer.refusal import Cause
from poolcheck.read.pgbouncer.settings import Kind, KnownSetting, Scope, known
from poolcheck.rule import Rule
from poolcheck.source import Edit, Located

_BARE = re.compile(r"[A-Za-z0-9_.*-]+")
_NAMES = frozenset({"auth_dbname", "auth_user", "dbname", "host", "port", "user"})
"""What does not work with quotes in it: a host and a port have none, a user and a database hardly ever."""


class DoubleQuotes(Rule[PgBouncerConfig]):
    id = "double-quotes"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        for _, name, reason in config.refused(Cause.QUOTED_NAME):
            yield self.finding(name.span, reason, severity=Severity.ERROR, fix=requoted(name, config))
        for scope, entries in (
            (Scope.DATABASE, config.databases),
            (Scope.USER, config.users),
            (Scope.PEER, config.peers),
        ):
            for entry in entries:
                for fact, value in quoted_in(scope, entry, config):
                    severity, harm = harm_of(
                        fact, is_fallback=(scope, entry.name.value) == (Scope.DATABASE, FALLBACK)
                    )
                    message = f"PgBouncer takes the double quotes for part of {fact.name}{harm}"
                    yield self.finding(value.span, message, severity=severity, fix=single_quoted(fact, value))


def requoted(name: Located[str], config: PgBouncerConfig) -> Fix | None:
    """The name as it is or, where it needs quotes, in single ones, which PgBouncer takes off from 1.25 on."""
    inside = name.value.strip('"')
    if _BARE.fullmatch(inside):
        return Fix("Remove the quotes", (Edit(name.span, inside),))
    keys = {key.span for entry in (*config.databases, *config.users, *config.peers) for key, _ in entry.parameters}
    if not inside or "'" in inside or name.span in keys or config.is_before((1, 25)):
        return None
    return Fix("Write single quotes", (Edit(name.span, f"'{inside}'"),), safe=config.version is not None)


def quoted_in(scope: Scope, entry: Entry, config: PgBouncerConfig) -> Iterator[tuple[KnownSetting, Located[str]]]:
    """The values of an entry that stand in double quotes: those that count, and every port."""
    for name, value in entry.parameters:
        fact, (text, place) = known(scope, name.value), value
        if fact is None or not fact.is_in(config.version) or fact.kind is Kind.ENUM:
            continue
        is_quoted = len(text) > 1 and text[0] == text[-1] == '"' and place.end - place.start == len(text)
        is_read = entry.in_effect or (fact.name == "port" and entry.name.value != FALLBACK)
        if is_quoted and is_read:
            yield fact, value


def harm_of(fact: KnownSetting, *, is_fallback: bool) -> tuple[Severity, str]:
    """What comes of it. The fallback is not read before a client asks for it."""
    if fact.name == "port":
        return Severity.ERROR, " and refuses the clients it is for" if is_fallback else " and does not start"
    return Severity.WARNING, " and reads 0" if fact.kind in {Kind.INT, Kind.SECONDS} else ""


def single_quoted(fact: KnownSetting, value: Located[str]) -> Fix | None:
    """The value in single quotes; None where that leaves it empty, which PgBouncer refuses."""
    inside = value.value[1:-1].replace("'", "''")
    if not inside:
        return None
    return Fix("Write single quotes", (Edit(value.span, f"'{inside}'"),), safe=fact.name in _NAMES)
