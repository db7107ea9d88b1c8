"""The linked whole: servers, poolers, and the client pools of workloads with where they lead."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from poolcheck.amount import Amount, Reason
from poolcheck.finding import Note
from poolcheck.read.document import Fact
from poolcheck.read.pgbouncer import Effective, Entry, PgBouncerConfig, PoolMode, Version
from poolcheck.source import Span

if TYPE_CHECKING:
    from poolcheck.read.pools import ClientPool


class Server(NamedTuple):
    """A PostgreSQL server.

    `accepts` are the connections it has for applications: its limit less what it keeps back for superusers.
    `place` is where the limit is written, or the server is; None where no file shows it. It closes sessions that
    are idle for `idle_session_timeout_s`, where that is stated.
    """

    name: str
    accepts: Amount
    place: Span | None
    idle_session_timeout_s: Effective[float] | None = None


class Pooler(NamedTuple):
    """A PgBouncer, all its processes together.

    `config` is None where its settings are not seen; `mode` is then what configuration states. `accepts` are the
    client connections that all processes accept together, `place` where that is written, or the pooler is.
    `prepared_statements` is how many protocol-level prepared statements it keeps for each server connection, None
    where that is not known.
    """

    name: str
    place: Span | None
    config: PgBouncerConfig | None
    version: Version | None
    processes: Amount
    accepts: Amount
    mode: Effective[PoolMode] | None
    prepared_statements: Effective[int] | None


class Demand(NamedTuple):
    """The server connections that the pools of one database of a pooler may want from a server."""

    pooler: Pooler
    server: Server
    connections: Amount


class Target(NamedTuple):
    """Where a client pool leads: to a pooler, there to a database, or to a server; and what shows it.

    It is not certain where only a port or a host's name suggests a pooler. `pooler` is None then, unless the
    project has only one.
    """

    pooler: Pooler | None
    entry: Entry | None
    server: Server | None
    is_certain: bool
    because: tuple[Reason, ...]

    @property
    def mode(self) -> Effective[PoolMode] | None:
        """The pool mode that clients get; None where it is not known, or there is no pooler."""
        if self.pooler is None:
            return None
        if self.pooler.config is None:
            return self.pooler.mode
        return self.pooler.config.pool_mode(self.entry)


class Sharing(NamedTuple):
    """That server connections change hands between clients while they hold prepared statements, and what shows it.

    It is not certain where the pooler, its pool mode or its support for prepared statements is not seen.
    """

    is_certain: bool
    because: tuple[Reason, ...]


def sharing(target: Target | None) -> Sharing | None:
    """Whether a client's prepared statements meet those of others; None where nothing suggests it."""
    if target is None or (target.pooler is None and target.server):
        return None
    mode = target.mode
    if target.pooler is None or mode is None:
        return None if target.is_certain else Sharing(is_certain=False, because=target.because)
    kept = target.pooler.prepared_statements
    if mode.value is PoolMode.SESSION or (kept and kept.value > 0):
        return None
    because = [*target.because, Reason(f"server connections change hands after each {mode.value}", mode.span)]
    if kept and kept.span:
        because.append(Reason("prepared statements are not kept apart", kept.span))
    return Sharing(target.is_certain and kept is not None, tuple(because))


def operands(reasons: Iterable[Reason], besides: Span | None) -> list[Note]:
    """A note at the place of each number that goes into a sum, but for the place of the finding itself."""
    return [Note(each.span, each.text) for each in dict.fromkeys(reasons) if each.span and each.span != besides]


class Client(NamedTuple):
    """A client pool, as a workload makes it or, where no workload is seen to, as its module shows it.

    `connections` are the most that all processes of all pods of the workload hold together.
    """

    pool: "ClientPool"
    workload: str | None
    connections: Amount
    target: Target | None


class System(NamedTuple):
    """Everything that was read, and what it comes to together."""

    documents: tuple[Fact, ...]
    servers: tuple[Server, ...]
    poolers: tuple[Pooler, ...]
    demands: tuple[Demand, ...]
    clients: tuple[Client, ...]

    def clients_of(self, pooler: Pooler) -> Iterator[Client]:
        """The clients that certainly connect to a pooler."""
        return (
            each
            for each in self.clients
            if each.target and each.target.pooler is pooler and each.target.is_certain
        )

    def direct_clients_of(self, server: Server) -> Iterator[Client]:
        """The clients that certainly connect to a server without a pooler in between."""
        return (
            each
            for each in self.clients
            if each.target and each.target.server is server and each.target.is_certain
        )
