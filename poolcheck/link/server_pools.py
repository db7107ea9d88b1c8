"""How many server connections the pools of a PgBouncer may open."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from poolcheck.amount import Amount, Reason, between, either, exactly, known_part, least, product, total
from poolcheck.link.poolers import accepted_by
from poolcheck.read.pgbouncer import c_number
from poolcheck.read.pgbouncer.config import FALLBACK, Entry, Parameter, PgBouncerConfig, Version
from poolcheck.read.template import has_template
from poolcheck.system import Pooler

HEEDS_USERS: Version = (1, 23)
"""The first in which what [users] says of a user counts for the databases that name the user. NEWS, 1.23.0."""
UNLIMITED_AT_ZERO: Version = (1, 24)
"""The first that takes a pool size of 0 for no limit; before, it is one connection. NEWS, 1.24.0."""


def wanted_by(pooler: Pooler, entries: Iterable[Entry]) -> Amount:
    """The server connections that the pools of these databases may open, in all processes of a pooler."""
    config = pooler.config
    if config is None:
        return between(0, None)
    entries = tuple(entries)
    named: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if user := entry.parameter("user"):
            named[user.value].append(entry)
    parts = [_of_named_user(config, user, own) for user, own in named.items()]
    logging_in = [entry for entry in entries if entry.parameter("user") is None]
    parts.append(_of_logged_in_users(config, logging_in, alone=len(entries) == 1))
    # A server connection serves a client, so there are never more of them than clients.
    return product(pooler.processes, known_part(total(parts), accepted_by(config)))


def _of_named_user(config: PgBouncerConfig, user: str, entries: Iterable[Entry]) -> Amount:
    """The server connections of the databases that name a user: one pool each."""
    is_heeded = config.version is None or config.version >= HEEDS_USERS
    wanted = total(_limited(_pool(config, entry), _limit_of_database(config, entry)) for entry in entries)
    return _limited(wanted, _limit_of_user(config, user if is_heeded else None))


def _of_logged_in_users(config: PgBouncerConfig, entries: Sequence[Entry], *, alone: bool) -> Amount:
    """The server connections of the databases that name no user: a pool each for everyone who logs in.

    There is one such user at least, and what [users] says of a user may be about that one.
    """
    users = [None, *config.users_in_effect.values()] if entries else [None]
    return either(
        _at_most(
            total(_pools(config, entry, user, alone=alone) for entry in entries),
            _limit_of_user(config, user.name.value if user else None),
        )
        for user in users
    )


def _pools(config: PgBouncerConfig, entry: Entry, user: Entry | None, *, alone: bool) -> Amount:
    """The pools of one database, all as that of this user, None for one of whom [users] says nothing."""
    if entry.name.value == FALLBACK:
        pools = between(1 if alone else 0, None, Reason("a pool for each database and user", entry.name.span))
    else:
        pools = between(1, None, Reason("a pool for each user", entry.name.span))
    given = [Parameter(user.name._replace(value="user"), user.name)] if user else []
    pool = _pool(config, entry._replace(parameters=(*entry.parameters, *given)))
    return _limited(product(pools, pool), _limit_of_database(config, entry))


def _pool(config: PgBouncerConfig, entry: Entry) -> Amount:
    return total([_size(config, entry), _reserve(config, entry)])


def _size(config: PgBouncerConfig, entry: Entry) -> Amount:
    size = config.pool_size(entry)
    if size is None:
        return between(0, None)
    place = size.span or entry.name.span
    if size.value > 0:
        is_own = size.span and size.span != config.settings_in_effect.get("default_pool_size", entry.name).span
        name = "pool_size" if is_own else "default_pool_size"
        by_default = "" if size.span else " by default"
        return exactly(size.value, Reason(f"{name} {size.value}{by_default}", place))
    if config.version is None or config.version >= UNLIMITED_AT_ZERO:
        return between(1, None)
    return exactly(1, Reason(f"pool size {size.value}, which is one connection", place))


def _reserve(config: PgBouncerConfig, entry: Entry) -> Amount:
    """What a pool may open on top when clients have waited for long."""
    reserve, timeout = config.reserve_pool_size(entry), config.seconds("reserve_pool_timeout")
    if reserve is None:
        return between(0, None)
    if reserve.value <= 0 or (timeout and timeout.value == 0):
        return exactly(0)
    text = f"reserve_pool_size {reserve.value}"
    return exactly(reserve.value, Reason(text, reserve.span or entry.name.span, "the reserve is in use"))


def _limit_of_user(config: PgBouncerConfig, user: str | None) -> Amount | None:
    """The most server connections of a user in all databases; of one whom [users] leaves out, where it is None."""
    return _limit(config, "max_user_connections", config.users_in_effect.get(user or ""))


def _limit_of_database(config: PgBouncerConfig, entry: Entry) -> Amount | None:
    return _limit(config, "max_db_connections", entry)


def _limit(config: PgBouncerConfig, name: str, stated: Entry | None) -> Amount | None:
    """What an entry limits, or else [pgbouncer] for all alike; None where there surely is no limit."""
    unknown = between(0, None, Reason(f"{name} is not known", most=f"{name} sets no limit"))
    own = stated.parameter(name) if stated else None
    if (own and has_template(own.value)) or (stated and not own and not stated.is_complete):
        return unknown
    if own and (number := c_number.leading(own.value)) > 0:
        return exactly(number, Reason(f"{name} {number}", own.span))
    limit = config.effective_integer(name)
    if limit is None:
        return unknown
    return exactly(limit.value, Reason(f"{name} {limit.value}", limit.span)) if limit.value > 0 else None


def _limited(wanted: Amount, limit: Amount | None) -> Amount:
    return least(wanted, limit) if limit else wanted


def _at_most(wanted: Amount, limit: Amount | None) -> Amount:
    """What is known of a number, limited; there may be others that are limited likewise."""
    return known_part(wanted, limit) if limit else wanted
