"""What applications do to sessions of servers behind poolers, and through which of their client pools."""

from collections.abc import Iterator, Sequence
from itertools import takewhile

from poolcheck.link.sources import Sources
from poolcheck.read.python.sql.executed import Executed, executed_in
from poolcheck.system.clients import Client, Sent
from poolcheck.system.targets import exchange


def sent_by(clients: Sequence[Client], sources: Sources) -> Iterator[Sent]:
    """What is done to sessions that others get, by the pools of applications.

    Nothing is looked for where no application is behind a pooler, and nothing is told of what is done on a
    connection that comes from nobody sees where.
    """
    in_use = [client for client in clients if client.is_in_use]
    if any(exchange(client.target) for client in in_use):
        for module in sources.of_sessions():
            for executed in executed_in(module):
                yield from _through(executed, in_use, sources)


def _through(executed: Executed, clients: Sequence[Client], sources: Sources) -> Iterator[Sent]:
    """Each of the pools through which a statement is executed on a session that others get."""
    origin = executed.origin
    if origin.maker:
        found = [client for client in clients if client.pool.span == origin.maker]
    else:
        found = _nearest([each for each in clients if _is_setting(each, origin.setting)], executed.span.path)
    is_routed = origin.is_routed and sources.mention("DATABASE_ROUTERS")
    for client in found:
        if exchange(client.target) and not (is_routed and _has_direct_ones(client, clients)):
            yield Sent(executed, client, is_certain=not is_routed)


def _is_setting(client: Client, name: str | None) -> bool:
    return name is not None and client.pool.is_setting and client.pool.name == name


def _nearest(clients: Sequence[Client], path: str) -> list[Client]:
    """The pools of the settings that share most folders with a module: a project may have several sites."""
    shared = {client.pool.span: _folders_shared(client.pool.span.path, path) for client in clients}
    most = max(shared.values(), default=0)
    return [client for client in clients if shared[client.pool.span] == most]


def _folders_shared(one: str, other: str) -> int:
    pairs = zip(one.split("/")[:-1], other.split("/")[:-1], strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _has_direct_ones(client: Client, clients: Sequence[Client]) -> bool:
    """Whether a router may choose a database that is not behind a pooler, of those in the same settings."""
    beside = [each for each in clients if each.pool.span.path == client.pool.span.path and each.pool.is_setting]
    return not all(exchange(each.target) for each in beside)
