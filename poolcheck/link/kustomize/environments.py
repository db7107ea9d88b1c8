"""The environments of a project: what its outermost kustomizations build, put together as it is deployed."""

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

from poolcheck.amount import Reason, exactly, product
from poolcheck.budget.facts import DatabaseFacts, Facts, PoolerFacts, WorkloadFacts
from poolcheck.link.kustomize.kustomizing import Built, Kustomizing
from poolcheck.read.document import Fact
from poolcheck.read.kubernetes.kustomization import Kustomization
from poolcheck.read.kubernetes.managed import Managed
from poolcheck.read.kubernetes.manifest import ConfigMap, Manifest, Secret, Service, Workload
from poolcheck.read.kubernetes.stages import stages
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.source import Span

MOST_WORKLOADS = 10_000
"""Those of all environments together: where there are more, a project is looked at as a whole."""

Placed = TypeVar("Placed", Workload, Service, ConfigMap, Secret, Managed)
Item = TypeVar("Item", DatabaseFacts, PoolerFacts, WorkloadFacts)


class _Root(NamedTuple):
    """What a kustomization builds, and the stages that this is for."""

    path: str
    stages: frozenset[str]
    built: Built
    written: frozenset[Span]
    """Where the names of what it runs are written."""


class _Standing(NamedTuple):
    """Where an object is written that a kustomization builds."""

    place: Span
    root: _Root


class Environment(NamedTuple):
    """What is deployed together: the stages that it is for, and the documents as they are there.

    In these, an object that is built stands at a place of its own in the file of the kustomization.
    """

    stages: frozenset[str]
    facts: tuple[Fact, ...]
    standing: Mapping[Span, _Standing]

    def placed(self, found: Facts) -> Facts:
        """Facts of it, with their owners where they are written and for the stages that they are built for."""
        return Facts(
            tuple(self._placed(each) for each in found.databases),
            tuple(self._placed(each) for each in found.poolers),
            tuple(self._placed(each) for each in found.workloads),
        )

    def _placed(self, item: Item) -> Item:
        standing = self.standing.get(item.owner.span) if item.owner.span else None
        if standing is None:
            return item
        owner = item.owner._replace(span=standing.place, stages=standing.root.stages)
        placed = item._replace(owner=owner)
        return placed if standing.root.built.is_followed else _assumed(placed, standing.root.path)


def environments(facts: Sequence[Fact]) -> list[Environment]:
    """The environments of a project in which overlays make something of bases; none where they are too many."""
    kustomizations = [fact for fact in facts if isinstance(fact, Kustomization)]
    manifests = [fact for fact in facts if isinstance(fact, Manifest)]
    configs = [fact for fact in facts if isinstance(fact, PgBouncerConfig)]
    kustomizing = Kustomizing(kustomizations, manifests, configs)
    if not any(map(kustomizing.has_base, kustomizing.roots)):
        return []
    roots = _told_apart([(each.span.path, kustomizing.build(each)) for each in kustomizing.roots])
    used = {path for root in roots for path in root.built.files}
    brought = {path for each in kustomizations for path in _brought(each)}
    folders = {posixpath.dirname(each.span.path) for each in kustomizations}
    besides = [_besides(fact, folders) for fact in facts if not _is_of(fact, used, brought)]
    found = [_environment(each, roots, besides) for each in _deployments(roots)]
    return found if sum(map(_workloads, found)) <= MOST_WORKLOADS else []


def _workloads(environment: Environment) -> int:
    return sum(len(fact.workloads) for fact in environment.facts if isinstance(fact, Manifest))


def _brought(kustomization: Kustomization) -> Iterator[str]:
    """The files that it makes ConfigMaps and Secrets of."""
    folder = posixpath.dirname(kustomization.span.path)
    for generator in kustomization.generators:
        for file in generator.files:
            yield posixpath.normpath(posixpath.join(folder, file.path.value))


