"""Text where a number is wanted: what the environment says of a pool, handed on as it is."""

from collections.abc import Iterator, Mapping

from poolcheck.finding import Finding, Fix, Note, Severity
from poolcheck.read.python.facts import PythonModule
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.project.roles import Role
from poolcheck.read.python.values.kinds import Text, text_in
from poolcheck.rule import Rule
from poolcheck.source import Edit, Span
from poolcheck.value import Known

AT_ONCE = "raises a TypeError"
AT_CHECKOUT = "raises a TypeError at the first checkout"
WHEN_FULL = "raises a TypeError once all connections are taken"
NEVER_OPENS = "opens no connection, and each checkout ends in a PoolTimeout"

OUTCOMES: Mapping[Library, Mapping[str, str]] = {
    Library.SQLALCHEMY: {
        "pool_size": AT_ONCE,
        "max_overflow": AT_CHECKOUT,
        "pool_recycle": AT_CHECKOUT,
        "pool_timeout": WHEN_FULL,
    },
    Library.PSYCOPG: {
        "min_size": AT_ONCE,
        "max_size": AT_ONCE,
        "max_waiting": WHEN_FULL,
        "max_lifetime": NEVER_OPENS,
    },
    Library.ASYNCPG: {
        "min_size": AT_ONCE,
        "max_size": AT_ONCE,
        "max_queries": AT_ONCE,
        "max_inactive_connection_lifetime": AT_ONCE,
        "statement_cache_size": AT_ONCE,
        "timeout": AT_ONCE,
    },
    Library.DATABASES: {"min_size": AT_ONCE, "max_size": AT_ONCE},
    Library.AIOPG: {"minsize": AT_ONCE, "maxsize": AT_ONCE, "timeout": AT_ONCE, "pool_recycle": AT_CHECKOUT},
    Library.AIOMYSQL: {"minsize": AT_ONCE, "maxsize": AT_ONCE},
    Library.ASYNCMY: {"minsize": AT_ONCE, "maxsize": AT_ONCE},
    Library.MYSQL_CONNECTOR: {"pool_size": AT_ONCE},
    Library.DBUTILS: {
        "mincached": AT_ONCE,
        "maxcached": AT_CHECKOUT,
        "maxconnections": AT_CHECKOUT,
    },
    Library.DJANGO: {"CONN_MAX_AGE": "raises a TypeError when a connection is opened"},
}
"""What comes of text. psycopg2, peewee, oracledb, engine_from_config() and Flask-SQLAlchemy make numbers of it."""


NEVER_NONE = frozenset({"max_overflow", "pool_recycle", "pool_size"})
"""Parameters that raise a TypeError of None as well, which an unset variable is."""


class PoolNumberFromEnvString(Rule[PythonModule]):
    id = "pool-number-from-env-string"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, module: PythonModule) -> Iterator[Finding]:
        for pool in module.pools:
            if pool.role is not Role.TEST:
                yield from self.of_pool(pool, module)

    def of_pool(self, pool: ClientPool, module: PythonModule) -> Iterator[Finding]:
        """The numbers of one pool that are text."""
        for name, outcome in OUTCOMES.get(pool.constructor.library, {}).items():
            value = pool.arguments.get(name)
            is_converted = name in pool.constructor.converted and pool.constructor.library is Library.SQLALCHEMY
            if value is None or is_converted:
                continue
            text = text_in(value, module.module)
            if text:
                why = f"what {text.variable} says is text" if text.variable else "it is text"
                message = f"{name} of {pool.title} is no number, {why}: {who(pool)} {outcome}"
                notes = [Note(place, "the text is from here") for place in pool.written_at(text.written)]
                place = pool.used_at(value)
                severity = None if fails_by_default(text, name) else Severity.WARNING
                yield self.finding(place, message, notes=notes, fix=fix(place, text, module), severity=severity)


def who(pool: ClientPool) -> str:
    """What the number is for, as in a message."""
    return "it" if pool.constructor.library is Library.DJANGO else str(pool.constructor.library)


def fails_by_default(text: Text, name: str) -> bool:
    """Whether it is no number even where nobody sets the variable, or it must be set."""
    if not isinstance(text.otherwise, Known):
        return True
    scalar = text.otherwise.scalar
    return isinstance(scalar, str) or (scalar is None and name in NEVER_NONE)


def fix(place: Span, text: Text, module: PythonModule) -> Fix | None:
    """The number that the text is of; where the variable need not be set, None is none."""
    if len(text.written.places) != 1 or text.written.places[0] != place:
        return None
    if isinstance(text.written, Known):
        digits = str(text.written.scalar)
        return Fix(f"Write {digits} as a number", (Edit(place, digits),)) if digits.isdecimal() else None
    is_set = not isinstance(text.otherwise, Known) or text.otherwise.scalar is not None
    written = module.module.source.text[place.start : place.end]
    return Fix("Make a number of the text", (Edit(place, f"int({written})"),), safe=is_set)
