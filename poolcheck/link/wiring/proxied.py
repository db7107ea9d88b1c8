"""Proxies that open a connection to the database for each of their clients, though they are called poolers."""

import re
from collections.abc import Iterable, Iterator

from poolcheck.link.known import Known
from poolcheck.link.network import LOOPBACK, Origin, running
from poolcheck.link.servers import image_name
from poolcheck.link.wiring.addressed import Addressing
from poolcheck.read.kubernetes.manifest import Container, Workload
from poolcheck.read.kubernetes.pooler_containers import is_pooler
from poolcheck.source import Located
from poolcheck.system.wiring import Addressed, Proxied

_PROXIES = frozenset({"alloydb-auth-proxy", "cloud-sql-proxy", "cloudsql-proxy", "gce-proxy"})
_LIKE_A_POOLER = re.compile(r"bouncer|pgpool|pool(?:er|ing)", re.IGNORECASE)


def proxied(known: Known, addressing: Iterable[Addressing]) -> Iterator[Proxied]:
    """The addresses that lead to such a proxy and are called poolers, by a variable or by what is in between."""
    for one in addressing:
        for address in one.addresses:
            if address.target is None and (place := _at(address, known)):
                proxy, names = place
                by = Located(address.by, address.place)
                called = next((each for each in (*names, by) if _LIKE_A_POOLER.search(each.value)), None)
                if called and proxy.image:
                    yield Proxied(address, image_name(proxy), called.value, called.span, proxy.image.span)


def _at(address: Addressed, known: Known) -> tuple[Container, tuple[Located[str], ...]] | None:
    """The proxy that an address leads to, with the names of what is in between."""
    workload = address.workload
    if address.host in LOOPBACK:
        return _only_proxy(workload, ())
    origin = Origin(workload.span.path, workload)
    if composed := known.stacks.leads_to(address.host, origin):
        return _only_proxy(composed, (composed.name,))
    place = known.network.place(address.host, address.port or 0, origin)
    if place is None or place.service is None or image_name(place.container) not in _PROXIES:
        return None
    return place.container, (place.service.name, place.workload.name, place.container.name)


def _only_proxy(
    workload: Workload, names: tuple[Located[str], ...]
) -> tuple[Container, tuple[Located[str], ...]] | None:
    """The proxy of a workload in which no pooler runs."""
    found = [each for each in running(workload) if image_name(each) in _PROXIES]
    is_alone = len(found) == 1 and not any(map(is_pooler, running(workload)))
    return (found[0], (*names, found[0].name)) if is_alone else None
