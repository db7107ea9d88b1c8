"""Which prepared statements a client pool keeps on its connections.

Observed with asyncpg 0.27 to 0.32 and psycopg 3.0 to 3.3, each alone and behind SQLAlchemy 2.0 and 2.1.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from poolcheck.read.python.libraries.constructor import Library
from poolcheck.value import Known, Table, Unknown, Value, entry_of, number_of, options_of

if TYPE_CHECKING:
    from poolcheck.read.python.pools.client_pool import ClientPool
    from poolcheck.read.python.project.versions import Release

UNNAMED_SINCE: "Release" = (0, 31)
"""The first asyncpg that gives statements no names where its cache is off. Its changelog, 0.31.0."""
ANY_VERSION: "Release" = ()

OF_ASYNCPG = "statement_cache_size"
OF_SQLALCHEMY = "prepared_statement_cache_size"
NAMES = "prepared_statement_name_func"

_OF_SQLALCHEMY = frozenset({Library.SQLALCHEMY, Library.FLASK_SQLALCHEMY})
_CREATORS = ("async_creator", "creator", "pool")


class Remedies(NamedTuple):
    """What SQLAlchemy is told so that asyncpg has no statements that another client's can be mistaken for.

    Both caches, asyncpg's and SQLAlchemy's own in front of it, may be off, the statements `named` by a function of
    the application's, and the connections `unpooled`. In `autocommit` nothing holds the server connection between
    two messages.
    """

    uncached: bool
    uncached_above: bool
    named: bool
    unpooled: bool
    autocommit: bool

    @property
    def told(self) -> tuple[str, ...]:
        """What there is of them."""
        listed = {
            f"{OF_ASYNCPG}=0": self.uncached,
            f"{OF_SQLALCHEMY}=0": self.uncached_above,
            NAMES: self.named,
            "NullPool": self.unpooled,
        }
        return tuple(name for name, is_there in listed.items() if is_there)

    @property
    def enough_since(self) -> "Release | None":
        """The asyncpg from which on they are enough; None where they never are."""
        if self.named and self.autocommit:
            return None
        if self.named and (self.unpooled or self.uncached_above):
            return ANY_VERSION if self.uncached else UNNAMED_SINCE
        return UNNAMED_SINCE if self.uncached and not self.named else None


def is_behind_sqlalchemy(pool: "ClientPool") -> bool:
    """Whether SQLAlchemy prepares the statements, and not the driver by itself."""
    return pool.constructor.library in _OF_SQLALCHEMY


def remedies_of(pool: "ClientPool") -> tuple[Remedies, ...]:
    """What the engine may be told, on one branch or another; nothing where that is not known."""
    unpooled = _is_unpooled(pool)
    if unpooled is None or any(name in pool.arguments for name in _CREATORS):
        return ()
    found: list[Remedies] = []
    for table in _driver_arguments(pool):
        uncached = _is_off(table.get(OF_ASYNCPG))
        above = _is_off(table.get(OF_SQLALCHEMY) or _in_url(pool, OF_SQLALCHEMY))
        if uncached is None or above is None:
            return ()
        function = table.get(NAMES)
        named = function is not None and not (isinstance(function, Known) and function.scalar is None)
        found.append(Remedies(uncached, above, named, unpooled, _is_in_autocommit(pool)))
    return tuple(found)


def caches_by_itself(pool: "ClientPool") -> bool:
    """Whether asyncpg, told nothing else, keeps the statements that it executes."""
    return _is_off(pool.driver_argument(OF_ASYNCPG)) is False


def threshold_of(pool: "ClientPool") -> int | None:
    """After how many executions psycopg prepares a statement by itself; None where never, or that is not known."""
    threshold = _threshold_given(pool)
    if pool.constructor.library is Library.DJANGO:
        # Django puts the parameters into each statement itself, and tells psycopg not to prepare any.
        binding = pool.driver_argument("server_side_binding")
        is_bound_by_server = isinstance(binding, Known) and binding.scalar is True
        return _count(threshold) if threshold is not None and is_bound_by_server else None
    return 5 if threshold is None else _count(threshold)


def _threshold_given(pool: "ClientPool") -> Value | None:
    if pool.constructor.library is Library.TORTOISE:
        kwargs = pool.given("kwargs")
        return kwargs and entry_of(kwargs, "prepare_threshold")
    return pool.driver_argument("prepare_threshold")


def _count(value: Value) -> int | None:
    number = number_of(value)
    return int(number) if number is not None else None


def _driver_arguments(pool: "ClientPool") -> tuple[Mapping[str, Value], ...]:
    """What goes to the driver, on each branch; nothing where some of it is not known."""
    given = pool.given(pool.constructor.driver_arguments)
    if given is None or (isinstance(given, Known) and given.scalar is None):
        return ({},)
    options = options_of(given)
    tables = [dict(each.items) for each in options if isinstance(each, Table) and each.is_complete]
    return tuple(tables) if len(tables) == len(options) else ()


def _in_url(pool: "ClientPool", name: str) -> Value | None:
    address = pool.address
    if address is None or name not in address.options:
        return None
    text = address.options[name]
    return Unknown((pool.callee,)) if text is None else Known(text, (pool.callee,))


def _is_off(size: Value | None) -> bool | None:
    """Whether a cache is switched off by its size, which it is not unless it is told; None where not known."""
    if size is None:
        return False
    if isinstance(size, Known) and isinstance(size.scalar, str) and size.scalar.isdecimal():
        return int(size.scalar) == 0
    number = number_of(size)
    return None if number is None else number <= 0


def _is_unpooled(pool: "ClientPool") -> bool | None:
    kind = pool.given("poolclass")
    if kind is None:
        return False
    return kind.scalar == "NullPool" if isinstance(kind, Known) else None


def _is_in_autocommit(pool: "ClientPool") -> bool:
    """Whether that is surely how it works."""
    level = pool.given("isolation_level")
    if level is None and (options := pool.given("execution_options")):
        level = entry_of(options, "isolation_level")
    return isinstance(level, Known) and str(level.scalar).upper() == "AUTOCOMMIT"
