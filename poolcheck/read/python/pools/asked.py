"""What client pools ask the server to set for a session when they connect.

Sources: libpq's manual (33.1.2, options); the connect functions of asyncpg 0.32 and pg8000 1.31; the clients of
Tortoise 1.1.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.libraries.drivers import driver_named
from poolcheck.value import HOLE, Known, Table, Value, options_of, text_of

if TYPE_CHECKING:
    from poolcheck.read.python.pools.client_pool import ClientPool

OPTIONS = "options"
PGOPTIONS = "PGOPTIONS"

_OPTION = re.compile(r"\s*(?:-c\s*|--)(?P<name>(?:[^\s=\\]|\\.)+)=(?:[^\s\\]|\\.)*")
_CREATORS = ("async_creator", "creator", "pool")
"""With them SQLAlchemy tells the driver nothing."""
_NOT_SENT = frozenset(
    {
        "database", "dbname", "direct_tls", "gsslib", "host", "krbsrvname", "passfile", "password", "port",
        "service", "servicefile", "ssl", "ssl_max_protocol_version", "ssl_min_protocol_version", "sslcert",
        "sslcrl", "sslkey", "sslmode", "sslnegotiation", "sslpassword", "sslrootcert", "target_session_attrs",
        "user",
    }
)  # fmt: skip
"""What asyncpg takes out of the query of a URL. All else in it goes to the server."""


class Asked(NamedTuple):
    """Parameters that are asked for together, by the names that are written, in `options` or each by itself.

    `setting` is what they are written in, and `value` what that is set to.
    """

    names: tuple[str, ...]
    setting: str
    value: Value
    in_options: bool


def asked_by(pool: "ClientPool", pgoptions: Value | None) -> Iterator[Asked]:
    """What a pool asks for, as far as it is known; `pgoptions` is the variable of that name in its environment."""
    if any(name in pool.arguments for name in _CREATORS):
        return
    setting = _setting_of(pool)
    if setting == OPTIONS:
        options = pool.option(OPTIONS)
        if options is None and pgoptions:
            yield from _in_options(PGOPTIONS, pgoptions)
        elif options:
            yield from _in_options(OPTIONS, options)
    elif setting and (table := pool.driver_argument(setting)):
        yield from _in_table(setting, table)
    if pool.constructor.library is Library.ASYNCPG:
        yield from _in_query(pool)
    schema = pool.option("schema") if pool.constructor.library is Library.TORTOISE else None
    if isinstance(schema, Known) and schema.scalar:
        yield Asked(("search_path",), "schema", schema, in_options=pool.driver == "psycopg")


def _setting_of(pool: "ClientPool") -> str | None:
    """The setting with which a pool asks. A driver that is not told, and is none of asyncio, is built on libpq."""
    if driver := driver_named(pool.driver):
        return driver.asks
    address = pool.address
    is_sync = not pool.constructor.is_async and pool.driver is None
    is_known = address is not None and address.dialect == "postgresql" and not address.driver
    return OPTIONS if is_sync and is_known else None


def _in_options(setting: str, value: Value) -> Iterator[Asked]:
    found = [names_in(text_of(each)) for each in options_of(value)]
    names = [name for name in found[0] if all(name in other for other in found[1:])]
    if names:
        yield Asked(tuple(names), setting, value, in_options=True)


def names_in(options: str) -> list[str]:
    """The parameters that options set, up to what is not known, or is no option of this kind."""
    names: list[str] = []
    at = 0
    while (option := _OPTION.match(options, at)) and HOLE not in option["name"]:
        names.append(re.sub(r"\\(.)", r"\1", option["name"]))
        at = option.end()
    return list(dict.fromkeys(names))


def _in_table(setting: str, value: Value) -> Iterator[Asked]:
    tables = options_of(value)
    found = [dict(each.items) for each in tables if isinstance(each, Table)]
    if len(found) < len(tables):
        return
    names = [name for name in found[0] if all(name in other for other in found[1:])]
    if sent := tuple(name for name in names if name != OPTIONS):
        yield Asked(sent, setting, value, in_options=False)
    if OPTIONS in names and len(found) == 1:
        yield from _in_options(f"{OPTIONS} in {setting}", found[0][OPTIONS])


def _in_query(pool: "ClientPool") -> Iterator[Asked]:
    """What asyncpg finds in a URL and does not know."""
    written, address = pool.given(pool.constructor.address), pool.address
    if written is None or address is None:
        return
    if options := address.options.get(OPTIONS):
        yield from _in_options(f"{OPTIONS} in the URL", Known(options, written.places))
    if sent := tuple(name for name in address.options if name not in {*_NOT_SENT, OPTIONS}):
        yield Asked(sent, "the URL", written, in_options=False)
