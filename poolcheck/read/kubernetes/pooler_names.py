"""What the variables of the images of PgBouncer mean, also those that another image has another name for."""

from collections.abc import Iterator, Mapping
from functools import cache

from poolcheck.read.kubernetes.pooler_images import Family
from poolcheck.read.kubernetes.pooler_scripts import SCRIPTS, Line
from poolcheck.read.pgbouncer.settings import Scope, known

CALLED: Mapping[Family, str] = {
    Family.EDOBURU: "edoburu/pgbouncer",
    Family.BITNAMI: "bitnami/pgbouncer",
    Family.PGBOUNCER: "pgbouncer/pgbouncer",
    Family.BRAINSAM: "brainsam/pgbouncer",
}
"""What to call the images that write their configuration themselves."""

_DATABASE, _PASSWORD, _URL = "name of the database", "password", "URL"
_OF_THE_SERVER = frozenset({"host", "port", "user", "dbname", _DATABASE, _PASSWORD, _URL})
_OF_POSTGRES: Mapping[str, str] = {
    "POSTGRES_HOST": "host",
    "POSTGRES_PORT": "port",
    "POSTGRES_USER": "user",
    "POSTGRES_PASSWORD": _PASSWORD,
    "POSTGRES_DB": "dbname",
}
"""What the image of PostgreSQL, and those who use it, call them."""
_OTHER_NAMES: Mapping[str, str] = {
    "max_client_connections": "max_client_conn",
    "max_client_conns": "max_client_conn",
    "max_clients": "max_client_conn",
    "max_clients_conn": "max_client_conn",
    "max_db_conn": "max_db_connections",
    "max_user_conn": "max_user_connections",
    "pool_size": "default_pool_size",
    "poolmode": "pool_mode",
    "reserve_pool": "reserve_pool_size",
}
"""What settings are called by mistake."""
_PREFIXES = ("PGBOUNCER_", "PGB_")
_AMBIGUOUS = frozenset(
    {
        "client_encoding", "conffile", "datestyle", "job_name", "logfile", "pidfile", "pool_size", "poolmode",
        "reserve_pool", "max_clients", "service_name", "syslog", "timezone", "user", "verbose",
    }
)  # fmt: skip
"""Settings that, by these names alone, programs of all kinds have variables for."""


@cache
def read_by(family: Family) -> frozenset[str]:
    """The variables that an image reads, but for those that are numbered."""
    besides = {"DB_PASSWORD"} if family is Family.EDOBURU else set[str]()
    return SCRIPTS[family].variables | besides


@cache
def variables_for(family: Family, meaning: str) -> tuple[str, ...]:
    """The variables that an image takes a setting from, or one of what `meaning_of` tells of the server."""
    found = [variable for variable, meant in _meanings(family) if meant == meaning]
    if meaning == "pool_size":
        found += [variable for variable, meant in _meanings(family) if meant == "default_pool_size"]
    if meaning == _URL and not found:
        found += [variable for variable, meant in _meanings(family) if meant == "host"]
    return tuple(dict.fromkeys(found))


def meaning_of(variable: str) -> str | None:
    """The setting that a variable is for in some image, or by its name; what it tells of the server otherwise.

    None where it may be for anything.
    """
    for family in SCRIPTS:
        for name, meaning in _meanings(family):
            if name == variable and not (meaning in _AMBIGUOUS and variable.lower() == meaning):
                return meaning
    return _OF_POSTGRES.get(variable) or _setting(variable)


def is_of_the_server(meaning: str) -> bool:
    """Whether it tells where and as whom to connect."""
    return meaning in _OF_THE_SERVER


def is_alike(variable: str, other: str) -> bool:
    """Whether two variables take the same values: one of a URL and one of a host do not."""
    return (meaning_of(variable) == _URL) == (meaning_of(other) == _URL)


def is_of_a_pooler(variable: str) -> bool:
    """Whether an image of PgBouncer reads it."""
    return any(variable in read_by(family) for family in SCRIPTS)


def _meanings(family: Family) -> Iterator[tuple[str, str]]:
    script = SCRIPTS[family]
    yield from ((line.variable, line.setting) for line in script.settings if line.setting != "user")
    yield from ((line.variable, _parameter(line)) for line in script.parameters)
    yield from ((line.variable, _URL) for line in (script.url, script.url_list) if line)
    yield script.name.variable, _DATABASE
    if family is Family.EDOBURU:
        yield "DB_PASSWORD", _PASSWORD


def _parameter(line: Line) -> str:
    """Images differ in whether the user whom they are told logs in for all, or looks up the others."""
    return "user" if line.variable == "DB_USER" else line.setting


def _setting(variable: str) -> str | None:
    prefix = next((each for each in _PREFIXES if variable.startswith(each)), "")
    name = variable.removeprefix(prefix).lower()
    if name in {"user", "database"} or (not prefix and name in _AMBIGUOUS):
        return None
    name = _OTHER_NAMES.get(name, name)
    return name if known(Scope.PGBOUNCER, name) else None
