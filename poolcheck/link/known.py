"""The servers and poolers of a project, and the names under which they are reached."""

from poolcheck.amount import Reason
from poolcheck.link.network import Network, Origin, running
from poolcheck.link.pods import Pods
from poolcheck.link.poolers import found_in, pooler_alone, pooler_of, stated_pooler, version_of
from poolcheck.link.servers import is_postgres, server_in, stated_server
from poolcheck.read.document import Fact
from poolcheck.read.environment import Objects
from poolcheck.read.kubernetes import Container, Manifest, Workload
from poolcheck.read.pgbouncer import PgBouncerConfig
from poolcheck.source import Span
from poolcheck.stated import Stated
from poolcheck.system import Pooler, Server


class Known:
    """The servers and poolers of a project, and the names under which they are reached."""

    def __init__(self, facts: tuple[Fact, ...], stated: Stated) -> None:
        manifests = [fact for fact in facts if isinstance(fact, Manifest)]
        self.objects = Objects(manifests)
        self.network = Network(manifests)
        self.pods = Pods(manifests, stated.workloads)
        self.servers: list[Server] = []
        self.poolers: list[Pooler] = []
        self.origins: dict[Span | None, Origin] = {}
        self._reached: dict[Span, Pooler | Server] = {}
        self._named: dict[str, Pooler | Server] = {}
        self._configs: dict[Span, PgBouncerConfig] = {}
        self._target = version_of(stated.target.pgbouncer)
        for workload in self.network.workloads:
            for container in running(workload):
                self._add(workload, container)
        self._add_lone_configurations(facts)
        self._add_stated(stated)

    def document(self, fact: Fact) -> Fact:
        """A document with what is known about it from elsewhere: the version of the PgBouncer that reads it."""
        if not isinstance(fact, PgBouncerConfig):
            return fact
        return self._configs.get(fact.span) or fact._replace(version=self._target)

    def leads_to(self, host: str, port: int, origin: Origin) -> tuple[Pooler | Server | None, tuple[Reason, ...]]:
        """The pooler or server under a host name and port, and what shows that; None where nothing does."""
        if stated := self._named.get(host):
            return stated, ()
        place = self.network.place(host, port, origin)
        if place is None:
            return None, ()
        workload, container, service = place
        found = self._reached.get(container.name.span)
        name = workload.name.value
        shown = (Reason(f"Service {service.name.value} leads to {name}", service.name.span),) if service else ()
        return found, shown

    def is_reached(self, container: Container) -> bool:
        """Whether a container is one of the poolers or servers."""
        return container.name.span in self._reached

    def _add(self, workload: Workload, container: Container) -> None:
        if is_postgres(container):
            server = server_in(workload, container, self.objects)
            self.servers.append(server)
            self._reached[container.name.span] = server
        elif found := found_in(workload, container, self.objects):
            found = found._replace(version=found.version or self._target)
            pooler = pooler_of(found, self.pods.of(workload))
            self._reached[container.name.span] = pooler
            self._add_pooler(pooler, Origin(workload.span.path, workload))

    def _add_pooler(self, pooler: Pooler, origin: Origin) -> None:
        self.poolers.append(pooler)
        self.origins[pooler.place] = origin
        if pooler.config:
            self._configs[pooler.config.span] = pooler.config

    def _add_lone_configurations(self, facts: tuple[Fact, ...]) -> None:
        for fact in facts:
            if isinstance(fact, PgBouncerConfig) and fact.span not in self._configs:
                pooler = pooler_alone(fact._replace(version=self._target))
                self._add_pooler(pooler, Origin(fact.span.path))

    def _add_stated(self, stated: Stated) -> None:
        """Adds what is stated. If one pooler is stated and one is seen, they are the same."""
        for name, database in stated.databases.items():
            server = stated_server(name, database)
            self.servers.append(server)
            self._named |= dict.fromkeys(database.hosts, server)
        for name, facts in stated.poolers.items():
            pooler = (
                self.poolers[0] if len(self.poolers) == len(stated.poolers) == 1 else stated_pooler(name, facts)
            )
            if pooler not in self.poolers:
                self.poolers.append(pooler)
            self._named |= dict.fromkeys(facts.hosts, pooler)
