"""What a pgbouncer.ini means: settings, entries, and what is in effect of them."""

import os.path
import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar

from poolcheck.read.fault import SyntaxFault
from poolcheck.read.pgbouncer import c_number
from poolcheck.read.pgbouncer.connection_string import Parameter, read_connection_string
from poolcheck.read.pgbouncer.hosts import hosts_of, is_near
from poolcheck.read.pgbouncer.ini import Assignment, Ini, Section, read_ini
from poolcheck.read.pgbouncer.settings import Kind, Scope, Version, known
from poolcheck.read.template import has_template
from poolcheck.source import Located, Source, Span

__all__ = [
    "Effective",
    "Entry",
    "Parameter",
    "PgBouncerConfig",
    "PoolMode",
    "Setting",
    "Version",
    "read_embedded",
    "read_pgbouncer",
]

T = TypeVar("T")

_LISTED = re.compile(r"[^, \t\n\v\f\r]+")

FALLBACK = "*"
"""The entry of [databases] for every name that has none; its string is not read before a client asks for one."""

_OF_ANY_PROGRAM = frozenset({"logfile", "pidfile", "syslog", "user", "verbose"})
"""Settings that another program may have, too, about itself or about the PgBouncer that it connects to."""


class PoolMode(StrEnum):
    """When a server connection goes back to its pool: at the end of the session, transaction or statement."""

    SESSION = "session"
    TRANSACTION = "transaction"
    STATEMENT = "statement"


class Effective(NamedTuple, Generic[T]):
    """A value that PgBouncer works with, and the place that says so; no place where it is PgBouncer's default."""

    value: T
    span: Span | None


class Setting(NamedTuple):
    """One line of [pgbouncer]; not in effect where a later line, or a later [pgbouncer] header, undoes it."""

    name: Located[str]
    value: Located[str]
    in_effect: bool


class Entry(NamedTuple):
    """One database, user or peer; not in effect where a later line of the same name takes its place.

    Its parameters are those up to what PgBouncer refuses, the `fault`, and up to what looks like a comment, of
    which PgBouncer knows nothing. It is not complete where a template may bring in more.
    """

    name: Located[str]
    text: Located[str]
    parameters: tuple[Parameter, ...]
    in_effect: bool
    comment: Located[str] | None
    fault: SyntaxFault | None
    is_complete: bool

    def parameter(self, *names: str) -> Located[str] | None:
        """The value of the last parameter with one of these names."""
        return next((value for name, value in reversed(self.parameters) if name.value in names), None)


