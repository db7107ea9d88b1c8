"""What PgBouncer works with when it has read its configuration, and where that is from.

The values are those that its console shows, which cuts times to six digits or, for a database, to whole seconds.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from poolcheck.read.pgbouncer import c_number
from poolcheck.read.pgbouncer.config import FALLBACK, Entry, PgBouncerConfig, Setting
from poolcheck.read.pgbouncer.settings import NEWEST, SETTINGS, Kind, KnownSetting, Scope, known
from poolcheck.read.pgbouncer.startup import LONGEST_USER
from poolcheck.source import Located, Span


class Origin(StrEnum):
    """Where a value is from: the line itself, the entry of a user or a database, [pgbouncer], or nowhere."""

    FILE = "file"
    ENTRY = "entry"
    INHERITED = "inherited"
    DEFAULT = "default"
    UNKNOWN = "unknown"


class InEffect(NamedTuple):
    """One value in effect: None where nothing is set, and where it is unknown.

    `span` is where it is written. `undone` are the lines that say otherwise and do not count.
    """

    name: str
    value: str | None
    origin: Origin
    span: Span | None = None
    default: str | None = None
    undone: tuple[Setting, ...] = ()


class EntryInEffect(NamedTuple):
    """One database, user or peer with its values, and the lines that it took the place of."""

    name: Located[str]
    values: tuple[InEffect, ...]
    replaced: tuple[Entry, ...]


def settings(config: PgBouncerConfig) -> Iterator[InEffect]:
    """Every setting of [pgbouncer] that the version has, the newest where it is not known, by name."""
    undone: dict[str, list[Setting]] = {}
    for setting in config.settings:
        if not setting.in_effect:
            undone.setdefault(setting.name.value, []).append(setting)
    for name, fact in sorted(SETTINGS[Scope.PGBOUNCER].items()):
        if fact.is_in(config.version) and name != "service_name":
            yield _setting(config, fact)._replace(undone=tuple(undone.get(name, ())))


def databases(config: PgBouncerConfig) -> Iterator[EntryInEffect]:
    """The databases in the order of the file; the fallback as it is for those it stands for."""
    for entry, replaced in _in_effect(config.databases):
        yield EntryInEffect(entry.name, tuple(_database(config, entry)), replaced)


def users(config: PgBouncerConfig) -> Iterator[EntryInEffect]:
    """The users of [users] in the order of the file, by what is kept of their names, with what is set for them."""
    for entry, replaced in _in_effect(config.users):
        name = entry.name._replace(value=_kept(entry.name.value))
        yield EntryInEffect(name, tuple(_user(config, entry)), replaced)


def peers(config: PgBouncerConfig) -> Iterator[EntryInEffect]:
    """The peers in the order of the file."""
    for entry, replaced in _in_effect(config.peers):
        size = _number(config, entry, "pool_size", above=-1) or _inherited(
            config, "pool_size", "default_pool_size"
        )
        yield EntryInEffect(
            entry.name, (_text(config, entry, "host"), _port(config, entry, "6432"), size), replaced
        )


def value_of(fact: KnownSetting, text: str) -> str | None:
    """What PgBouncer makes of a value; None where it refuses it."""
    match fact.kind:
        case Kind.INT | Kind.BOOL:
            number = c_number.signed(text)
        case Kind.UNSIGNED:
            number = c_number.unsigned(text)
        case Kind.SECONDS:
            time = c_number.seconds(text)
            return None if time is None else f"{time:.6f}".rstrip("0").rstrip(".")
        case Kind.ENUM:
            return text.lower()
        case _:
            return text
    return None if number is None else str(number)


def _setting(config: PgBouncerConfig, fact: KnownSetting) -> InEffect:
    default = fact.default_in(config.version or NEWEST)
    usual = value_of(fact, default) if default is not None else None
    written = config.settings_in_effect.get(fact.name)
    if config.is_unknown(fact.name):
        return InEffect(fact.name, None, Origin.UNKNOWN, written.span if written else None, usual)
    if written:
        return InEffect(fact.name, value_of(fact, written.value), Origin.FILE, written.span, usual)
    return InEffect(fact.name, usual, Origin.DEFAULT, None, usual)


def _in_effect(entries: tuple[Entry, ...]) -> Iterator[tuple[Entry, tuple[Entry, ...]]]:
    replaced: dict[str, list[Entry]] = {}
    for entry in entries:
        if not entry.in_effect:
            replaced.setdefault(entry.name.value, []).append(entry)
    yield from ((entry, tuple(replaced.get(entry.name.value, ()))) for entry in entries if entry.in_effect)


def _database(config: PgBouncerConfig, entry: Entry) -> Iterator[InEffect]:
    version = config.version or NEWEST
    yield _text(config, entry, "host")
    yield _port(config, entry, "5432")
    name = None if entry.name.value == FALLBACK else entry.name.value
    dbname = _text(config, entry, "dbname")
    yield InEffect("dbname", name, Origin.DEFAULT) if dbname.origin is Origin.DEFAULT else dbname
    yield _user_name(config, entry)
    yield _number(config, entry, "pool_size", above=-1) or _inherited(config, "pool_size", "default_pool_size")
    yield _number(config, entry, "min_pool_size", above=-1) or _inherited(config, "min_pool_size", "min_pool_size")
    yield _number(config, entry, "reserve_pool_size", "reserve_pool", above=-1) or _inherited(
        config, "reserve_pool_size"
    )
    yield _text(config, entry, "pool_mode", lower=True)
    yield _number(config, entry, "max_db_connections", above=0) or _inherited(config, "max_db_connections")
    if version >= (1, 23):
        yield _time(config, entry, "server_lifetime") or _inherited(config, "server_lifetime")
    if version >= (1, 24):
        yield _balance(config, entry)
        name = "max_db_client_connections"
        yield _number(config, entry, name, above=0) or _inherited(config, name)
    if version >= (1, 26):
        yield _wait(config, entry) or _inherited(config, "query_wait_timeout")
    for name in ("application_name", "auth_dbname", "auth_query", "auth_user", "client_encoding", "connect_query"):
        yield from _if_set(config, entry, name)
    yield from _if_set(config, entry, "datestyle")
    yield from _if_set(config, entry, "timezone")


def _user(config: PgBouncerConfig, entry: Entry) -> Iterator[InEffect]:
    for name, fact in SETTINGS[Scope.USER].items():
        if fact.kind is Kind.ENUM:
            mode = _text(config, entry, name, lower=True)
            yield from [mode] if mode.origin is not Origin.DEFAULT else []
        elif name == "query_wait_timeout":
            yield from filter(None, (_wait(config, entry),))
        elif fact.kind is Kind.SECONDS:
            yield from filter(None, (_time(config, entry, name),))
        elif number := _number(config, entry, name, above=-1 if name.endswith("pool_size") else 0):
            yield number


def _if_set(config: PgBouncerConfig, entry: Entry, name: str) -> Iterator[InEffect]:
    value = _text(config, entry, name)
    if value.origin is not Origin.DEFAULT:
        yield value


def _text(config: PgBouncerConfig, entry: Entry, name: str, *, lower: bool = False) -> InEffect:
    written = entry.parameter(name)
    if written is None:
        return InEffect(name, None, Origin.DEFAULT if entry.is_complete else Origin.UNKNOWN)
    if config.is_filled_in(written.value):
        return InEffect(name, None, Origin.UNKNOWN, written.span)
    return InEffect(name, written.value.lower() if lower else written.value, Origin.ENTRY, written.span)


def _port(config: PgBouncerConfig, entry: Entry, default: str) -> InEffect:
    port = _text(config, entry, "port")
    if port.value is not None:
        return port._replace(value=str(c_number.leading(port.value)))
    return port._replace(value=default) if port.origin is Origin.DEFAULT else port


def _user_name(config: PgBouncerConfig, entry: Entry) -> InEffect:
    user = _text(config, entry, "user")
    return user if user.value is None else user._replace(value=_kept(user.value))


def _kept(name: str) -> str:
    """What PgBouncer keeps of the name of a user: the first bytes."""
    return name.encode(errors="surrogateescape")[:LONGEST_USER].decode(errors="surrogateescape")


def _balance(config: PgBouncerConfig, entry: Entry) -> InEffect:
    """How the hosts of a list take turns, which is not shown where there is none."""
    host, balance = _text(config, entry, "host"), _text(config, entry, "load_balance_hosts", lower=True)
    if host.value is None or "," not in host.value:
        return InEffect("load_balance_hosts", None, Origin.DEFAULT)
    return balance._replace(value="round-robin") if balance.origin is Origin.DEFAULT else balance


def _number(config: PgBouncerConfig, entry: Entry, *names: str, above: int) -> InEffect | None:
    """A number of an entry; None where it does not say one, or one so low that another takes its place."""
    written = entry.parameter(*names)
    if written is None:
        return None if entry.is_complete else InEffect(names[0], None, Origin.UNKNOWN)
    if config.is_filled_in(written.value):
        return InEffect(names[0], None, Origin.UNKNOWN, written.span)
    number = c_number.leading(written.value)
    return InEffect(names[0], str(number), Origin.ENTRY, written.span) if number > above else None


def _time(config: PgBouncerConfig, entry: Entry, name: str) -> InEffect | None:
    """A time of an entry; None where it says none, or 0."""
    time = _written_time(config, entry, name)
    return None if time is None or time.value == "0" else time


def _wait(config: PgBouncerConfig, entry: Entry) -> InEffect | None:
    """The query_wait_timeout of an entry, of which 0 takes effect, too; None where it says none."""
    return _written_time(config, entry, "query_wait_timeout")


def _written_time(config: PgBouncerConfig, entry: Entry, name: str) -> InEffect | None:
    """A time of an entry; None where it says none. One below 0 comes round to half a million years."""
    time = _number(config, entry, name, above=-(2**31) - 1)
    if time is None or time.value is None:
        return time
    return time._replace(value=str(int(time.value) * 1_000_000 % 2**64 // 1_000_000))


def _inherited(config: PgBouncerConfig, name: str, setting: str | None = None) -> InEffect:
    """What an entry takes over from a setting of [pgbouncer], which may be called otherwise there."""
    fact = known(Scope.PGBOUNCER, setting or name)
    if fact is None:
        raise KeyError(setting or name)
    value = _setting(config, fact)
    origin = Origin.INHERITED if value.origin is Origin.FILE else value.origin
    return value._replace(name=name, origin=origin)
