"""Which PgBouncer reads a pgbouncer.ini that Compose files bring into containers."""

import posixpath
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from poolcheck.link.inis import places
from poolcheck.read.compose.facts import ComposeFile, Mount, Service
from poolcheck.read.kubernetes.pooler_images import READS, Family, pooler_image
from poolcheck.read.pgbouncer.config import PgBouncerConfig, Version
from poolcheck.read.pgbouncer.settings import NEWEST, Scope, known
from poolcheck.value import Known, Value, resolve, text_of

_UNSET = {"PWD": Known(".", ())}
"""The environment of Compose where nobody sets anything, in the folder of the Compose file."""
_POOL_MODES = frozenset({"PGBOUNCER_POOL_MODE", "POOL_MODE"})
"""What the images of PgBouncer are told the pool mode by."""
_PREPARED_STATEMENTS = frozenset({"MAX_PREPARED_STATEMENTS", "PGBOUNCER_MAX_PREPARED_STATEMENTS"})
"""What they are told by how many prepared statements to keep."""
_KEPT = known(Scope.PGBOUNCER, "max_prepared_statements")
_OF_PGBOUNCER = {*READS, Family.OTHER_PGBOUNCER}


class _Given(NamedTuple):
    """What a service says of its image, and the configurations that it brings to where they are read."""

    says_image: bool
    version: Version | None
    configs: frozenset[str]


def readers(files: Iterable[ComposeFile], configs: Collection[str]) -> dict[str, set[Version | None]]:
    """The versions that read each of the configurations at these paths, None for one that is not told.

    Compose files of one folder may be put together: what one says of a service holds where another is silent.
    """
    services: dict[tuple[str, str], list[_Given]] = defaultdict(list)
    for file in files:
        folder = posixpath.dirname(file.span.path)
        for service in file.services:
            given = _given(service, folder, configs)
            for name in {service.name.value, service.extends.value if service.extends else service.name.value}:
                services[folder, name].append(given)
    found: dict[str, set[Version | None]] = defaultdict(set)
    for together in services.values():
        for config in frozenset[str]().union(*(given.configs for given in together)):
            silent_or_same = [given for given in together if not given.configs or config in given.configs]
            found[config] |= {given.version for given in silent_or_same if given.says_image} or {None}
    return found


def only_config(service: Service, configs: Mapping[str, PgBouncerConfig]) -> PgBouncerConfig | None:
    """The configuration that a service brings to where it is read; None where it is none, or one of several.

    The paths of the service are from the project's folder.
    """
    found = _given(service, "", configs).configs
    return configs[next(iter(found))] if len(found) == 1 else None


def in_session_mode(files: Iterable[ComposeFile]) -> frozenset[str]:
    """The names of the services that their environments tell to pool sessions, and none to do anything else."""
    modes = _told(files, _POOL_MODES)
    return frozenset(name for name, said in modes.items() if {each.lower() for each in said} == {"session"})


def prepared_statements(files: Iterable[ComposeFile]) -> dict[str, int]:
    """How many prepared statements the services keep that run PgBouncer, or that are told to keep some.

    Where the environment tells nothing, it is the default of the release that the image's tag names, or of the
    newest.
    """
    files = [*files]
    told, found = _told(files, _PREPARED_STATEMENTS), dict[str, int]()
    for service in (service for file in files for service in file.services):
        said = told.get(service.name.value, set[str]())
        image = pooler_image(text_of(service.image)) if service.image else None
        if said and all(map(str.isdecimal, said)):
            found[service.name.value] = min(map(int, said))
        elif image and image.family in _OF_PGBOUNCER:
            default = _KEPT.default_in(image.version or NEWEST) if _KEPT else None
            found.setdefault(service.name.value, int(default or 0))
    return found


def _told(files: Iterable[ComposeFile], variables: Collection[str]) -> dict[str, set[str]]:
    """What the environments of services say for one of some variables, by the names of the services."""
    found: dict[str, set[str]] = defaultdict(set)
    for service in (service for file in files for service in file.services):
        found[service.name.value].update(_unset(value) for name, value in service.environment if name in variables)
    return found


def _given(service: Service, folder: str, configs: Collection[str]) -> _Given:
    image = pooler_image(text_of(service.image)) if service.image else None
    command = [text_of(word) for word in (*(service.entrypoint or ()), *(service.command or ()))]
    sources = (_brought(service.mounts, place, folder) for place in places(image, command))
    return _Given(
        says_image=service.is_built or service.image is not None,
        version=image.version if image and not service.is_built else None,
        configs=frozenset(source for source in sources if source and source in configs),
    )


def _brought(mounts: Iterable[Mount], place: str, folder: str) -> str | None:
    """The file of the project that stands at a place in a container: the innermost of the mounts brings it."""
    above = [(target, mount.source) for mount in mounts if _is_above(target := _unset(mount.target), place)]
    target, source = max(above, key=lambda each: len(each[0]), default=("", None))
    if source is None:
        return None
    return posixpath.normpath(posixpath.join(folder, _unset(source), place[len(target) :].strip("/")))


def _is_above(target: str, place: str) -> bool:
    return bool(target) and (place == target or place.startswith(f"{target.rstrip('/')}/"))


def _unset(value: Value) -> str:
    """What a value is where no variable is set, with HOLEs where it is not known."""
    return text_of(resolve(value, _UNSET.get))
