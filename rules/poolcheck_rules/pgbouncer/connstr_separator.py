"""A comma, a semicolon or a tab between the pairs of an entry, where PgBouncer knows only spaces."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from poolcheck.finding import Finding, Fix, Severity
from poolcheck.read.pgbouncer.config import Entry, PgBouncerConfig
from poolcheck.read.pgbouncer.connection_string import Parameter
from poolcheck.read.pgbouncer.settings import SETTINGS, Kind, Scope, known
from poolcheck.read.template import masked
from poolcheck.rule import Rule
from poolcheck.source import Edit, Span

_PAIR = re.compile(r"(?P<separator>[,;\t]+)(?P<key>[a-z_]+)\t*=")
_END = re.compile(r"[,;\t]+$")
_NAMES = frozenset({"auth_dbname", "auth_user", "dbname", "host", "user"})
"""Whatever these are, they do not end with a separator."""

_WORDS = {",": "comma", ";": "semicolon", "\t": "tab"}


class Separator(NamedTuple):
    """Where a value was meant to end, in front of a key or of a space; offsets in the value."""

    start: int
    end: int
    key: str | None


class ConnstrSeparator(Rule[PgBouncerConfig]):
    id = "connstr-separator"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        refused = {refusal.written.span for refusal in config.refusals}
        for scope, entries in (
            (Scope.DATABASE, config.databases),
            (Scope.USER, config.users),
            (Scope.PEER, config.peers),
        ):
            for entry in entries:
                found = [
                    (parameter, separators)
                    for parameter in entry.parameters
                    if (separators := list(separators_in(scope, parameter, config)))
                ]
                if entry.in_effect and entry.fault is None and found and found[0][0].value.span not in refused:
                    place, taken = taken_in(*found[0])
                    text = f"PgBouncer parts pairs at spaces only, and takes {taken}"
                    yield self.finding(place, text, fix=parted(scope, entry, found, config))


def separators_in(scope: Scope, parameter: Parameter, config: PgBouncerConfig) -> Iterator[Separator]:
    """What parts a value from others that were meant to be none of it, all by the same character.

    A password may hold any but a tab.
    """
    name, (text, place) = parameter
    if place.end - place.start != len(text):
        return
    read = masked(text) if config.is_filled_in(text) else text
    pairs = [pair for pair in _PAIR.finditer(read) if pair["key"] in SETTINGS[scope]]
    for pair in pairs:
        is_sure = name.value != "password" or "\t" in pair["separator"]
        if is_sure and pair["separator"][0] == pairs[0]["separator"][0]:
            yield Separator(*pair.span("separator"), pair["key"])
    if name.value in _NAMES and (end := _END.search(read)):
        yield Separator(*end.span(), None)


def taken_in(parameter: Parameter, separators: list[Separator]) -> tuple[Span, str]:
    """The part of a value that is none of it, and what it is."""
    text, (path, start, end) = parameter.value
    first = separators[0].start
    keys = [f"{separator.key}=" for separator in separators if separator.key]
    taken = " and ".join([*filter(None, [", ".join(keys[:-1])]), *keys[-1:]]) or f"the {_WORDS[text[first]]}"
    return Span(path, start + first, end), f"{taken} for part of {parameter.name.value}"


def parted(
    scope: Scope, entry: Entry, found: list[tuple[Parameter, list[Separator]]], config: PgBouncerConfig
) -> Fix | None:
    """Spaces in place of what separates; None where PgBouncer would refuse a key that it then sees."""
    keys = {separator.key for _, separators in found for separator in separators if separator.key}
    facts = [fact for key in keys if (fact := known(scope, key))]
    if not all(fact.is_in(config.version) for fact in facts):
        return None
    edits = [
        Edit(part(parameter.value.span, separator.start, separator.end), " " if separator.key else "")
        for parameter, separators in found
        for separator in separators
    ]
    edits += [Edit(span, "") for parameter in entry.parameters for span in ends_of_number(scope, parameter)]
    is_safe = all(parameter.name.value in _NAMES for parameter, _ in found)
    return Fix("Separate the pairs by spaces", tuple(edits), safe=is_safe)


def ends_of_number(scope: Scope, parameter: Parameter) -> Iterator[Span]:
    """What separates behind a number, which PgBouncer reads without it."""
    fact, (text, place) = known(scope, parameter.name.value), parameter.value
    end = _END.search(text)
    if end and fact and fact.kind in {Kind.INT, Kind.SECONDS} and place.end - place.start == len(text):
        yield part(place, *end.span())


def part(place: Span, start: int, end: int) -> Span:
    """A part of a place, by the offsets in it."""
    return Span(place.path, place.start + start, place.start + end)
