"""The configurations that images of PgBouncer write from the environments of their containers."""

import os.path
from collections.abc import Collection
from typing import NamedTuple

from poolcheck.read.fault import SyntaxFault
from poolcheck.read.kubernetes.environment import Environment, Objects
from poolcheck.read.kubernetes.manifest import Container, Mount, Volume, Workload
from poolcheck.read.kubernetes.pooler_environment import Given, written_by
from poolcheck.read.kubernetes.pooler_images import READS, Family, PoolerImage
from poolcheck.read.kubernetes.pooler_scripts import SCRIPTS
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.read.pgbouncer.load import read_rendered
from poolcheck.read.pgbouncer.rendered import Rendered
from poolcheck.source import Located
from poolcheck.value import Known, resolve

_NAME = "pgbouncer.ini"
_SIZES = frozenset({"max_client_conn", "default_pool_size", "pool_size", "reserve_pool", "reserve_pool_size"})
_WRITES = "run.sh"
"""What Bitnami's script is told to run; told to run anything else, it writes nothing."""


class Generated(NamedTuple):
    """A configuration, and the lines of it that PgBouncer refuses.

    Its numbers are as told if the `assumption` holds, where there is one.
    """

    config: PgBouncerConfig
    faults: tuple[SyntaxFault, ...]
    assumption: str = ""


def generated(
    image: PoolerImage,
    workload: Workload,
    container: Container,
    environment: Environment,
    objects: Objects,
    changed: Collection[str] = (),
) -> Generated | None:
    """What the script of an image writes; None where it writes nothing, or what it reads is not seen.

    The variables that are `changed` may be set to anything else.
    """
    script = SCRIPTS.get(image.family)
    if script is None or not runs_script(image.family, container):
        return None
    if any(_may_bring(mount, image.family, workload, container, objects) for mount in container.mounts):
        return None
    given = _GivenTo(workload, container, environment, changed)
    rendered = written_by(script, given.of, (container.image or container.name).span, image.version)
    # An anchor may give several containers one image, and a patch of another file may change them.
    key = f"{workload.span.path}.{workload.span.start}.{container.name.span.start}"
    written = read_generated(rendered._replace(key=key)) if rendered else None
    lines = (*script.parameters, *script.settings)
    sizes = {line.variable for line in lines if line.setting in _SIZES or "_connections" in line.setting}
    if written is None or not given.assumed & sizes:
        return written
    return written._replace(assumption=f"the variables of {workload.span.path} are left at their defaults")


def read_generated(rendered: Rendered) -> Generated | None:
    """The configuration that somebody writes; None where it is none of PgBouncer's."""
    read = tuple(read_rendered(rendered, _NAME))
    config = next((each for each in read if isinstance(each, PgBouncerConfig)), None)
    return Generated(config, tuple(each for each in read if isinstance(each, SyntaxFault))) if config else None


class _GivenTo:
    """What a container is given."""

    def __init__(
        self, workload: Workload, container: Container, environment: Environment, changed: Collection[str]
    ) -> None:
        self._named = {variable.name.value: variable.name.span for variable in container.env}
        self._container = container
        self._environment = environment
        self._may_have_more = workload.is_partial
        self._changed = changed
        self.assumed: set[str] = set()
        """Those that were asked for and are left at the default of a variable that may be set."""

    def of(self, name: str) -> Given | None:
        """What is given for a variable. A patch may not show all that is set; nothing of a Secret is told."""
        place = self._named.get(name, self._container.name.span)
        value = self._environment.get(name)
        if name in self._changed:
            return Given(place, None, is_set=False)
        if value is None:
            return Given(place, None, is_set=False) if self._may_have_more else None
        settled = resolve(value, lambda _: None)
        written = settled.places[-1] if settled.places else place
        is_set = name in self._environment.variables
        if isinstance(settled, Known) and not isinstance(value, Known):
            self.assumed.add(name)
        if not isinstance(settled, Known) or self._environment.is_secret(name):
            return Given(place, None, is_set)
        return Given(self._named.get(name, written), Located(str(settled.scalar), written), is_set)


def runs_script(family: Family, container: Container) -> bool:
    """Whether a container runs the script of its image, where that has one."""
    if family not in SCRIPTS:
        return False
    words = [word.value for word in (*(container.command or ()), *(container.args or ()))]
    if container.command is not None and not any("entrypoint" in word for word in words):
        return False
    if family is Family.BITNAMI:
        return not words or any(_WRITES in word for word in words)
    inis = [piece for word in words for piece in word.split() if piece.endswith(".ini")]
    return all(word == READS[family] for word in inis)


def _may_bring(mount: Mount, family: Family, workload: Workload, container: Container, objects: Objects) -> bool:
    """Whether a file may stand where a script would write one, or it can write none there."""
    place = READS[family]
    path = os.path.normpath(mount.path.value)
    if path != place and not place.startswith(f"{path.rstrip('/')}/"):
        return False
    volume = next((each for each in workload.volumes if each.name.value == mount.volume.value), None)
    if volume is None or path == place:
        return True
    if volume.is_empty:
        return any(
            own.volume.value == mount.volume.value
            for each in (*workload.init_containers, *workload.containers)
            if each is not container
            for own in each.mounts
        )
    # Bitnami's looks there for each of its files, and writes them elsewhere.
    return family is not Family.BITNAMI or not _is_without_ini(volume, workload, objects)


def _is_without_ini(volume: Volume, workload: Workload, objects: Objects) -> bool:
    """Whether all that is in a volume is seen, and no configuration among it."""
    found = [objects.find(each.name.value, workload, is_secret=each.is_secret) for each in volume.sources]
    keys = [entry.key.value for holder in found if holder for entry in holder.data]
    return (
        bool(found) and None not in found and _NAME not in keys and not any(each.items for each in volume.sources)
    )
