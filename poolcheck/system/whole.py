"""The linked whole: servers, poolers, and the client pools of workloads with where they lead."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from poolcheck.budget.facts import Facts
from poolcheck.read.document import Fact
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.system.clients import Client, Sent
from poolcheck.system.containers import PerCpu, PoolerContainer, ServerContainer
from poolcheck.system.poolers import Demand, Pooler, PoolerPods, Server
from poolcheck.system.wiring import Wiring

if TYPE_CHECKING:
    from poolcheck.budget.verdicts import Verdict
    from poolcheck.read.kubernetes.launchers import Shadowed
    from poolcheck.read.pgbouncer.rendered import Rendered
    from poolcheck.read.python.facts import PythonModule


class System(NamedTuple):
    """Everything that was read, and what it comes to together.

    `sent` is what applications do to sessions of servers behind poolers. `contained` are poolers whose containers
    are seen. `facts` are what the connection budget is made of, `verdicts` where it fails; some of their places
    are in what is written for one environment alone, `apart`. `wiring` is where the addresses lead that containers
    are given.
    """

    documents: tuple[Fact, ...]
    servers: tuple[Server, ...]
    poolers: tuple[Pooler, ...]
    demands: tuple[Demand, ...]
    clients: tuple[Client, ...]
    sent: tuple[Sent, ...] = ()
    contained: tuple[PoolerContainer, ...] = ()
    pooler_pods: tuple[PoolerPods, ...] = ()
    server_containers: tuple[ServerContainer, ...] = ()
    per_cpu: tuple[PerCpu, ...] = ()
    shadowed: "tuple[Shadowed, ...]" = ()
    facts: Facts = Facts()
    verdicts: "tuple[Verdict, ...]" = ()
    wiring: Wiring = Wiring()
    apart: "tuple[Rendered, ...]" = ()

    @property
    def rendered(self) -> "Iterator[Rendered]":
        """What stands in no file as it is read."""
        configs = (each for each in self.documents if isinstance(each, PgBouncerConfig))
        yield from (each.rendered for each in configs if each.rendered)
        yield from self.apart

    def module(self, path: str) -> "PythonModule | None":
        """The module in a file, if anything was read from it."""
        from poolcheck.read.python.facts import PythonModule

        return next(
            (each for each in self.documents if isinstance(each, PythonModule) and each.span.path == path), None
        )

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


class SystemWithClients(System):
    """A system in which client pools are seen: what is wrong only there is not looked for elsewhere."""


class SystemWithLinks(System):
    """A system in which is seen where a client pool leads."""


class SystemWithVerdicts(System):
    """A system with a connection budget that does not hold."""
