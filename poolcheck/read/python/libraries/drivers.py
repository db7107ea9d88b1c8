"""What talks to a database server on behalf of a pool, and what its connections can be told.

Sources: the drivers' own signatures, libpq's manual (33.1.2), and what SQLAlchemy's dialects take before the
driver does. Observed with psycopg2 2.9, psycopg 3.0 to 3.3, asyncpg 0.27 to 0.32, aiopg 1.4, pg8000 1.31, PyMySQL
1.2, mysqlclient 2.3, aiomysql 0.3, asyncmy 0.2 and mysql-connector 8 to 26.
"""

from collections.abc import Mapping
from typing import NamedTuple

_LIBPQ = frozenset(
    {
        "application_name", "connect_timeout", "fallback_application_name", "gssencmode", "keepalives",
        "keepalives_count", "keepalives_idle", "keepalives_interval", "load_balance_hosts", "options", "passfile",
        "service", "sslcert", "sslkey", "sslmode", "sslrootcert", "target_session_attrs", "tcp_user_timeout",
    }
)  # fmt: skip
_SSL_OF_MYSQL = frozenset({"ssl_ca", "ssl_cert", "ssl_disabled", "ssl_key", "ssl_verify_cert"})


class Driver(NamedTuple):
    """A driver as SQLAlchemy's URLs call it.

    `keywords` are the settings that its connect function takes, beside address and login; `through_sqlalchemy`
    those that SQLAlchemy's dialect takes besides. `prepares` is the setting that has it prepare statements by
    itself, with its default, which `prepares_off` switches off. What is in the setting that it `asks` with goes to
    the server when it connects.
    """

    name: str
    package: str
    is_async: bool
    is_sync: bool
    keywords: frozenset[str]
    through_sqlalchemy: frozenset[str] = frozenset()
    prepares: str | None = None
    prepares_by_default: int | None = None
    prepares_off: int | None = None
    asks: str | None = None


_ALL = (
    Driver(
        "psycopg2",
        "psycopg2",
        is_async=False,
        is_sync=True,
        keywords=_LIBPQ | {"async", "async_"},
        asks="options",
    ),
    Driver(
        "psycopg",
        "psycopg",
        is_async=True,
        is_sync=True,
        keywords=_LIBPQ | {"autocommit", "context", "cursor_factory", "prepare_threshold", "row_factory"},
        prepares="prepare_threshold",
        prepares_by_default=5,
        prepares_off=None,
        asks="options",
    ),
    Driver(
        "asyncpg",
        "asyncpg",
        is_async=True,
        is_sync=False,
        keywords=frozenset(
            {
                "command_timeout", "connection_class", "direct_tls", "loop", "max_cacheable_statement_size",
                "max_cached_statement_lifetime", "passfile", "record_class", "server_settings", "service",
                "servicefile", "ssl", "statement_cache_size", "target_session_attrs", "timeout",
            }
        ),
        through_sqlalchemy=frozenset(
            {
                "async_creator_fn", "async_fallback", "prepared_statement_cache_size",
                "prepared_statement_name_func",
            }
        ),
        prepares="statement_cache_size",
        prepares_by_default=100,
        prepares_off=0,
        asks="server_settings",
    ),
    Driver(
        "aiopg",
        "aiopg",
        is_async=True,
        is_sync=False,
        keywords=_LIBPQ | {"echo", "enable_json", "timeout"},
        asks="options",
    ),
    Driver(
        "pg8000",
        "pg8000",
        is_async=False,
        is_sync=True,
        keywords=frozenset(
            {
                "application_name", "replication", "source_address", "ssl_context", "startup_params",
                "tcp_keepalive", "timeout",
            }
        ),
        asks="startup_params",
    ),
    Driver(
        "pymysql",
        "pymysql",
        is_async=False,
        is_sync=True,
        keywords=_SSL_OF_MYSQL | {"charset", "connect_timeout", "read_timeout", "ssl", "write_timeout"},
    ),
    Driver(
        "mysqldb",
        "mysqlclient",
        is_async=False,
        is_sync=True,
        keywords=frozenset({"charset", "connect_timeout", "read_timeout", "ssl", "ssl_mode", "write_timeout"}),
    ),
    Driver(
        "mysqlconnector",
        "mysql-connector-python",
        is_async=False,
        is_sync=True,
        keywords=_SSL_OF_MYSQL
        | {
            "autocommit", "charset", "connect_timeout", "connection_timeout", "pool_name", "pool_reset_session",
            "pool_size", "read_timeout", "write_timeout",
        },
    ),
    Driver(
        "aiomysql",
        "aiomysql",
        is_async=True,
        is_sync=False,
        keywords=frozenset({"autocommit", "charset", "connect_timeout", "echo", "init_command", "ssl"}),
    ),
    Driver(
        "asyncmy",
        "asyncmy",
        is_async=True,
        is_sync=False,
        keywords=frozenset({"charset", "connect_timeout", "echo", "init_command", "read_timeout", "ssl"}),
    ),
    Driver("aiosqlite", "aiosqlite", is_async=True, is_sync=False, keywords=frozenset()),
    Driver("aioodbc", "aioodbc", is_async=True, is_sync=False, keywords=frozenset()),
    Driver("pysqlite", "", is_async=False, is_sync=True, keywords=frozenset()),
    Driver("pyodbc", "pyodbc", is_async=False, is_sync=True, keywords=frozenset()),
    Driver("pymssql", "pymssql", is_async=False, is_sync=True, keywords=frozenset()),
    Driver("cx_oracle", "cx-oracle", is_async=False, is_sync=True, keywords=frozenset()),
    Driver("oracledb", "oracledb", is_async=True, is_sync=True, keywords=frozenset()),
)  # fmt: skip
DRIVERS: Mapping[str, Driver] = {each.name: each for each in _ALL}
ASYNC_NAMES: Mapping[str, str] = {"oracledb_async": "oracledb", "psycopg_async": "psycopg"}
"""What SQLAlchemy's URLs may call the asynchronous half of a driver."""


def driver_named(name: str | None) -> Driver | None:
    """The driver of a name; None where it is not one that is known here."""
    return DRIVERS.get(ASYNC_NAMES.get(name or "", name or ""))
