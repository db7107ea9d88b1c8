"""A setting, an entry or a key of an entry that is given twice: only the last one counts."""

import re
from bisect import bisect
from collections.abc import Iterable, Iterator
from functools import lru_cache

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.pgbouncer import c_number
from poolcheck.read.pgbouncer.config import Entry, Parameter, PgBouncerConfig, Setting
from poolcheck.read.pgbouncer.settings import Scope, known
from poolcheck.rule import Rule
from poolcheck.source import Located, Span

_CHOICE = re.compile(
    r"\{%|<%|%\{|\{\{[-~]?\s*(?:if|else|end|range|with|#|/)|^[ \t]*(?:\{\{|\$[({A-Za-z_]|__\w+__|[@%]\w)",
    re.MULTILINE,
)
"""What a template has between lines of which it keeps one, or where it puts more in."""

_NOUN = {Scope.DATABASE: "database", Scope.USER: "user", Scope.PEER: "peer"}
_ALIASES = {"reserve_pool": "reserve_pool_size"}


class DuplicateKey(Rule[PgBouncerConfig]):
    id = "duplicate-key"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        for setting, last in set_again(config):
            is_same = setting.value.value == last.value.value
            if is_certain(setting.value, last.value, config):
                message = f"{setting.name.value} is set again below, and only that line counts"
                yield self.twice(setting.name, last.name.span, message, is_same=is_same)
        for scope, entries in (
            (Scope.DATABASE, config.databases),
            (Scope.USER, config.users),
            (Scope.PEER, config.peers),
        ):
            for entry, last_entry in defined_again(scope, entries):
                if is_certain(entry.text, last_entry.text, config):
                    yield self.replaced(scope, entry, last_entry)
            for entry in entries:
                if entry.in_effect and entry.fault is None:
                    yield from self.keys(scope, entry, config)

    def replaced(self, scope: Scope, entry: Entry, last: Entry) -> Finding:
        """The finding about an entry that another takes the place of."""
        is_near = entry.name.span.path == last.name.span.path
        where = "below" if is_near else f"in {last.name.span.path}"
        message = f"{_NOUN[scope]} {entry.name.value} is defined again {where}, and only that line counts"
        counts = f"this line counts{difference(entry, last)}"
        is_same = not is_near or says_the_same(entry, last)
        return self.twice(entry.name, last.name.span, message, counts, is_same=is_same)

    def keys(self, scope: Scope, entry: Entry, config: PgBouncerConfig) -> Iterator[Finding]:
        """The findings about the keys that an entry has twice."""
        last: dict[str, Parameter] = {}
        for parameter in reversed(entry.parameters):
            key = _ALIASES.get(parameter.name.value, parameter.name.value)
            counts = last.setdefault(key, parameter)
            is_known = known(scope, parameter.name.value) is not None
            if is_known and counts is not parameter and is_certain(parameter.value, counts.value, config):
                message = f"{_NOUN[scope]} {entry.name.value} has {key} twice, and only the last one counts"
                is_same = parameter.value.value == counts.value.value
                yield self.twice(parameter.name, counts.name.span, message, "this one counts", is_same=is_same)

    def twice(
        self, name: Located[str], last: Span, message: str, counts: str = "this line counts", *, is_same: bool
    ) -> Finding:
        """The finding about what does not count."""
        severity = Severity.INFO if is_same else self.severity
        return self.finding(name.span, message, notes=(Note(last, counts),), severity=severity)


def set_again(config: PgBouncerConfig) -> Iterator[tuple[Setting, Setting]]:
    """The settings that another line of their section takes the place of, and that line.

    Not those of a section that a later header sets back as a whole, and not those that another file sets anew.
    """
    counts: dict[str, Setting] = {}
    for setting in reversed(config.settings):
        name, last = setting.name.value, counts.get(setting.name.value)
        if setting.reset_by:
            counts.pop(name, None)
        elif setting.in_effect:
            counts[name] = setting
        elif last and known(Scope.PGBOUNCER, name) and is_above(setting.name.span, last.name.span):
            yield setting, last


def defined_again(scope: Scope, entries: Iterable[Entry]) -> Iterator[tuple[Entry, Entry]]:
    """The entries that another takes the place of, and that other."""
    counts = {key_of(scope, entry): entry for entry in entries if entry.in_effect}
    for entry in entries:
        last = counts.get(key_of(scope, entry))
        if last and not entry.in_effect and entry.name.span != last.name.span:
            yield entry, last


def key_of(scope: Scope, entry: Entry) -> str:
    """What tells an entry from others: its name, of peers the number in it."""
    return str(c_number.leading(entry.name.value)) if scope is Scope.PEER else entry.name.value


def is_above(first: Span, last: Span) -> bool:
    """Whether one place is above the other in one file."""
    return first.path == last.path and first.start < last.start


def is_certain(first: Located[str], last: Located[str], config: PgBouncerConfig) -> bool:
    """Whether both stand in what PgBouncer reads, and it is known whether they say the same."""
    if first.value != last.value and any(config.is_filled_in(each.value) for each in (first, last)):
        return False
    if config.is_literal or not is_above(first.span, last.span):
        return True
    source = next(part.source for part in config.parts if part.region.path == first.span.path)
    choices = choices_in(source.text)
    at = bisect(choices, first.span.start)
    return at == len(choices) or choices[at] >= last.span.end


@lru_cache(maxsize=4)
def choices_in(text: str) -> list[int]:
    """Where a template keeps lines or leaves them out."""
    return [choice.start() for choice in _CHOICE.finditer(text)]


def says_the_same(entry: Entry, last: Entry) -> bool:
    """Whether two entries say the same, in whatever order, as far as they can be read."""
    if any(each.fault or each.comment for each in (entry, last)):
        return entry.text.value == last.text.value
    first, second = ({name.value: value.value for name, value in each.parameters} for each in (entry, last))
    return first == second


def difference(entry: Entry, last: Entry) -> str:
    """The keys that are lost with an entry, and those that are not."""
    own = {_ALIASES.get(name.value, name.value) for name, _ in last.parameters}
    kept = {name.value for name, _ in last.kept}
    names = dict.fromkeys(_ALIASES.get(name.value, name.value) for name, _ in entry.parameters)
    lost = [name for name in names if name not in own and name not in kept]
    without = f", without {listed(lost)}" if lost and last.is_complete and not last.fault else ""
    return f"{without}{f', with {listed(sorted(kept, reverse=True))} of the one above' if kept else ''}"


def listed(names: list[str]) -> str:
    """Names in a sentence: "a", "a and b", "a, b and c"."""
    return " and ".join([*filter(None, [", ".join(names[:-1])]), names[-1]])
