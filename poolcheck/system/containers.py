"""Containers that run poolers and servers, and what they are told."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.source import Located, Span
from poolcheck.system.poolers import Pooler

if TYPE_CHECKING:
    from poolcheck.read.compose.facts import Service as ComposeService
    from poolcheck.read.kubernetes.environment import Environment
    from poolcheck.read.kubernetes.manifest import Container, Mount, Service, Workload
    from poolcheck.read.kubernetes.pooler_images import PoolerImage


class BroughtIni(NamedTuple):
    """A pgbouncer.ini that a mount brings to a place in a container; `config` is None where it is not seen."""

    place: str
    mount: "Mount"
    config: PgBouncerConfig | None
    is_read_only: bool


class PoolerContainer(NamedTuple):
    """A container that runs PgBouncer, in a manifest or a Compose file; its image may be none that is known.

    Where it `runs_script`, that of its image writes a configuration unless one is `brought`. Patches may set the
    variables that `may_change`. `pooler` is None where nothing of its configuration is seen. `services` lead to
    its pods and to no others. It `is_base` where overlays may change what is written. `composed` is the Compose
    service that it is.
    """

    workload: "Workload"
    container: "Container"
    image: "PoolerImage | None"
    runs_script: bool
    environment: "Environment"
    may_change: frozenset[str]
    brought: tuple[BroughtIni, ...]
    pooler: Pooler | None
    services: "tuple[Service, ...]"
    is_base: bool
    composed: "ComposeService | None"

    @property
    def is_written_by_image(self) -> bool:
        """Whether all that is read is what the script of the image writes."""
        return self.image is not None and self.runs_script and not self.may_bring_file

    @property
    def may_bring_file(self) -> bool:
        """Whether a mount may bring a file to where the image has its configuration."""
        from poolcheck.read.kubernetes.pooler_images import READS

        place = READS[self.image.family] if self.image else ""
        mounts = (each.path.value.rstrip("/") for each in self.container.mounts)
        return any(path == place or place.startswith(f"{path}/") for path in mounts)


class Limit(NamedTuple):
    """What a server is told to have for max_connections, and by what."""

    by: str
    value: Located[str]


class ServerContainer(NamedTuple):
    """A container that runs PostgreSQL, in a manifest or a Compose file; `is_built` where its image is made here.

    `given` are the settings of its command line; what that does is not told where it `is_out_of_sight`. `limits`
    are what tells it its max_connections, the strongest first. `configurations` are the paths of files that are
    brought into it and called like a configuration of the server's.
    """

    workload: "Workload"
    container: "Container"
    environment: "Environment"
    given: Mapping[str, Located[str]]
    is_out_of_sight: bool
    limits: tuple[Limit, ...]
    configurations: tuple[Located[str], ...]
    is_built: bool


class PerCpu(NamedTuple):
    """A program that starts a process for each CPU of its node, in a container that may use fewer."""

    program: str
    place: Span
    limit: Located[str]
