"""What a pgbouncer.ini means: settings, entries, and what is in effect of them."""

import re
from collections.abc import Iterator, Mapping
from enum import Enum, StrEnum, auto
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from poolcheck.read.pgbouncer import c_number
from poolcheck.read.pgbouncer.connection_string import Parameter
from poolcheck.read.pgbouncer.hosts import hosts_of, is_near
from poolcheck.read.pgbouncer.ini import Assignment
from poolcheck.read.pgbouncer.refusal import Cause, Refusal
from poolcheck.read.pgbouncer.releases import is_older
from poolcheck.read.pgbouncer.rendered import Rendered
from poolcheck.read.pgbouncer.settings import Kind, Scope, Version, known
from poolcheck.read.template import has_template
from poolcheck.source import Located, Source, Span

if TYPE_CHECKING:
    from poolcheck.read.pgbouncer.userlist import Userlist

__all__ = [
    "Effective",
    "Entry",
    "Parameter",
    "PgBouncerConfig",
    "PoolMode",
    "Setting",
    "Version",
]

T = TypeVar("T")

_LISTED = re.compile(r"[^, \t\n\v\f\r]+")

FALLBACK = "*"
"""The entry of [databases] for every name that has none; its string is not read before a client asks for one."""


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
    """One line of [pgbouncer], and what undoes it: a later [pgbouncer] header, or a later line of its name."""

    name: Located[str]
    value: Located[str]
    reset_by: Located[str] | None = None
    replaced_by: Located[str] | None = None

    @property
    def in_effect(self) -> bool:
        """Whether nothing undoes it."""
        return self.reset_by is None and self.replaced_by is None


class Entry(NamedTuple):
    """One database, user or peer; not in effect where a later line of the same name takes its place.

    What takes the place of a database keeps its `user` and its `password`, unless it names a user: then they stand
    in `kept`. Its parameters are those up to what PgBouncer refuses, the `fault`, and up to what looks like a
    comment, of which PgBouncer knows nothing. It is not complete where a template may bring in more.
    """

    name: Located[str]
    text: Located[str]
    parameters: tuple[Parameter, ...]
    in_effect: bool
    comment: Located[str] | None
    fault: Refusal | None
    is_complete: bool
    kept: tuple[Parameter, ...] = ()

    def parameter(self, *names: str) -> Located[str] | None:
        """The value of the last parameter with one of these names."""
        together = (*self.kept, *self.parameters)
        return next((value for name, value in reversed(together) if name.value in names), None)


class Part(NamedTuple):
    """A file, or the region of a file, that holds a configuration or a part of one."""

    source: Source
    region: Span

    @property
    def text(self) -> str:
        """What stands in it."""
        return self.source.text[self.region.start : self.region.end]


class Absent(Enum):
    """Why there is nothing to include: no file, a folder, which is read as nothing, or a file that is not seen."""

    MISSING = auto()
    FOLDER = auto()
    UNSEEN = auto()


class Inclusion(NamedTuple):
    """One `%include`: the path it names, and what is found under it.

    The path is relative to the folder that PgBouncer is started in. It `is_assumed` that this is the one where the
    file is, if nothing says so.
    """

    path: Located[str]
    found: Part | Absent
    is_assumed: bool = False


