"""What poolers may want from servers."""

from collections.abc import Iterator

from poolcheck.link.known import Known
from poolcheck.link.network import Origin
from poolcheck.link.poolers import wanted_by
from poolcheck.read.pgbouncer import Entry
from poolcheck.system import Demand, Server

POSTGRES_PORT = 5432


def demands(known: Known) -> Iterator[Demand]:
    """What each pooler may want from each server."""
    for pooler in known.poolers:
        led: dict[str, tuple[Server, list[Entry]]] = {}
        for entry in pooler.config.databases if pooler.config else ():
            server = _server_of(entry, known, known.origins[pooler.place]) if entry.in_effect else None
            if server:
                led.setdefault(server.name, (server, []))[1].append(entry)
        for server, entries in led.values():
            yield Demand(pooler, server, wanted_by(pooler, entries))


def _server_of(entry: Entry, known: Known, origin: Origin) -> Server | None:
    host, port = entry.parameter("host"), entry.parameter("port")
    if host is None or (port and not port.value.isdecimal()):
        return None
    found, _ = known.leads_to(host.value, int(port.value) if port else POSTGRES_PORT, origin)
    return found if isinstance(found, Server) else None
