"""What poolers may want from servers."""

from collections.abc import Iterator

from poolcheck.link.known import Known
from poolcheck.link.network import Origin
from poolcheck.link.server_pools import wanted_by
from poolcheck.read.pgbouncer.config import Entry
from poolcheck.system import Demand, Owner, Server

POSTGRES_PORT = 5432


def demands(known: Known) -> Iterator[Demand]:
    """What each pooler may want from each server."""
    for pooler, origin in known.placed:
        led: dict[str, tuple[Server, list[Entry]]] = {}
        for entry in pooler.config.databases if pooler.config else ():
            server = _server_of(entry, known, origin) if entry.in_effect else None
            if server:
                led.setdefault(server.name, (server, []))[1].append(entry)
        owner = pooler.owner._replace(name=pooler.name) if pooler.owner else Owner("", pooler.name)
        for server, entries in led.values():
            hosts = [host.value for entry in entries if (host := entry.parameter("host"))]
            namespace = owner.namespace if any("." not in host for host in hosts) else None
            yield Demand(pooler, server, wanted_by(pooler, entries), owner._replace(namespace=namespace))


def _server_of(entry: Entry, known: Known, origin: Origin | None) -> Server | None:
    host, port = entry.parameter("host"), entry.parameter("port")
    if host is None or (port and not port.value.isdecimal()):
        return None
    destination = known.leads_to(host.value, int(port.value) if port else POSTGRES_PORT, origin)
    return destination.found if destination and isinstance(destination.found, Server) else None
