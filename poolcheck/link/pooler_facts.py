"""What counts for a budget of the settings of a PgBouncer."""

from collections.abc import Callable

from poolcheck.amount import Amount, Reason, between, exactly
from poolcheck.budget.facts import EntryFacts, Lead, Owner, PoolerFacts, UserFacts
from poolcheck.read.pgbouncer import c_number
from poolcheck.read.pgbouncer.config import Effective, Entry, Parameter, PgBouncerConfig, Version
from poolcheck.read.template import has_template
from poolcheck.scale import Replicas
from poolcheck.system.poolers import Pooler

HEEDS_USERS: Version = (1, 23)
"""The first in which what [users] says of a user counts for the databases that name the user. NEWS, 1.23.0."""
UNLIMITED_AT_ZERO: Version = (1, 24)
"""The first that takes a pool size of 0 for no limit; before, it is one connection. NEWS, 1.24.0."""


def pooler_facts(
    pooler: Pooler,
    own_id: str,
    owner: Owner,
    addresses: tuple[str, ...],
    lead: Callable[[Entry], Lead],
    *,
    is_sidecar: bool,
) -> PoolerFacts:
    """What counts of a pooler; `lead` tells where the connections of a database are opened to."""
    facts = PoolerFacts(
        id=own_id,
        owner=owner,
        place=pooler.place,
        addresses=addresses,
        replicas=pooler.replicas or Replicas(pooler.processes, pooler.processes),
        processes_in_pod=pooler.in_pod,
        processes=pooler.processes,
        max_client_conn=pooler.each_accepts,
        default_pool_size=between(0, None),
        reserve_pool_size=between(0, None),
        max_db_connections=None,
        max_user_connections=None,
        mode=pooler.mode.value.value if pooler.mode else None,
        entries=(),
        users=(),
        users_count=True,
        is_read=False,
        is_sidecar=is_sidecar,
    )
    if (config := pooler.config) is None:
        return facts
    return facts._replace(
        default_pool_size=_size(config, config.effective_integer("default_pool_size"), "default_pool_size"),
        reserve_pool_size=_reserve(config, config.effective_integer("reserve_pool_size")),
        max_db_connections=_limit_of_all(config, "max_db_connections"),
        max_user_connections=_limit_of_all(config, "max_user_connections"),
        max_db_client_connections=_limit_of_all(config, "max_db_client_connections"),
        max_user_client_connections=_limit_of_all(config, "max_user_client_connections"),
        entries=tuple(_entry(config, each, lead(each)) for each in config.databases if each.in_effect),
        users=tuple(_user(config, each) for each in config.users_in_effect.values()),
        users_count=config.version is None or config.version >= HEEDS_USERS,
        is_read=True,
    )


def _entry(config: PgBouncerConfig, entry: Entry, lead: Lead) -> EntryFacts:
    user, mode = entry.parameter("user"), config.pool_mode(entry)
    alone = entry._replace(
        parameters=tuple(each for each in entry.parameters if each.name.value != "user"),
        kept=tuple(each for each in entry.kept if each.name.value != "user"),
    )
    if user and config.is_filled_in(user.value) and config.users:
        alone = entry
    return EntryFacts(
        name=entry.name.value,
        place=entry.name.span,
        user=user.value if user else None,
        pool_size=_own_size(config, alone),
        reserve_pool_size=_own_reserve(config, alone),
        max_db_connections=_own_limit(entry, "max_db_connections"),
        mode=mode.value.value if mode else None,
        lead=lead,
        max_db_client_connections=_own_limit(entry, "max_db_client_connections"),
    )


def _user(config: PgBouncerConfig, user: Entry) -> UserFacts:
    of_user = user._replace(parameters=(Parameter(user.name._replace(value="user"), user.name),), kept=())
    mode = user.parameter("pool_mode")
    return UserFacts(
        name=user.name.value,
        pool_size=_own_size(config, of_user),
        reserve_pool_size=_own_reserve(config, of_user),
        max_user_connections=_own_limit(user, "max_user_connections"),
        mode=mode.value.lower() if mode else None,
        max_user_client_connections=_own_limit(user, "max_user_client_connections"),
    )


def _own_size(config: PgBouncerConfig, entry: Entry) -> Amount | None:
    """The size that is stated for a database or a user; None where that is the pooler's."""
    size = config.pool_size(entry)
    is_general = size is not None and config.is_general(size.span)
    return None if is_general else _size(config, size, "pool_size")


def _own_reserve(config: PgBouncerConfig, entry: Entry) -> Amount | None:
    reserve = config.reserve_pool_size(entry)
    is_general = reserve is not None and config.is_general(reserve.span)
    return None if is_general else _reserve(config, reserve)


def _size(config: PgBouncerConfig, size: Effective[int] | None, name: str) -> Amount:
    if size is None:
        return between(0, None)
    place = size.span or config.unset_place
    if size.value > 0:
        by_default = "" if size.span else " by default"
        return exactly(size.value, Reason(f"{name} {size.value}{by_default}", place))
    if config.version is None or config.version >= UNLIMITED_AT_ZERO:
        return between(1, None)
    return exactly(1, Reason(f"pool size {size.value}, which is one connection", place))


def _reserve(config: PgBouncerConfig, reserve: Effective[int] | None) -> Amount:
    """What a pool may open on top when clients have waited for long."""
    timeout = config.seconds("reserve_pool_timeout")
    if reserve is None:
        return between(0, None)
    if reserve.value <= 0 or (timeout and timeout.value == 0):
        return exactly(0)
    place = reserve.span or config.unset_place
    return exactly(reserve.value, Reason(f"reserve_pool_size {reserve.value}", place))


def _limit_of_all(config: PgBouncerConfig, name: str) -> Amount | None:
    """What [pgbouncer] limits for all alike; None where it surely sets no limit."""
    limit = config.effective_integer(name)
    if limit is None:
        return _unknown(name)
    return exactly(limit.value, Reason(f"{name} {limit.value}", limit.span)) if limit.value > 0 else None


def _own_limit(entry: Entry, name: str) -> Amount | None:
    """What is stated for a database or a user; None where what [pgbouncer] has counts."""
    own = entry.parameter(name)
    if (own and has_template(own.value)) or (not own and not entry.is_complete):
        return _unknown(name)
    if own and (number := c_number.leading(own.value)) > 0:
        return exactly(number, Reason(f"{name} {number}", own.span))
    return None


def _unknown(name: str) -> Amount:
    return between(0, None, Reason(f"{name} is not known", most=f"{name} sets no limit"))
