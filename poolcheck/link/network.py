"""Which container a host name and a port lead to, as a cluster's Services tell."""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

from poolcheck.read.kubernetes.manifest import Container, Manifest, Service, Workload
from poolcheck.read.kubernetes.stages import may_meet
from poolcheck.source import Located, Span

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

Item = TypeVar("Item", Service, Workload)


class Origin(NamedTuple):
    """Where somebody connects from: a file, and the workload whose namespace counts, None where none is known."""

    path: str
    workload: Workload | None = None


class Place(NamedTuple):
    """A container of a workload, and the Service it is reached through; None from within its own pod."""

    workload: Workload
    container: Container
    service: Service | None


class Network:
    """The Services and workloads of a project."""

    def __init__(self, manifests: Iterable[Manifest]) -> None:
        manifests = tuple(manifests)
        self.workloads = tuple(workload for manifest in manifests for workload in manifest.workloads)
        self._services: dict[str, list[Service]] = defaultdict(list)
        for service in (service for manifest in manifests for service in manifest.services):
            self._services[service.name.value].append(service)
        self._labelled: dict[tuple[str, str], list[Workload]] = defaultdict(list)
        for workload in self.workloads:
            for label in workload.labels:
                self._labelled[label].append(workload)

    def place(self, host: str, port: int, origin: Origin) -> Place | None:
        """Where a host name and a port lead to; None where the project does not tell for certain."""
        if host in LOOPBACK:
            own = origin.workload
            container = _listening(running(own), port) if own else None
            return Place(own, container, None) if own and container else None
        service = self.service(host, origin)
        if service is None:
            return None
        target = next((each for each in service.ports if each.port.value == port), None)
        labelled = self._labelled.get(min(service.selector), []) if service.selector else []
        picked = [each for each in labelled if _picks(service, each) and _may_meet(each, origin.path)]
        workload = _nearest(picked, service.span.path)
        container = _behind(target.target or target.port, running(workload)) if target and workload else None
        return Place(workload, container, service) if workload and container else None

    def elsewhere(self, host: str, origin: Origin) -> Service | None:
        """The only Service that is called like a host, if all that is seen is in another namespace."""
        own = origin.workload.namespace if origin.workload else None
        named = [each for each in self._services.get(host, ()) if _may_meet(each, origin.path)]
        is_apart = own is not None and not any(same_namespace(each.namespace, own) for each in named)
        return named[0] if is_apart and len(named) == 1 else None

    def in_front_of(self, workload: Workload) -> tuple[Service, ...]:
        """The Services that lead to the pods of a workload, and to those of no other."""
        services = (each for named in self._services.values() for each in named if each.selector)
        return tuple(each for each in services if _picks(each, workload) and self._picks_none_but(each, workload))

    def names_of(self, workload: Workload) -> Iterator[str]:
        """The names, with ports, of the Services that lead to the pods of a workload."""
        for service in self.in_front_of(workload):
            domain = f".{service.namespace.value}" if service.namespace else ""
            yield from (f"{service.name.value}{domain}:{each.port.value}" for each in service.ports)

    def _picks_none_but(self, service: Service, workload: Workload) -> bool:
        labelled = self._labelled.get(min(service.selector), []) if service.selector else []
        return all(each == workload for each in labelled if _picks(service, each))

    def service(self, host: str, origin: Origin) -> Service | None:
        """The Service that a host name is; None where the project does not tell for certain."""
        name, _, domain = host.partition(".")
        named = self._services.get(name, [])
        return _nearest([each for each in named if _is_reached(each, domain, origin)], origin.path)


def running(workload: Workload) -> tuple[Container, ...]:
    """The containers that run as long as the pod does."""
    sidecars = (each for each in workload.init_containers if _value(each.restart_policy) == "Always")
    return (*workload.containers, *sidecars)


def same_namespace(one: Located[str] | None, other: Located[str] | None) -> bool:
    """Whether two objects may be in one namespace: who applies manifests may choose what they leave out."""
    return one is None or other is None or one.value == other.value


def _is_reached(service: Service, domain: str, origin: Origin) -> bool:
    """Whether a service is what a name in a domain means: `""`, `shop`, `shop.svc`, `shop.svc.cluster.local`."""
    if not _may_meet(service, origin.path):
        return False
    namespace, _, rest = domain.partition(".")
    if not namespace:
        return origin.workload is None or same_namespace(service.namespace, origin.workload.namespace)
    is_ours = service.namespace is None or service.namespace.value == namespace
    return is_ours and rest in {"", "svc", "svc.cluster.local"}


def _picks(service: Service, workload: Workload) -> bool:
    is_picked = bool(service.selector) and (service.selector or frozenset()) <= workload.labels
    is_near = same_namespace(service.namespace, workload.namespace) and _may_meet(workload, service.span.path)
    return is_picked and is_near


def _may_meet(item: Item, path: str) -> bool:
    return may_meet(item.span.path, path)


def _nearest(items: Sequence[Item], path: str) -> Item | None:
    """The one in the same file, else the one in the same folder, else the only one; None where two are as near."""
    least = min((_distance(item.span, path) for item in items), default=0)
    nearest = [item for item in items if _distance(item.span, path) == least]
    return nearest[0] if len(nearest) == 1 else None


def _distance(span: Span, path: str) -> int:
    return (span.path != path) + (os.path.dirname(span.path) != os.path.dirname(path))


def _behind(port: Located[int] | Located[str], containers: Sequence[Container]) -> Container | None:
    """The container that a port of a Service leads to; the only one where none names its ports."""
    named = [
        each
        for each in containers
        if any(port.value in {_value(own.name), own.number.value} for own in each.ports)
    ]
    return (named or [*containers])[0] if len(named) == 1 or len(containers) == 1 else None


def _listening(containers: Sequence[Container], port: int) -> Container | None:
    found = [each for each in containers if any(own.number.value == port for own in each.ports)]
    return found[0] if len(found) == 1 else None


def _value(located: Located[str] | None) -> str | None:
    return located.value if located else None
