"""From a pgbouncer.ini and what it includes to one configuration, in the order in which PgBouncer reads them."""

import os.path
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from poolcheck.read.fault import SyntaxFault
from poolcheck.read.pgbouncer import c_number
from poolcheck.read.pgbouncer.config import (
    FALLBACK,
    Absent,
    Entry,
    Inclusion,
    Parameter,
    Part,
    PgBouncerConfig,
    Setting,
    outlives_header,
)
from poolcheck.read.pgbouncer.connection_string import read_connection_string
from poolcheck.read.pgbouncer.ini import Assignment, Gap, Include, Ini, Refused, Section, read_ini
from poolcheck.read.pgbouncer.refusal import Cause, Refusal
from poolcheck.read.pgbouncer.rendered import Rendered
from poolcheck.read.pgbouncer.settings import Scope, known
from poolcheck.read.pgbouncer.startup import refusals
from poolcheck.read.pgbouncer.userlist import read_userlist
from poolcheck.read.template import has_template
from poolcheck.source import Located, Source, Span

Find: TypeAlias = Callable[[Located[str]], Inclusion]
"""Finds what an `%include` names, and the auth_file."""

DEEPEST = 10
"""How deep PgBouncer follows includes. libusual, cfparser.c, MAX_INCLUDE."""
MOST_INCLUDES = 1_000
"""So many includes are followed; files that include each other may come to any number."""

_OF_ANY_PROGRAM = frozenset({"logfile", "pidfile", "syslog", "user", "verbose"})
"""Settings that another program may have, too, about itself or about the PgBouncer that it connects to."""


def unseen(path: Located[str]) -> Inclusion:
    """Finds nothing, and says that it may be there."""
    return Inclusion(path, Absent.UNSEEN)


def read_pgbouncer(source: Source, find: Find = unseen) -> Iterator[PgBouncerConfig | SyntaxFault]:
    """What a whole file says; nothing is said of a file that is none of PgBouncer's."""
    whole = Part(source, Span(source.path, 0, len(source.text)))
    yield from read_embedded(whole, os.path.basename(source.path), find)


def read_embedded(part: Part, name: str, find: Find = unseen) -> Iterator[PgBouncerConfig | SyntaxFault]:
    """What a part of a file says that becomes a file of this name: a block scalar, in which lines are indented."""
    ini = read_ini(*part)
    if _is_for_pgbouncer(ini.sections, name):
        config = _load(part, ini, find, is_literal=False)
        faults = [refusal for refusal in config.malformed if refusal.cause is Cause.SYNTAX]
        yield from (SyntaxFault(fault.written.span, fault.reason) for fault in faults)
        yield config


def read_rendered(rendered: Rendered, name: str, find: Find = unseen) -> Iterator[PgBouncerConfig | SyntaxFault]:
    """What a text says that stands in no file as it becomes a file of this name."""
    source = rendered.source
    for each in read_embedded(Part(source, Span(source.path, 0, len(source.text))), name, find):
        yield each if isinstance(each, SyntaxFault) else each._replace(rendered=rendered)


def load(part: Part, find: Find, *, is_literal: bool = False) -> PgBouncerConfig:
    """The configuration that begins with a part. Nothing in it is a template where it `is_literal`."""
    return _load(part, read_ini(*part, is_literal=is_literal), find, is_literal=is_literal)


def _load(part: Part, ini: Ini, find: Find, *, is_literal: bool) -> PgBouncerConfig:
    loading = _Loading(find, is_literal=is_literal)
    loading.read(part, ini, ())
    return _with_userlist(loading.config(), find)


def _with_userlist(config: PgBouncerConfig, find: Find) -> PgBouncerConfig:
    """The configuration with the users in its auth_file, where that is found."""
    path = config.setting("auth_file")
    found = find(path).found if path and path.value else None
    return config._replace(userlist=read_userlist(*found)) if isinstance(found, Part) else config


