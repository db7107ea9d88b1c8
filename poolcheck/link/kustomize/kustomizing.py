"""What Kustomize builds: the objects of a base, as an overlay makes them.

Observed with Kustomize 5.5: resources come first, then components, generators, patches, the namespace, numbers of
pods and images.
"""

import posixpath
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple, TypeVar

from poolcheck.link.kustomize.patched import merged
from poolcheck.link.network import same_namespace
from poolcheck.read.kubernetes.kustomization import Generator, Kustomization, ReplicaCount
from poolcheck.read.kubernetes.managed import Managed
from poolcheck.read.kubernetes.manifest import (
    Autoscaler,
    ConfigMap,
    Container,
    DataEntry,
    DisruptionBudget,
    Manifest,
    Secret,
    Service,
    Workload,
)
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.source import Located, Span

_REPLACING = "replace"
_OFTEN = 10
"""A component is followed so often for one kustomization."""
_LAYERED = frozenset({"merge", _REPLACING})

Holder = TypeVar("Holder", ConfigMap, Secret)
Placed = TypeVar("Placed", Workload, Service, ConfigMap, Secret, Autoscaler, Managed, DisruptionBudget)


class Built(NamedTuple):
    """The objects of a kustomization; `is_followed` where all that it changes of them is known.

    `files` are all that it is made of.
    """

    objects: Manifest
    is_followed: bool
    files: frozenset[str]


class Kustomizing:
    """The kustomizations of a project with the manifests and configurations that they build from."""

    def __init__(
        self,
        kustomizations: Iterable[Kustomization],
        manifests: Iterable[Manifest],
        configs: Iterable[PgBouncerConfig],
    ) -> None:
        self._all = {posixpath.dirname(each.span.path): each for each in kustomizations}
        self._manifests: dict[str, list[Manifest]] = {}
        self._in_folder: dict[str, list[Manifest]] = {}
        for manifest in manifests:
            self._manifests.setdefault(manifest.span.path, []).append(manifest)
            self._in_folder.setdefault(posixpath.dirname(manifest.span.path), []).append(manifest)
        self._configs = {each.span.path: each for each in configs}

    @property
    def roots(self) -> list[Kustomization]:
        """The kustomizations that none of the others builds from, and that stand for themselves."""
        used = {part for folder, each in self._all.items() for part in self._parts(folder, each) if part != folder}
        return [each for folder, each in self._all.items() if folder not in used and not each.is_component]

    def has_base(self, root: Kustomization) -> bool:
        """Whether it builds from what another kustomization builds."""
        folder = posixpath.dirname(root.span.path)
        return any(part in self._all for part in self._parts(folder, root))

    def build(self, root: Kustomization) -> Built:
        """What a kustomization builds, and the settings that lie beside it for whoever deploys it."""
        built = self._alone(root, Counter())
        folder = posixpath.dirname(root.span.path)
        objects = built.objects
        for each in dict.fromkeys((folder, *self._folders(folder, root))):
            for manifest in self._in_folder.get(each, ()):
                if manifest.span.path not in built.files:
                    objects = _with_settings(objects, manifest)
        return built._replace(objects=objects)

    def _folders(self, folder: str, own: Kustomization) -> Iterator[str]:
        """The folders of all kustomizations that it builds from, the nearest first."""
        waiting, seen = [(folder, own)], {folder}
        while waiting:
            for part in self._parts(*waiting.pop(0)):
                if part in self._all and part not in seen:
                    seen.add(part)
                    waiting.append((part, self._all[part]))
                    yield part

    def _built(self, own: Kustomization, below: Built, seen: Counter[str]) -> Built:
        """What a kustomization builds on top of what a component is given; folders are `seen` so often."""
        folder = posixpath.dirname(own.span.path)
        seen[folder] += 1
        parts = [*self._parts(folder, own)]
        inner = {part: self._all[part] for part in parts if part in self._all}
        found = below
        for part, each in inner.items():
            if not each.is_component:
                found = _both(found, self._alone(each, seen) if seen[part] == 0 else _UNSEEN)
        for part in parts:
            if part not in self._all and part not in found.files:
                found = _both(found, self._file(part))
        for part, each in inner.items():
            if each.is_component:
                found = self._built(each, found, seen) if seen[part] < _OFTEN else _both(found, _UNSEEN)
        return self._changed(own, folder, found)

    def _file(self, path: str) -> Built:
        """The objects in a file."""
        found = Built(_nothing(Span(path, 0, 0)), is_followed=True, files=frozenset({path}))
        for manifest in self._manifests.get(path, ()):
            found = _both(found, Built(manifest, is_followed=True, files=frozenset({path})))
        return found

    def _alone(self, own: Kustomization, seen: Counter[str]) -> Built:
        """What a kustomization builds that is given nothing."""
        return self._built(own, Built(_nothing(own.span), is_followed=True, files=frozenset()), seen)

    def _parts(self, folder: str, own: Kustomization) -> Iterator[str]:
        for resource in own.resources:
            yield posixpath.normpath(posixpath.join(folder, resource.value))

    def _changed(self, own: Kustomization, folder: str, found: Built) -> Built:
        """What a kustomization makes of what it builds from."""
        objects = found.objects
        for generator in own.generators:
            objects = self._with_generated(objects, generator, folder)
        files = [own.span.path, *(posixpath.normpath(posixpath.join(folder, path)) for path in own.patches)]
        for path in files:
            for patch in self._manifests.get(path, ()):
                objects = _patched(objects, patch)
        if own.operations:
            from poolcheck.link.kustomize.operated import operated

            objects = operated(objects, own.operations)
        workloads = (_scaled(_with_images(each, own), own.replicas) for each in objects.workloads)
        objects = objects._replace(workloads=tuple(workloads))
        # What leads to a Service by the name that it has no more may lead nowhere.
        is_renamed = bool((own.prefix or own.suffix) and objects.services)
        is_followed = found.is_followed and own.is_followed and not is_renamed
        objects = _with_names(_in_namespace(objects, own.namespace), own)
        return Built(objects, is_followed, found.files | {*files})

    def _with_generated(self, objects: Manifest, generator: Generator, folder: str) -> Manifest:
        """The objects with one that is made, in place of or on top of that which has its name."""
        data = (
            *(self._entry(folder, file.key, file.path, file.text) for file in generator.files),
            *generator.data,
        )
        if generator.is_secret:
            made = Secret(generator.name, None, generator.span, data)
            return objects._replace(secrets=_with_layer(objects.secrets, made, generator))
        laid = ConfigMap(generator.name, None, generator.span, data)
        return objects._replace(config_maps=_with_layer(objects.config_maps, laid, generator))

    def _entry(self, folder: str, key: str, path: Located[str], text: Located[str] | None) -> DataEntry:
        config = self._configs.get(posixpath.normpath(posixpath.join(folder, path.value)))
        return DataEntry(Located(key, path.span), text, path.span, config)


