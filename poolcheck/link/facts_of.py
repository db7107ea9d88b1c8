"""The facts of a project that its connection budget is made of."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

from poolcheck.budget.facts import ContainerFacts, DatabaseFacts, Facts, Lead, Owner, PoolerFacts, WorkloadFacts
from poolcheck.budget.names import unique_ids
from poolcheck.link.demands import port_of
from poolcheck.link.known import Known
from poolcheck.link.pooler_facts import pooler_facts
from poolcheck.link.poolers import entry_for
from poolcheck.link.stated_pools import stated_workloads, with_stated
from poolcheck.read.pgbouncer.config import FALLBACK, Entry
from poolcheck.read.template import has_template
from poolcheck.scale import Replicas
from poolcheck.source import Span
from poolcheck.stated import Stated
from poolcheck.system.clients import Client
from poolcheck.system.poolers import Demand, Pooler, PoolerPods, Server

NOTHING = Stated()


def facts_of(
    known: Known,
    clients: Sequence[Client],
    demands: Sequence[Demand],
    pods: Iterable[PoolerPods] = (),
    stated: Stated = NOTHING,
) -> Facts:
    """The databases, poolers and workloads of a project, and where the connections of each lead."""
    beside = {id(each.pooler) for each in pods if each.pooler and not each.is_central}
    found: list[Server | Pooler] = [*known.servers, *known.poolers]
    owners = {id(each): _owner(each) for each in found}
    workloads = [*_workloads(clients)]
    ids = dict(zip(owners, unique_ids(owners.values()), strict=True))
    databases = (_database(each, ids[id(each)], owners[id(each)], known) for each in known.servers)
    poolers = (
        with_stated(
            _pooler(each, ids, owners[id(each)], known, demands, is_sidecar=id(each) in beside),
            each.name,
            stated,
            known,
            ids,
        )
        for each in known.poolers
    )
    own_ids = unique_ids(owner for owner, _, _ in workloads)
    seen = (
        WorkloadFacts(own_id, owner, replicas, tuple(_containers(own, ids)))
        for own_id, (owner, replicas, own) in zip(own_ids, workloads, strict=True)
    )
    told = [*stated_workloads(known, stated, ids)]
    told_names = {each.owner.name for each in told}
    return Facts(
        tuple(databases),
        tuple(poolers),
        (*(each for each in seen if each.owner.name not in told_names), *told),
    )


def _owner(found: Server | Pooler) -> Owner:
    """A server or a pooler as an owner, under the name that messages have for it."""
    own = found.owner or Owner("", found.name, found.place)
    return own._replace(name=found.name)


def _database(server: Server, own_id: str, owner: Owner, known: Known) -> DatabaseFacts:
    return DatabaseFacts(
        own_id,
        owner,
        server.place,
        known.addresses(server),
        server.max_connections,
        server.kept_back,
        server.cores,
    )


def _pooler(
    pooler: Pooler,
    ids: dict[int, str],
    owner: Owner,
    known: Known,
    demands: Iterable[Demand],
    *,
    is_sidecar: bool,
) -> PoolerFacts:
    led = {
        entry.name.span: demand.found for demand in demands if demand.pooler is pooler for entry in demand.entries
    }
    addresses = known.addresses(pooler)
    lead = partial(_lead, led=led, ids=ids)
    return pooler_facts(pooler, ids[id(pooler)], owner, addresses, lead, is_sidecar=is_sidecar)


def _lead(entry: Entry, led: Mapping[Span, Server | Pooler], ids: Mapping[int, str]) -> Lead:
    host, named, user = entry.parameter("host"), entry.parameter("dbname"), entry.parameter("user")
    database = named.value if named else None if entry.name.value == FALLBACK else entry.name.value
    found = led.get(entry.name.span)
    behind = entry_for(found.config, database) if isinstance(found, Pooler) and found.config else None
    return Lead(
        ids.get(id(found)),
        None if host is None or has_template(host.value) else host.value,
        port_of(entry),
        database,
        user.value if user else None,
        behind.name.value if behind else None,
    )


def _workloads(clients: Iterable[Client]) -> Iterator[tuple[Owner, Replicas, list[Client]]]:
    """What makes client pools of an application, with the pools."""
    found: dict[Owner, list[Client]] = {}
    for client in clients:
        if client.is_in_use:
            found.setdefault(client.owner, []).append(client)
    for owner, own in found.items():
        yield owner, own[0].replicas, own


def _containers(clients: Iterable[Client], ids: dict[int, str]) -> Iterator[ContainerFacts]:
    found: dict[Span | None, list[Client]] = {}
    for client in clients:
        found.setdefault(client.runs.place, []).append(client)
    for own in found.values():
        yield own[0].runs._replace(pools=tuple(each.drawn._replace(lead=_of_client(each, ids)) for each in own))


def _of_client(client: Client, ids: dict[int, str]) -> Lead:
    target = client.target
    reached = (target.pooler or target.server) if target else None
    return client.drawn.lead._replace(to=ids.get(id(reached)) if reached else None)
