"""The poolers that containers run, with the configuration that they are given."""

from collections.abc import Iterator
from typing import NamedTuple

from poolcheck.amount import Amount
from poolcheck.budget.facts import Owner
from poolcheck.link.generated import Generated, generated
from poolcheck.link.inis import places
from poolcheck.link.kustomize.kustomized import Generated as FromFile
from poolcheck.link.kustomize.kustomized import Kustomized
from poolcheck.link.network import running
from poolcheck.link.poolers import seen_pooler
from poolcheck.read.kubernetes.environment import Objects, environment
from poolcheck.read.kubernetes.manifest import Container, Mount, VolumeSource, Workload
from poolcheck.read.kubernetes.pooler_images import OTHER_POOLERS, pooler_image
from poolcheck.read.pgbouncer.config import PgBouncerConfig, Version
from poolcheck.scale import Replicas
from poolcheck.system.poolers import Pooler


class Found(NamedTuple):
    """A container that runs PgBouncer, the version that its image tells, and the configuration it is given.

    `configs` are all that it may be given, by one overlay or the other; `generated` is what its image writes where
    it is given none, or none where it looks for it.
    """

    workload: Workload
    container: Container
    version: Version | None
    config: PgBouncerConfig | None
    configs: tuple[PgBouncerConfig, ...]
    generated: Generated | None = None


def found_in(workload: Workload, container: Container, objects: Objects, kustomized: Kustomized) -> Found | None:
    """The PgBouncer that a container runs; None where it runs none."""
    image = pooler_image(container.image.value) if container.image else None
    brought = tuple(mounted(workload, container, objects, kustomized))
    if (image is None and not brought) or (image and image.family in OTHER_POOLERS):
        return None
    where = places(image, (word.value for word in (*(container.command or ()), *(container.args or ()))))
    read = {each.config.span: each for each in brought if each.place in where}
    if image and not read:
        own = environment(workload, container, objects)
        changed = kustomized.set_by_patches(workload, container)
        written = generated(image, workload, container, own, objects, changed)
        if written or not brought:
            idle = tuple(each.config for each in brought)
            return Found(workload, container, image.version, written and written.config, idle, written)
    read = read or {each.config.span: each for each in brought}
    all_near = [each for each in read.values() if each.is_near] or [*read.values()]
    config = all_near[0].config if len(all_near) == 1 else None
    version = image.version if image else None
    return Found(workload, container, version, config, tuple(each.config for each in read.values()))


def pooler_of(found: Found, pods: Amount, owner: Owner, replicas: Replicas | None = None) -> Pooler:
    """A PgBouncer of a workload that has so many pods, in each situation by `replicas`."""
    name, own = found.workload.name.value, found.container.name.value
    if len(running(found.workload)) > 1 and own != name:
        name = f"{own} of {name}"
    place = (found.container.image or found.container.name).span
    return seen_pooler(name, found.config, found.version, pods, place, replicas)._replace(owner=owner)


class Mounted(NamedTuple):
    """A configuration at a place in a container."""

    place: str
    config: PgBouncerConfig
    is_near: bool
    mount: Mount


def mounted(
    workload: Workload, container: Container, objects: Objects, kustomized: Kustomized
) -> Iterator[Mounted]:
    """The configurations in the volumes of a container."""
    volumes = {volume.name.value: volume for volume in workload.volumes}
    for mount in container.mounts:
        volume = volumes.get(mount.volume.value)
        for source in volume.sources if volume else ():
            for key, config, is_near in _configs_in(source, workload, objects, kustomized):
                for file in _files(key, source):
                    if place := _place(file, mount):
                        yield Mounted(place, config, is_near, mount)


def _configs_in(
    source: VolumeSource, workload: Workload, objects: Objects, kustomized: Kustomized
) -> Iterator[FromFile]:
    name, is_secret = source.name.value, source.is_secret
    files = tuple(kustomized.generated(name, workload, is_secret=is_secret))
    yield from files
    holder = None if files else objects.find(name, workload, is_secret=is_secret)
    for entry in holder.data if holder else ():
        if entry.config:
            yield FromFile(entry.key.value, entry.config, is_near=True)


def _files(key: str, source: VolumeSource) -> list[str]:
    """The files in a volume that a key becomes."""
    return [key] if source.items is None else [path for own, path in source.items if own == key]


def _place(file: str, mount: Mount) -> str | None:
    """Where a file of a volume stands in the container; None where only others are mounted."""
    path, part = mount.path.value.rstrip("/"), mount.sub_path.value if mount.sub_path else ""
    if file == part:
        return path
    if part and not file.startswith(f"{part}/"):
        return None
    return f"{path}/{file.removeprefix(part).strip('/')}"
