"""What a connection is for, as names tell: what goes to its server directly because it has to."""

import re
from collections.abc import Iterator

from poolcheck.read.kubernetes.commands import started
from poolcheck.read.kubernetes.manifest import Container, Workload, WorkloadKind
from poolcheck.read.kubernetes.pooler_containers import is_casual, is_companion

_RUNNING_ONCE = frozenset({WorkloadKind.JOB, WorkloadKind.CRON_JOB, WorkloadKind.SCALED_JOB})

_WORDS = (
    "bi", "cdc", "check", "checks", "cli", "copy", "dba", "ddl", "etl", "event", "events", "init", "job",
    "jobs", "k6", "load", "loadtest", "lock", "locks", "ops", "que", "root", "shell", "super", "test",
    "testing", "tests", "wait", "wal", "zero",
)  # fmt: skip
_BEGINNINGS = (
    # What changes schemas.
    "alembic", "bootstrap", "dbmate", "fixture", "flyway", "goose", "liquibase", "migrat", "prisma",
    "provision", "schema", "seed", "setup",
    # What needs a session of its own, or the stream of changes.
    "changefeed", "debezium", "electric", "graphile", "hasura", "leader", "listen", "logical", "notif",
    "outbox", "pgboss", "pg-boss", "postgrest", "powersync", "procrastinate", "pubsub", "realtime",
    "replic", "sequin", "session", "slot", "standby",
    # What people look into a server with.
    "admin", "azimutt", "cloudbeaver", "console", "dbeaver", "debug", "explorer", "metabase", "operator",
    "owner", "pgadmin", "pgweb", "psql", "redash", "studio", "superset", "superuser", "toolbox",
    # What looks after it.
    "analys", "analyz", "archiv", "backup", "barman", "batch", "bench", "clean", "collector", "cron",
    "dump", "export", "health", "import", "maint", "metric", "monitor", "partman", "pg_", "pg-stat",
    "pgbackrest", "pgbadger", "pgbench", "pghero", "pgstat", "pgwatch", "prometheus", "prune", "purge",
    "reindex", "repmgr", "restore", "retention", "spilo", "sync", "vacuum", "verify", "warehouse",
    # What says so.
    "bypass", "direct", "no-pool", "no_pool", "non-pool", "non_pool", "nonpool", "nopool", "primary",
    "unpooled",
)  # fmt: skip
_APART = re.compile(
    rf"(?:^|[^a-z])(?:(?:{'|'.join(map(re.escape, _BEGINNINGS))})|(?:{'|'.join(_WORDS)})(?![a-z]))", re.IGNORECASE
)
_FIRST_WORDS = 3
"""So many words of the command that stays tell what a container is for."""
_OF_SUPERUSERS = re.compile(r"(?:^|[^a-z])(?:admin|dba|migrat|owner|postgres$|replic|root|super)", re.IGNORECASE)


def runs_once(workload: Workload, container: Container) -> bool:
    """Whether it ends when it has done its work: a Job's, or one before those that stay."""
    is_before = container in workload.init_containers and container.restart_policy is None
    return workload.kind in _RUNNING_ONCE or is_before


def is_apart(workload: Workload, container: Container, by: str) -> bool:
    """Whether names tell that a connection has a reason to go its own way, or that it matters to nobody.

    `by` is the variable or the pool that has the address.
    """
    if is_casual(workload) or is_companion(container) or runs_once(workload, container):
        return True
    return any(map(_APART.search, _names(workload, container, by)))


def is_of_superuser(user: str | None) -> bool:
    """Whether somebody logs in who is called like one who may do more than an application."""
    return user is not None and _OF_SUPERUSERS.search(user) is not None


def _names(workload: Workload, container: Container, by: str) -> Iterator[str]:
    image = container.image.value if container.image else ""
    yield from (workload.name.value, container.name.value, by, image.partition("@")[0].partition(":")[0])
    last = started(container, _unset).words
    yield from (word.value for word in last[:_FIRST_WORDS])


def _unset(_: str) -> None:
    """An environment that does not matter: no variable names a program."""
