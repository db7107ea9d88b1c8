"""A key without a value in an entry: PgBouncer refuses it, or takes the next pair for its value."""

import re
from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Severity
from poolcheck.read.pgbouncer.config import Entry, PgBouncerConfig
from poolcheck.read.pgbouncer.connection_string import Parameter
from poolcheck.read.pgbouncer.refusal import Cause
from poolcheck.read.pgbouncer.settings import Scope, known
from poolcheck.rule import Rule
from poolcheck.source import Edit, Located, Span

_PAIR = re.compile(r"(?P<key>[a-z_]+)=")
_FREE = frozenset({"application_name", "auth_query", "connect_query", "dbname", "password"})
"""What may be a text with an `=` in it."""


class ConnstrEmptyValue(Rule[PgBouncerConfig]):
    id = "connstr-empty-value"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        for _, key, reason in config.refused(Cause.EMPTY_VALUE):
            yield self.finding(key.span, reason, fix=without_key(key, config))
        refused = {value.span for _, value, _ in config.refused(Cause.PORT, Cause.WORD)}
        for scope, entry in entries_of(config):
            for (name, value), taken in swallowed(scope, entry):
                if entry.in_effect or value.span in refused:
                    place = name.span._replace(end=value.span.end)
                    message = f"PgBouncer takes {taken}=… for the value of {name.value}, which has none"
                    empty = Edit(name.span._replace(end=value.span.start), "")
                    fix = Fix(f"Remove {name.value}", (empty,), safe=False)
                    yield self.finding(place, message, fix=fix)


def without_key(key: Located[str], config: PgBouncerConfig) -> Fix | None:
    """The entry without the key; None where its empty value is not at the end of the line.

    That there is no password is what an empty one says; of a host or a user it may not be meant.
    """
    written, (path, start, end) = key
    line, place = config.line(key.span)
    before, behind = line[: start - place.start], line[end - place.start :]
    quotes = "''" if behind.startswith("''") else ""
    if behind[len(quotes) :].strip() or not before.endswith(" "):
        return None
    cut = Span(path, place.start + len(before.rstrip(" ")), end + len(quotes))
    return Fix("Remove the key", (Edit(cut, ""),), safe=written.startswith("password"))


def entries_of(config: PgBouncerConfig) -> Iterator[tuple[Scope, Entry]]:
    """All entries, and what they are of."""
    yield from ((Scope.DATABASE, database) for database in config.databases)
    yield from ((Scope.USER, user) for user in config.users)
    yield from ((Scope.PEER, peer) for peer in config.peers)


def swallowed(scope: Scope, entry: Entry) -> Iterator[tuple[Parameter, str]]:
    """The pairs whose values are the next pairs, and the keys of those."""
    for name, value in entry.parameters:
        pair = _PAIR.match(value.value)
        is_quoted = value.span.end - value.span.start > len(value.value)
        if is_quoted or pair is None or known(scope, pair["key"]) is None or known(scope, name.value) is None:
            continue
        between = entry.text.value[
            name.span.end - entry.text.span.start : value.span.start - entry.text.span.start
        ]
        if between.endswith(" ") or name.value not in _FREE:
            yield Parameter(name, value), pair["key"]
