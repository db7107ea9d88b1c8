"""The PostgreSQL servers of a project, and how many connections each accepts."""

import os
import re
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from poolcheck.amount import Amount, Reason, between, exactly, total
from poolcheck.budget.facts import Owner
from poolcheck.read.kubernetes.commands import program, started
from poolcheck.read.kubernetes.environment import Environment, Objects, environment
from poolcheck.read.kubernetes.manifest import Container, Workload
from poolcheck.read.pgbouncer.config import Effective
from poolcheck.source import Located, Span
from poolcheck.stated import StatedDatabase
from poolcheck.system.containers import Limit
from poolcheck.system.poolers import Server
from poolcheck.value import HOLE, Known

DEFAULT_LIMIT = 100
"""PostgreSQL's own max_connections. config.sgml, max_connections."""
DEFAULT_RESERVED = 3
"""superuser_reserved_connections."""

_PLAIN = frozenset({"pgvector", "postgis", "postgres"})
"""Images that leave max_connections as PostgreSQL has it."""
_TUNED = frozenset({"citus", "postgresql", "postgresql-repmgr", "spilo", "timescaledb", "timescaledb-ha"})
"""Images of PostgreSQL that may set it themselves."""

_SETTING = re.compile(r"(?:-c|--)?(?P<name>[a-z][a-z_-]*)=(?P<value>.*)", re.DOTALL)
_LINE = re.compile(r"^[ \t]*(?P<name>\w+)[ \t]*(?:=[ \t]*|[ \t])'?(?P<value>[^'#\s]+)", re.MULTILINE)
_ALTERED = re.compile(
    r"ALTER\s+SYSTEM\s+SET\s+(?P<name>\w+)\s*(?:=|\bTO\b)\s*'?(?P<value>[^'\s;]+)", re.IGNORECASE
)
_OF_ROLES = re.compile(r"ALTER\s+(?:ROLE|USER|DATABASE)\b[^;]*?\bSET\b", re.IGNORECASE)
_SCRIPTS = "/docker-entrypoint-initdb.d"
_PROGRAMS = frozenset({"postgres", "docker-entrypoint.sh"})
_TIME = re.compile(r"(?P<number>\d+(?:\.\d+)?)[ \t]*(?P<unit>us|ms|s|min|h|d)?")
_SECONDS: Mapping[str | None, float] = {
    "us": 1e-6,
    None: 1e-3,
    "ms": 1e-3,
    "s": 1,
    "min": 60,
    "h": 3600,
    "d": 86400,
}
"""A bare number of a timeout counts milliseconds."""


def is_postgres(container: Container) -> bool:
    """Whether the image of a container is a PostgreSQL server."""
    return image_name(container) in _PLAIN | _TUNED


def server_in(workload: Workload, container: Container, objects: Objects) -> Server:
    """The server that a container runs."""
    settings = _settings(workload, container, objects)
    return Server(
        workload.name.value,
        _limit(container, settings),
        _reserved(settings),
        _place(container, settings),
        _time(settings.values.get("idle_session_timeout")),
        settings=_all_of(settings, workload, container, objects),
    )


def stated_server(name: str, stated: StatedDatabase) -> Server:
    """A server that configuration states."""
    limit = between(0, None)
    if stated.max_connections is not None:
        limit = exactly(stated.max_connections, Reason(f"max_connections {stated.max_connections} as configured"))
    reserved = DEFAULT_RESERVED if stated.reserved is None else stated.reserved
    kept_back = exactly(reserved, Reason(f"{reserved} kept back"))
    return Server(name, limit, kept_back, None, owner=Owner("", name), cores=stated.cores)


class _Settings(NamedTuple):
    """What is seen of a server's settings. Others may be set where the project does not show it, if `hidden`."""

    values: Mapping[str, Located[str]]
    hidden: bool


