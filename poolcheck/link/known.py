"""The servers and poolers of a project, and the names under which they are reached."""

from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from typing import NamedTuple

from poolcheck.amount import Reason, between, exactly, product
from poolcheck.budget.facts import Owner
from poolcheck.link.composed import in_session_mode, only_config, prepared_statements
from poolcheck.link.deployed import found_in, pooler_of
from poolcheck.link.generated import Generated, generated
from poolcheck.link.images import Text, image_in, with_image
from poolcheck.link.kustomize.kustomized import Kustomized, layers
from poolcheck.link.kustomize.overlays import Overlays
from poolcheck.link.managed import ManagedOne, Managing
from poolcheck.link.mysql_servers import is_mysql, mysql_server_in
from poolcheck.link.network import Network, Origin, running
from poolcheck.link.pods import Pods
from poolcheck.link.poolers import completed, pooler_alone, seen_pooler, stated_pooler, version_of
from poolcheck.link.purposes import Remarks
from poolcheck.link.servers import is_postgres, server_in, stated_server
from poolcheck.link.stacks import Stacks
from poolcheck.link.versions import Versions, only_version
from poolcheck.read.compose.facts import ComposeFile
from poolcheck.read.document import Fact
from poolcheck.read.kubernetes.environment import Objects, environment
from poolcheck.read.kubernetes.kustomization import Kustomization
from poolcheck.read.kubernetes.manifest import Container, Manifest, Workload
from poolcheck.read.kubernetes.pooler_images import pooler_image
from poolcheck.read.kubernetes.stages import may_meet, stages
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.source import Located, Span
from poolcheck.stated import Stated
from poolcheck.system.poolers import Pooler, Server


class Destination(NamedTuple):
    """What is under a name and a port, None where it is neither pooler nor server, and what shows that.

    It may be `in_pod`, that of whoever asks.
    """

    found: Pooler | Server | None
    because: tuple[Reason, ...] = ()
    in_pod: bool = False


