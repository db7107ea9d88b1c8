"""An include that finds nothing, or that leaves the lines below it in another section."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from poolcheck.finding import Finding, Fix, Note, Severity
from poolcheck.read.pgbouncer.config import Absent, Inclusion, Part, PgBouncerConfig
from poolcheck.read.pgbouncer.refusal import Cause
from poolcheck.read.pgbouncer.settings import Scope
from poolcheck.rule import Rule
from poolcheck.source import Edit, Located, Span

_BEHIND = re.compile(r"[ \t]+[;#].*")
_NOUNS = {Scope.PGBOUNCER: "settings", Scope.DATABASE: "databases", Scope.USER: "users", Scope.PEER: "peers"}


class Leak(NamedTuple):
    """An include that ends in another section than it stands in, and the names below it that this one gets."""

    include: Located[str]
    stands_in: str
    ends_in: Located[str]
    below: tuple[Located[str], ...]


class IncludeProblems(Rule[PgBouncerConfig]):
    id = "include-problems"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        refused = {path.span for _, path, _ in config.refused(Cause.INCLUDE)}
        for _, path, reason in config.refused(Cause.INCLUDE):
            yield self.finding(path.span, reason, fix=bare(path, config))
        for inclusion in dict.fromkeys(config.includes):
            path = inclusion.path
            if path.span not in refused and (found := doubt_about(inclusion, config)):
                yield self.finding(path.span, found[1], severity=found[0])
        for leak in dict.fromkeys(leaks(config)):
            yield self.of_leak(leak, config)

    def of_leak(self, leak: Leak, config: PgBouncerConfig) -> Finding:
        """What comes of lines that are read in another section than their own."""
        path, start, _ = leak.below[0].span
        end = config.line(leak.below[-1].span).span.end
        is_refused = any(span.path == path and start <= span.start < end for _, (_, span), _ in config.refusals)
        noun = _NOUNS[Scope(leak.ends_in.value)]
        message = f"{leak.include.value} ends in [{leak.ends_in.value}]: PgBouncer reads what follows as {noun}"
        return self.finding(
            leak.include.span,
            f"{message} and does not start" if is_refused else message,
            severity=Severity.ERROR if is_refused else Severity.WARNING,
            notes=[Note(leak.ends_in.span, "the section that goes on behind the include")],
            fix=reopened(leak, config, is_safe=is_refused),
        )


def bare(path: Located[str], config: PgBouncerConfig) -> Fix | None:
    """The path without its quotes, and the comment behind it on a line of its own; None where it has neither."""
    comment = _BEHIND.search(path.value)
    named = path.value[: comment.start()] if comment else path.value
    plain = named[1:-1] if len(named) > 2 and named[0] == named[-1] and named[0] in "\"'" else named
    if plain == path.value:
        return None
    edits = [Edit(path.span, plain)]
    if comment:
        line, place = config.line(path.span)
        indent = line[: len(line) - len(line.lstrip(" \t"))]
        line_break = "\r\n" if line.endswith("\r\n") else "\n"
        above = f"{indent}{comment[0].strip()}{line_break}"
        edits.insert(0, Edit(place._replace(end=place.start), above))
    return Fix("Write the path alone", tuple(edits))


def doubt_about(inclusion: Inclusion, config: PgBouncerConfig) -> tuple[Severity, str] | None:
    """What may be wrong with an include that PgBouncer does not refuse."""
    (path, _), found, is_assumed = inclusion
    if config.is_filled_in(path):
        return None
    if found is Absent.FOLDER or (found is Absent.UNSEEN and path.endswith("/")):
        return Severity.WARNING, f"PgBouncer reads the folder {path} as an empty file"
    if is_assumed:
        return Severity.WARNING, f"PgBouncer looks for {path} in the folder it is started in, not beside this file"
    if found is Absent.UNSEEN and not path.startswith("/") and is_whole_file(config):
        return Severity.INFO, f"PgBouncer looks for {path} in the folder it is started in, and it is not here"
    return None


def is_whole_file(config: PgBouncerConfig) -> bool:
    """Whether the configuration is a file of its own, and what it includes could lie beside it."""
    source, region = config.parts[0]
    return region.start == 0 and region.end == len(source.text)


def leaks(config: PgBouncerConfig) -> Iterator[Leak]:
    """The includes behind which lines are read in another section than the one they stand in."""
    for part in config.parts:
        section: str | None = None
        milestones = list(milestones_in(part, config))
        for number, milestone in enumerate(milestones):
            if isinstance(milestone, Inclusion):
                left = last_header(milestone, config, ())
                following = milestones[number + 1 : number + 2]
                end = start_of(following[0]) if following else part.region.end
                below = tuple(names_in(milestone.path.span._replace(end=end), config))
                if left and section and left.value != section and left.value in set(Scope) and below:
                    yield Leak(milestone.path, section, left, below)
                section = left.value if left else section
            else:
                section = milestone.value


def milestones_in(part: Part, config: PgBouncerConfig) -> list[Located[str] | Inclusion]:
    """The headers in a part, and the includes in it, in their order."""
    found: list[Located[str] | Inclusion] = [each for each in config.headers if is_in(each.span, part)]
    found += [each for each in config.includes if is_in(each.path.span, part)]
    return sorted(dict.fromkeys(found), key=start_of)


def start_of(milestone: Located[str] | Inclusion) -> int:
    """The offset at which a header or the path of an include begins."""
    return (milestone.path if isinstance(milestone, Inclusion) else milestone).span.start


def is_in(place: Span, part: Part) -> bool:
    """Whether a place is in a part."""
    _, (path, start, end) = part
    return place.path == path and start <= place.start < end


def last_header(inclusion: Inclusion, config: PgBouncerConfig, above: tuple[Part, ...]) -> Located[str] | None:
    """The section that an include ends in; None where that is the one it stands in."""
    found: Located[str] | None = None
    if isinstance(part := inclusion.found, Part) and part not in above:
        for milestone in milestones_in(part, config):
            if isinstance(milestone, Inclusion):
                found = last_header(milestone, config, (*above, part)) or found
            else:
                found = milestone
    return found


def names_in(place: Span, config: PgBouncerConfig) -> Iterator[Located[str]]:
    """The names that are given a value within a place."""
    names = [setting.name for setting in config.settings]
    names += [entry.name for entry in (*config.databases, *config.users, *config.peers)]
    for name in names:
        if name.span.path == place.path and place.start <= name.span.start < place.end:
            yield name


def reopened(leak: Leak, config: PgBouncerConfig, *, is_safe: bool) -> Fix | None:
    """The header once more below the include; None for [pgbouncer], which would undo what is set above."""
    line, place = config.line(leak.include.span)
    if leak.stands_in == Scope.PGBOUNCER or not line.endswith("\n"):
        return None
    line_break = "\r\n" if line.endswith("\r\n") else "\n"
    below = place._replace(start=place.end)
    return Fix(f"Write [{leak.stands_in}] below", (Edit(below, f"[{leak.stands_in}]{line_break}"),), safe=is_safe)