def _settings(workload: Workload, container: Container, objects: Objects) -> _Settings:
    """Settings of the command line, and of the configuration file that it names; the first are the stronger."""
    own = environment(workload, container, objects)
    given = dict(on_command_line(container, own))
    named = given.get("config_file")
    file = _mounted(named.value, workload, container, objects) if named else None
    in_file = {line["name"]: value_in(line, file) for line in _LINE.finditer(file.value)} if file else {}
    in_file |= dict(_altered(workload, container, objects))
    by_image = own.get("POSTGRESQL_MAX_CONNECTIONS") if image_name(container) in _TUNED else None
    if isinstance(by_image, Known):
        in_file["max_connections"] = Located(str(by_image.scalar), by_image.places[-1])
    is_elsewhere = file is None and (named is not None or _mounts_configuration(container))
    includes = any(name.startswith("include") for name in in_file | given)
    return _Settings(in_file | given, is_elsewhere or includes or is_out_of_sight(container, own, _PROGRAMS))


def _all_of(
    settings: _Settings, workload: Workload, container: Container, objects: Objects
) -> tuple[tuple[str, Located[str]], ...] | None:
    """All that tells a server something; None where there may be more, or roles or databases are told as well."""
    scripts = [*mounted_below(_SCRIPTS, workload, container, objects)]
    is_unseen = not scripts and any(mount.path.value.startswith(_SCRIPTS) for mount in container.mounts)
    if settings.hidden or is_unseen or image_name(container) not in _PLAIN:
        return None
    if any(_OF_ROLES.search(script.value) for script in scripts):
        return None
    return tuple(settings.values.items())


def limits(workload: Workload, container: Container, objects: Objects) -> Iterator[Limit]:
    """What tells a server its max_connections, the strongest first."""
    own = environment(workload, container, objects)
    given = [*on_command_line(container, own)]
    told = [Limit("the command line", each) for name, each in given if name == "max_connections"]
    yield from reversed(told)
    altered = [each for name, each in _altered(workload, container, objects) if name == "max_connections"]
    yield from (Limit("ALTER SYSTEM", each) for each in altered[-1:])
    named = dict(given).get("config_file")
    file = _mounted(named.value, workload, container, objects) if named else None
    lines = [line for line in _LINE.finditer(file.value) if line["name"] == "max_connections"] if file else []
    if named and file and lines:
        yield Limit(named.value, value_in(lines[-1], file))


def _altered(workload: Workload, container: Container, objects: Objects) -> Iterator[tuple[str, Located[str]]]:
    """What the scripts say that run before the first start."""
    for file in mounted_below(_SCRIPTS, workload, container, objects):
        for line in _ALTERED.finditer(file.value):
            yield line["name"].lower(), value_in(line, file)


def on_command_line(container: Container, own: Environment) -> Iterator[tuple[str, Located[str]]]:
    """The settings in `-c name=value`, `-cname=value`, `--name=value` and `-N connections`."""
    words = started(container, own.get).words or (*(container.command or ()), *(container.args or ()))
    for at, (word, span) in enumerate(words):
        following = words[at + 1] if at + 1 < len(words) else Located("", span)
        if word == "-N":
            yield "max_connections", following
        elif word != "-c" and (setting := _SETTING.fullmatch(word)):
            yield setting["name"].replace("-", "_"), Located(setting["value"].strip(), span)


def is_out_of_sight(container: Container, own: Environment, programs: Collection[str]) -> bool:
    """Whether the command has parts that are not known, or is another program's, which may set what it likes."""
    words = started(container, own.get).words
    is_other = container.command is not None and program(words) not in programs
    return is_other or any(word.value == HOLE for word in words)


def _mounted(path: str, workload: Workload, container: Container, objects: Objects) -> Located[str] | None:
    """The text of a file in a container: one of the project, or what a ConfigMap or a Secret of it holds."""
    for mount in container.mounts:
        if mount.text and mount.path.value == path:
            return mount.text
        inside = _below(mount.path.value, path, mount.sub_path)
        volume = next((each for each in workload.volumes if each.name.value == mount.volume.value), None)
        for source in volume.sources if volume and inside is not None else ():
            holder = objects.find(source.name.value, workload, is_secret=source.is_secret)
            keys = {file: key for key, file in source.items} if source.items else {}
            for entry in holder.data if holder else ():
                if entry.value and entry.key.value == keys.get(inside or "", inside):
                    return entry.block or entry.value
    return None


