"""The servers and poolers of a project, and the names under which they are reached."""

from collections.abc import Iterable
from typing import NamedTuple

from poolcheck.amount import Reason, product
from poolcheck.link.composed import in_session_mode, prepared_statements
from poolcheck.link.deployed import found_in, pooler_of
from poolcheck.link.kustomized import Kustomized
from poolcheck.link.network import Network, Origin, running
from poolcheck.link.overlays import Overlays
from poolcheck.link.pods import Pods
from poolcheck.link.poolers import completed, pooler_alone, stated_pooler, version_of
from poolcheck.link.servers import is_postgres, server_in, stated_server
from poolcheck.link.versions import Versions, only_version
from poolcheck.read.compose.facts import ComposeFile
from poolcheck.read.document import Fact
from poolcheck.read.kubernetes.environment import Objects
from poolcheck.read.kubernetes.kustomization import Kustomization
from poolcheck.read.kubernetes.manifest import Container, Manifest, Workload
from poolcheck.read.kubernetes.pooler_images import pooler_image
from poolcheck.read.kubernetes.stages import stages
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.source import Span
from poolcheck.stated import Stated
from poolcheck.system import Owner, Pooler, Server


class Destination(NamedTuple):
    """What is under a name and a port, None where it is neither pooler nor server, and what shows that.

    It may be `in_pod`, that of whoever asks.
    """

    found: Pooler | Server | None
    because: tuple[Reason, ...] = ()
    in_pod: bool = False


class Known:
    """The servers and poolers of a project, and the names under which they are reached."""

    def __init__(self, facts: tuple[Fact, ...], paths: Iterable[str], stated: Stated) -> None:
        manifests = [fact for fact in facts if isinstance(fact, Manifest)]
        self.objects = Objects(manifests)
        self.network = Network(manifests)
        self.pods = Pods(manifests, stated.workloads)
        self.overlays = Overlays(paths)
        composed = [fact for fact in facts if isinstance(fact, ComposeFile)]
        self.prepared_statements = prepared_statements(composed)
        """How many of them the Compose services keep that are told to."""
        self.pooling_sessions = in_session_mode(composed)
        """The names of the Compose services that are told to pool sessions."""
        self.servers: list[Server] = []
        self.placed: list[tuple[Pooler, Origin | None]] = []
        """The poolers, and where each of them connects from; None where that is not known."""
        self._reached: dict[Span, Pooler | Server] = {}
        self._named: dict[str, Pooler | Server] = {}
        self._target = version_of(stated.target.pgbouncer)
        self._versions = Versions(facts, self._target)
        kustomizations = (fact for fact in facts if isinstance(fact, Kustomization))
        self._kustomized = Kustomized(kustomizations, self.network.workloads, self._versions.by_path)
        for workload in self.network.workloads:
            for container in running(workload):
                self._add(workload, container)
        self._add_lone_configurations(facts)
        self._add_stated(stated)

    @property
    def poolers(self) -> list[Pooler]:
        """The poolers that are seen or stated."""
        return [pooler for pooler, _ in self.placed]

    def document(self, fact: Fact) -> Fact:
        """A document with what is known about it from elsewhere: the version of the PgBouncer that reads it."""
        return self._versions.known(fact) if isinstance(fact, PgBouncerConfig) else fact

    def leads_to(self, host: str, port: int, origin: Origin | None) -> Destination | None:
        """What is under a host name and port; None where nothing in the project tells."""
        if stated := self._named.get(f"{host}:{port}") or self._named.get(host):
            return Destination(stated)
        place = self.network.place(host, port, origin) if origin else None
        if place is None:
            return None
        workload, container, service = place
        name = workload.name.value
        shown = (Reason(f"Service {service.name.value} leads to {name}", service.name.span),) if service else ()
        return Destination(self._reached.get(container.name.span), shown, in_pod=service is None)

    def is_reached(self, container: Container) -> bool:
        """Whether a container is one of the poolers or servers."""
        return container.name.span in self._reached

    def _add(self, workload: Workload, container: Container) -> None:
        """Adds what a container is, if it is a server or a pooler."""
        path = workload.span.path
        if is_postgres(container):
            server, pods = server_in(workload, container, self.objects), self.pods.of(workload)
            each = self.overlays.as_written(server.accepts, path)
            server = server._replace(accepts=each if (pods.low, pods.high) == (1, 1) else product(pods, each))
            self.servers.append(server)
            self._reached[container.name.span] = server
        elif found := found_in(workload, container, self.objects, self._kustomized):
            images = map(pooler_image, self._kustomized.images(workload, container))
            versions = {image and image.version for image in images}
            found = found._replace(version=only_version(versions, self._target))
            pods = self.overlays.as_written(self.pods.of(workload), path)
            pooler = pooler_of(found, pods, owner_of(workload))
            pooler = pooler._replace(each_accepts=self.overlays.as_written(pooler.each_accepts, path))
            self._reached[container.name.span] = pooler
            self.placed.append((pooler, Origin(path, workload)))
            for config in (*found.configs, *([pooler.config] if pooler.config else [])):
                self._versions.add(config, versions)

    def _add_lone_configurations(self, facts: tuple[Fact, ...]) -> None:
        placed = {pooler.config.span for pooler in self.poolers if pooler.config}
        for fact in facts:
            if isinstance(fact, PgBouncerConfig) and fact.span not in placed:
                # Whether it runs in the cluster, where a Service has a name, nothing tells.
                self.placed.append((pooler_alone(self._versions.known(fact)), None))

    def _add_stated(self, stated: Stated) -> None:
        """Adds what is stated. If one pooler is stated and one is seen, they are the same."""
        for name, database in stated.databases.items():
            server = stated_server(name, database)
            self.servers.append(server)
            self._named |= dict.fromkeys(database.hosts, server)
        only = self.placed[0] if len(self.placed) == len(stated.poolers) == 1 else None
        for name, facts in stated.poolers.items():
            if only:
                pooler = completed(only[0], facts)
                self.placed = [(pooler, only[1])]
                self._reached = {place: pooler if at is only[0] else at for place, at in self._reached.items()}
            else:
                pooler = stated_pooler(name, facts)
                self.placed.append((pooler, None))
            self._named |= dict.fromkeys(facts.hosts, pooler)


def owner_of(workload: Workload) -> Owner:
    """A workload as the owner of connections."""
    namespace = workload.namespace.value if workload.namespace else None
    return Owner(workload.kind, workload.name.value, workload.span, stages(workload.span.path), namespace)
