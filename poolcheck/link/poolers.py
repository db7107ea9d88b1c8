"""The poolers of a project: what is known of a PgBouncer from its configuration, or is stated."""

from poolcheck.amount import Amount, Reason, between, exactly, product
from poolcheck.read.pgbouncer.config import FALLBACK, Effective, Entry, PgBouncerConfig, PoolMode, Version
from poolcheck.read.pgbouncer.rendered import file_of
from poolcheck.read.pgbouncer.startup import for_version
from poolcheck.scale import Replicas
from poolcheck.source import Span
from poolcheck.stated import StatedPooler
from poolcheck.system.poolers import ONE, Pooler

TRACKS_STATEMENTS: Version = (1, 21)
"""The first PgBouncer with max_prepared_statements. NEWS, 1.21.0."""
KEEPS_STATEMENTS: Version = (1, 24)
"""The first that keeps them unless it is told not to. NEWS, 1.24.0."""


def pooler_alone(config: PgBouncerConfig) -> Pooler:
    """A PgBouncer of which nothing but its configuration is seen."""
    path = file_of(config.span.path)
    place = config.span._replace(end=config.span.start)
    peers = [each for each in config.peers if each.in_effect]
    if len(peers) > 1:
        # Each of them has a configuration of its own, which says the same of all of them.
        all_alike = f"all {len(peers)} peers have the settings of {path}"
        number = exactly(len(peers), Reason(f"{len(peers)} peers", peers[0].name.span, all_alike), surely=1)
        found = seen_pooler(path, config, config.version, number, place)
        return found._replace(processes=number, accepts=product(number, found.each_accepts), in_pod=ONE)
    one = Reason("one process", assumption=f"one process runs with {path}")
    return seen_pooler(path, config, config.version, exactly(1, one, surely=1), place)


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


def seen_pooler(
    name: str,
    config: PgBouncerConfig | None,
    version: Version | None,
    processes: Amount,
    place: Span,
    replicas: Replicas | None = None,
) -> Pooler:
    """A PgBouncer of this version and configuration, None where they are not known, with so many processes.

    `replicas` is how many there are in each situation, where that is not always as many.
    """
    replicas = replicas or Replicas(processes, processes)
    if config is None:
        unknown, tracked = between(0, None), _tracked(None, version)
        return Pooler(name, place, None, version, processes, unknown, unknown, None, tracked, replicas=replicas)
    config = for_version(config, version)
    accepts = accepted_by(config)
    sharing = config.effective_integer("so_reuseport")
    in_pod = ONE
    if sharing is None or sharing.value:
        in_pod = between(1, None, Reason("other processes may listen on the same port"))
        processes = product(processes, in_pod)
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
        replicas=replicas,
        in_pod=in_pod,
    )


def accepted_by(config: PgBouncerConfig) -> Amount:
    """The client connections that one process accepts."""
    number = config.effective_integer("max_client_conn")
    if number is None:
        return between(0, None)
    by_default = "" if number.span else " by default"
    # 0 and less refuse every client.
    accepted = max(number.value, 0)
    return exactly(
        accepted, Reason(f"max_client_conn {number.value}{by_default}", number.span or config.unset_place)
    )


def _tracked(config: PgBouncerConfig | None, version: Version | None) -> Effective[int] | None:
    if version is not None and version < TRACKS_STATEMENTS:
        return Effective(0, None)
    if config:
        return config.effective_integer("max_prepared_statements")
    return Effective(200, None) if version is not None and version >= KEEPS_STATEMENTS else None
