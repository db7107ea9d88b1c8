"""How many server connections the pools of a PgBouncer may open."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from poolcheck.amount import Amount, Reason, between, either, exactly, known_part, least, product, total
from poolcheck.budget.facts import EntryFacts, PoolerFacts, UserFacts

FALLBACK = "*"
"""The entry of [databases] that serves every database without one."""


class Login(NamedTuple):
    """Who logs in to a pooler, for which database."""

    database: str
    user: str


Logins: TypeAlias = Mapping[str, frozenset[Login]]
"""Who is seen to log in, by entry; entries to which others may log in are left out."""


def in_process(
    pooler: PoolerFacts, entries: Iterable[EntryFacts], logins: Logins, *, with_reserve: bool
) -> Amount:
    """The server connections that the pools of these databases may open in one process of a pooler."""
    if not pooler.is_read:
        return between(0, None)
    entries = tuple(entries)
    named: dict[str, list[EntryFacts]] = defaultdict(list)
    for entry in entries:
        if entry.user is not None:
            named[entry.user].append(entry)
    wanted = [_of_named_user(pooler, user, own, with_reserve=with_reserve) for user, own in named.items()]
    logging_in = [entry for entry in entries if entry.user is None]
    seen = [entry for entry in logging_in if entry.name in logins]
    wanted.append(_of_seen_users(pooler, seen, logins, with_reserve=with_reserve))
    others = [entry for entry in logging_in if entry.name not in logins]
    alone = len(entries) == 1
    wanted.append(_of_logged_in_users(pooler, others, alone=alone, with_reserve=with_reserve))
    return total(wanted)


def in_pool(pooler: PoolerFacts, entry: EntryFacts, user: UserFacts | None, *, with_reserve: bool) -> Amount:
    """The server connections of one pool: that of a database and a user.

    A pool opens one more where a client waits and all that it has are taken, so there are never more of them than
    clients at once. That holds for each pool alone: those of clients that have left stay open. Observed with
    1.25.2: with max_client_conn 1, two clients one after the other leave a server connection in each of two pools.
    """
    size = _first(user and user.pool_size, entry.pool_size, pooler.default_pool_size)
    if with_reserve:
        reserve = _first(user and user.reserve_pool_size, entry.reserve_pool_size, pooler.reserve_pool_size)
        size = total([size, reserve])
    return known_part(size, pooler.max_client_conn)


def _of_named_user(pooler: PoolerFacts, user: str, entries: Iterable[EntryFacts], *, with_reserve: bool) -> Amount:
    """The server connections of the databases that name a user: one pool each."""
    own = next((each for each in pooler.users if each.name == user), None)
    pools = (
        _limited(in_pool(pooler, entry, own, with_reserve=with_reserve), _limit_of_database(pooler, entry))
        for entry in entries
    )
    return _limited(total(pools), _limit_of_user(pooler, own if pooler.users_count else None))


def _of_seen_users(
    pooler: PoolerFacts, entries: Iterable[EntryFacts], logins: Logins, *, with_reserve: bool
) -> Amount:
    """The server connections of the databases that name no user, if those who are seen to log in are all."""
    known = {each.name: each for each in pooler.users}
    of_users, of_databases = defaultdict[str, list[Amount]](list), defaultdict[str, list[Amount]](list)
    limits: dict[str, Amount | None] = {}
    for entry in entries:
        of_database = _limit_of_database(pooler, entry)
        for database, user in sorted(logins[entry.name]):
            size = in_pool(pooler, entry, known.get(user), with_reserve=with_reserve)
            limits[database] = of_database
            of_users[user].append(_limited(size, of_database))
            of_databases[database].append(_limited(size, _limit_of_user(pooler, known.get(user))))
    if not of_users:
        return exactly(0)
    by_user = total(
        _limited(total(own), _limit_of_user(pooler, known.get(user))) for user, own in of_users.items()
    )
    by_database = total(_limited(total(own), limits[database]) for database, own in of_databases.items())
    wanted = least(by_user, by_database) if by_database.most < by_user.most else by_user
    names = " and ".join(of_users)
    only = Reason(f"{names} logs in", assumption=f"nobody but {names} logs in to {pooler.owner.name}")
    return product(exactly(1, only, surely=1), wanted)


def _of_logged_in_users(
    pooler: PoolerFacts, entries: Sequence[EntryFacts], *, alone: bool, with_reserve: bool
) -> Amount:
    """The server connections of the databases that name no user: a pool each for everyone who logs in.

    There is one such user at least, and what is said of a user may be about that one.
    """
    if not entries:
        return exactly(0)
    users = (None, *pooler.users)
    return either(
        _at_most(
            total(_pools(pooler, entry, user, alone=alone, with_reserve=with_reserve) for entry in entries),
            _limit_of_user(pooler, user),
        )
        for user in users
    )


def _pools(
    pooler: PoolerFacts, entry: EntryFacts, user: UserFacts | None, *, alone: bool, with_reserve: bool
) -> Amount:
    """The pools of one database, all as that of this user, None for one of whom nothing is said."""
    if entry.name == FALLBACK:
        pools = between(1 if alone else 0, None, Reason("a pool for each database and user", entry.place))
    else:
        pools = between(1, None, Reason("a pool for each user", entry.place))
    each = in_pool(pooler, entry, user, with_reserve=with_reserve)
    return _limited(product(pools, each), _limit_of_database(pooler, entry))


def _limit_of_user(pooler: PoolerFacts, user: UserFacts | None) -> Amount | None:
    """The most server connections of a user in all databases; of one of whom nothing is said, where it is None."""
    return (user and user.max_user_connections) or pooler.max_user_connections


def _limit_of_database(pooler: PoolerFacts, entry: EntryFacts) -> Amount | None:
    return entry.max_db_connections or pooler.max_db_connections


def _limited(wanted: Amount, limit: Amount | None) -> Amount:
    return least(wanted, limit) if limit else wanted


def _at_most(wanted: Amount, limit: Amount | None) -> Amount:
    """What is known of a number, limited; there may be others that are limited likewise."""
    return known_part(wanted, limit) if limit else wanted


def _first(*numbers: Amount | None) -> Amount:
    """The first number that is stated; exactly 0 where none is."""
    return next((each for each in numbers if each is not None), exactly(0))
