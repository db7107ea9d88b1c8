"""The addresses of databases at which nobody listens, as far as the project proves it."""

import re
from collections.abc import Iterable, Iterator

from poolcheck.link.demands import port_of
from poolcheck.link.known import Known
from poolcheck.link.network import LOOPBACK, Origin
from poolcheck.link.servers import is_postgres
from poolcheck.link.wiring.addressed import Addressing
from poolcheck.read.kubernetes.environment import environment
from poolcheck.read.kubernetes.manifest import Service, Workload, WorkloadKind
from poolcheck.read.template import has_template
from poolcheck.source import Located, Span
from poolcheck.system.poolers import Pooler
from poolcheck.system.wiring import Addressed, Unanswered
from poolcheck.value import text_of

_POSTGRES = 5432
_SHORT = re.compile(r"[A-Za-z][\w-]*")
_PARTING, _ADDED = re.compile(r"[-_]"), re.compile(r"(?:db|host|ql|server|service|svc)$")


def unanswered(known: Known, addressing: Iterable[Addressing]) -> Iterator[Unanswered]:
    """Those of variables, and those of the databases of poolers."""
    for one in addressing:
        origin = Origin(one.workload.span.path, one.workload)
        for address in one.addresses:
            if not address.is_assumed and address.has_port:
                found = _at(address.host, address.port, address.place, origin, known)
                if found or (found := _missing(address, origin, known)):
                    yield found._replace(whose=f"{address.by} of {one.workload.name.value}")
    for pooler, where in known.placed:
        if where:
            yield from _of_pooler(pooler, where, known)


def _of_pooler(pooler: Pooler, origin: Origin, known: Known) -> Iterator[Unanswered]:
    for entry in pooler.config.databases if pooler.config else ():
        host = entry.parameter("host") if entry.in_effect else None
        port = entry.parameter("port")
        if host and not has_template(host.value) and not (port and has_template(port.value)):
            found = _at(host.value, port_of(entry), (port or host).span, origin, known)
            if found:
                yield found._replace(whose=f"{entry.name.value} of {pooler.name}")


def _at(host: str, port: int | None, place: Span, origin: Origin, known: Known) -> Unanswered | None:
    """A port of something that is seen, at which it does not listen."""
    if port is None or host in LOOPBACK or origin.workload is None:
        return None
    if origin.workload.kind is WorkloadKind.SERVICE:
        return _at_composed(host, port, place, origin, known)
    service = known.network.service(host, origin)
    if service is None or not _is_final(service, origin, known):
        return None
    listens = tuple(each.port.value for each in service.ports)
    if port in listens:
        return None
    return Unanswered("", host, port, place, f"Service {service.name.value}", service.ports[0].port.span, listens)


def _is_final(service: Service, origin: Origin, known: Known) -> bool:
    """Whether the ports of a Service are surely all that lead anywhere."""
    is_name = service.external_name is not None or (service.type and service.type.value == "ExternalName")
    may_change = any(map(known.overlays.is_base, (service.span.path, origin.path)))
    return not (is_name or service.has_any_port or may_change)


def _at_composed(host: str, port: int, place: Span, origin: Origin, known: Known) -> Unanswered | None:
    """Between its services, Compose has the ports of their containers, whatever is published."""
    workload = known.stacks.leads_to(host, origin)
    own = known.stacks.service(origin.workload) if origin.workload else None
    if own is None or own.knows_other_hosts:
        return None
    listens = _listens(workload, known) if workload else None
    if workload is None or listens is None or listens.value == port:
        return None
    return Unanswered("", host, port, place, workload.name.value, listens.span, (listens.value,))


def _listens(workload: Workload, known: Known) -> Located[int] | None:
    """The port on which the PgBouncer or the PostgreSQL of a Compose service listens, where that is known."""
    [container] = workload.containers
    service = known.stacks.service(workload)
    if service is None or service.is_built:
        return None
    image = (container.image or container.name).span
    if pooler := known.pooler_in(container):
        told = pooler.config.effective_integer("listen_port") if pooler.config else None
        return Located(told.value, told.span or image) if told else None
    server = known.server_in(container)
    if server is None or server.settings is None or not is_postgres(container):
        return None
    if any(word.value.startswith("-p") for word in (*(container.command or ()), *(container.args or ()))):
        return None
    by_variable = environment(workload, container, known.objects).get("PGPORT")
    written = dict(server.settings).get("port")
    if written is None and by_variable is not None:
        written = Located(text_of(by_variable), by_variable.places[-1] if by_variable.places else image)
    if written is None:
        return Located(_POSTGRES, image)
    return Located(int(written.value), written.span) if written.value.isdecimal() else None


def _missing(address: Addressed, origin: Origin, known: Known) -> Unanswered | None:
    """A name that nothing has which may be meant."""
    if address.target or not address.port or not _SHORT.fullmatch(address.host):
        return None
    if origin.workload and origin.workload.kind is WorkloadKind.SERVICE:
        return _missing_in_compose(address, address.port, origin.workload, known)
    service = None if known.kustomizations else known.network.elsewhere(address.host, origin)
    if service is None or service.namespace is None or known.leads_to(address.host, address.port, origin):
        return None
    found, namespace = f"Service {service.name.value}", service.namespace
    own = origin.workload.namespace.value if origin.workload and origin.workload.namespace else ""
    return Unanswered(
        "", address.host, address.port, address.place, found, namespace.span, (), namespace.value, own
    )


def _missing_in_compose(address: Addressed, port: int, workload: Workload, known: Known) -> Unanswered | None:
    """The server or the pooler whose name is nearly that of a host which is that of no service."""
    service, called = known.stacks.service(workload), [*known.stacks.called()]
    names = {name for name, _ in called}
    if service is None or service.knows_other_hosts or address.host in names or _is_made(address.host, names):
        return None
    near = [
        (name, each)
        for name, each in called
        if each.span.path == workload.span.path and known.is_reached(each.containers[0])
    ]
    alike = [(name, each) for name, each in near if _core(name) == _core(address.host)]
    if len(alike) != 1:
        return None
    name, meant = alike[0]
    return Unanswered("", address.host, port, address.place, name, meant.name.span, ())


def _is_made(host: str, names: Iterable[str]) -> bool:
    """Whether Compose or a swarm may make it of the name of a service: `shop-db-1`, `shop_db`."""
    return any(
        re.fullmatch(rf".+[-_]{re.escape(name)}(?:[-_]\d+)?|{re.escape(name)}[-_.]?\d+", host) for name in names
    )


def _core(name: str) -> str:
    """A name without what people add to it and leave out."""
    return _ADDED.sub("", _PARTING.sub("", name.lower()))