def _nothing(span: Span) -> Manifest:
    return Manifest(span, (), (), (), (), ())


_UNSEEN = Built(_nothing(Span("", 0, 0)), is_followed=False, files=frozenset())
"""What is built once more under other names, and not counted."""


def _both(one: Built, other: Built) -> Built:
    first, second = one.objects, other.objects
    objects = Manifest(
        first.span,
        (*first.workloads, *second.workloads),
        (*first.services, *second.services),
        (*first.config_maps, *second.config_maps),
        (*first.secrets, *second.secrets),
        (*first.autoscalers, *second.autoscalers),
        (*first.managed, *second.managed),
        (*first.disruption_budgets, *second.disruption_budgets),
    )
    return Built(objects, one.is_followed and other.is_followed, one.files | other.files)


def _with_settings(objects: Manifest, besides: Manifest) -> Manifest:
    """The objects with the ConfigMaps and Secrets of others that are called like none of theirs."""
    config_maps = {each.name.value for each in objects.config_maps}
    secrets = {each.name.value for each in objects.secrets}
    return objects._replace(
        config_maps=(
            *objects.config_maps,
            *(each for each in besides.config_maps if each.name.value not in config_maps),
        ),
        secrets=(*objects.secrets, *(each for each in besides.secrets if each.name.value not in secrets)),
    )


def _with_layer(holders: tuple[Holder, ...], made: Holder, generator: Generator) -> tuple[Holder, ...]:
    if generator.behavior not in _LAYERED:
        return tuple(chain(holders, [made]))
    return tuple(
        _laid(each, made.data, generator) if each.name.value == made.name.value else each for each in holders
    )


