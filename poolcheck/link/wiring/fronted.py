"""Who connects to a server through the pooler that stands before it, and who past it."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from poolcheck.link.known import Known
from poolcheck.link.poolers import entry_for
from poolcheck.link.purposes import is_of_superuser
from poolcheck.link.servers import image_name
from poolcheck.link.wiring.addressed import Addressing
from poolcheck.read.kubernetes.manifest import Container, Workload
from poolcheck.read.kubernetes.pooler_containers import is_casual, is_companion
from poolcheck.read.kubernetes.stages import may_meet
from poolcheck.read.pgbouncer.config import FALLBACK
from poolcheck.system.clients import Client
from poolcheck.system.poolers import Demand, Pooler, Server
from poolcheck.system.targets import Target
from poolcheck.system.wiring import Addressed, Fronted

_WITHOUT_DATABASE = re.compile(
    r"(?:alertmanager|caddy|cadvisor|certbot|elasticsearch|grafana|imgproxy|jaeger|kafka|keydb|localstack|loki|mailhog|mailpit"
    r"|memcached|minio|mongo|mosquitto|mysql|nats|nginx|node|opensearch|otel\S*|postgres\S*|prometheus|promtail|rabbitmq|redis\S*"
    r"|redpanda|selenium\S*|tempo|traefik|valkey|vault|zipkin|zookeeper)"
)
"""Images of what connects to no pooler of an application, unless it is told to in a variable."""
_OUTWARD = frozenset({"LoadBalancer", "NodePort"})


def fronted(
    known: Known, demands: Iterable[Demand], addressing: Sequence[Addressing], clients: Sequence[Client]
) -> Iterator[Fronted]:
    """The servers that poolers of the project stand before."""
    to_servers: dict[int, list[Demand]] = defaultdict(list)
    for demand in demands:
        if isinstance(demand.found, Server):
            to_servers[id(demand.found)].append(demand)
    for together in to_servers.values():
        for demand in together:
            if isinstance(demand.found, Server):
                yield _fronted(demand, demand.found, together, known, addressing, clients)


def _fronted(
    demand: Demand,
    server: Server,
    together: Sequence[Demand],
    known: Known,
    addressing: Sequence[Addressing],
    clients: Sequence[Client],
) -> Fronted:
    """What is before a server in one way, of all that poolers want of it `together`."""
    pooler = demand.pooler
    every = [each for one in addressing for each in one.addresses if each.target]
    pooled = [each for each in every if each.target and _is_through(each.target, demand)]
    to_server = [each for each in every if each.target and each.target.server is server and not each.runs_once]
    through = {
        _name(each.workload)
        for each in every
        if each.target and any(_is_through(each.target, other) for other in together)
    }
    users = {each.user for each in pooled}
    strays: list[Addressed] = []
    apart: list[Addressed] = []
    for own in _by_workload(to_server):
        chosen = _placed(_most_telling(own), own)
        name = _name(chosen.workload)
        if name not in through and _is_stray(chosen, demand, users):
            strays.append(chosen)
        elif _counts(chosen) and (name not in through or chosen.is_of_source):
            apart.append(chosen)
    return Fronted(
        pooler,
        server,
        demand.entries,
        tuple(pooled),
        tuple(strays),
        tuple(apart),
        is_all_seen=_is_all_seen(pooler, known, addressing, clients),
    )


def _is_through(target: Target, demand: Demand) -> bool:
    return target.pooler is demand.pooler and (target.entry is None or target.entry in demand.entries)


def _by_workload(addressed: Iterable[Addressed]) -> Iterator[Sequence[Addressed]]:
    found: dict[tuple[str, str, str], list[Addressed]] = defaultdict(list)
    for each in addressed:
        found[_with_file(each.workload)].append(each)
    yield from found.values()


def _name(workload: Workload) -> tuple[str, str]:
    """What a workload is called, however many files lay something over it."""
    return workload.kind, workload.name.value


def _with_file(workload: Workload) -> tuple[str, str, str]:
    """The same, as one file has it: with or without another on top of it, it may be led elsewhere."""
    return (*_name(workload), workload.span.path)


def _most_telling(own: Sequence[Addressed]) -> Addressed:
    """The address that shows best what a workload does: one that is surely used, for no purpose of its own."""
    return min(own, key=lambda each: (each.is_apart, each.is_assumed, not each.is_own, each.database is None))


def _placed(chosen: Addressed, own: Sequence[Addressed]) -> Addressed:
    """An address where a variable has it, if one does: there it is to be changed."""
    places = (each.place for each in own if not each.is_of_source and each.host == chosen.host)
    return chosen._replace(place=next(places, chosen.place))


def _is_stray(address: Addressed, demand: Demand, users: set[str | None]) -> bool:
    is_plain = address.is_own and not address.is_assumed and not address.is_apart
    is_one_of_them = address.user in users or not is_of_superuser(address.user)
    return is_plain and is_one_of_them and _is_served(address, demand)


def _is_served(address: Addressed, demand: Demand) -> bool:
    """Whether the pooler surely leads to the same database."""
    if address.database is None:
        return any(entry.name.value == FALLBACK for entry in demand.entries)
    config = demand.pooler.config
    own = entry_for(config, address.database) if config else None
    for entry in demand.entries:
        told = entry.parameter("dbname")
        if told is None and entry is own:
            return True
        if told is not None and told.value == address.database:
            return True
    return False


def _counts(address: Addressed) -> bool:
    """Whether it surely takes connections for as long as the application runs.

    A variable beside one that leads to the pooler may be for migrations.
    """
    is_beside = is_casual(address.workload) or is_companion(address.container)
    return address.is_own and not address.is_assumed and not is_beside


def _is_all_seen(
    pooler: Pooler, known: Known, addressing: Iterable[Addressing], clients: Iterable[Client]
) -> bool:
    """Whether nothing leads to a pooler that is not seen to."""
    place = pooler.owner.span if pooler.owner else None
    if place is None or _is_open_to_others(pooler, known):
        return False
    leads = [
        client
        for client in clients
        if client.workload is None or (client.target and client.target.pooler is pooler)
    ]
    if any(client.is_in_use for client in leads):
        return False
    near = [each for each in addressing if may_meet(each.workload.span.path, place.path)]
    return all(map(_is_seen, near))


def _is_seen(one: Addressing) -> bool:
    """Whether it is known where a container leads, if anywhere."""
    if one.may_have_others or any(each.target is None or each.is_assumed for each in one.addresses):
        return False
    return bool(one.addresses) or _has_no_database(one.container)


def _has_no_database(container: Container) -> bool:
    return container.context is None and _WITHOUT_DATABASE.fullmatch(image_name(container)) is not None


def _is_open_to_others(pooler: Pooler, known: Known) -> bool:
    """Whether others than the project's own containers may reach it."""
    origin = next((origin for found, origin in known.placed if found is pooler), None)
    workload = origin.workload if origin else None
    if workload is None:
        return True
    if service := known.stacks.service(workload):
        return bool(service.ports)
    return any(each.type and each.type.value in _OUTWARD for each in known.network.in_front_of(workload))