class PgBouncerConfig(NamedTuple):
    """A pgbouncer.ini: a file, or a part of one.

    `text` is that of `span`. The place of a header is that of its brackets. Settings of [pgbouncer] may come in at
    each of the `gaps`: an include, a template, and the end of a file that has no such section and may be included.
    """

    span: Span
    text: str
    headers: tuple[Located[str], ...]
    settings: tuple[Setting, ...]
    databases: tuple[Entry, ...]
    users: tuple[Entry, ...]
    peers: tuple[Entry, ...]
    includes: tuple[Located[str], ...]
    gaps: tuple[Span, ...]
    settings_in_effect: Mapping[str, Located[str]]
    users_in_effect: Mapping[str, Entry]
    version: Version | None = None

    def line(self, place: Span) -> Located[str]:
        """The whole line, or lines, that a place is on, with the line break."""
        start = self.text.rfind("\n", 0, place.start - self.span.start) + 1
        end = self.text.find("\n", place.end - self.span.start) + 1 or len(self.text)
        span = Span(self.span.path, self.span.start + start, self.span.start + end)
        return Located(self.text[start:end], span)

    def is_unknown(self, name: str) -> bool:
        """Whether a template fills the setting in, or may set it further down, as may an include."""
        written = self.settings_in_effect.get(name)
        if written is None:
            return bool(self.gaps)
        return has_template(written.value) or (bool(self.gaps) and self.gaps[-1].start > written.span.start)

    def setting(self, name: str) -> Located[str] | None:
        """The text in effect; None where the setting is unset or unknown."""
        return None if self.is_unknown(name) else self.settings_in_effect.get(name)

    def integer(self, name: str) -> Located[int] | None:
        """The number that PgBouncer makes of a setting; None where it is unset, unknown or refused."""
        fact, written = known(Scope.PGBOUNCER, name), self.setting(name)
        if fact is None or written is None:
            return None
        number = (c_number.unsigned if fact.kind is Kind.UNSIGNED else c_number.signed)(written.value)
        return None if number is None else Located(number, written.span)

    def seconds(self, name: str) -> Located[float] | None:
        """The time that PgBouncer makes of a setting; None where it is unset, unknown or refused."""
        written = self.setting(name)
        time = c_number.seconds(written.value) if written else None
        return Located(time, written.span) if written and time is not None else None

    def effective_integer(self, name: str) -> Effective[int] | None:
        """The number PgBouncer works with; None where it is unknown or refused, or versions differ about it."""
        if name in self.settings_in_effect:
            number = self.integer(name)
            return Effective(number.value, number.span) if number else None
        default = self._default(name)
        built_in = c_number.signed(default) if default else None
        return None if built_in is None else Effective(built_in, None)

    def effective_seconds(self, name: str) -> Effective[float] | None:
        """The time PgBouncer works with; None where it is unknown or refused, or versions differ about it."""
        if name in self.settings_in_effect:
            time = self.seconds(name)
            return Effective(time.value, time.span) if time else None
        default = self._default(name)
        built_in = c_number.seconds(default) if default else None
        return None if built_in is None else Effective(built_in, None)

    def effective_text(self, name: str) -> Effective[str] | None:
        """The text PgBouncer works with, "" where it has none; None where unknown, or versions differ about it."""
        if name in self.settings_in_effect:
            written = self.setting(name)
            return Effective(written.value, written.span) if written else None
        fact = known(Scope.PGBOUNCER, name)
        if fact is None or self.is_unknown(name):
            return None
        if fact.changed and self.version is None:
            return None
        return Effective(fact.default_in(self.version) or "", None)

    def words(self, name: str) -> tuple[Located[str], ...] | None:
        """The words of a list such as ignore_startup_parameters, cut at commas and blanks; None where unknown."""
        if self.is_unknown(name):
            return None
        written = self.settings_in_effect.get(name)
        if written is None:
            return ()
        path, start, _ = written.span
        return tuple(
            Located(word[0], Span(path, start + word.start(), start + word.end()))
            for word in _LISTED.finditer(written.value)
        )

    def listens_on(self) -> tuple[Located[str], ...] | None:
        """The addresses that clients reach it on by TCP: none where only its Unix socket; None where unknown."""
        if self.is_unknown("listen_addr"):
            return None
        written = self.settings_in_effect.get("listen_addr")
        return hosts_of(written) if written else ()

    def exposed_on(self) -> Located[str] | None:
        """The first address that clients of other machines reach it on; None where none is seen."""
        return next((address for address in self.listens_on() or () if not is_near(address.value)), None)

    def is_before(self, version: Version) -> bool:
        """Whether it is known to run in an older PgBouncer."""
        return self.version is not None and self.version < version

    def is_since(self, version: Version) -> bool:
        """Whether it is known to run in this PgBouncer or a newer one."""
        return self.version is not None and self.version >= version

    def pool_mode(self, entry: Entry | None = None) -> Effective[PoolMode] | None:
        """The mode of a database's pools, without a database that of [pgbouncer]; None where unknown or refused.

        The user whom a database names may have a mode in [users], which counts from 1.23 on; while the version is
        not known, it must make no difference. The modes of users who log in themselves are not looked at.
        """
        if entry is None:
            return self._pool_mode_of_all()
        own = _stated(entry, "pool_mode")
        mode = _pool_mode(own) if own else self._pool_mode_of_all()
        of_user = _stated(self._user_of(entry), "pool_mode")
        if of_user is None or (self.version is not None and self.version < (1, 23)):
            return mode
        users_mode = _pool_mode(of_user)
        if self.version is None and (mode is None or users_mode is None or mode.value is not users_mode.value):
            return None
        return users_mode

    def pool_modes(self) -> Iterator[Effective[PoolMode] | None]:
        """The modes of the pools that are seen: those of the databases, and of users who have one of their own."""
        databases = [entry for entry in self.databases if entry.in_effect]
        users = [user for user in self.users if user.in_effect and user.parameter("pool_mode")]
        if all(entry.parameter("user") for entry in databases):
            users = []
        entries = [*databases, *users]
        yield from map(self.pool_mode, entries) if entries else (self.pool_mode(),)

    def pool_size(self, entry: Entry) -> Effective[int] | None:
        """The server connections of one pool of a database, without the reserve; None where unknown or refused.

        0 or less is one connection up to 1.23, and no limit from 1.24 on. The sizes of users who log in themselves
        are not looked at.
        """
        return self._size(entry, "default_pool_size", "pool_size")

    def reserve_pool_size(self, entry: Entry) -> Effective[int] | None:
        """The server connections that one pool of a database may open on top; otherwise as `pool_size`."""
        return self._size(entry, "reserve_pool_size", "reserve_pool_size", "reserve_pool")

    def _default(self, name: str) -> str | None:
        """The default of a setting that is not set; None where it may be set, or versions differ about it."""
        fact = known(Scope.PGBOUNCER, name)
        return fact.default_in(self.version) if fact and not self.is_unknown(name) else None

    def _pool_mode_of_all(self) -> Effective[PoolMode] | None:
        if self.is_unknown("pool_mode"):
            return None
        written = self.settings_in_effect.get("pool_mode")
        return _pool_mode(written) if written else Effective(PoolMode.SESSION, None)

    def _size(self, entry: Entry, inherited: str, *names: str) -> Effective[int] | None:
        for stated in (_stated(self._user_of(entry), *names), _stated(entry, *names)):
            if stated and has_template(stated.value):
                return None
            if stated and (size := c_number.leading(stated.value)) >= 0:
                return Effective(size, stated.span)
        return self.effective_integer(inherited)

    def _user_of(self, entry: Entry) -> Entry | None:
        """The [users] entry of the user whom an entry names; one that says nothing where a template names it."""
        user = entry.parameter("user")
        if user is None:
            return None
        if has_template(user.value) and self.users:
            return entry._replace(text=user, parameters=(), is_complete=False)
        return self.users_in_effect.get(user.value)


