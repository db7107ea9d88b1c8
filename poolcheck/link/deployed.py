"""The poolers that containers run, with the configuration that they are given."""

from collections.abc import Iterator
from typing import NamedTuple

from poolcheck.amount import Amount
from poolcheck.link.network import running
from poolcheck.link.poolers import seen_pooler
from poolcheck.read.kubernetes.environment import Objects
from poolcheck.read.kubernetes.manifest import Container, Workload
from poolcheck.read.kubernetes.pooler_images import Family, pooler_image
from poolcheck.read.pgbouncer.config import PgBouncerConfig, Version
from poolcheck.system import Owner, Pooler

_OTHERS = frozenset({Family.ODYSSEY, Family.PGCAT, Family.PGPOOL, Family.PROXYSQL})
"""Poolers that are no PgBouncer."""


class Found(NamedTuple):
    """A container that runs PgBouncer, the version that its image tells, and the configuration it is given."""

    workload: Workload
    container: Container
    version: Version | None
    config: PgBouncerConfig | None


def found_in(workload: Workload, container: Container, objects: Objects) -> Found | None:
    """The PgBouncer that a container runs; None where it runs none."""
    image = pooler_image(container.image.value) if container.image else None
    configs = tuple(_mounted(workload, container, objects))
    if (image is None and not configs) or (image and image.family in _OTHERS):
        return None
    version = image.version if image else None
    return Found(workload, container, version, configs[0] if len(configs) == 1 else None)


def pooler_of(found: Found, pods: Amount, owner: Owner) -> Pooler:
    """A PgBouncer of a workload that has so many pods."""
    name, own = found.workload.name.value, found.container.name.value
    if len(running(found.workload)) > 1 and own != name:
        name = f"{own} of {name}"
    place = (found.container.image or found.container.name).span
    return seen_pooler(name, found.config, found.version, pods, place)._replace(owner=owner)


def _mounted(workload: Workload, container: Container, objects: Objects) -> Iterator[PgBouncerConfig]:
    volumes = {volume.name.value: volume for volume in workload.volumes}
    for mount in container.mounts:
        volume = volumes.get(mount.volume.value)
        for source in volume.sources if volume else ():
            holder = objects.find(source.name.value, workload, is_secret=source.is_secret)
            for entry in holder.data if holder else ():
                is_mounted = mount.sub_path is None or mount.sub_path.value == entry.key.value
                if entry.config and is_mounted:
                    yield entry.config
