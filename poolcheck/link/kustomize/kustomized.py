"""What Kustomize makes of the files of a project, as far as it bears on a PgBouncer."""

import posixpath
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from poolcheck.amount import Amount, Reason, exactly
from poolcheck.link.network import running
from poolcheck.read.kubernetes.environment import Layer
from poolcheck.read.kubernetes.kustomization import Generator, Kustomization
from poolcheck.read.kubernetes.manifest import ConfigMap, Container, DataEntry, Secret, Workload
from poolcheck.read.kubernetes.stages import may_meet
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.read.template import has_template
from poolcheck.source import Located


class Generated(NamedTuple):
    """A configuration that stands under a key of a generated ConfigMap or Secret.

    It is `near` where the kustomization.yaml lies beside what mounts it, and not in an overlay.
    """

    key: str
    config: PgBouncerConfig
    is_near: bool


def layers(kustomizations: Iterable[Kustomization]) -> Iterator[Layer]:
    """The ConfigMaps and Secrets that are made."""
    by_folder = {_folder(each): each for each in kustomizations}
    all_places = {folder: tuple(_all_places(each, by_folder)) for folder, each in by_folder.items()}
    for folder, each in by_folder.items():
        users = (other for other, built in all_places.items() if folder in built) if each.generators else ()
        places = (*all_places[folder], *users)
        for generator in each.generators:
            files = (
                DataEntry(Located(file.key, file.path.span), file.text, file.path.span) for file in generator.files
            )
            kind = Secret if generator.is_secret else ConfigMap
            made = kind(generator.name, None, generator.span, (*files, *generator.data))
            yield Layer(made, generator.behavior in {"", "create"}, generator.is_complete, places)


class Replicas(NamedTuple):
    """The numbers of pods that kustomizations give a workload; `always` where what is deployed has one of them."""

    counts: tuple[Amount, ...]
    always: bool


def replicas(kustomizations: Iterable[Kustomization], workload: Workload) -> Replicas:
    """The number of a workload's pods by each kustomization that builds it and that no other builds."""
    by_folder = {_folder(each): each for each in kustomizations}
    built = {folder: {folder, *_all_places(each, by_folder)} for folder, each in by_folder.items()}
    building = [folder for folder, places in built.items() if _builds(folder, places, workload.span.path)]
    outmost = [
        folder for folder in building if not any(folder in built[other] for other in building if other != folder)
    ]
    found = [
        _replicas_in([by_folder[inner] for inner in (folder, *by_folder) if inner in built[folder]], workload)
        for folder in outmost
    ]
    return Replicas(tuple(each for each in found if each), bool(found) and None not in found)


def _builds(folder: str, places: Collection[str], path: str) -> bool:
    is_beside = folder == posixpath.dirname(path)
    return is_beside or any(_is_in(path, place) for place in places if place != folder)


def _replicas_in(kustomizations: Iterable[Kustomization], workload: Workload) -> Amount | None:
    """The number that the first of these gives which gives any."""
    for each in kustomizations:
        counts = [count for name, count in each.replicas if name == workload.name.value]
        if counts:
            number, place = counts[-1]
            pods = "1 pod" if number == 1 else f"{number} pods"
            return exactly(number, Reason(f"{pods} of {workload.name.value}", place))
    return None


class Kustomized:
    """The kustomizations and workloads of a project, and the configurations in it by their paths."""

    def __init__(
        self,
        kustomizations: Iterable[Kustomization],
        workloads: Iterable[Workload],
        configs: Mapping[str, PgBouncerConfig],
    ) -> None:
        by_folder = {_folder(each): each for each in kustomizations}
        self._all = [(each, tuple(_all_places(each, by_folder))) for each in by_folder.values()]
        self._configs = configs
        self._patches: dict[tuple[str, str], list[Workload]] = defaultdict(list)
        for workload in workloads:
            if workload.is_partial and not has_template(workload.name.value):
                self._patches[workload.kind, workload.name.value].append(workload)

    def generated(self, name: str, workload: Workload, *, is_secret: bool) -> Iterator[Generated]:
        """The configurations in the ConfigMap or Secret that a workload calls by this name."""
        path = workload.span.path
        for each in self._building(path):
            for generator in each.generators:
                if (generator.name.value, generator.is_secret) == (name, is_secret):
                    yield from self._files(generator, each, is_near=_folder(each) == posixpath.dirname(path))

    def images(self, workload: Workload, container: Container) -> Iterator[str]:
        """The images that a container may run, by one overlay or the other; "" for one that no file shows."""
        path = workload.span.path
        named = self._patches.get((workload.kind, workload.name.value), ())
        patches = (each for each in named if each is not workload and may_meet(each.span.path, path))
        patched = (own for each in patches for own in running(each) if own.name.value == container.name.value)
        for image in (container.image, *(each.image for each in patched if each.image)):
            yield from self._changed(image.value if image else "", path)

    def set_by_patches(self, workload: Workload, container: Container) -> frozenset[str]:
        """The variables of a container that patches set, by one overlay or the other."""
        path = workload.span.path
        return frozenset(
            variable.name.value
            for patch in self._patches.get((workload.kind, workload.name.value), ())
            if patch is not workload and patch.span != workload.span and may_meet(patch.span.path, path)
            for own in running(patch)
            if own.name.value == container.name.value
            for variable in own.env
        )

    def _changed(self, image: str, path: str) -> Iterator[str]:
        """An image in a manifest at a path, as it is beside a kustomization.yaml and in the overlays."""
        building = self._building(path)
        for each in building:
            if _folder(each) == posixpath.dirname(path):
                image = _changed_by(each, image)
        yield image
        yield from (_changed_by(each, image) for each in building)

    def _building(self, path: str) -> list[Kustomization]:
        """Those that build from a file."""
        return [each for each, places in self._all if any(_is_in(path, place) for place in places)]

    def _files(self, generator: Generator, owner: Kustomization, *, is_near: bool) -> Iterator[Generated]:
        for file in generator.files:
            place = posixpath.normpath(posixpath.join(_folder(owner), file.path.value))
            if config := self._configs.get(place):
                yield Generated(file.key, config, is_near)


def _folder(kustomization: Kustomization) -> str:
    return posixpath.dirname(kustomization.span.path)


def _places(kustomization: Kustomization) -> Iterator[str]:
    for resource in kustomization.resources:
        yield posixpath.normpath(posixpath.join(_folder(kustomization), resource.value))


def _all_places(kustomization: Kustomization, by_folder: Mapping[str, Kustomization]) -> Iterator[str]:
    """The files and folders that it builds from, and those that these build from."""
    waiting, seen = [kustomization], {_folder(kustomization)}
    while waiting:
        for place in _places(waiting.pop()):
            yield place
            if place in by_folder and place not in seen:
                seen.add(place)
                waiting.append(by_folder[place])


def _is_in(path: str, place: str) -> bool:
    """Whether a path is a file or lies in a folder."""
    return place in {path, "."} or path.startswith(f"{place}/")


def _changed_by(kustomization: Kustomization, image: str) -> str:
    return next((new for change in kustomization.images if (new := change.of(image)) != image), image)
