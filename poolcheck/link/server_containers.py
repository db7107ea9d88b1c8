"""The containers that run PostgreSQL, with what they are told and given."""

import posixpath
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from poolcheck.link.network import running
from poolcheck.link.servers import is_out_of_sight, is_postgres, limits, on_command_line
from poolcheck.read.kubernetes.commands import program
from poolcheck.read.kubernetes.environment import environment
from poolcheck.read.kubernetes.manifest import Container, Mount, Volume, Workload
from poolcheck.source import Located
from poolcheck.system.containers import ServerContainer

if TYPE_CHECKING:
    from poolcheck.link.known import Known

_CONFIGURATION = re.compile(r"postgres(?:ql)?[\w.-]*\.conf")
"""How a file is called that is meant to be the server's configuration."""
_PROGRAMS = frozenset({"postgres", "docker-entrypoint.sh"})


def server_containers(known: "Known") -> Iterator[ServerContainer]:
    """Those of manifests and of Compose files, if nothing is left out. What an operator runs is not among them."""
    for workload in (*known.network.workloads, *known.stacks.workloads):
        service = known.stacks.service(workload)
        for container in running(workload):
            if is_postgres(container) and not workload.is_partial:
                own = environment(workload, container, known.objects)
                yield ServerContainer(
                    workload,
                    container,
                    own,
                    dict(on_command_line(container, own)),
                    is_out_of_sight(container, own, _PROGRAMS) or _is_of_another(container),
                    tuple(limits(workload, container, known.objects)),
                    tuple(_configurations(workload, container, known)),
                    is_built=service is not None and service.is_built,
                )


def _is_of_another(container: Container) -> bool:
    """Whether a shell or another program comes before the server, and may do what it likes."""
    words = (*(container.command or ()), *(container.args or ()))
    return bool(words) and program(words) not in _PROGRAMS and not words[0].value.startswith("-")


def _configurations(workload: Workload, container: Container, known: "Known") -> Iterator[Located[str]]:
    """The paths of files that are called like a configuration of the server's, at what brings them."""
    volumes = {volume.name.value: volume for volume in workload.volumes}
    for mount in container.mounts:
        path = posixpath.normpath(mount.path.value)
        if _CONFIGURATION.fullmatch(posixpath.basename(path)):
            yield Located(path, mount.path.span)
        elif volume := volumes.get(mount.volume.value):
            for name in _files(volume, mount, workload, known):
                if _CONFIGURATION.fullmatch(name):
                    yield Located(posixpath.join(path, name), mount.path.span)


def _files(volume: Volume, mount: Mount, workload: Workload, known: "Known") -> Iterator[str]:
    """The files that a whole volume has from ConfigMaps and Secrets."""
    for source in volume.sources if mount.sub_path is None else ():
        if source.items is not None:
            yield from (path for _, path in source.items)
        elif holder := known.objects.find(source.name.value, workload, is_secret=source.is_secret):
            yield from (entry.key.value for entry in holder.data)
