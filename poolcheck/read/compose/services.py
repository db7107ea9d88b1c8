"""From the text of a Compose file to the facts about its services."""

import posixpath
import re
from collections.abc import Callable, Iterator
from math import inf
from typing import NamedTuple, TypeAlias

from poolcheck.read.compose.dotenv import read_dotenv
from poolcheck.read.compose.facts import Base, Build, ComposeFile, EnvFile, Mount, Service, Variables
from poolcheck.read.compose.interpolation import interpolated, parts_of, put_in
from poolcheck.read.yaml.nodes import Mapping, Node, Scalar, Sequence, TooManyAliases, compose, regions
from poolcheck.read.yaml.remarks import remarked
from poolcheck.source import Located, Source, Span
from poolcheck.value import HOLE, EnvRef, Known, Unknown, Value, resolve, text_of

_PATH = re.compile(r"[./~$]")
"""How a path of the host begins; what begins with anything else is the name of a volume."""
_SECRETS = "/run/secrets"
_SETTINGS = ".conf"
"""How the files end that hold settings of PostgreSQL's."""
_START_FIRST = "start-first"
_ON_EACH_NODE = "global"
_ENDS_OF_EXAMPLES = (".example", ".sample", ".template", ".dist")
"""How files are called that show what a file of variables is to hold, which nobody commits."""
_ENDED = "service_completed_successfully"
_OF_OTHER_HOSTS = ("dns", "dns_search", "external_links", "extra_hosts", "links", "network_mode")

Texts: TypeAlias = Callable[[str], str | None]
"""Gives the text of a file of the project by its path; None where there is none."""


def _nothing(_: str) -> None:
    """The environment in which nobody sets anything, and the project without other files."""


def read_compose(source: Source, texts: Texts = _nothing) -> Iterator[ComposeFile]:
    """The services in a file, if there are any. It is not told what is no YAML, for it need be no Compose file.

    Among the `texts` of the project may be `.env` beside it, what `env_file` names, and files whose services are
    extended, which are read as well.
    """
    for found in _read(source, texts):
        yield found
        yield from _extended(found, texts, {source.path})


def _extended(file: ComposeFile, texts: Texts, seen: set[str]) -> Iterator[ComposeFile]:
    """The files whose services those of a file extend."""
    folder = posixpath.dirname(file.span.path)
    for service in file.services:
        named = service.base.file if service.base else None
        path = posixpath.normpath(posixpath.join(folder, named.value)) if named else ""
        if path and path not in seen and (text := texts(path)) is not None:
            seen.add(path)
            for found in _read(Source(path, text), texts):
                yield found._replace(for_others=True)
                yield from _extended(found, texts, seen)


def _read(source: Source, texts: Texts) -> Iterator[ComposeFile]:
    beside = _Beside(posixpath.dirname(source.path), texts)
    own = beside.variables(".env", {})
    own = beside.likely(".env", {}) or {} if own is None else own
    services: list[Service] = []
    includes: list[str] = []
    for region in regions(source):
        try:
            for root in compose(source, region):
                if isinstance(root, Mapping):
                    includes += _includes(root)
                    services += _services_in(_Place(root, own, beside))
        except TooManyAliases:
            break
    if services or includes:
        span, remarks = Span(source.path, 0, len(source.text)), tuple(remarked(source))
        yield ComposeFile(span, tuple(services), tuple(includes), remarked=remarks)


