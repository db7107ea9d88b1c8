"""A ProxySQL that keeps its database across restarts, and so reads its configuration only once."""

import posixpath
from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.kubernetes.manifest import Container, Manifest, Mount, Workload, WorkloadKind
from poolcheck.read.kubernetes.pooler_images import Family, pooler_image
from poolcheck.rule import Rule


class ProxysqlConfigNotReloaded(Rule[Manifest]):
    id = "proxysql-config-not-reloaded"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, manifest: Manifest) -> Iterator[Finding]:
        for workload in manifest.workloads:
            for container in () if workload.is_partial else workload.containers:
                if not is_proxysql(container) or is_told_to_read(container):
                    continue
                configuration, data = brought(container, workload), kept(container, workload)
                if configuration and data and not is_shared(configuration, container, workload):
                    yield self.finding(
                        configuration.path.span,
                        f"{container.name.value} reads its configuration at its first start only: "
                        f"then there is a database in {DATA}",
                        notes=[Note(data.path.span, "this outlives the pod")],
                    )


DATA = "/var/lib/proxysql"
CONFIGURATION = "proxysql.cnf"


def is_proxysql(container: Container) -> bool:
    """Whether it runs the image of ProxySQL."""
    image = pooler_image(container.image.value) if container.image else None
    return image is not None and image.family is Family.PROXYSQL


def brought(container: Container, workload: Workload) -> Mount | None:
    """What brings a configuration from a ConfigMap or a Secret."""
    holders = {volume.name.value for volume in workload.volumes if volume.sources}
    for mount in container.mounts:
        is_it = posixpath.basename(mount.path.value) == CONFIGURATION or mount.path.value.startswith(
            "/etc/proxysql"
        )
        if is_it and mount.volume.value in holders:
            return mount
    return None


def is_shared(mount: Mount, container: Container, workload: Workload) -> bool:
    """Whether another container has the configuration too, and may tell ProxySQL to load it."""
    others = (each for each in (*workload.containers, *workload.init_containers) if each is not container)
    return any(each.volume.value == mount.volume.value for other in others for each in other.mounts)


def kept(container: Container, workload: Workload) -> Mount | None:
    """What the database is on, if it outlives the pod: a claim, or one of a StatefulSet's own."""
    volumes = {volume.name.value: volume for volume in workload.volumes}
    for mount in container.mounts:
        if posixpath.normpath(mount.path.value) == DATA:
            volume = volumes.get(mount.volume.value)
            is_own = volume is None and workload.kind is WorkloadKind.STATEFUL_SET
            return mount if is_own or (volume and volume.is_claim) else None
    return None


def is_told_to_read(container: Container) -> bool:
    """Whether the command may make ProxySQL read its configuration anew."""
    words = (*(container.command or ()), *(container.args or ()))
    return container.has_post_start or any(
        option in word.value for word in words for option in ("--initial", "--reload", "rm ", ".sh", "admin")
    )