class _Loading:
    """What PgBouncer has read so far."""

    def __init__(self, find: Find, *, is_literal: bool) -> None:
        self._find = find
        self._is_literal = is_literal
        self._followed = 0
        self._section: str | None = None
        self._parts: list[Part] = []
        self._headers: list[Located[str]] = []
        self._settings: list[Setting] = []
        self._in_effect: dict[str, int] = {}
        self._settled: set[str] = set()
        self._is_reset = False
        self._entries: dict[str, list[Entry]] = {scope: [] for scope in Scope}
        self._last: dict[tuple[str, str], int] = {}
        self._strays: list[Assignment] = []
        self._includes: list[Inclusion] = []
        self._gaps: list[Span] = []
        self._nuls: list[Span] = []
        self._malformed: list[Refusal] = []

    def read(self, part: Part, ini: Ini, above: tuple[Part, ...]) -> None:
        """Reads a part that stands in others. The section that it ends in goes on behind it."""
        self._parts.append(part)
        self._nuls += [ini.nul] if ini.nul else []
        for section in ini.sections:
            if section.header:
                self._open(section.header)
            for statement in section.statements:
                match statement:
                    case Assignment():
                        self._assign(statement)
                    case Include(path):
                        self._include(path, (*above, part))
                    case Gap(span):
                        if self._section in {None, Scope.PGBOUNCER}:
                            self._leave_gap(span)
                    case Refused(refusal):
                        self._malformed.append(refusal)

    def config(self) -> PgBouncerConfig:
        """What all that was read comes to."""
        if Scope.PGBOUNCER not in {header.value for header in self._headers}:
            whole = self._parts[0].region
            self._leave_gap(whole._replace(start=whole.end))
        databases, users, peers = (
            tuple(self._entries[scope]) for scope in (Scope.DATABASE, Scope.USER, Scope.PEER)
        )
        read_at_start = (*(entry for entry in databases if entry.name.value != FALLBACK), *users, *peers)
        config = PgBouncerConfig(
            parts=tuple(dict.fromkeys(self._parts)),
            headers=tuple(self._headers),
            settings=tuple(self._settings),
            databases=databases,
            users=users,
            peers=peers,
            strays=tuple(self._strays),
            includes=tuple(self._includes),
            gaps=tuple(self._gaps),
            nuls=tuple(self._nuls),
            settings_in_effect={name: self._settings[at].value for name, at in self._in_effect.items()},
            users_in_effect={user.name.value: user for user in users if user.in_effect},
            settled=frozenset(self._settled),
            is_reset=self._is_reset,
            is_literal=self._is_literal,
            malformed=(*self._malformed, *(entry.fault for entry in read_at_start if entry.fault)),
        )
        return config._replace(refusals=tuple(refusals(config)))

    def _open(self, header: Located[str]) -> None:
        self._headers.append(header)
        self._section = header.value
        if has_template(header.value) and not self._is_literal:
            self._leave_gap(header.span)
        if header.value == Scope.PGBOUNCER:
            self._is_reset = True
            for name in [name for name in self._in_effect if not outlives_header(name)]:
                at = self._in_effect.pop(name)
                self._settings[at] = self._settings[at]._replace(reset_by=header)
                self._settled.discard(name)

    def _assign(self, assignment: Assignment) -> None:
        if self._section == Scope.PGBOUNCER:
            self._set(*assignment)
        elif self._section in self._entries:
            self._enter(self._section, assignment)
        elif self._section is None and not self._gaps:
            self._strays.append(assignment)

    def _set(self, name: Located[str], value: Located[str]) -> None:
        before = self._in_effect.get(name.value)
        if before is not None:
            self._settings[before] = self._settings[before]._replace(replaced_by=name)
        self._in_effect[name.value] = len(self._settings)
        self._settled.add(name.value)
        self._settings.append(Setting(name, value))

    def _enter(self, scope: str, assignment: Assignment) -> None:
        name, written = assignment
        string = read_connection_string(written, is_literal=self._is_literal)
        entries = self._entries[scope]
        # Peers are told apart by their numbers.
        key = scope, str(c_number.leading(name.value)) if scope == Scope.PEER else name.value
        kept: tuple[Parameter, ...] = ()
        if key in self._last:
            before = entries[self._last[key]]
            entries[self._last[key]] = before._replace(in_effect=False)
            is_named = scope == Scope.DATABASE and name.value != FALLBACK
            if is_named and not any(each.name.value == "user" for each in string.parameters):
                kept = _credentials(before)
        self._last[key] = len(entries)
        in_effect = True
        entries.append(
            Entry(
                *assignment, string.parameters, in_effect, string.comment, string.fault, string.is_complete, kept
            )
        )

    def _include(self, path: Located[str], above: tuple[Part, ...]) -> None:
        if has_template(path.value) and not self._is_literal:
            self._includes.append(unseen(path))
            self._leave_gap(path.span)
            return
        inclusion = self._find(path)
        if isinstance(inclusion.found, Part) and (reason := _too_deep(inclusion.found, above)):
            self._malformed.append(Refusal(Cause.INCLUDE, path, reason))
            inclusion = inclusion._replace(found=Absent.UNSEEN)
        self._followed += 1
        if self._followed > MOST_INCLUDES:
            inclusion = unseen(path)
        self._includes.append(inclusion)
        if isinstance(inclusion.found, Part):
            self.read(inclusion.found, read_ini(*inclusion.found, is_literal=self._is_literal), above)
        elif inclusion.found is Absent.UNSEEN:
            self._leave_gap(path.span)

    def _leave_gap(self, span: Span) -> None:
        self._gaps.append(span)
        self._settled.clear()
        self._is_reset = False


def _credentials(entry: Entry) -> tuple[Parameter, ...]:
    """The user and the password by which an entry logs in, where it names a user. PgBouncer, parse_database()."""
    parameters = (*entry.kept, *entry.parameters)
    if not any(name.value == "user" for name, _ in parameters):
        return ()
    own = entry.parameters if any(name.value == "user" for name, _ in entry.parameters) else entry.kept
    return tuple(each for each in own if each.name.value in {"user", "password"})


def _too_deep(part: Part, above: tuple[Part, ...]) -> str | None:
    """Why a part cannot stand inside the others; None where it can."""
    if part in above:
        return f"PgBouncer refuses this include, {DEEPEST} levels deep: {part.region.path} includes itself"
    if len(above) > DEEPEST:
        return f"PgBouncer refuses this include: it is more than {DEEPEST} levels deep"
    return None


def _is_for_pgbouncer(sections: Iterable[Section], name: str) -> bool:
    """Whether an ini is PgBouncer's, and not an inventory or a client's settings with a section of that name."""
    scopes = [(section.header.value.strip().lower(), section) for section in sections if section.header]
    if name.lower().startswith("pgbouncer"):
        return not scopes or any(scope in set(Scope) for scope, _ in scopes)
    return any(
        _is_pgbouncers_own(scope, assignment) for scope, section in scopes for assignment in section.assignments
    )


def _is_pgbouncers_own(scope: str, assignment: Assignment) -> bool:
    """Whether nobody but PgBouncer has such an assignment in a section of such a name."""
    if scope == Scope.DATABASE:
        return any(
            known(Scope.DATABASE, name.value) for name, _ in read_connection_string(assignment.value).parameters
        )
    name = assignment.name.value
    return scope == Scope.PGBOUNCER and known(Scope.PGBOUNCER, name) is not None and name not in _OF_ANY_PROGRAM