class _Beside(NamedTuple):
    """The files beside a Compose file."""

    folder: str
    texts: Texts

    def file(self, path: str) -> Source | None:
        """A file by its path from here; None where there is none."""
        path = posixpath.normpath(posixpath.join(self.folder, path))
        text = self.texts(path)
        return None if text is None else Source(path, text)

    def variables(self, path: str, outer: dict[str, Value]) -> dict[str, Value] | None:
        """What stands in a file of variables; None where it is not seen."""
        file = self.file(path)
        return None if file is None else read_dotenv(file, outer)

    def likely(self, path: str, outer: dict[str, Value]) -> dict[str, Value] | None:
        """What stands in an example of a file that is not seen, as defaults; None where there is no example."""
        folder, name = posixpath.split(path)
        for example in (f"{name}{end}" for end in _ENDS_OF_EXAMPLES):
            if found := self.variables(posixpath.join(folder, example), outer):
                return {name: EnvRef(name, value, value.places) for name, value in found.items()}
        return None


class _Place(NamedTuple):
    """A document of a Compose file, and the variables that are put into it."""

    root: Mapping
    variables: dict[str, Value]
    beside: _Beside

    def value(self, written: Located[str]) -> Value:
        """What a text comes to, as far as the project shows it."""
        return put_in(interpolated(written), self.variables)

    def optional(self, written: Located[str] | None) -> Value | None:
        """The same for what may be left out."""
        return self.value(written) if written else None


def _services_in(place: _Place) -> Iterator[Service]:
    found = place.root.mapping("services")
    for name, node in found.items() if found else ():
        if isinstance(node, Mapping):
            yield _service(name, node, place)


def _includes(root: Mapping) -> Iterator[str]:
    """The paths of the files that it includes, `- other.yaml` or `- path: other.yaml`."""
    for item in _items(root, "include"):
        if isinstance(item, Scalar):
            yield item.text
        elif isinstance(item, Mapping) and isinstance(path := item.at("path"), Scalar):
            yield path.text
        elif isinstance(item, Mapping):
            yield from (each.text for each in _items(item, "path") if isinstance(each, Scalar))


def _service(name: Scalar, node: Mapping, place: _Place) -> Service:
    variables, inherited = _environment(node, place)
    configs, secrets = _files(node, place, "configs", "/"), _files(node, place, "secrets", _SECRETS)
    return Service(
        Located(name.text, name.span),
        node.span,
        image=place.optional(node.text("image")),
        is_built=node.at("build") is not None,
        entrypoint=_words(node.at("entrypoint"), place),
        command=_words(node.at("command"), place),
        mounts=(*(_with_text(each, place.beside) for each in (*_volumes(node, place), *configs)), *secrets),
        extends=node.text("extends", "service") or node.text("extends"),
        environment=variables,
        inherited=inherited,
        env_files=tuple(_env_files(node, place)),
        base=_base(node),
        build=_build(node, place),
        replicas=_replicas(node, place),
        names=tuple(_names(node)),
        working_dir=place.optional(node.text("working_dir")),
        ports=tuple(_ports(node, place)),
        open_files=_open_files(node),
        stop_signal=place.optional(node.text("stop_signal")),
        stop_grace_period=place.optional(node.text("stop_grace_period")),
        started_first=_started_first(node),
        knows_other_hosts=_knows_other_hosts(node, place.root),
        waits_for=tuple(_waits_for(node)),
        runs_once=bool((told := node.text("restart")) and told.value == "no"),
    )


def _waits_for(node: Mapping) -> Iterator[Located[str]]:
    """The services that have to end well before this one is started."""
    others = node.mapping("depends_on")
    for name, other in others.items() if others else ():
        condition = other.text("condition") if isinstance(other, Mapping) else None
        if condition and condition.value == _ENDED:
            yield Located(name.text, name.span)


def _knows_other_hosts(node: Mapping, root: Mapping) -> bool:
    """Whether it is told of hosts, or shares a network with what other files run, or that of the machine."""
    networks = root.mapping("networks")
    parts = [part for _, part in networks.items() if isinstance(part, Mapping)] if networks else []
    is_shared = any((found := part.at("external")) is not None and not found.is_null for part in parts)
    return is_shared or any(node.at(key) is not None for key in _OF_OTHER_HOSTS)


