"""A way from an application to its server on which nothing ends a query, or a transaction that is left open."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from poolcheck.budget.facts import Owner
from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.compose.facts import ComposeFile
from poolcheck.read.kubernetes.manifest import Manifest, WorkloadKind
from poolcheck.read.pgbouncer import c_number
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.read.python.facts import PythonModule
from poolcheck.rule import Rule
from poolcheck.system.clients import Client
from poolcheck.system.poolers import Pooler, Server
from poolcheck.system.whole import System, SystemWithLinks
from poolcheck.value import text_of

OF_SERVERS = frozenset({"idle_in_transaction_session_timeout", "statement_timeout", "transaction_timeout"})
OF_POOLERS = ("query_timeout", "transaction_timeout", "idle_transaction_timeout")
MENTIONED = (
    "command_timeout", "idle_in_transaction_session_timeout", "pgoptions", "statement_timeout",
    "transaction_timeout",
)  # fmt: skip
"""What a project mentions that limits queries or transactions, or may, in whatever way."""
FOR_TRIAL = frozenset({"ci", "demo", "development", "example", "local", "preview", "sandbox", "test"})
"""Stages in which nobody minds a query that hangs."""
LASTING = frozenset(
    {WorkloadKind.DEPLOYMENT, WorkloadKind.REPLICA_SET, WorkloadKind.ROLLOUT, WorkloadKind.STATEFUL_SET}
)
MOST_NAMES = 3
"""A sentence names so many workloads."""


class Way(NamedTuple):
    """A client pool of an application that gets to a server, over a pooler or not."""

    client: Client
    pooler: Pooler | None


class TimeoutsMissingEndToEnd(Rule[SystemWithLinks]):
    id = "timeouts-missing-end-to-end"
    severity = Severity.INFO
    since = "0.1"

    def check(self, system: SystemWithLinks) -> Iterator[Finding]:
        if not is_limit_mentioned(system):
            for server in system.servers:
                ways = [*ways_to(server, system)] if is_without_limits(server) else []
                if ways and server.place:
                    yield self.finding(server.place, told(ways, server), notes=notes_on(ways))


def is_without_limits(server: Server) -> bool:
    """Whether all that the server is told is seen, and nothing of it limits queries or transactions."""
    is_wholly_seen = server.settings is not None and not OF_SERVERS.intersection(dict(server.settings))
    return is_wholly_seen and is_in_earnest(server.owner)


def is_in_earnest(owner: Owner | None) -> bool:
    """Whether something is there to be relied on: a Compose file only where it is for production."""
    if owner is None or owner.stages & FOR_TRIAL:
        return False
    return "production" in owner.stages if owner.kind == WorkloadKind.SERVICE else owner.kind in LASTING


def ways_to(server: Server, system: System) -> Iterator[Way]:
    """The ways of applications to a server on which no limit is set."""
    yield from (Way(client, None) for client in system.direct_clients_of(server) if is_known(client))
    for demand in system.demands:
        if demand.found is server and demand.pooler.config and not may_limit(demand.pooler.config):
            for client in system.clients_of(demand.pooler):
                entry = client.target.entry if client.target else None
                if is_known(client) and entry in demand.entries:
                    yield Way(client, demand.pooler)


def is_known(client: Client) -> bool:
    """Whether a pool is that of an application that runs for long, and all that its driver is told is seen."""
    address = client.pool.address
    is_lasting = client.workload is not None and client.is_in_use and is_in_earnest(client.owner)
    return is_lasting and client.pool.all_known and address is not None and address.options_known


def may_limit(config: PgBouncerConfig) -> bool:
    """Whether a pooler ends queries or open transactions, for all or for anybody, or may."""
    names = [name for name in OF_POOLERS if not (name == "transaction_timeout" and config.is_before((1, 25)))]
    times = [config.effective_seconds(name) for name in names]
    if any(time is None or time.value > 0 for time in times):
        return True
    if any(entry.parameter("connect_query") for entry in config.databases):
        return True
    own = (user.parameter(name) for user in config.users for name in OF_POOLERS)
    return any(each and (config.is_filled_in(each.value) or c_number.leading(each.value) > 0) for each in own)


def is_limit_mentioned(system: System) -> bool:
    """Whether anything in the project has to do with a limit, be it not known whether it sets one."""
    modules = [each for each in system.documents if isinstance(each, PythonModule)]
    if any(client.pgoptions for client in system.clients) or not modules:
        return True
    found = (modules[0].module.project.mentions.of(word) for name in MENTIONED for word in (name, name.upper()))
    if any(each is None or each for each in found):
        return True
    return any(name in text.lower() for text in texts_of(system) for name in MENTIONED)


def texts_of(system: System) -> Iterator[str]:
    """What containers are started with and are given, and what is brought into them."""
    for each in system.documents:
        if isinstance(each, Manifest):
            for workload in each.workloads:
                for container in (*workload.containers, *workload.init_containers):
                    yield from (word.value for word in (*(container.command or ()), *(container.args or ())))
                    yield from (variable.name.value for variable in container.env)
            held = [entry for one in each.config_maps for entry in one.data]
            for entry in (*held, *(entry for one in each.secrets for entry in one.data)):
                yield from (entry.key.value, entry.value.value if entry.value else "")
        elif isinstance(each, ComposeFile):
            for service in each.services:
                yield from (text_of(word) for word in (*(service.entrypoint or ()), *(service.command or ())))
                yield from (name for name, _ in service.environment)


def told(ways: Iterable[Way], server: Server) -> str:
    """That nothing is there, and on which ways."""
    names = [*dict.fromkeys(f"{way.client.workload}{over(way.pooler)}" for way in ways)]
    shown = (
        names if len(names) <= MOST_NAMES else [*names[: MOST_NAMES - 1], f"{len(names) - MOST_NAMES + 1} others"]
    )
    *others, last = shown
    who = f"{', '.join(others)} and {last}" if others else last
    return (
        f"nothing on the way from {who} to {server.name} ends a query, or a transaction that is left open, "
        "unless a role or a database has a limit of its own"
    )


def over(pooler: Pooler | None) -> str:
    """What a way goes over, in words."""
    return f" over {pooler.name}" if pooler else ""


def notes_on(ways: Iterable[Way]) -> Iterator[Note]:
    """Where each part of the ways is."""
    seen: set[object] = set()
    for client, pooler in ways:
        if client.pool.callee not in seen:
            seen.add(client.pool.callee)
            yield Note(client.pool.callee, f"{client.pool.title} has no limit")
        if pooler and pooler.place and pooler.place not in seen:
            seen.add(pooler.place)
            yield Note(pooler.place, f"{pooler.name} has none either")
