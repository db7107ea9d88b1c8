"""How many connections a client pool holds at most in one process."""

from poolcheck.amount import Amount, Reason, amount_of, between, exactly, total
from poolcheck.budget.facts import Size
from poolcheck.read.python.libraries.constructor import Holds, Library
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.value import Known, number_of, scalars_of

SINGLE = frozenset({"StaticPool", "AssertionPool"})
UNLIMITED = frozenset({"NullPool", "SingletonThreadPool"})
"""SQLAlchemy's pool classes that hold one connection, and those that open one whenever one is wanted."""


def most_connections(pool: ClientPool) -> Amount:
    """The most connections that the pool holds in one process; for a single connection, that one."""
    return total(each.number for each in sizes(pool))


def sizes(pool: ClientPool) -> tuple[Size, ...]:
    """The numbers that the most connections in one process are the sum of, by the names of their parameters."""
    constructor, kind = pool.constructor, pool.pool_class
    if pool.is_never_made:
        return (Size("", exactly(0)),)
    if constructor.holds is Holds.ONE:
        return (Size("", exactly(1, Reason("one connection", pool.callee))),)
    if kind in SINGLE:
        return (Size("", exactly(1, Reason(f"{kind} holds one connection", pool.callee))),)
    if opens_when_asked(pool) or kind is None or pool.arguments.get("pool") is not None:
        return (Size("", between(0, None)),)
    each = tuple(Size(name, _size(pool, name)) for name in constructor.size)
    match constructor.holds:
        case Holds.LARGEST if not each[0].number.is_open:
            return (max((size for size in each if not size.number.is_open), key=lambda size: size.number.most),)
        case Holds.LARGEST:
            return each[:1]
        case Holds.FIRST:
            given = (size for size in each if not _is_none(pool, size.name))
            return (next(given, each[-1]),)
        case _:
            return _below_zero(pool) or each


def opens_when_asked(pool: ClientPool) -> bool:
    """Whether it opens a connection whenever one is wanted and none is free."""
    if pool.is_never_made:
        return False
    return pool.constructor.holds is Holds.EACH_THREAD or pool.pool_class in UNLIMITED or is_unlimited(pool)


def is_unlimited(pool: ClientPool) -> bool:
    """Whether an argument, or its default, lifts the limit of a pool that can have one."""
    for name, lifting in pool.constructor.unlimited.items():
        if is_size_zero_limited(pool, name):
            continue
        scalars = scalars_of(pool.effective(name))
        if scalars and all(any(scalar is each or scalar == each for each in lifting) for scalar in scalars):
            return True
    return False


def is_size_zero_limited(pool: ClientPool, name: str) -> bool:
    """Whether SQLAlchemy is so old that with pool_size=0 its max_overflow is the limit."""
    is_sqlalchemy = pool.constructor.library in {Library.SQLALCHEMY, Library.FLASK_SQLALCHEMY}
    return is_sqlalchemy and name == "pool_size" and pool.version("sqlalchemy").is_before(2, 0)


def _is_none(pool: ClientPool, name: str) -> bool:
    value = pool.effective(name)
    return isinstance(value, Known) and value.scalar is None


def _below_zero(pool: ClientPool) -> tuple[Size, ...]:
    """What SQLAlchemy makes of a size below zero: it is taken off what may come on top."""
    size, more = number_of(pool.given("pool_size")), number_of(pool.effective("max_overflow"))
    if size is None or size >= 0 or more is None or more < 0:
        return ()
    most = max(int(size + more), 0)
    return (Size("", exactly(most, Reason(f"pool_size {size} and max_overflow {more}", pool.callee))),)


def _size(pool: ClientPool, name: str) -> Amount:
    """What one of the parameters that make up a pool's size comes to."""
    given, effective = pool.given(name), pool.effective(name)
    if given is None and isinstance(effective, Known) and isinstance(effective.scalar, int):
        return exactly(effective.scalar, Reason(f"{name} {effective.scalar} by default", pool.callee))
    if given is None and _is_none(pool, name):
        return exactly(0)
    return amount_of(given, name)
