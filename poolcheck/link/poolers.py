"""The poolers of a project: which containers run PgBouncer, with which configuration, and what it comes to."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from poolcheck.amount import Amount, Reason, between, either, exactly, known_part, least, product, total
from poolcheck.link.network import running
from poolcheck.read.kubernetes.environment import Objects
from poolcheck.read.kubernetes.manifest import Container, Workload
from poolcheck.read.kubernetes.pooler_images import Family, pooler_image
from poolcheck.read.pgbouncer import c_number
from poolcheck.read.pgbouncer.config import (
    FALLBACK,
    Effective,
    Entry,
    Parameter,
    PgBouncerConfig,
    PoolMode,
    Version,
)
from poolcheck.read.template import has_template
from poolcheck.source import Span
from poolcheck.stated import StatedPooler
from poolcheck.system import Owner, Pooler

TRACKS_STATEMENTS: Version = (1, 21)
"""The first PgBouncer with max_prepared_statements. NEWS, 1.21.0."""
KEEPS_STATEMENTS: Version = (1, 24)
"""The first that keeps them unless it is told not to. NEWS, 1.24.0."""
HEEDS_USERS: Version = (1, 23)
"""The first in which what [users] says of a user counts for the databases that name the user. NEWS, 1.23.0."""
UNLIMITED_AT_ZERO: Version = (1, 24)
"""The first that takes a pool size of 0 for no limit; before, it is one connection. NEWS, 1.24.0."""

_OTHERS = frozenset({Family.ODYSSEY, Family.PGCAT, Family.PGPOOL, Family.PROXYSQL})
"""Poolers that are no PgBouncer."""


class Found(NamedTuple):
    """A container that runs PgBouncer, the version that its image tells, and the configuration it is given."""

    workload: Workload
    container: Container
    version: Version | None
    config: PgBouncerConfig | None


def found_in(workload: Workload, container: Container, objects: Objects) -> Found | None:
    """The PgBouncer that a container runs; None where it runs none."""
    image = pooler_image(container.image.value) if container.image else None
    configs = tuple(_mounted(workload, container, objects))
    if (image is None and not configs) or (image and image.family in _OTHERS):
        return None
    version = image.version if image else None
    return Found(workload, container, version, configs[0] if len(configs) == 1 else None)


def pooler_of(found: Found, pods: Amount, owner: Owner) -> Pooler:
    """A PgBouncer of a workload that has so many pods."""
    name, own = found.workload.name.value, found.container.name.value
    if len(running(found.workload)) > 1 and own != name:
        name = f"{own} of {name}"
    place = (found.container.image or found.container.name).span
    return _pooler(name, found.config, found.version, pods, place)._replace(owner=owner)


def pooler_alone(config: PgBouncerConfig) -> Pooler:
    """A PgBouncer of which nothing but its configuration is seen."""
    one = Reason("one process", assumption=f"one process runs with {config.span.path}")
    place = config.span._replace(end=config.span.start)
    return _pooler(config.span.path, config, config.version, exactly(1, one, surely=1), place)


def stated_pooler(name: str, stated: StatedPooler) -> Pooler:
    """A PgBouncer that configuration states."""
    version = version_of(stated.version)
    accepts = between(0, None)
    if stated.max_client_conn is not None:
        accepts = exactly(
            stated.max_client_conn, Reason(f"max_client_conn {stated.max_client_conn} as configured")
        )
    mode = Effective(PoolMode(stated.pool_mode), None) if stated.pool_mode else None
    return Pooler(name, None, None, version, between(1, None), accepts, accepts, mode, _tracked(None, version))


def completed(pooler: Pooler, stated: StatedPooler) -> Pooler:
    """A pooler of which some is seen, with what configuration states of the rest."""
    if pooler.config:
        return pooler
    also = stated_pooler(pooler.name, stated)
    return pooler._replace(
        version=pooler.version or also.version,
        accepts=product(pooler.processes, also.each_accepts),
        each_accepts=also.each_accepts,
        mode=also.mode,
        prepared_statements=pooler.prepared_statements or also.prepared_statements,
    )


def version_of(written: str | None) -> Version | None:
    """`1.22` as numbers."""
    return tuple(map(int, written.split("."))) if written else None


def entry_for(config: PgBouncerConfig, database: str | None) -> Entry | None:
    """The entry of [databases] that clients of a database get; None where there is none, or it is not known."""
    entries = [entry for entry in config.databases if entry.in_effect]
    if database is None:
        return entries[0] if len(entries) == 1 else None
    named = {entry.name.value: entry for entry in entries}
    return named.get(database) or named.get(FALLBACK)


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
    return product(pooler.processes, known_part(total(parts), _accepts(config)))


def _mounted(workload: Workload, container: Container, objects: Objects) -> Iterator[PgBouncerConfig]:
    volumes = {volume.name.value: volume for volume in workload.volumes}
    for mount in container.mounts:
        volume = volumes.get(mount.volume.value)
        for source in volume.sources if volume else ():
            holder = objects.find(source.name.value, workload, is_secret=source.is_secret)
            for entry in holder.data if holder else ():
                is_mounted = mount.sub_path is None or mount.sub_path.value == entry.key.value
                if entry.config and is_mounted:
                    yield entry.config


def _pooler(
    name: str, config: PgBouncerConfig | None, version: Version | None, processes: Amount, place: Span
) -> Pooler:
    if config is None:
        unknown = between(0, None)
        return Pooler(name, place, None, version, processes, unknown, unknown, None, _tracked(None, version))
    config = config._replace(version=version)
    accepts = _accepts(config)
    sharing = config.effective_integer("so_reuseport")
    if sharing is None or sharing.value:
        processes = product(processes, between(1, None, Reason("other processes may listen on the same port")))
    return Pooler(
        name,
        next((reason.span for reason in accepts.because if reason.span), place),
        config,
        version,
        processes,
        product(processes, accepts),
        accepts,
        config.pool_mode(),
        _tracked(config, version),
    )


def _accepts(config: PgBouncerConfig) -> Amount:
    """The client connections that one process accepts."""
    return _setting(config, "max_client_conn")


def _setting(config: PgBouncerConfig, name: str) -> Amount:
    number = config.effective_integer(name)
    if number is None:
        return between(0, None)
    by_default = "" if number.span else " by default"
    # 0 and less refuse every client.
    accepted = max(number.value, 0)
    return exactly(accepted, Reason(f"{name} {number.value}{by_default}", number.span or _section(config)))


def _section(config: PgBouncerConfig) -> Span:
    """The header under which a setting would stand that is not set."""
    own = (header.span for header in config.headers if header.value == "pgbouncer")
    return next(own, config.span._replace(end=config.span.start))


def _tracked(config: PgBouncerConfig | None, version: Version | None) -> Effective[int] | None:
    if version is not None and version < TRACKS_STATEMENTS:
        return Effective(0, None)
    if config:
        return config.effective_integer("max_prepared_statements")
    return Effective(200, None) if version is not None and version >= KEEPS_STATEMENTS else None


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