def read_pgbouncer(source: Source) -> Iterator[PgBouncerConfig | SyntaxFault]:
    """What a whole file says. Includes are not followed; nothing is said of a file that is none of PgBouncer's."""
    yield from read_embedded(source, Span(source.path, 0, len(source.text)), os.path.basename(source.path))


def read_embedded(source: Source, region: Span, name: str) -> Iterator[PgBouncerConfig | SyntaxFault]:
    """What a part of a file says that becomes a file of this name: a block scalar, in which lines are indented."""
    ini = read_ini(source, region)
    if not _is_for_pgbouncer(ini.sections, name):
        return
    headers = tuple(section.header for section in ini.sections if section.header)
    settings = _settings(ini.sections)
    databases, users, peers = (_entries(ini.sections, scope) for scope in (Scope.DATABASE, Scope.USER, Scope.PEER))
    yield from ini.faults
    read_at_start = (*(entry for entry in databases if entry.name.value != FALLBACK), *users, *peers)
    yield from (entry.fault for entry in read_at_start if entry.fault)
    yield PgBouncerConfig(
        span=region,
        text=source.text[region.start : region.end],
        headers=headers,
        settings=settings,
        databases=databases,
        users=users,
        peers=peers,
        includes=ini.includes,
        gaps=_gaps(ini, region),
        settings_in_effect={setting.name.value: setting.value for setting in settings if setting.in_effect},
        users_in_effect={user.name.value: user for user in users if user.in_effect},
    )


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


def _settings(sections: Iterable[Section]) -> tuple[Setting, ...]:
    """The lines of all [pgbouncer] sections. Each header sets what has a built-in default back to it."""
    written: list[Assignment] = []
    in_effect: dict[str, Assignment] = {}
    for section in sections:
        if _is(section, Scope.PGBOUNCER):
            in_effect = {name: setting for name, setting in in_effect.items() if _outlives_header(name)}
            in_effect |= {assignment.name.value: assignment for assignment in section.assignments}
            written += section.assignments
    return tuple(Setting(name, value, in_effect.get(name.value) == (name, value)) for name, value in written)


def _entries(sections: Iterable[Section], scope: Scope) -> tuple[Entry, ...]:
    written = [assignment for section in sections if _is(section, scope) for assignment in section.assignments]
    last = {name.value: name.span for name, _ in written}
    return tuple(
        _entry(assignment, in_effect=last[assignment.name.value] == assignment.name.span) for assignment in written
    )


def _entry(assignment: Assignment, *, in_effect: bool) -> Entry:
    string = read_connection_string(assignment.value)
    return Entry(*assignment, string.parameters, in_effect, string.comment, string.fault, string.is_complete)


def _gaps(ini: Ini, region: Span) -> tuple[Span, ...]:
    own = [section for section in ini.sections if section.header is None or _is(section, Scope.PGBOUNCER)]
    end = () if any(section.header for section in own) else (region._replace(start=region.end),)
    gaps = (*(gap for section in own for gap in section.gaps), *(include.span for include in ini.includes), *end)
    return tuple(sorted(gaps))


def _is(section: Section, scope: Scope) -> bool:
    return section.header is not None and section.header.value == scope


def _outlives_header(name: str) -> bool:
    """Whether PgBouncer knows the setting and has no default to set it back to. libusual, fill_defaults()."""
    fact = known(Scope.PGBOUNCER, name)
    return fact is not None and fact.default is None


def _stated(entry: Entry | None, *names: str) -> Located[str] | None:
    """What an entry says about a parameter with one of these names; all its text where a template may say it."""
    if entry is None:
        return None
    return entry.parameter(*names) or (None if entry.is_complete else entry.text)


def _pool_mode(written: Located[str]) -> Effective[PoolMode] | None:
    """None where PgBouncer refuses the word, or a template stands for it."""
    word = written.value.lower()
    return Effective(PoolMode(word), written.span) if word in set(PoolMode) else None
