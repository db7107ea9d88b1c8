"""Addresses that workloads have, and what is remarkable about where they lead."""

from typing import TYPE_CHECKING, NamedTuple

from poolcheck.read.pgbouncer.config import Entry
from poolcheck.source import Span
from poolcheck.system.poolers import Pooler, Server
from poolcheck.system.targets import Target

if TYPE_CHECKING:
    from poolcheck.read.kubernetes.manifest import Container, Workload


class Addressed(NamedTuple):
    """The address of a database that a container has, in a variable or in a client pool: `by` either's name.

    `place` is where its host is written, `port` is None where it is not known. It surely is the one that is
    connected to if it `has_port`: a program may have another where none is told, or only among much else.

    It `is_own` where it is given to this container, and not with much else to many. It `is_assumed` where it is a
    mere default, or may be changed elsewhere. It `is_apart` where names or comments tell that it has a reason to
    lead past poolers, or that it matters to nobody. One of a client pool `is_of_source`, whose modules may show
    that it `needs_session`.
    """

    workload: "Workload"
    container: "Container"
    by: str
    host: str
    port: int | None
    database: str | None
    user: str | None
    place: Span
    target: Target | None
    is_own: bool
    is_assumed: bool
    is_apart: bool
    runs_once: bool
    has_port: bool = True
    is_of_source: bool = False
    needs_session: bool = False


class Fronted(NamedTuple):
    """A server that a pooler stands before: who connects through the pooler, and who past it.

    `pooled` are all addresses that lead to the pooler. Of those that lead past it, each of a workload of its own,
    `strays` have no reason to that is seen, and `apart` have one. `is_all_seen` where nothing else that the
    project runs can lead to the pooler, nor anything from outside.
    """

    pooler: Pooler
    server: Server
    entries: tuple[Entry, ...]
    pooled: tuple[Addressed, ...]
    strays: tuple[Addressed, ...]
    apart: tuple[Addressed, ...]
    is_all_seen: bool


class Unanswered(NamedTuple):
    """An address at which nobody listens: what has it, where it is written, and what is seen in its place.

    `listens` are the ports of what is there, by the name `found`, which is at `at`. Where nothing is called like
    the host there are none: `found` is what is meant then. It may be in another `namespace` than the `own`.
    """

    whose: str
    host: str
    port: int
    place: Span
    found: str
    at: Span
    listens: tuple[int, ...]
    namespace: str = ""
    own: str = ""


class Migration(NamedTuple):
    """A tool that changes a schema through a pooler, and what it does to its session.

    `place` is where it is started, `address` leads to the pooler. It does so `provided` something, if not always.
    """

    tool: str
    does: str
    place: Span
    address: Addressed
    provided: str = ""


class Proxied(NamedTuple):
    """An address that leads to a proxy which opens a connection for each of its clients, and is called a pooler.

    It is `called` so at `at`; `image` is where the `proxy` is named.
    """

    address: Addressed
    proxy: str
    called: str
    at: Span
    image: Span


class Wiring(NamedTuple):
    """Where addresses lead that variables hold, and what is to be said of that."""

    fronted: tuple[Fronted, ...] = ()
    unanswered: tuple[Unanswered, ...] = ()
    migrations: tuple[Migration, ...] = ()
    proxied: tuple[Proxied, ...] = ()