def _laid(holder: Holder, data: tuple[DataEntry, ...], generator: Generator) -> Holder:
    below = () if generator.behavior == _REPLACING else holder.data
    kept = below if generator.is_complete else tuple(each._replace(value=None) for each in below)
    return holder._replace(data=_merged_data(kept, data))


def _merged_data(below: Iterable[DataEntry], above: Iterable[DataEntry]) -> tuple[DataEntry, ...]:
    return tuple({each.key.value: each for each in (*below, *above)}.values())


def _patched(objects: Manifest, patch: Manifest) -> Manifest:
    """The objects with what a patch says of those that it names."""
    return objects._replace(
        workloads=_each_patched(objects.workloads, patch.workloads, merged, _is_workload),
        config_maps=_each_patched(objects.config_maps, patch.config_maps, _with_data, _is_named),
        secrets=_each_patched(objects.secrets, patch.secrets, _with_data, _is_named),
        autoscalers=_each_patched(objects.autoscalers, patch.autoscalers, _with_ends, _is_named),
    )


def _each_patched(
    found: Iterable[Placed],
    patches: Sequence[Placed],
    patched: Callable[[Placed, Placed], Placed],
    is_meant: Callable[[Placed, Placed], bool],
) -> tuple[Placed, ...]:
    def whole(each: Placed) -> Placed:
        for patch in patches:
            each = patched(each, patch) if is_meant(patch, each) else each
        return each

    return tuple(map(whole, found))


def _is_named(patch: Placed, found: Placed) -> bool:
    return patch.name.value == found.name.value and same_namespace(patch.namespace, found.namespace)


def _is_workload(patch: Workload, found: Workload) -> bool:
    return patch.kind == found.kind and _is_named(patch, found)


def _with_data(holder: Holder, patch: Holder) -> Holder:
    return holder._replace(data=_merged_data(holder.data, patch.data))


def _with_ends(autoscaler: Autoscaler, patch: Autoscaler) -> Autoscaler:
    return autoscaler._replace(
        target_kind=patch.target_kind or autoscaler.target_kind,
        target_name=patch.target_name or autoscaler.target_name,
        min_replicas=autoscaler.min_replicas if patch.min_replicas is None else patch.min_replicas,
        max_replicas=autoscaler.max_replicas if patch.max_replicas is None else patch.max_replicas,
    )


def _scaled(workload: Workload, counts: Iterable[ReplicaCount]) -> Workload:
    own = [each.pods for each in counts if each.name == workload.name.value]
    return workload._replace(replicas=own[-1]) if own else workload


def _with_images(workload: Workload, own: Kustomization) -> Workload:
    if not own.images:
        return workload
    return workload._replace(
        containers=tuple(_with_image(each, own) for each in workload.containers),
        init_containers=tuple(_with_image(each, own) for each in workload.init_containers),
    )


def _with_image(container: Container, own: Kustomization) -> Container:
    if container.image is None:
        return container
    image = container.image.value
    changed = next((new for change in own.images if (new := change.of(image)) != image), image)
    return container._replace(image=container.image._replace(value=changed))


def _with_names(objects: Manifest, own: Kustomization) -> Manifest:
    """The objects, and their Services also under the names that they get; all else goes by what it is written as.

    No name changes where a variable holds it: it may be the old one, where nobody has thought of the new.
    """
    if not own.prefix and not own.suffix:
        return objects
    renamed = (
        each._replace(name=each.name._replace(value=f"{own.prefix}{each.name.value}{own.suffix}"))
        for each in objects.services
    )
    return objects._replace(services=(*objects.services, *renamed))


def _in_namespace(objects: Manifest, namespace: Located[str] | None) -> Manifest:
    if namespace is None:
        return objects
    return objects._replace(
        workloads=tuple(each._replace(namespace=namespace) for each in objects.workloads),
        services=tuple(each._replace(namespace=namespace) for each in objects.services),
        config_maps=tuple(each._replace(namespace=namespace) for each in objects.config_maps),
        secrets=tuple(each._replace(namespace=namespace) for each in objects.secrets),
        autoscalers=tuple(each._replace(namespace=namespace) for each in objects.autoscalers),
        managed=tuple(each._replace(namespace=namespace) for each in objects.managed),
        disruption_budgets=tuple(each._replace(namespace=namespace) for each in objects.disruption_budgets),
    )