class Known:
    """The servers and poolers of a project, and the names under which they are reached."""

    def __init__(
        self, facts: tuple[Fact, ...], paths: Iterable[str], stated: Stated, text: Text | None = None
    ) -> None:
        """Takes what is read of files at some paths, and the `text` of others, where there is a way to them."""
        self._text = text
        manifests = [fact for fact in facts if isinstance(fact, Manifest)]
        self.kustomizations = [fact for fact in facts if isinstance(fact, Kustomization)]
        self.objects = Objects(manifests, layers(self.kustomizations))
        self.network = Network(manifests)
        self.remarks = Remarks(facts)
        self.pods = Pods(manifests, stated.workloads, self.kustomizations)
        self.overlays = Overlays(paths, self.kustomizations)
        composed = [fact for fact in facts if isinstance(fact, ComposeFile)]
        self.stacks = Stacks(composed)
        self.prepared_statements = prepared_statements(composed)
        """How many of them the Compose services keep that are told to."""
        self.pooling_sessions = in_session_mode(composed)
        """The names of the Compose services that are told to pool sessions."""
        self.servers: list[Server] = []
        self.placed: list[tuple[Pooler, Origin | None]] = []
        """The poolers, and where each of them connects from; None where that is not known."""
        self.generated: list[Fact] = []
        """The configurations that images of poolers write, and what is wrong with the form of their lines."""
        self._reached: dict[Span, Pooler | Server] = {}
        self._managed: list[Pooler | Server] = []
        self._idle: set[Span] = set()
        """The places of configurations that are brought to where nobody looks for them."""
        self._named: dict[str, Pooler | Server] = {}
        self._target = version_of(stated.target.pgbouncer)
        self._versions = Versions(facts, self._target)
        self.kustomized = Kustomized(self.kustomizations, self.network.workloads, self._versions.by_path)
        for workload in self.network.workloads:
            for container in running(workload):
                self._add(workload, container)
        for service in self.stacks.workloads:
            self._add_service(service)
        self._managing = Managing(manifests, self.pods)
        for one in self._managing.all:
            self._add_managed(one)
        self._add_lone_configurations(facts)
        self._add_stated(stated)

    @property
    def poolers(self) -> list[Pooler]:
        """The poolers that are seen or stated."""
        return [pooler for pooler, _ in self.placed]

    @property
    def configs(self) -> dict[str, PgBouncerConfig]:
        """The configurations by the paths of their files."""
        return self._versions.by_path

    def pooler_in(self, container: Container) -> Pooler | None:
        """The pooler that a container is."""
        found = self._reached.get(container.name.span)
        return found if isinstance(found, Pooler) else None

    def origin_of(self, pooler: Pooler) -> Origin | None:
        """Where a pooler connects from; None where that is not known."""
        return next((origin for each, origin in self.placed if each is pooler), None)

    def server_in(self, container: Container) -> Server | None:
        """The server that a container is."""
        found = self._reached.get(container.name.span)
        return found if isinstance(found, Server) else None

    def document(self, fact: Fact) -> Fact:
        """A document with what is known about it from elsewhere: the version of the PgBouncer that reads it."""
        return self._versions.known(fact) if isinstance(fact, PgBouncerConfig) else fact

    def leads_to(self, host: str, port: int, origin: Origin | None) -> Destination | None:
        """What is under a host name and port; None where nothing in the project tells."""
        if stated := self._named.get(f"{host}:{port}") or self._named.get(host):
            return Destination(stated)
        composed = self.stacks.leads_to(host, origin) if origin else None
        if composed and (reached := self._reached.get(composed.name.span)):
            return Destination(reached, (Reason(f"{host} is {composed.name.value}", composed.name.span),))
        place = self.network.place(host, port, origin) if origin else None
        if place is None:
            managed = self._managing.leads_to(host, port, origin) if origin else None
            return None if managed is None else Destination(self._managed[managed])
        workload, container, service = place
        name = workload.name.value
        shown = (Reason(f"Service {service.name.value} leads to {name}", service.name.span),) if service else ()
        return Destination(self._reached.get(container.name.span), shown, in_pod=service is None)

    def is_reached(self, container: Container) -> bool:
        """Whether a container is one of the poolers or servers."""
        return container.name.span in self._reached

    @cached_property
    def _runners(self) -> dict[int, list[Workload]]:
        """The workloads in whose pods each pooler and each server runs, by its identity."""
        found: dict[int, list[Workload]] = defaultdict(list)
        for workload in self.network.workloads:
            reached = (self._reached.get(each.name.span) for each in running(workload))
            for each in {id(one): one for one in reached if one}:
                found[each].append(workload)
        return found

    def addresses(self, found: Pooler | Server) -> tuple[str, ...]:
        """The names, with ports, under which a pooler or a server is reached from other projects."""
        names = [host for host, named in self._named.items() if named is found]
        for workload in self._runners.get(id(found), ()):
            names += self.network.names_of(workload)
        for number, managed in enumerate(self._managed):
            if managed is found:
                names += self._managing.names_of(number)
        return tuple(dict.fromkeys(names))

    def _add(self, workload: Workload, container: Container) -> None:
        """Adds what a container is, if it is a server or a pooler."""
        path = workload.span.path
        if server := self._server_in(workload, container):
            pods = self.pods.of(workload)
            limit = self.overlays.as_written(server.max_connections, path)
            server = server._replace(max_connections=limit, owner=owner_of(workload))
            server = server if (pods.low, pods.high) == (1, 1) else server.times(pods)
            self.servers.append(server)
            self._reached[container.name.span] = server
        elif found := found_in(workload, container, self.objects, self.kustomized):
            if workload.is_partial and self._has_whole(workload):
                # A patch makes no other pooler. What it brings may be read by that one.
                self._idle.update(config.span for config in found.configs)
                return
            images = map(pooler_image, self.kustomized.images(workload, container))
            versions = {image and image.version for image in images}
            found = found._replace(version=only_version(versions, self._target))
            pods = self.overlays.as_written(self.pods.of(workload), path)
            pooler = pooler_of(found, pods, owner_of(workload), self.pods.replicas(workload))
            pooler = pooler._replace(
                each_accepts=self.overlays.as_written(pooler.each_accepts, path),
                in_pod=self.overlays.as_written(pooler.in_pod, path),
            )
            self._reached[container.name.span] = pooler
            self.placed.append((pooler, Origin(path, workload)))
            for config in (*found.configs, *([pooler.config] if pooler.config else [])):
                self._versions.add(config, versions)
            if found.generated:
                self._idle.update(config.span for config in found.configs)
            self._add_generated(found.generated)

    def _has_whole(self, patch: Workload) -> bool:
        """Whether the workload is there that a patch may be one of."""
        return any(
            not each.is_partial
            and (each.kind, each.name.value) == (patch.kind, patch.name.value)
            and may_meet(each.span.path, patch.span.path)
            for each in self.network.workloads
        )

    def _server_in(self, workload: Workload, container: Container) -> Server | None:
        if is_postgres(container):
            return server_in(workload, container, self.objects)
        return mysql_server_in(workload, container, self.objects) if is_mysql(container) else None

    def _built_server(self, workload: Workload, container: Container) -> Server | None:
        """The server in an image that is made here of one that runs a server, and of nothing that sets it up."""
        if container.context is None or self._text is None:
            return None
        image = image_in(container.context, self._text)
        if image is None or image.base is None:
            return None
        based = with_image(container._replace(image=Located(image.base, container.name.span)), image)
        server = self._server_in(workload, based)
        is_set_up = any("initdb" in each.path or "conf" in each.path for each in image.copied)
        return server and (
            server._replace(max_connections=between(0, None), settings=None) if is_set_up else server
        )

    def _add_service(self, workload: Workload) -> None:
        """Adds what a Compose service is, if it is a server, or a pooler whose configuration is seen."""
        [container] = workload.containers
        pods, service = self.pods.of(workload), self.stacks.service(workload)
        if workload.is_partial or service is None:
            return
        if server := self._server_in(workload, container) or self._built_server(workload, container):
            server = server._replace(owner=owner_of(workload))
            self._reached[container.name.span] = server
            self.servers.append(server)
            return
        image = pooler_image(container.image.value) if container.image and not service.is_built else None
        written = None
        config = only_config(service, self._versions.by_path)
        if config is None and image:
            own = environment(workload, container, self.objects)
            written = generated(image, workload, container, own, self.objects)
            config = written.config if written else None
        if config:
            version = only_version([image.version if image else None], self._target)
            place = (container.image or container.name).span
            pooler = seen_pooler(workload.name.value, config, version, pods, place, self.pods.replicas(workload))
            pooler = _assumed(pooler._replace(owner=owner_of(workload)), written)
            self._reached[container.name.span] = pooler
            self.placed.append((pooler, Origin(workload.span.path, workload)))
            self._versions.add(config, [version])
            self._add_generated(written)

    def _add_managed(self, one: ManagedOne) -> None:
        """Adds a server or a pooler that an operator runs."""
        path = one.origin.path
        if isinstance(one.found, Server):
            limit = self.overlays.as_written(one.found.max_connections, path)
            server = one.found._replace(max_connections=limit)
            self.servers.append(server)
            self._managed.append(server)
            return
        pooler = one.found._replace(
            processes=self.overlays.as_written(one.found.processes, path),
            accepts=self.overlays.as_written(one.found.accepts, path),
            each_accepts=self.overlays.as_written(one.found.each_accepts, path),
            in_pod=self.overlays.as_written(one.found.in_pod, path),
        )
        self._managed.append(pooler)
        self.placed.append((pooler, one.origin))
        if pooler.config:
            self._versions.add(pooler.config, [pooler.version])
        self._add_generated(one.generated)

    def _add_generated(self, written: Generated | None) -> None:
        if written:
            self.generated += [*written.faults, written.config]

    def _add_lone_configurations(self, facts: tuple[Fact, ...]) -> None:
        placed = self._idle | {pooler.config.span for pooler in self.poolers if pooler.config}
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


def _assumed(pooler: Pooler, written: Generated | None) -> Pooler:
    """A pooler whose numbers rest on what is assumed of its configuration."""
    if written is None or not written.assumption:
        return pooler
    one = exactly(1, Reason("variables that may be set", assumption=written.assumption))
    return pooler._replace(
        processes=product(one, pooler.processes),
        accepts=product(one, pooler.accepts),
        each_accepts=product(one, pooler.each_accepts),
        in_pod=product(one, pooler.in_pod),
    )


def owner_of(workload: Workload) -> Owner:
    """A workload as the owner of connections."""
    namespace = workload.namespace.value if workload.namespace else None
    return Owner(workload.kind, workload.name.value, workload.span, stages(workload.span.path), namespace)