def mounted_below(
    folder: str, workload: Workload, container: Container, objects: Objects
) -> Iterator[Located[str]]:
    """The texts of files in a folder that ConfigMaps and Secrets of the project put into a container."""
    for mount in container.mounts:
        if mount.path.value != folder and not mount.path.value.startswith(f"{folder}/"):
            continue
        volume = next((each for each in workload.volumes if each.name.value == mount.volume.value), None)
        for source in volume.sources if volume else ():
            holder = objects.find(source.name.value, workload, is_secret=source.is_secret)
            keys = {key for key, _ in source.items} if source.items else None
            for entry in holder.data if holder else ():
                is_there = keys is None or entry.key.value in keys
                is_chosen = mount.sub_path is None or mount.sub_path.value == entry.key.value
                if entry.value and is_there and is_chosen:
                    yield entry.block or entry.value


def _below(folder: str, path: str, sub_path: Located[str] | None) -> str | None:
    """What a path is called inside the volume that is mounted at a folder, or at the path itself."""
    if path == folder:
        return sub_path.value if sub_path else os.path.basename(path)
    return path[len(folder) :].lstrip("/") if path.startswith(folder.rstrip("/") + "/") and not sub_path else None


def value_in(line: re.Match[str], file: Located[str]) -> Located[str]:
    """The value in a line of a file, exactly where it is written if the text is as the manifest has it."""
    path, start, end = file.span
    if end - start != len(file.value):
        return Located(line["value"], file.span)
    return Located(line["value"], Span(path, start + line.start("value"), start + line.end("value")))


def _mounts_configuration(container: Container) -> bool:
    """Whether a file is put where the server may read settings from."""
    paths = (mount.path.value for mount in container.mounts)
    return any(path.endswith(".conf") or "/conf" in path or path.startswith("/etc/postgresql") for path in paths)


def _limit(container: Container, settings: _Settings) -> Amount:
    written = settings.values.get("max_connections")
    if written:
        is_known = written.value.isdecimal()
        return exactly(int(written.value), _reason("max_connections", written)) if is_known else between(0, None)
    if settings.hidden or image_name(container) not in _PLAIN:
        return between(0, None)
    span = container.image.span if container.image else None
    text = f"max_connections {DEFAULT_LIMIT} by default"
    return exactly(DEFAULT_LIMIT, Reason(text, span, "max_connections is left at its default"))


def _reserved(settings: _Settings) -> Amount:
    parts = [
        exactly(int(written.value), _reason(name, written))
        for name in ("superuser_reserved_connections", "reserved_connections")
        if (written := settings.values.get(name)) and written.value.isdecimal()
    ]
    if "superuser_reserved_connections" not in settings.values:
        parts.append(exactly(DEFAULT_RESERVED, Reason(f"{DEFAULT_RESERVED} kept back for superusers")))
    return total(parts)


def _reason(name: str, written: Located[str]) -> Reason:
    return Reason(f"{name} {written.value}", written.span)


def _place(container: Container, settings: _Settings) -> Span:
    written = settings.values.get("max_connections")
    return written.span if written else (container.image or container.name).span


def _time(written: Located[str] | None) -> Effective[float] | None:
    """A time of the server's in seconds; None where it is off or cannot be told."""
    time = _TIME.fullmatch(written.value) if written else None
    seconds = float(time["number"]) * _SECONDS[time["unit"]] if time else 0
    return Effective(seconds, written.span) if written and seconds else None


def image_name(container: Container) -> str:
    """The last part of the name of an image."""
    name = container.image.value if container.image else ""
    return name.partition("@")[0].rpartition("/")[2].partition(":")[0]
