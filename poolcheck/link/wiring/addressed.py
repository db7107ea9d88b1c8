"""The addresses of databases that containers are given, in variables and in the client pools of their programs."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from poolcheck.amount import Reason
from poolcheck.link.known import Known
from poolcheck.link.kustomize.patched import patched
from poolcheck.link.network import Origin
from poolcheck.link.poolers import entry_for
from poolcheck.link.purposes import is_apart, runs_once
from poolcheck.link.wiring.database_variables import (
    COMMAND,
    Named,
    Variable,
    addresses_in,
    addresses_in_command,
    has_unknown_address,
)
from poolcheck.read.kubernetes.environment import environment
from poolcheck.read.kubernetes.manifest import Container, Workload, WorkloadKind
from poolcheck.read.kubernetes.pooler_containers import is_pooler
from poolcheck.read.python.pools.url import Address
from poolcheck.source import Span
from poolcheck.system.clients import Client
from poolcheck.system.poolers import Pooler
from poolcheck.system.targets import Target
from poolcheck.system.wiring import Addressed

CONSOLE = "pgbouncer"
"""The database of PgBouncer's own console, which has no server connections."""


class Addressing(NamedTuple):
    """A container that is no server and no pooler of which more is known, and its addresses.

    It `may_have_others` where a variable, or a client pool, leads to where no file shows.
    """

    workload: Workload
    container: Container
    addresses: tuple[Addressed, ...]
    may_have_others: bool


NeedsSession: TypeAlias = Callable[[frozenset[str]], bool]
"""Whether modules at these paths do to a session what others must not get."""


def addressing(known: Known, clients: Sequence[Client], needs_session: NeedsSession) -> Iterator[Addressing]:
    """The containers of a project with the addresses that they are given."""
    by_container: dict[Span | None, list[Client]] = defaultdict(list)
    for client in clients:
        if client.is_in_use:
            by_container[client.container].append(client)
    in_cluster = known.network.workloads
    for workload in (*in_cluster, *patched(in_cluster, known.kustomizations), *known.stacks.workloads):
        if workload.is_partial:
            continue
        for container in (*workload.containers, *workload.init_containers):
            if known.is_reached(container):
                continue
            if is_pooler(container):
                yield Addressing(workload, container, (), may_have_others=True)
            else:
                own = by_container.get(container.name.span, ())
                yield _of_container(workload, container, own, known, needs_session)


def _of_container(
    workload: Workload, container: Container, clients: Sequence[Client], known: Known, needs_session: NeedsSession
) -> Addressing:
    own = environment(workload, container, known.objects)
    named = (*addresses_in(own), *addresses_in_command(container, own))
    found = [_of_variable(workload, container, each, known) for each in named if each.address.database != CONSOLE]
    of_clients = (_of_client(workload, container, each, needs_session) for each in clients)
    found += [each for each in of_clients if each]
    is_unknown = any(client.target is None for client in clients)
    return Addressing(workload, container, tuple(found), is_unknown or has_unknown_address(own))


def _of_variable(workload: Workload, container: Container, named: Named, known: Known) -> Addressed:
    address = named.address
    return Addressed(
        workload,
        container,
        named.variable.name,
        address.host or "",
        address.port_number,
        address.database,
        address.user,
        named.place,
        _target(named, workload, known),
        is_own=_is_own(named.variable, workload, container, known),
        is_assumed=named.by_default or named.variable.name in known.kustomized.set_by_patches(workload, container),
        is_apart=is_apart(workload, container, named.variable.name)
        or _is_remarked(named, workload, container, known),
        runs_once=runs_once(workload, container),
        has_port=named.has_port and (named.port is None or _is_own(named.port, workload, container, known)),
    )


def _is_remarked(named: Named, workload: Workload, container: Container, known: Known) -> bool:
    """Whether a comment says that it has its own way to a database."""
    places = (named.place, named.variable.given_at, workload.name.span, container.name.span)
    return any(map(known.remarks.tell_of, places))


def _is_own(variable: Variable, workload: Workload, container: Container, known: Known) -> bool:
    """Whether a container is given a variable by itself, and not with all that a file of variables holds."""
    if variable.name == COMMAND:
        return True
    if workload.kind is not WorkloadKind.SERVICE:
        return any(each.name.value == variable.name for each in container.env)
    service = known.stacks.service(workload)
    is_in_file = service is not None and variable.name in {name for name, _ in service.environment}
    span, given_at = workload.span, variable.given_at
    return is_in_file and span.path == given_at.path and span.start <= given_at.start < span.end


def _target(named: Named, workload: Workload, known: Known) -> Target | None:
    """Where an address leads for certain."""
    address, origin = named.address, Origin(workload.span.path, workload)
    port = address.port_number if named.has_port else _only_port(address, origin, known)
    if not address.host or not port:
        return None
    destination = known.leads_to(address.host, port, origin)
    if destination is None or destination.found is None:
        return None
    because = (Reason(f"{named.variable.name} leads to {address.host}", named.place), *destination.because)
    found, in_pod = destination.found, destination.in_pod
    if isinstance(found, Pooler):
        entry = entry_for(found.config, address.database) if found.config else None
        return Target(found, entry, None, is_certain=True, because=because, in_pod=in_pod, user=address.user)
    return Target(None, None, found, is_certain=True, because=because, in_pod=in_pod, user=address.user)


def _only_port(address: Address, origin: Origin, known: Known) -> int | None:
    """The port of a Service that has only one, or else the usual one."""
    service = known.network.service(address.host or "", origin)
    return service.ports[0].port.value if service and len(service.ports) == 1 else address.port_number


def _of_client(
    workload: Workload, container: Container, client: Client, needs_session: NeedsSession
) -> Addressed | None:
    pool, target = client.pool, client.target
    address = pool.address
    if address is None or not address.host or target is None or not target.is_certain:
        return None
    place = pool.place_of(address.host, "host")
    return Addressed(
        workload,
        container,
        pool.title,
        address.host,
        address.port_number,
        address.database,
        address.user,
        place,
        target,
        is_own=True,
        is_assumed=False,
        is_apart=is_apart(workload, container, pool.title),
        runs_once=runs_once(workload, container),
        is_of_source=True,
        needs_session=target.server is not None and needs_session(client.loaded),
    )
