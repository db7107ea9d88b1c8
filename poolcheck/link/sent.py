"""What applications do to sessions of servers behind poolers, and through which of their client pools."""

from collections.abc import Iterator, Sequence

from poolcheck.link.sources import Sources
from poolcheck.read.python.executed import Executed, executed_in
from poolcheck.system import Client, Sent, exchange


def sent_by(clients: Sequence[Client], sources: Sources) -> Iterator[Sent]:
    """What is done to sessions that others get, by the pools of applications.

    Nothing is looked for where no application is behind a pooler.
    """
    in_use = [client for client in clients if client.is_in_use]
    if any(exchange(client.target) for client in in_use):
        for module in sources.of_sessions():
            for executed in executed_in(module):
                yield from _through(executed, in_use)


def _through(executed: Executed, clients: Sequence[Client]) -> Iterator[Sent]:
    """Each of the pools through which a statement may be executed on a session that others get."""
    origin = executed.origin
    if origin.maker or origin.alias:
        found = [client for client in clients if _is_origin(client, executed)]
    else:
        found = _likely(executed, clients)
    is_certain = bool(origin.maker or origin.alias)
    yield from (Sent(executed, client, is_certain) for client in found if exchange(client.target))


def _is_origin(client: Client, executed: Executed) -> bool:
    """Whether a pool is the one that a statement's connection comes from."""
    if executed.origin.maker:
        return client.pool.span == executed.origin.maker
    return client.pool.name == f"DATABASES[{executed.origin.alias!r}]"


def _likely(executed: Executed, clients: Sequence[Client]) -> list[Client]:
    """The pools beside a statement whose connection comes from nobody sees where.

    All those that run together with it, where they all are behind a pooler; none where one of them is not, or the
    statement may be meant for another database.
    """
    if not executed.is_postgres:
        return []
    together = [client for client in clients if executed.span.path in client.loaded]
    library = executed.origin.library
    around = [client for client in together or clients if library in {None, client.pool.constructor.library}]
    return around if all(exchange(client.target) for client in around) else []
