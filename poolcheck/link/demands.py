"""Where poolers lead."""

from collections.abc import Iterator

from poolcheck.link.known import Known
from poolcheck.link.network import Origin
from poolcheck.read.pgbouncer.config import Entry
from poolcheck.system.poolers import Demand, Pooler, Server

POSTGRES_PORT = 5432


def demands(known: Known) -> Iterator[Demand]:
    """Which of its databases each pooler opens connections for, and to what: a server, or another pooler."""
    for pooler, origin in known.placed:
        led: dict[int, tuple[Server | Pooler, list[Entry]]] = {}
        for entry in pooler.config.databases if pooler.config else ():
            found = _target_of(entry, known, origin) if entry.in_effect else None
            if found and found is not pooler:
                led.setdefault(id(found), (found, []))[1].append(entry)
        for found, entries in led.values():
            yield Demand(pooler, found, tuple(entries))


def port_of(entry: Entry) -> int | None:
    """The port that a database's connections are opened to; None where it is no number."""
    port = entry.parameter("port")
    if port is None:
        return POSTGRES_PORT
    return int(port.value) if port.value.isdecimal() else None


def _target_of(entry: Entry, known: Known, origin: Origin | None) -> Server | Pooler | None:
    host, port = entry.parameter("host"), port_of(entry)
    if host is None or port is None:
        return None
    destination = known.leads_to(host.value, port, origin)
    return destination.found if destination else None
