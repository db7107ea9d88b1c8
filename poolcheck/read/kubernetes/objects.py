"""From the text of a manifest to the facts about its objects."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from poolcheck.read.fault import SyntaxFault
from poolcheck.read.kubernetes.manifest import (
    Autoscaler,
    ConfigMap,
    DataEntry,
    Manifest,
    Object,
    Secret,
    Service,
    ServicePort,
    Workload,
    WorkloadKind,
)
from poolcheck.read.kubernetes.pods import identity, labels, read_workload
from poolcheck.read.yaml.nodes import Mapping, Node, Scalar, TooManyAliases, compose, regions
from poolcheck.source import Located, Source, Span

if TYPE_CHECKING:
    from poolcheck.read.pgbouncer.config import PgBouncerConfig

_KIND = re.compile(r"""kind["']?[ \t]*:[ \t]*["']?(\w+)""")
_HEADER = re.compile(r"^[ \t]*\[[ \t]*pgbouncer[ \t]*\]", re.MULTILINE | re.IGNORECASE)


def read_manifest(source: Source) -> "Iterator[Manifest | PgBouncerConfig | SyntaxFault]":
    """The objects in a file, if there are any, and each pgbouncer.ini in its ConfigMaps and Secrets.

    Documents of other kinds are not read, and so have no faults.
    """
    found: list[Object] = []
    for item in _objects(source):
        if isinstance(item, SyntaxFault):
            yield item
        else:
            found.append(item)
    if not found:
        return
    manifest = Manifest(
        Span(source.path, 0, len(source.text)),
        tuple(item for item in found if isinstance(item, Workload)),
        tuple(item for item in found if isinstance(item, Service)),
        tuple(item for item in found if isinstance(item, ConfigMap)),
        tuple(item for item in found if isinstance(item, Secret)),
        tuple(item for item in found if isinstance(item, Autoscaler)),
    )
    yield manifest
    for data in [*(item.data for item in manifest.config_maps), *(item.data for item in manifest.secrets)]:
        for entry in data:
            if entry.config:
                yield entry.config
            yield from entry.faults


def _objects(source: Source) -> Iterator[Object | SyntaxFault]:
    """The objects in a file, and the faults in it. Documents that name no kind in _KINDS are not read."""
    for region in regions(source):
        if _may_hold_objects(source.text, region):
            yield from _objects_in(source, region)


def _objects_in(source: Source, region: Span) -> Iterator[Object | SyntaxFault]:
    try:
        for node in compose(source, region):
            if isinstance(node, SyntaxFault):
                yield node
            elif isinstance(node, Mapping):
                yield from _read(node, source)
    except TooManyAliases:
        start = Span(source.path, region.start, region.start)
        yield SyntaxFault(start, "not read: its aliases stand for more than the document could hold")


class _Kind(NamedTuple):
    """The API groups that a kind is in, and how it is read."""

    groups: tuple[str, ...]
    read: Callable[[Mapping, Source], Object]


def _read(root: Mapping, source: Source) -> Iterator[Object]:
    """The object, or those in a list. What is in a list of one kind, a DeploymentList, may leave its kind out."""
    left = [(root, "", "")]
    while left:
        node, kind, version = left.pop()
        kind = found.value if (found := node.text("kind")) else kind
        version = found.value if (found := node.text("apiVersion")) else version
        if kind.endswith("List"):
            items = [(item, kind.removesuffix("List"), version) for item in node.mappings("items")]
            left += reversed(items)
        elif (known := _KINDS.get(kind)) and version.rpartition("/")[0] in known.groups:
            yield known.read(node, source)


def _may_hold_objects(text: str, region: Span) -> bool:
    kinds = (mention[1] for mention in _KIND.finditer(text, region.start, region.end))
    return any(kind in _KINDS or kind.endswith("List") for kind in kinds)


def _workload(kind: WorkloadKind, node: Mapping, _source: Source) -> Workload:
    return read_workload(node, kind)


def _service(node: Mapping, _source: Source) -> Service:
    has_selector = node.mapping("spec", "selector") is not None
    return Service(
        *identity(node),
        selector=labels(node, "spec", "selector") if has_selector else None,
        ports=tuple(_service_ports(node)),
        type=node.text("spec", "type"),
        external_name=node.text("spec", "externalName"),
    )


def _service_ports(node: Mapping) -> Iterator[ServicePort]:
    for port in node.mappings("spec", "ports"):
        number, target = port.integer("port"), port.integer("targetPort")
        if isinstance(number, Located):
            yield ServicePort(
                port.text("name"), number, target if isinstance(target, Located) else port.text("targetPort")
            )


def _config_map(node: Mapping, source: Source) -> ConfigMap:
    return ConfigMap(*identity(node), (*_entries(node, "data", source), *_encoded(node, "binaryData")))


def _secret(node: Mapping, source: Source) -> Secret:
    plain = tuple(_entries(node, "stringData", source))
    overridden = {entry.key.value for entry in plain}
    encoded = (entry for entry in _encoded(node, "data") if entry.key.value not in overridden)
    return Secret(*identity(node), (*encoded, *plain))


def _entries(node: Mapping, field: str, source: Source) -> Iterator[DataEntry]:
    """The keys of an object with what stands under them."""
    data = node.mapping(field)
    items = list(data.items()) if data else []
    blocks = {key.text: value.block for key, value in items if isinstance(value, Scalar) and value.block}
    for key, value in items:
        block = blocks.get(key.text)
        text = Located(_text(value), value.span)
        span = Span(source.path, key.span.start, max(key.span.end, text.span.end))
        entry = DataEntry(Located(key.text, key.span), text, span)
        if block and _is_pgbouncer_ini(key.text, text.value):
            entry = _with_config(entry, source, blocks)
        yield entry


def _text(value: Node) -> str:
    """What a value says: nothing where it is null, and what the file has where it is no scalar."""
    if value.is_null:
        return ""
    return value.text if isinstance(value, Scalar) else value.written


def _encoded(node: Mapping, field: str) -> Iterator[DataEntry]:
    """The keys of an object without what stands under them."""
    data = node.mapping(field)
    for key, _ in data.items() if data else ():
        yield DataEntry(Located(key.text, key.span), None, key.span)


def _is_pgbouncer_ini(key: str, text: str) -> bool:
    if key.endswith(".ini") and "pgbouncer" in key:
        return True
    return "pgbouncer" in text.lower() and _HEADER.search(text) is not None


def _with_config(entry: DataEntry, source: Source, blocks: dict[str, Span]) -> DataEntry:
    """A key with the configuration under it. What that names by a path may stand under another key."""
    from poolcheck.read.pgbouncer.config import Absent, Inclusion, Part
    from poolcheck.read.pgbouncer.load import read_embedded

    def find(path: Located[str]) -> Inclusion:
        block = blocks.get(path.value.rpartition("/")[2])
        return Inclusion(path, Part(source, block) if block else Absent.UNSEEN)

    name = entry.key.value
    read = tuple(read_embedded(Part(source, blocks[name]), name, find))
    config = next((item for item in read if not isinstance(item, SyntaxFault)), None)
    return entry._replace(config=config, faults=tuple(item for item in read if isinstance(item, SyntaxFault)))


def _autoscaler(node: Mapping, _source: Source) -> Autoscaler:
    return Autoscaler(
        *identity(node),
        target_kind=node.text("spec", "scaleTargetRef", "kind"),
        target_name=node.text("spec", "scaleTargetRef", "name"),
        min_replicas=node.integer("spec", "minReplicas"),
        max_replicas=node.integer("spec", "maxReplicas"),
    )


_GROUPS = {
    WorkloadKind.DEPLOYMENT: ("apps", "extensions"),
    WorkloadKind.STATEFUL_SET: ("apps",),
    WorkloadKind.DAEMON_SET: ("apps", "extensions"),
    WorkloadKind.REPLICA_SET: ("apps", "extensions"),
    WorkloadKind.REPLICATION_CONTROLLER: ("",),
    WorkloadKind.JOB: ("batch", "extensions"),
    WorkloadKind.CRON_JOB: ("batch",),
    WorkloadKind.POD: ("",),
}

_KINDS: dict[str, _Kind] = {
    **{str(kind): _Kind(groups, partial(_workload, kind)) for kind, groups in _GROUPS.items()},
    "Service": _Kind(("",), _service),
    "ConfigMap": _Kind(("",), _config_map),
    "Secret": _Kind(("",), _secret),
    "HorizontalPodAutoscaler": _Kind(("autoscaling",), _autoscaler),
}
