"""What Kustomize makes of the files of a project, as far as it bears on a PgBouncer."""

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from poolcheck.link.network import running
from poolcheck.read.kubernetes.kustomization import Generator, Kustomization
from poolcheck.read.kubernetes.manifest import Container, Workload
from poolcheck.read.kubernetes.stages import may_meet
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.read.template import has_template


class Generated(NamedTuple):
    """A configuration that stands under a key of a generated ConfigMap or Secret.

    It is `near` where the kustomization.yaml lies beside what mounts it, and not in an overlay.
    """

    key: str
    config: PgBouncerConfig
    is_near: bool


class Kustomized:
    """The kustomizations and workloads of a project, and the configurations in it by their paths."""

    def __init__(
        self,
        kustomizations: Iterable[Kustomization],
        workloads: Iterable[Workload],
        configs: Mapping[str, PgBouncerConfig],
    ) -> None:
        self._all = [(each, tuple(_places(each))) for each in kustomizations]
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


def _is_in(path: str, place: str) -> bool:
    """Whether a path is a file or lies in a folder."""
    return place in {path, "."} or path.startswith(f"{place}/")


def _changed_by(kustomization: Kustomization, image: str) -> str:
    return next((new for change in kustomization.images if (new := change.of(image)) != image), image)
