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
_USERS = ("USER", "USERNAME")
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


class Variable(NamedTuple):
    """A variable, and where a container is given it."""

    name: str
    given_at: Span


class Named(NamedTuple):
    """An address that a `variable` holds, and where its host is written.

    Its host and its port are but defaults where they are `by_default`. The port may be in a variable of its own,
    `port`. Where only the host is named, it may not be told: then it is not one that `has_port`.
    """

    variable: Variable
    address: Address
    place: Span
    by_default: bool
    has_port: bool = True
    port: Variable | None = None


def addresses_in(environment: Environment) -> Iterator[Named]:
    """The addresses of PostgreSQL servers, or of what stands before them. Passwords are left out."""
    for variable, value in environment.variables.items():
        if not value.places:
            continue
        own = Variable(variable, value.places[0])
        found = _in_url(own, value) or _of_host(own, value, environment)
        if found and found.address.host and not found.address.host.startswith("/"):
            yield found


def addresses_in_command(container: Container, environment: Environment) -> Iterator[Named]:
    """Those in the words of its command."""
    for word in (*(container.command or ()), *(container.args or ())):
        value = expand(word, environment.get)
        for url in _URL.finditer(text_of(settled(value))):
            address = _parsed(url[0])
            if address and address.host:
                is_written = address.host in text_of(value)
                yield Named(Variable(COMMAND, word.span), address, word.span, not is_written)


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


def _in_url(own: Variable, value: Value) -> Named | None:
    """An address in a URL, a JDBC URL, or a string of pairs."""
    address = _parsed(text_of(settled(value)))
    if address is None or address.dialect != _POSTGRES:
        return None
    written = _parsed(text_of(value))
    is_written = written is not None and (written.host, written.port) == (address.host, address.port)
    return Named(own, address, origin_of(address.host or "", value), not is_written)


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


def _of_host(own: Variable, value: Value, environment: Environment) -> Named | None:
    """An address that is parted among variables: `DB_HOST`, `DB_PORT`, `DB_NAME` and `DB_USER`."""
    stem = _stem(own.name)
    place = None if stem is None else _PLACE.fullmatch(text_of(settled(value)))
    if stem is None or place is None:
        return None
    beside = None if place["port"] else environment.variables.get(f"{stem}PORT")
    port = place["port"] or ("" if beside is None else text_of(settled(beside)))
    address = Address(
        _POSTGRES,
        "",
        _beside(stem, _USERS, environment),
        place["host"],
        port if port.isdecimal() or not port else None,
        _beside(stem, _DATABASES, environment),
        {},
    )
    is_written = text_of(value) == text_of(settled(value)) and (beside is None or text_of(beside) == port)
    port_variable = Variable(f"{stem}PORT", beside.places[0]) if beside is not None and beside.places else None
    return Named(own, address, origin_of(place["host"], value), not is_written, port != "", port_variable)


def _beside(stem: str, ends: tuple[str, ...], environment: Environment) -> str | None:
    """What a variable holds that belongs to a host's: `DB_NAME` to `DB_HOST`, `PGUSER` to `PGHOST`."""
    values = (environment.variables.get(stem + end) for end in ends)
    value = next((each for each in values if each is not None), None)
    return None if value is None else _known(text_of(settled(value)))


def _known(text: str) -> str | None:
    return None if HOLE in text else text


def _first(pairs: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((pairs[name] for name in names if name in pairs), None)
