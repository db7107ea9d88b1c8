"""From the text of a Compose file to the facts about its services."""

import re
from collections.abc import Iterator

from poolcheck.read.compose.facts import ComposeFile, Mount, Service
from poolcheck.read.compose.interpolation import interpolated, parts_of
from poolcheck.read.yaml.nodes import Mapping, Node, Scalar, Sequence, TooManyAliases, compose, regions
from poolcheck.source import Located, Source, Span
from poolcheck.value import Known, Value

_PATH = re.compile(r"[./~$]")
"""How a path of the host begins; what begins with anything else is the name of a volume."""
_SECRETS = "/run/secrets"


def read_compose(source: Source) -> Iterator[ComposeFile]:
    """The services in a file, if there are any. It is not told what is no YAML, for it need be no Compose file."""
    services = tuple(_services(source))
    if services:
        yield ComposeFile(Span(source.path, 0, len(source.text)), services)


def _services(source: Source) -> Iterator[Service]:
    for region in regions(source):
        try:
            for root in compose(source, region):
                if isinstance(root, Mapping):
                    yield from _services_in(root)
        except TooManyAliases:
            return


def _services_in(root: Mapping) -> Iterator[Service]:
    found = root.mapping("services")
    for name, node in found.items() if found else ():
        if isinstance(node, Mapping):
            yield _service(name, node, root)


def _service(name: Scalar, node: Mapping, root: Mapping) -> Service:
    image = node.text("image")
    return Service(
        Located(name.text, name.span),
        node.span,
        image=interpolated(image) if image else None,
        is_built=node.at("build") is not None,
        entrypoint=_words(node.at("entrypoint")),
        command=_words(node.at("command")),
        mounts=(*_volumes(node), *_files(node, root, "configs", "/"), *_files(node, root, "secrets", _SECRETS)),
        extends=node.text("extends", "service") or node.text("extends"),
        environment=tuple(_environment(node)),
    )


def _words(node: Node | None) -> tuple[Value, ...] | None:
    if node is None or node.is_null:
        return None
    words = node if isinstance(node, Sequence) else (node,)
    return tuple(interpolated(Located(word.text, word.span)) for word in words if isinstance(word, Scalar))


def _environment(node: Mapping) -> Iterator[tuple[str, Value]]:
    """`NAME: value`, and `- NAME=value`."""
    found = node.at("environment")
    for name, value in found.items() if isinstance(found, Mapping) else ():
        if isinstance(value, Scalar) and not value.is_null:
            yield name.text, interpolated(Located(value.text, value.span))
    for item in _items(node, "environment"):
        name_written, is_set, text = item.text.partition("=") if isinstance(item, Scalar) else ("", "", "")
        if is_set:
            yield name_written, interpolated(Located(text, item.span))


def _volumes(node: Mapping) -> Iterator[Mount]:
    for item in _items(node, "volumes"):
        if isinstance(item, Scalar):
            yield _short_volume(item)
        elif isinstance(item, Mapping) and (target := item.text("target")):
            source, kind = item.text("source"), item.text("type")
            is_path = source and (_PATH.match(source.value) or (kind and kind.value == "bind"))
            yield Mount(interpolated(target), interpolated(source) if source and is_path else None)


def _short_volume(item: Scalar) -> Mount:
    """`./pgbouncer.ini:/etc/pgbouncer/pgbouncer.ini:ro`, `data:/var/lib/data` and `/var/lib/data`."""
    first, *rest = (interpolated(Located(part, item.span)) for part in parts_of(item.text))
    if not rest:
        return Mount(first, None)
    return Mount(rest[0], first if _PATH.match(item.text) else None)


def _files(node: Mapping, root: Mapping, kind: str, folder: str) -> Iterator[Mount]:
    """The configs or secrets of a service. Those without a target stand in a folder under their own names."""
    for item in _items(node, kind):
        name = item.text("source") if isinstance(item, Mapping) else None
        if isinstance(item, Scalar):
            name = Located(item.text, item.span)
        if name:
            file = root.text(kind, name.value, "file")
            target = item.text("target") if isinstance(item, Mapping) else None
            yield Mount(_in_folder(folder, target or name), interpolated(file) if file else None)


def _in_folder(folder: str, target: Located[str]) -> Value:
    if target.value.startswith(("/", "$")):
        return interpolated(target)
    return Known(f"{folder.rstrip('/')}/{target.value}", (target.span,))


def _items(node: Mapping, key: str) -> Iterator[Node]:
    found = node.at(key)
    if isinstance(found, Sequence):
        yield from found
