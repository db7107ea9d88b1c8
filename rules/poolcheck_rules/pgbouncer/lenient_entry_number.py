"""A number in an entry with something behind it, or none at all: PgBouncer reads the digits it begins with."""

import re
from collections.abc import Iterator

from poolcheck.finding import Finding, Severity
from poolcheck.read.pgbouncer import c_number
from poolcheck.read.pgbouncer.config import Entry, PgBouncerConfig
from poolcheck.read.pgbouncer.settings import Kind, KnownSetting, Scope, known
from poolcheck.read.template import is_placeholder
from poolcheck.rule import Rule

_NUMBERS = frozenset({Kind.INT, Kind.UNSIGNED, Kind.SECONDS})
_AS_MEANT = re.compile(r"\s*[+-]?[0-9]+(?:\.0*|\s+|[;#\t].*|,(?![0-9]).*)?", re.ASCII)
_PORTS = re.compile(r"[0-9]+(?:,[0-9]+)+", re.ASCII)
_TO_BE_REPLACED = re.compile(r"[A-Z_][A-Z0-9_]*|_\w+|.*[{}<>%@$].*")
"""A name that a script puts a number in place of."""


class LenientEntryNumber(Rule[PgBouncerConfig]):
    id = "lenient-entry-number"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        for scope, entries in (
            (Scope.DATABASE, config.databases),
            (Scope.USER, config.users),
            (Scope.PEER, config.peers),
        ):
            for entry in entries:
                if entry.in_effect:
                    yield from self.numbers(scope, entry, config)

    def numbers(self, scope: Scope, entry: Entry, config: PgBouncerConfig) -> Iterator[Finding]:
        """The findings about the numbers of one entry."""
        for name, (text, place) in entry.parameters:
            fact, number = known(scope, name.value), c_number.leading(text)
            if fact is None or not fact.is_in(config.version) or fact.kind not in _NUMBERS:
                continue
            if not config.is_filled_in(text) and is_misread(fact, text) and (number or fact.name != "port"):
                yield self.finding(place, f"PgBouncer reads {fact.name}={text} as {number}{meaning(fact, number)}")


def is_misread(fact: KnownSetting, text: str) -> bool:
    """Whether a text says something else than the number at its beginning, or has none there.

    What a comma, a semicolon or a double quote makes of it is no matter of numbers.
    """
    if _AS_MEANT.fullmatch(text) or text.startswith('"') or (fact.name == "port" and _PORTS.fullmatch(text)):
        return False
    return not is_placeholder(text) and _TO_BE_REPLACED.fullmatch(text) is None


def meaning(fact: KnownSetting, number: int) -> str:
    """What a number means: a time, or nothing where a limit has to be above 0."""
    if fact.name == "query_wait_timeout" and number <= 0:
        return ", which ends no wait"
    if fact.kind is Kind.SECONDS or fact.name.startswith("max_"):
        if number <= 0:
            return ", as if it were not set"
        return "" if fact.kind is not Kind.SECONDS else " second" if number == 1 else " seconds"
    return ""
