"""The containers that run PgBouncer, with all that they are given."""

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from poolcheck.link.deployed import mounted
from poolcheck.link.generated import runs_script
from poolcheck.link.network import running
from poolcheck.read.kubernetes.environment import environment
from poolcheck.read.kubernetes.manifest import Container, Mount, Workload
from poolcheck.read.kubernetes.pooler_images import OTHER_POOLERS, PoolerImage, pooler_image
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.system.containers import BroughtIni, PoolerContainer
from poolcheck.value import Known as KnownValue

if TYPE_CHECKING:
    from poolcheck.link.known import Known

_NAME = "pgbouncer.ini"


def pooler_containers(known: "Known") -> Iterator[PoolerContainer]:
    """Those of manifests and of Compose files. What an operator runs is not among them."""
    for workload in known.network.workloads:
        for container in running(workload):
            if known.pooler_in(container) or (container.image and pooler_image(container.image.value)):
                image = _only_image(known.kustomized.images(workload, container))
                if image or known.pooler_in(container):
                    brought = tuple(_in_volumes(workload, container, known))
                    yield _contained(image, workload, container, brought, known)
    for workload in known.stacks.workloads:
        service = known.stacks.service(workload)
        [container] = workload.containers
        is_made_here = service is None or service.is_built or container.image is None
        image = None if is_made_here or container.image is None else _only_image([container.image.value])
        if image or known.pooler_in(container):
            yield _contained(image, workload, container, tuple(_in_service(workload, known)), known)


def _contained(
    image: PoolerImage | None,
    workload: Workload,
    container: Container,
    brought: tuple[BroughtIni, ...],
    known: "Known",
) -> PoolerContainer:
    return PoolerContainer(
        workload,
        container,
        image,
        image is not None and runs_script(image.family, container),
        environment(workload, container, known.objects),
        known.kustomized.set_by_patches(workload, container),
        brought,
        known.pooler_in(container),
        known.network.in_front_of(workload),
        known.overlays.is_base(workload.span.path),
        known.stacks.service(workload),
    )


def _only_image(names: Iterable[str]) -> PoolerImage | None:
    """The image that a container runs; without its version where that differs, None where more may."""
    images = {pooler_image(name) for name in names}
    families = {image.family if image else None for image in images}
    first = next(iter(images), None)
    if first is None or len(families) > 1 or first.family in OTHER_POOLERS:
        return None
    return first if len(images) == 1 else first._replace(version=None)


def _in_volumes(workload: Workload, container: Container, known: "Known") -> Iterator[BroughtIni]:
    """The configurations in ConfigMaps and Secrets, and files of that name whose content is not seen."""
    seen: set[Mount] = set()
    for each in mounted(workload, container, known.objects, known.kustomized):
        seen.add(each.mount)
        yield BroughtIni(each.place, each.mount, each.config, is_read_only=True)
    volumes = {volume.name.value: volume for volume in workload.volumes}
    for mount in container.mounts:
        volume = volumes.get(mount.volume.value)
        if mount not in seen and volume and not volume.is_empty and _is_ini(mount.path.value):
            yield BroughtIni(posixpath.normpath(mount.path.value), mount, None, bool(volume.sources))


def _in_service(workload: Workload, known: "Known") -> Iterator[BroughtIni]:
    """The files that a Compose service brings, and those in the folders that it brings."""
    service = known.stacks.service(workload)
    [container] = workload.containers
    configs: Mapping[str, PgBouncerConfig] = known.configs
    for written, mount in zip(service.mounts if service else (), container.mounts, strict=True):
        target = posixpath.normpath(mount.path.value)
        source = str(written.source.scalar) if isinstance(written.source, KnownValue) else None
        if _is_ini(target):
            yield BroughtIni(target, mount, configs.get(source or ""), written.is_read_only)
        elif source and (config := configs.get(posixpath.join(source, _NAME))):
            yield BroughtIni(posixpath.join(target, _NAME), mount, config, written.is_read_only)


def _is_ini(path: str) -> bool:
    return posixpath.basename(path) == _NAME