def _words(node: Node | None, place: _Place) -> tuple[Value, ...] | None:
    if node is None or node.is_null:
        return None
    words = node if isinstance(node, Sequence) else (node,)
    return tuple(place.value(Located(word.text, word.span)) for word in words if isinstance(word, Scalar))


def _environment(node: Mapping, place: _Place) -> tuple[Variables, tuple[Located[str], ...]]:
    """The variables that are given values, by the file or by `.env`, and those that only the shell has."""
    variables: list[tuple[str, Value]] = []
    inherited: list[Located[str]] = []
    for name, written in _written(node):
        if written:
            variables.append((name.value, place.value(written)))
        elif name.value in place.variables:
            variables.append((name.value, place.variables[name.value]))
        else:
            inherited.append(name)
    return tuple(variables), tuple(inherited)


def _written(node: Mapping) -> Iterator[tuple[Located[str], Located[str] | None]]:
    """`NAME: value` and `- NAME=value`; None stands for the value of `NAME:` and of `- NAME`."""
    found = node.at("environment")
    for name, value in found.items() if isinstance(found, Mapping) else ():
        if isinstance(value, Scalar):
            yield Located(name.text, name.span), None if value.is_null else Located(value.text, value.span)
    for item in _items(node, "environment"):
        if isinstance(item, Scalar):
            name_written, is_set, text = item.text.partition("=")
            yield Located(name_written, item.span), Located(text, item.span) if is_set else None


def _env_files(node: Mapping, place: _Place) -> Iterator[EnvFile]:
    """`env_file: .env`, `[one.env, two.env]`, and `- path: one.env`. One that need not be there may be missing."""
    found = node.at("env_file")
    for item in found if isinstance(found, Sequence) else filter(None, [found]):
        written = item.text("path") if isinstance(item, Mapping) else None
        if isinstance(item, Scalar) and not item.is_null:
            written = Located(item.text, item.span)
        if written:
            path = place.value(written)
            named = text_of(resolve(path, _nothing))
            variables = place.beside.variables(named, place.variables)
            likely = place.beside.likely(named, place.variables) if variables is None else None
            found_here = likely if variables is None else variables
            told = None if found_here is None else tuple(found_here.items())
            yield EnvFile(path, told, is_example=likely is not None)


def _base(node: Mapping) -> Base | None:
    name = node.text("extends", "service") or node.text("extends")
    return Base(name, node.text("extends", "file")) if name else None


def _build(node: Mapping, place: _Place) -> Build | None:
    build = node.at("build")
    if isinstance(build, Scalar) and not build.is_null:
        return Build(place.value(Located(build.text, build.span)), None)
    if isinstance(build, Mapping):
        context = node.text("build", "context") or Located(".", build.span)
        dockerfile, target = node.text("build", "dockerfile"), node.text("build", "target")
        return Build(place.value(context), place.optional(dockerfile), place.optional(target))
    return None


def _names(node: Mapping) -> Iterator[str]:
    """What else the service is called: its container, its host, and what each of its networks calls it."""
    for key in ("container_name", "hostname"):
        if name := node.text(key):
            yield name.value
    networks = node.mapping("networks")
    for _, network in networks.items() if networks else ():
        if isinstance(network, Mapping):
            yield from (alias.text for alias in _items(network, "aliases") if isinstance(alias, Scalar))


def _volumes(node: Mapping, place: _Place) -> Iterator[Mount]:
    for item in _items(node, "volumes"):
        if isinstance(item, Scalar):
            yield _short_volume(item, place)
        elif isinstance(item, Mapping) and (target := item.text("target")):
            source, kind = item.text("source"), item.text("type")
            is_path = source and (_PATH.match(source.value) or (kind and kind.value == "bind"))
            given, read_only = source if is_path else None, item.text("read_only")
            yield Mount(place.value(target), place.optional(given), bool(read_only and read_only.value == "true"))


