"""Who connects to a server through the pooler that stands before it, and who past it."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from poolcheck.link.addressed import Addressing
from poolcheck.link.known import Known
from poolcheck.link.poolers import entry_for
from poolcheck.link.purposes import is_of_superuser
from poolcheck.link.servers import image_name
from poolcheck.read.kubernetes.manifest import Container, Workload, WorkloadKind
from poolcheck.read.kubernetes.pooler_containers import is_casual, is_companion
from poolcheck.read.kubernetes.stages import may_meet
from poolcheck.read.pgbouncer.config import FALLBACK
from poolcheck.system import Addressed, Client, Demand, Fronted, Pooler, Server

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
    for demand in demands:
        if isinstance(demand.found, Server):
            yield _fronted(demand, demand.found, known, addressing, clients)


def _fronted(
    demand: Demand, server: Server, known: Known, addressing: Sequence[Addressing], clients: Sequence[Client]
) -> Fronted:
    pooler = demand.pooler
    every = [each for one in addressing for each in one.addresses if each.target]
    pooled = [each for each in every if each.target and each.target.pooler is pooler]
    to_server = [each for each in every if each.target and each.target.server is server and not each.runs_once]
    through = {_identity(each.workload) for each in pooled}
    users = {each.user for each in pooled}
    strays: list[Addressed] = []
    apart: list[Addressed] = []
    for own in _by_workload(to_server):
        chosen = _most_telling(own)
        if _is_stray(chosen, demand, users) and _identity(chosen.workload) not in through:
            strays.append(chosen)
        elif _counts(chosen) and _identity(chosen.workload) not in {_identity(each.workload) for each in strays}:
            apart.append(chosen)
    return Fronted(
        pooler,
        server,
        demand.entries,
        tuple(pooled),
        tuple(strays),
        tuple(apart),
        is_all_seen=not pooled and _is_all_seen(pooler, known, addressing, clients),
    )


def _by_workload(addressed: Iterable[Addressed]) -> Iterator[Sequence[Addressed]]:
    found: dict[tuple[str, str, str, str], list[Addressed]] = defaultdict(list)
    for each in addressed:
        found[_identity(each.workload)].append(each)
    yield from found.values()


def _identity(workload: Workload) -> tuple[str, str, str, str]:
    namespace = workload.namespace.value if workload.namespace else ""
    is_alone = workload.kind is WorkloadKind.SERVICE
    return workload.kind, workload.name.value, namespace, workload.span.path if is_alone else ""


def _most_telling(own: Sequence[Addressed]) -> Addressed:
    """The address that shows best what a workload does: one that is certainly used, and for no purpose of its own."""
    return min(own, key=lambda each: (each.is_apart, each.is_assumed, not each.is_own, each.database is None))


def _is_stray(address: Addressed, demand: Demand, users: set[str | None]) -> bool:
    is_plain = address.is_own and not address.is_assumed and not address.is_apart
    is_one_of_them = address.user in users or not is_of_superuser(address.user)
    return is_plain and is_one_of_them and _is_served(address, demand)


def _is_served(address: Addressed, demand: Demand) -> bool:
    """Whether the pooler surely leads to the same database."""
    if address.database is None:
        return any(entry.name.value == FALLBACK for entry in demand.entries)
    config = demand.pooler.config
    entry = entry_for(config, address.database) if config else None
    return entry is not None and entry in demand.entries


def _counts(address: Addressed) -> bool:
    """Whether it surely takes connections for as long as the application runs."""
    is_beside = is_casual(address.workload) or is_companion(address.container)
    return address.is_own and not address.is_assumed and not is_beside


def _is_all_seen(
    pooler: Pooler, known: Known, addressing: Iterable[Addressing], clients: Iterable[Client]
) -> bool:
    place = pooler.owner.span if pooler.owner else None
    if place is None or _is_open_to_others(pooler, known):
        return False
    if any(client.is_in_use and client.workload is None for client in clients):
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
