"""The addresses of databases that the variables of an environment hold, told by their form or by their names."""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from poolcheck.link.stacks import settled
from poolcheck.read.kubernetes.environment import Environment, expand
from poolcheck.read.kubernetes.manifest import Container
from poolcheck.read.python.pools.url import Address, parse
from poolcheck.source import Span
from poolcheck.value import HOLE, Value, origin_of, text_of

_END = re.compile(r"(?:HOST|HOSTNAME|HOST_NAME|SERVER|ADDR|ADDRESS)$", re.IGNORECASE)
_OF_DATABASES = ("DATABASE", "DB", "PG", "POSTGRES", "PSQL", "SQL")
"""How a variable is called that names the host of a database; it is one only where the host is known to be."""
_PORTS, _USERS = ("PORT",), ("USER", "USERNAME")
_DATABASES = ("NAME", "DATABASE", "DB", "DBNAME", "DATABASE_NAME", "DB_NAME")
COMMAND = "the command"
_URL = re.compile(r"(?:postgres|postgresql|pgx[45]?)://[^\s'\"]+")
_JDBC = "jdbc:"
_POSTGRES = "postgresql"
_DIALECTS = frozenset({_POSTGRES, "pgsql", "pgx", "pgx4", "pgx5", "postgis", "psql"})
"""What the URLs begin with that lead to PostgreSQL."""
_HOSTS_OF_NET, _USERS_OF_NET = ("host", "server"), ("username", "user id", "userid", "uid", "user")
_ENDS_OF_URLS = ("DATABASE_URL", "DATABASE_URI", "DB_URL", "DB_URI", "POSTGRES_URL", "DSN", "CONNECTION_STRING")
_PLACE = re.compile(r"(?P<host>[A-Za-z0-9][\w.-]*)(?::(?P<port>\d+))?")


class Named(NamedTuple):
    """An address that a variable holds, and where its host is written.

    Its host and its port are but defaults where they are `by_default`. Where only the host is named,
    `has_port` tells whether its port is, too.
    """

    variable: str
    address: Address
    place: Span
    used_at: Span
    by_default: bool
    has_port: bool


def addresses_in(environment: Environment) -> Iterator[Named]:
    """The addresses of PostgreSQL servers, or of what stands before them. Passwords are left out."""
    for variable, value in environment.variables.items():
        if not value.places:
            continue
        found = _in_url(value) or _of_host(variable, value, environment)
        if found and found[0].host and not found[0].host.startswith("/"):
            address, by_default, has_port = found
            place = origin_of(address.host or "", value)
            yield Named(variable, address, place, value.places[0], by_default, has_port)


def addresses_in_command(container: Container, environment: Environment) -> Iterator[Named]:
    """Those in the words of its command."""
    for word in (*(container.command or ()), *(container.args or ())):
        value = expand(word, environment.get)
        for url in _URL.finditer(text_of(settled(value))):
            address = _parsed(url[0])
            if address and address.host:
                is_written = address.host in text_of(value)
                yield Named(COMMAND, address, word.span, word.span, not is_written, has_port=True)


def has_unknown_address(environment: Environment) -> bool:
    """Whether a variable may hold an address which no file shows."""
    values = ((name, text_of(settled(value))) for name, value in environment.variables.items())
    return bool(environment.hidden) or any(
        _may_be_address(name) and HOLE in _host_of(text) for name, text in values
    )


def _may_be_address(variable: str) -> bool:
    is_url = variable.upper().endswith(_ENDS_OF_URLS) and "SENTRY" not in variable.upper()
    return is_url or _stem(variable) is not None


def _stem(variable: str) -> str | None:
    """What others beside it begin with, too, `DB_` of `DB_HOST`; None where it names no host of a database."""
    end = _END.search(variable)
    stem = variable[: end.start()] if end else ""
    parts = stem.upper().split("_")
    return stem if any(part.startswith(_OF_DATABASES) for part in parts) else None


def _host_of(text: str) -> str:
    address = _parsed(text)
    if address is None:
        return text
    return HOLE if address.host is None else address.host


def _in_url(value: Value) -> tuple[Address, bool, bool] | None:
    """An address in a URL, a JDBC URL, or a string of pairs."""
    address = _parsed(text_of(settled(value)))
    if address is None or address.dialect != _POSTGRES:
        return None
    written = _parsed(text_of(value))
    is_written = written is not None and (written.host, written.port) == (address.host, address.port)
    return address, not is_written, True


def _parsed(text: str) -> Address | None:
    text = text.removeprefix(_JDBC)
    if "://" in text:
        address = parse(text)
        return address._replace(dialect=_POSTGRES) if address and address.dialect in _DIALECTS else None
    if ";" in text and "=" in text:
        return _of_pairs(text)
    if "=" in text and (address := parse(text)) and address.host and address.database:
        return address
    return None


def _of_pairs(text: str) -> Address | None:
    """`Host=db;Port=5432;Database=shop;Username=web`, which .NET's driver takes."""
    parts = (part.partition("=") for part in text.split(";"))
    pairs: Mapping[str, str] = {key.strip().lower(): value.strip() for key, _, value in parts}
    host, database = _first(pairs, _HOSTS_OF_NET), pairs.get("database")
    place = _PLACE.fullmatch(host or "")
    if not place or database is None or ("port" not in pairs and "host" not in pairs):
        return None
    port = place["port"] or pairs.get("port", "")
    user = _first(pairs, _USERS_OF_NET)
    return Address(_POSTGRES, "", _known(user or ""), place["host"], _known(port), _known(database), {})


def _of_host(variable: str, value: Value, environment: Environment) -> tuple[Address, bool, bool] | None:
    """An address that is parted among variables: `DB_HOST`, `DB_PORT`, `DB_NAME` and `DB_USER`."""
    stem = _stem(variable)
    place = None if stem is None else _PLACE.fullmatch(text_of(settled(value)))
    if stem is None or place is None:
        return None
    beside = _beside(stem, _PORTS, environment)
    port = place["port"] or ("" if beside is None else text_of(settled(beside)))
    database, user = _beside(stem, _DATABASES, environment), _beside(stem, _USERS, environment)
    address = Address(
        _POSTGRES,
        "",
        _text(user),
        place["host"],
        port if port.isdecimal() or not port else None,
        _text(database),
        {},
    )
    is_written = text_of(value) == text_of(settled(value)) and (beside is None or text_of(beside) == port)
    return address, not is_written, port != ""


def _beside(stem: str, ends: tuple[str, ...], environment: Environment) -> Value | None:
    """The variable that belongs to a host's: `DB_PORT` to `DB_HOST`, `PGPORT` to `PGHOST`."""
    names = (stem + end for end in ends)
    return next((found for name in names if (found := environment.variables.get(name)) is not None), None)


def _text(value: Value | None) -> str | None:
    return None if value is None else _known(text_of(settled(value)))


def _known(text: str) -> str | None:
    return None if HOLE in text else text


def _first(pairs: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((pairs[name] for name in names if name in pairs), None)