def _short_volume(item: Scalar, place: _Place) -> Mount:
    """`./pgbouncer.ini:/etc/pgbouncer/pgbouncer.ini:ro`, `data:/var/lib/data` and `/var/lib/data`."""
    first, *rest = (place.value(Located(part, item.span)) for part in parts_of(item.text))
    if not rest:
        return Mount(first, None)
    options = text_of(rest[1]).split(",") if len(rest) > 1 else []
    return Mount(rest[0], first if _PATH.match(item.text) else None, "ro" in options)


def _with_text(mount: Mount, beside: _Beside) -> Mount:
    """A mount with the text of the file, where it is called like the settings of a server."""
    path = text_of(resolve(mount.source, _nothing)) if mount.source else ""
    file = beside.file(path) if path.endswith(_SETTINGS) and HOLE not in path else None
    return mount._replace(text=Located(file.text, Span(file.path, 0, len(file.text)))) if file else mount


def _ports(node: Mapping, place: _Place) -> Iterator[Located[int] | Unknown]:
    """The ports in the containers: of `"127.0.0.1:6432:5432/tcp"`, or of `target: 5432`."""
    for item in _items(node, "ports"):
        target = item.at("target") if isinstance(item, Mapping) else item
        if isinstance(target, Scalar):
            last = Located(parts_of(target.text)[-1].removesuffix("/tcp"), target.span)
            text = text_of(resolve(place.value(last), _nothing))
            yield Located(int(text), target.span) if text.isdecimal() else Unknown((target.span,))


def _open_files(node: Mapping) -> Located[int] | None:
    """`nofile: 1024`, or the `soft` of both its limits."""
    found = node.integer("ulimits", "nofile", "soft") or node.integer("ulimits", "nofile")
    return found if isinstance(found, Located) else None


def _replicas(node: Mapping, place: _Place) -> Value | None:
    """How many containers there are; not known where there is one on each node."""
    mode = node.text("deploy", "mode")
    if mode and mode.value == _ON_EACH_NODE:
        return Unknown((mode.span,))
    return place.optional(node.text("deploy", "replicas") or node.text("scale"))


def _started_first(node: Mapping) -> Located[str] | None:
    """How many containers an update or a rollback starts at a time before old ones end, by default one."""
    found: list[Located[str]] = []
    for kind in ("update_config", "rollback_config"):
        order = node.text("deploy", kind, "order")
        if order and order.value == _START_FIRST:
            found.append(node.text("deploy", kind, "parallelism") or Located("1", order.span))
    return max(found, key=lambda each: _at_a_time(each.value), default=None)


def _at_a_time(written: str) -> float:
    return int(written) if written.isdecimal() and int(written) else inf


def _files(node: Mapping, place: _Place, kind: str, folder: str) -> Iterator[Mount]:
    """The configs or secrets of a service. Those without a target stand in a folder under their own names."""
    for item in _items(node, kind):
        name = item.text("source") if isinstance(item, Mapping) else None
        if isinstance(item, Scalar):
            name = Located(item.text, item.span)
        if name:
            target = item.text("target") if isinstance(item, Mapping) else None
            yield Mount(_in_folder(folder, target or name, place), _brought(place, kind, name), is_read_only=True)


def _brought(place: _Place, kind: str, name: Located[str]) -> Value | None:
    """The file that a config or a secret is; the Compose file itself where its content stands there."""
    content = place.root.at(kind, name.value, "content")
    if content is not None:
        return Known(posixpath.basename(content.span.path), (content.span,))
    return place.optional(place.root.text(kind, name.value, "file"))


def _in_folder(folder: str, target: Located[str], place: _Place) -> Value:
    if target.value.startswith(("/", "$")):
        return place.value(target)
    return Known(f"{folder.rstrip('/')}/{target.value}", (target.span,))


def _items(node: Mapping, key: str) -> Iterator[Node]:
    found = node.at(key)
    if isinstance(found, Sequence):
        yield from found
