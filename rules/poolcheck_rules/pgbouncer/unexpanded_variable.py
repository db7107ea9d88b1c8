"""Variables in a pgbouncer.ini that nothing fills in on its way from a ConfigMap to PgBouncer."""

import posixpath
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.read.template import is_filled_in
from poolcheck.rule import Rule
from poolcheck.source import Located, Span
from poolcheck.system.whole import System

if TYPE_CHECKING:
    from poolcheck.read.kubernetes.environment import Environment
    from poolcheck.read.kubernetes.manifest import ConfigMap, Container, Manifest, Secret, Workload

_VARIABLE = re.compile(r"\$\{(?P<braced>\w+)\}|\$\((?P<round>\w+)\)|\$(?P<bare>[A-Za-z_]\w*)")
_OF_TEMPLATE_ENGINES = re.compile(r"\{\{|\{%|<%")
_READ_BY_IMAGES = {
    "edoburu": "/etc/pgbouncer/pgbouncer.ini",
    "icoretech": "/etc/pgbouncer/pgbouncer.ini",
    "bitnami": "/bitnami/pgbouncer/conf/pgbouncer.ini",
}
"""Where images look for a file of one's own, which their scripts leave as it is."""
_MOST_NOTES = 5


class Held(NamedTuple):
    """The key of a ConfigMap or Secret that a configuration is under."""

    is_secret: bool
    name: str
    key: str


class UnexpandedVariable(Rule[System]):
    id = "unexpanded-variable"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        configs = {
            pooler.config.span: pooler.config
            for pooler in system.poolers
            if pooler.owner and pooler.config and not is_template(pooler.config) and any(variables(pooler.config))
        }
        if not configs:
            return
        from poolcheck.read.kubernetes.environment import Objects, environment
        from poolcheck.read.kubernetes.manifest import Manifest

        manifests = [each for each in system.documents if isinstance(each, Manifest)]
        objects = Objects(manifests)
        held = dict(held_in(manifests))
        for config in configs.values():
            for workload, container in readers(config, held, system, manifests):
                yield from self._read(config, container, environment(workload, container, objects))

    def _read(
        self, config: PgBouncerConfig, container: "Container", environment: "Environment"
    ) -> Iterator[Finding]:
        found = list(variables(config))
        if meant := [each for each in found if each.value in environment.variables]:
            places = {each.name.value: each.name.span for each in container.env}
            names = [name for name in dict.fromkeys(each.value for each in meant) if name in places]
            yield self.finding(
                meant[0].span,
                f"PgBouncer does not look at the environment: it reads {listed(meant, config)}",
                notes=[Note(places[name], f"{name} is set for the container") for name in names[:_MOST_NOTES]],
            )
        elif in_brackets := [each for each in found if written(each, config)[1] in "{("]:
            is_hidden = any(environment.get(each.value) for each in in_brackets)
            yield self.finding(
                in_brackets[0].span,
                f"PgBouncer reads {listed(in_brackets, config)}, unless something fills in the manifest",
                severity=Severity.WARNING if is_hidden else Severity.INFO,
            )


def variables(config: PgBouncerConfig) -> Iterator[Located[str]]:
    """The names in what is no comment, each at the place of the whole variable."""
    values = [
        *(setting.value for setting in config.settings),
        *(entry.text for entry in (*config.databases, *config.users, *config.peers)),
    ]
    for text, (path, start, _) in sorted(values, key=lambda value: value.span):
        if path == config.span.path:
            for found in _VARIABLE.finditer(text):
                name = found["braced"] or found["round"] or found["bare"]
                yield Located(name, Span(path, start + found.start(), start + found.end()))


def is_template(config: PgBouncerConfig) -> bool:
    """Whether something else than the ini shows that a tool fills in the file."""
    source, region = config.parts[0]
    around = source.text[: region.start], source.text[region.end :]
    return any(map(is_filled_in, around)) or _OF_TEMPLATE_ENGINES.search(config.text) is not None


def held_in(manifests: Sequence["Manifest"]) -> Iterator[tuple[Span, Held]]:
    """Where the configurations in ConfigMaps and Secrets are."""
    for manifest in manifests:
        for config_map in manifest.config_maps:
            yield from held_under(config_map, is_secret=False)
        for secret in manifest.secrets:
            yield from held_under(secret, is_secret=True)


def held_under(holder: "ConfigMap | Secret", *, is_secret: bool) -> Iterator[tuple[Span, Held]]:
    """The configurations in one of them."""
    for entry in holder.data:
        if entry.config:
            yield entry.config.span, Held(is_secret, holder.name.value, entry.key.value)


def readers(
    config: PgBouncerConfig, held: dict[Span, Held], system: System, manifests: Sequence["Manifest"]
) -> "Iterator[tuple[Workload, Container]]":
    """The containers in which PgBouncer reads a configuration as it is written in the manifest."""
    owners = {
        pooler.owner.span
        for pooler in system.poolers
        if pooler.owner and pooler.config and pooler.config.span == config.span
    }
    for workload in (each for manifest in manifests for each in manifest.workloads if each.span in owners):
        for container in (*workload.containers, *workload.init_containers):
            files = mounted_as(held[config.span], workload, container) if config.span in held else ()
            if any(is_read_as_written(container, file) for file in files) and not is_filled_in(
                texts_of(container)
            ):
                yield workload, container


def mounted_as(held: Held, workload: "Workload", container: "Container") -> Iterator[str]:
    """The files that a key is in a container."""
    for volume in workload.volumes:
        sources = [each for each in volume.sources if (each.is_secret, each.name.value) == held[:2]]
        for mount in container.mounts if sources else ():
            path = dict(sources[0].items or ((held.key, held.key),)).get(held.key)
            if mount.volume.value != volume.name.value or path is None:
                continue
            if mount.sub_path is None:
                yield posixpath.join(mount.path.value, path)
            elif mount.sub_path.value == path:
                yield mount.path.value


def is_read_as_written(container: "Container", file: str) -> bool:
    """Whether the first thing that a container does with a file is to start PgBouncer on it."""
    from poolcheck.read.kubernetes.pooler_images import pooler_image

    words = [word.value for word in (*(container.command or ()), *(container.args or ()))]
    if words and (posixpath.basename(words[0]) != "pgbouncer" or file not in map(posixpath.normpath, words)):
        return False
    image = pooler_image(container.image.value) if container.image else None
    return bool(container.command) or (image is not None and _READ_BY_IMAGES.get(image.family) == file)


def texts_of(container: "Container") -> str:
    """What a tool that fills in manifests might have to fill in."""
    values = [each.value.text for each in container.env if each.value]
    return "\n".join([*values, *([container.image.value] if container.image else [])])


def written(variable: Located[str], config: PgBouncerConfig) -> str:
    """The variable with its signs."""
    start = config.span.start
    return config.text[variable.span.start - start : variable.span.end - start]


def listed(found: list[Located[str]], config: PgBouncerConfig) -> str:
    """The first variable and how many others there are, with what becomes of them."""
    first, others = written(found[0], config), len({each.value for each in found}) - 1
    if not others:
        return f"{first} as it stands"
    return f"{first} and {others} other variable{'s' if others > 1 else ''} as they stand"
