"""What a connection is for, as names tell: what goes to its server directly because it has to."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from poolcheck.read.compose.facts import ComposeFile
from poolcheck.read.document import Fact
from poolcheck.read.kubernetes.commands import started
from poolcheck.read.kubernetes.manifest import Container, Manifest, Workload, WorkloadKind
from poolcheck.read.kubernetes.pooler_containers import is_casual, is_companion
from poolcheck.source import Span

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
    "changefeed", "debezium", "electric", "follower", "graphile", "hasura", "leader", "listen", "logical",
    "master", "notif", "outbox", "pgboss", "pg-boss", "postgrest", "powersync", "procrastinate", "pubsub",
    "realtime", "replic", "secondary", "sequin", "session", "slave", "slot", "standby",
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
_OF_SERVERS = re.compile(
    r"(?:postgres|postgresql|pg|db|database|timescale\w*|patroni|spilo|haproxy|pgpool\w*|pgcat|pgdog|odyssey|supavisor)(?![a-z])",
    re.IGNORECASE,
)
"""How workloads begin to be called that are servers and poolers themselves, or stand before them."""
_FIRST_WORDS = 3
"""So many words of the command that stays tell what a container is for."""
_OF_SUPERUSERS = re.compile(r"(?:^|[^a-z])(?:admin|dba|migrat|owner|postgres$|replic|root|super)", re.IGNORECASE)


class Remarks:
    """The lines of which comments say that something has its own way to a database."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        self._places: dict[str, list[Span]] = defaultdict(list)
        for fact in facts:
            if isinstance(fact, ComposeFile | Manifest):
                for place in fact.remarked:
                    self._places[place.path].append(place)

    def tell_of(self, place: Span) -> bool:
        """Whether what begins at a place is in one of them."""
        return any(line.start <= place.start < line.end for line in self._places.get(place.path, ()))


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
    own = (workload.name.value, container.name.value)
    return any(map(_OF_SERVERS.match, own)) or any(map(_APART.search, _names(workload, container, by)))


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