class PgBouncerConfig(NamedTuple):
    """A pgbouncer.ini with what it includes: a file, or a part of one.

    The place of a header is that of its brackets. `strays` stand before any header. Settings of [pgbouncer] may
    come in at each of the `gaps`: an include that is not seen, a template, and the end of a file that has no such
    section and may be included. `settled` are the settings in effect that no gap follows; it `is_reset` where no
    gap follows the last [pgbouncer] header. Nothing in it is a template where it `is_literal`. Each file is read
    up to its first NUL: `nuls`. `refusals` are what PgBouncer of this `version` refuses, the newest where it is
    None; those that are `malformed`, every version. `userlist` is the auth_file, where that is found. It is
    `rendered` where its text stands in no file.
    """

    parts: tuple[Part, ...]
    headers: tuple[Located[str], ...]
    settings: tuple[Setting, ...]
    databases: tuple[Entry, ...]
    users: tuple[Entry, ...]
    peers: tuple[Entry, ...]
    strays: tuple[Assignment, ...]
    includes: tuple[Inclusion, ...]
    gaps: tuple[Span, ...]
    nuls: tuple[Span, ...]
    settings_in_effect: Mapping[str, Located[str]]
    users_in_effect: Mapping[str, Entry]
    settled: frozenset[str]
    is_reset: bool
    is_literal: bool
    malformed: tuple[Refusal, ...]
    refusals: tuple[Refusal, ...] = ()
    version: Version | None = None
    userlist: "Userlist | None" = None
    rendered: Rendered | None = None

    @property
    def span(self) -> Span:
        """Where it stands, without what it includes."""
        return self.parts[0].region

    @property
    def unset_place(self) -> Span:
        """The header under which a setting of [pgbouncer] would stand that is not set."""
        own = (header.span for header in self.headers if header.value == "pgbouncer")
        return next(own, self.span._replace(end=self.span.start))

    @property
    def text(self) -> str:
        """The text of `span`."""
        return self.parts[0].text

    def is_filled_in(self, text: str) -> bool:
        """Whether a template makes something else of a text before PgBouncer reads it."""
        return not self.is_literal and has_template(text)

    @property
    def is_embedded(self) -> bool:
        """Whether it stands in a manifest."""
        main = self.parts[0]
        return self.rendered is not None or self.span.end - self.span.start < len(main.source.text)

    @property
    def is_generated(self) -> bool:
        """Whether a script or an operator writes it: what it says of itself, nobody has chosen."""
        return self.rendered is not None and len(self.rendered.pieces) > 1

    def refused(self, *causes: Cause) -> Iterator[Refusal]:
        """What is refused for one of these causes."""
        return (refusal for refusal in self.refusals if refusal.cause in causes)

    def line(self, place: Span) -> Located[str]:
        """The whole line, or lines, that a place is on, with the line break."""
        source, region = next(
            part
            for part in self.parts
            if part.region.path == place.path and part.region.start <= place.start <= part.region.end
        )
        start = max(source.text.rfind("\n", 0, place.start) + 1, region.start)
        end = min(source.text.find("\n", place.end) + 1 or len(source.text), region.end)
        return Located(source.text[start:end], Span(place.path, start, end))

    def is_unknown(self, name: str) -> bool:
        """Whether a template fills the setting in, or a gap may set it."""
        written = self.settings_in_effect.get(name)
        if written is None:
            return bool(self.gaps) and (not self.is_reset or outlives_header(name))
        return self.is_filled_in(written.value) or name not in self.settled

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
        """Whether it is known to run in an older PgBouncer. 1.24 is not older than 1.24.1, which it may be."""
        return is_older(self.version, version)

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

        0 or less is no limit from 1.24 on; up to 1.23 it is one connection, and none once that was idle. The sizes
        of users who log in themselves are not looked at.
        """
        return self._size(entry, "default_pool_size", "pool_size")

    def reserve_pool_size(self, entry: Entry) -> Effective[int] | None:
        """The server connections that one pool of a database may open on top; otherwise as `pool_size`."""
        return self._size(entry, "reserve_pool_size", "reserve_pool_size", "reserve_pool")

    def min_pool_size(self, entry: Entry) -> Effective[int] | None:
        """The server connections that a pool of a database keeps, up to its size; None where not known."""
        own = _stated(entry, "min_pool_size")
        if own and (own is entry.text or self.is_filled_in(own.value)):
            return None
        if own and (floor := c_number.leading(own.value)) >= 0:
            return Effective(floor, own.span)
        return self.effective_integer("min_pool_size")

    def is_general(self, place: Span | None) -> bool:
        """Whether a value holds for all that have none of their own: a default, or one of [pgbouncer]."""
        return place is None or any(setting.value.span == place for setting in self.settings)

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
            if stated and self.is_filled_in(stated.value):
                return None
            if stated and (size := c_number.leading(stated.value)) >= 0:
                return Effective(size, stated.span)
        return self.effective_integer(inherited)

    def _user_of(self, entry: Entry) -> Entry | None:
        """The [users] entry of the user whom an entry names; one that says nothing where a template names it."""
        user = entry.parameter("user")
        if user is None:
            return None
        if self.is_filled_in(user.value) and self.users:
            return entry._replace(text=user, parameters=(), is_complete=False)
        return self.users_in_effect.get(user.value)


def outlives_header(name: str) -> bool:
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
