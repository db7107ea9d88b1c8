"""The poolers of a project: which containers run PgBouncer, with which configuration, and what it comes to."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from poolcheck.amount import Amount, Reason, between, exactly, least, product, total
from poolcheck.read.environment import Objects
from poolcheck.read.kubernetes import Container, Workload
from poolcheck.read.pgbouncer import FALLBACK, Effective, Entry, PgBouncerConfig, PoolMode, Version
from poolcheck.read.pooler_images import Family, pooler_image
from poolcheck.source import Span
from poolcheck.stated import StatedPooler
from poolcheck.system import Pooler

TRACKS_STATEMENTS: Version = (1, 21)
"""The first PgBouncer with max_prepared_statements. NEWS, 1.21.0."""
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


def pooler_of(found: Found, pods: Amount) -> Pooler:
    """A PgBouncer of a workload that has so many pods."""
    name = found.workload.name.value
    place = (found.container.image or found.container.name).span
    return _pooler(name, found.config, found.version, pods, place)


def pooler_alone(config: PgBouncerConfig) -> Pooler:
    """A PgBouncer of which nothing but its configuration is seen."""
    processes = between(1, None, Reason("at least one process"))
    return _pooler(
        config.span.path, config, config.version, processes, config.span._replace(end=config.span.start)
    )


def stated_pooler(name: str, stated: StatedPooler) -> Pooler:
    """A PgBouncer that configuration states."""
    version = version_of(stated.version)
    accepts = between(0, None)
    if stated.max_client_conn is not None:
        accepts = exactly(
            stated.max_client_conn, Reason(f"max_client_conn {stated.max_client_conn} as configured")
        )
    mode = Effective(PoolMode(stated.pool_mode), None) if stated.pool_mode else None
    return Pooler(name, None, None, version, between(1, None), accepts, mode, _tracked(None, version))


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
    pools = total(_pools(config, entry, alone=len(entries) == 1) for entry in entries)
    # A server connection serves a client, so there are never more of them than clients.
    return product(pooler.processes, least(pools, _accepts(config)))


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
        return Pooler(name, place, None, version, processes, between(0, None), None, _tracked(None, version))
    config = config._replace(version=version)
    accepts = _accepts(config)
    return Pooler(
        name,
        next((reason.span for reason in accepts.because if reason.span), place),
        config,
        version,
        processes,
        product(processes, accepts),
        config.pool_mode(),
        _tracked(config, version),
    )


def _accepts(config: PgBouncerConfig) -> Amount:
    """The client connections that one process accepts."""
    return _setting(config, "max_client_conn")


def _setting(config: PgBouncerConfig, name: str) -> Amount:
    number = config.effective_integer(name)
    if number is None or number.value < 0:
        return between(0, None)
    by_default = "" if number.span else " by default"
    return exactly(number.value, Reason(f"{name} {number.value}{by_default}", number.span or _section(config)))


def _section(config: PgBouncerConfig) -> Span:
    """The header under which a setting would stand that is not set."""
    own = (header.span for header in config.headers if header.value == "pgbouncer")
    return next(own, config.span._replace(end=config.span.start))


def _tracked(config: PgBouncerConfig | None, version: Version | None) -> Effective[int] | None:
    if version is not None and version < TRACKS_STATEMENTS:
        return Effective(0, None)
    return config.effective_integer("max_prepared_statements") if config else None


def _pools(config: PgBouncerConfig, entry: Entry, *, alone: bool) -> Amount:
    """The server connections of one database: of one pool where it names a user, else of one for each user."""
    one = total([_size(config, entry), _reserve(config, entry)])
    if entry.name.value == FALLBACK:
        number = between(1 if alone else 0, None, Reason("a pool for each database and user", entry.name.span))
    elif entry.parameter("user") is None:
        number = between(1, None, Reason("a pool for each user", entry.name.span))
    else:
        number = None
    wanted = product(number, one) if number else one
    limit = _limit(config, entry)
    return least(wanted, limit) if limit else wanted


def _size(config: PgBouncerConfig, entry: Entry) -> Amount:
    size = config.pool_size(entry)
    if size is None:
        return between(0, None)
    place = size.span or entry.name.span
    if size.value > 0:
        own = entry.parameter("pool_size")
        name = "pool_size" if own and own.span == size.span else "default_pool_size"
        by_default = "" if size.span else " by default"
        return exactly(size.value, Reason(f"{name} {size.value}{by_default}", place))
    if config.version is None or config.version >= UNLIMITED_AT_ZERO:
        return between(1, None)
    return exactly(1, Reason(f"pool size {size.value}, which is one connection", place))


def _reserve(config: PgBouncerConfig, entry: Entry) -> Amount:
    reserve, timeout = config.reserve_pool_size(entry), config.seconds("reserve_pool_timeout")
    if reserve is None:
        return between(0, None)
    if reserve.value <= 0 or (timeout and timeout.value == 0):
        return exactly(0)
    return exactly(reserve.value, Reason(f"reserve_pool_size {reserve.value}", reserve.span or entry.name.span))


def _limit(config: PgBouncerConfig, entry: Entry) -> Amount | None:
    """The most server connections of one database; None where there is no such limit."""
    own = entry.parameter("max_db_connections")
    if own and own.value.isdecimal() and int(own.value) > 0:
        return exactly(int(own.value), Reason(f"max_db_connections {own.value}", own.span))
    limit = _setting(config, "max_db_connections")
    return limit if limit.low > 0 else None
