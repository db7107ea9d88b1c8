"""An option of the pool in the URL of a database, where it reaches the driver and not the pool."""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote

from poolcheck.finding import Finding, Fix, Note, Severity
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.project.roles import Role
from poolcheck.read.python.syntax.edits import with_argument
from poolcheck.rule import Rule
from poolcheck.source import Edit
from poolcheck.system.whole import System
from poolcheck.value import Known, Value

POOL_OPTIONS = frozenset(
    {
        "echo_pool", "max_overflow", "pool_pre_ping", "pool_recycle", "pool_reset_on_return", "pool_size",
        "pool_timeout", "pool_use_lifo", "poolclass",
    }
)  # fmt: skip
DJANGO_OPTIONS = frozenset(
    {"atomic_requests", "conn_health_checks", "conn_max_age", "disable_server_side_cursors"}
)
IGNORED_BY_DATABASES = frozenset(
    {"command_timeout", "max_inactive_connection_lifetime", "max_queries", "statement_cache_size", "timeout"}
)
"""Options of asyncpg's that encode/databases reads past in a URL."""
DIALECTS = frozenset({"mariadb", "mssql", "mysql", "oracle", "postgresql", None})
"""Of others, their URLs may have what they like; an unknown one is hardly any of them."""
REFUSALS: Mapping[str, str] = {
    "asyncpg": "which raises a TypeError",
    "psycopg": "which refuses to connect",
    "psycopg2": "which refuses to connect",
    "pymysql": "which raises a TypeError",
    "mysqldb": "which raises a TypeError",
}


class PoolOptionInUrl(Rule[System]):
    id = "pool-option-in-url"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        for client in system.clients:
            pool = client.pool
            written = pool.given(pool.constructor.address)
            if written is None or pool.role is Role.TEST or (outcome := refusal(pool)) is None:
                continue
            names, what, severity = outcome
            notes = [Note(place, "the URL is written here") for place in pool.written_at(written)]
            verb = "go" if len(names) > 1 else "goes"
            message = f"{' and '.join(names)} in the URL of {pool.title} {verb} {what}"
            fix = moved(names, written, pool, system)
            yield self.finding(pool.used_at(written), message, notes=notes, fix=fix, severity=severity)


def refusal(pool: ClientPool) -> tuple[list[str], str, Severity | None] | None:
    """The options in the URL that do not reach the pool, and what becomes of them."""
    address = pool.address
    if address is None or address.dialect not in DIALECTS:
        return None
    match pool.constructor.library:
        case Library.SQLALCHEMY | Library.FLASK_SQLALCHEMY:
            # mysql-connector has a pool of its own.
            names = sorted(address.options.keys() & POOL_OPTIONS) if pool.driver != "mysqlconnector" else []
            driver = pool.driver or "the driver"
            what = f"to {driver}, {REFUSALS.get(driver, 'which does not know it')}"
            return (names, what, None) if names else None
        case Library.DJANGO:
            names = sorted(address.options.keys() & DJANGO_OPTIONS)
            return (names, "into OPTIONS and on to the driver, which refuses to connect", None) if names else None
        case Library.DATABASES if address.dialect == "postgresql":
            names = sorted(address.options.keys() & IGNORED_BY_DATABASES)
            return (
                (names, "nowhere: of a URL only min_size, max_size and ssl count", Severity.WARNING)
                if names
                else None
            )
        case _:
            return None


def moved(names: list[str], written: Value, pool: ClientPool, system: System) -> Fix | None:
    """The options as arguments of the call, where the URL is a text in it."""
    module = system.module(pool.span.path)
    if module is None or not isinstance(written, Known) or len(written.places) != 1:
        return None
    place = written.places[0]
    url = module.module.source.text[place.start : place.end]
    if pool.constructor.library not in {Library.SQLALCHEMY, Library.DATABASES} or url[:1] not in "\"'":
        return None
    left, arguments = url, list[str]()
    for name in names:
        pair = re.search(rf"[?&]{name}=(?P<value>[^&#\"']*)", left)
        value = as_python(unquote(pair["value"])) if pair else None
        if pair is None or value is None or name in pool.arguments:
            return None
        rest = left[pair.end() :]
        is_first = pair[0].startswith("?") and rest.startswith("&")
        left = left[: pair.start()] + (f"?{rest[1:]}" if is_first else rest)
        arguments.append(f"{name}={value}")
    added = with_argument(module.module, pool.span, ", ".join(arguments))
    return Fix("Give them to the pool", (Edit(place, left), added)) if added else None


def as_python(text: str) -> str | None:
    """A number or a flag as Python has it."""
    if re.fullmatch(r"-?\d+(?:\.\d+)?", text):
        return text
    return text.capitalize() if text.lower() in {"false", "true"} else None