def _is_of(fact: Fact, used: set[str], brought: set[str]) -> bool:
    """Whether a document is, or is part of, what kustomizations build from."""
    match fact:
        case Kustomization():
            return True
        case Manifest():
            return fact.span.path in used
        case PgBouncerConfig():
            return fact.span.path in used | brought
        case _:
            return False


def _besides(fact: Fact, folders: set[str]) -> Fact:
    """A document that no kustomization builds: what is only a change of others counts for nothing beside one."""
    if not isinstance(fact, Manifest) or posixpath.dirname(fact.span.path) not in folders:
        return fact
    return fact._replace(workloads=tuple(each for each in fact.workloads if not each.is_partial), autoscalers=())


def _told_apart(built: Sequence[tuple[str, Built]]) -> list[_Root]:
    """Each with its stages: where two build the same and their paths do not part them, their folders do."""
    roots = [_Root(path, stages(path), each, frozenset(_names_of(each.objects))) for path, each in built]
    for more in (posixpath.basename, _with_holder, str):
        roots = [
            each._replace(stages=each.stages | {more(posixpath.dirname(each.path))})
            if any(_is_taken_for(each, other) for other in roots)
            else each
            for each in roots
        ]
    return roots


def _names_of(objects: Manifest) -> Iterator[Span]:
    yield from (each.name.span for each in objects.workloads)
    yield from (each.name.span for each in objects.managed)


def _with_holder(folder: str) -> str:
    """`overlays/production`, where another folder is called more, and for production too."""
    return "/".join(folder.split("/")[-2:])


def _is_taken_for(root: _Root, other: _Root) -> bool:
    """Whether it would be deployed together with another that builds the same."""
    return root is not other and root.stages <= other.stages and not root.written.isdisjoint(other.written)


def _deployments(roots: Iterable[_Root]) -> list[frozenset[str]]:
    """The stages of what is deployed: those of a root that are not part of another's."""
    found = dict.fromkeys(each.stages for each in roots)
    return [each for each in found if not any(each < other for other in found)]


def _environment(own: frozenset[str], roots: Iterable[_Root], besides: Sequence[Fact]) -> Environment:
    standing: dict[Span, _Standing] = {}
    built = [_standing(each, standing) for each in roots if each.stages <= own]
    configs = [each for manifest in built for each in _configs_in(manifest)]
    return Environment(own, (*built, *configs, *besides), standing)


def _configs_in(manifest: Manifest) -> Iterator[PgBouncerConfig]:
    for data in (*(each.data for each in manifest.config_maps), *(each.data for each in manifest.secrets)):
        yield from (entry.config for entry in data if entry.config)


def _standing(root: _Root, standing: dict[Span, _Standing]) -> Manifest:
    """What a root builds, each object at a place of its own."""

    def placed(found: Placed) -> Placed:
        place = Span(root.path, len(standing), len(standing))
        standing[place] = _Standing(found.span, root)
        return found._replace(span=place)

    here = Span(root.path, 0, 0)
    objects = root.built.objects
    return Manifest(
        here,
        tuple(map(placed, objects.workloads)),
        tuple(map(placed, objects.services)),
        tuple(map(placed, objects.config_maps)),
        tuple(map(placed, objects.secrets)),
        tuple(each._replace(span=here) for each in objects.autoscalers),
        tuple(map(placed, objects.managed)),
        tuple(each._replace(span=here) for each in objects.disruption_budgets),
    )


def _assumed(item: Item, path: str) -> Item:
    """What is counted of something that a kustomization may change in more ways than are followed."""
    folder = posixpath.dirname(path) or "."
    one = exactly(1, Reason(f"{folder} changes it", assumption=f"{folder} changes nothing else"))
    if isinstance(item, DatabaseFacts):
        return item._replace(max_connections=product(one, item.max_connections))
    if isinstance(item, PoolerFacts):
        return item._replace(
            processes=product(one, item.processes),
            processes_in_pod=product(one, item.processes_in_pod),
            max_client_conn=product(one, item.max_client_conn),
        )
    containers = (each._replace(processes=product(one, each.processes)) for each in item.containers)
    return item._replace(containers=tuple(containers))
