"""From the text of a manifest to the facts about its objects."""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from poolcheck.read.fault import SyntaxFault
from poolcheck.read.kubernetes import operators
from poolcheck.read.kubernetes.managed import Managed
from poolcheck.read.kubernetes.manifest import (
    Autoscaler,
    ConfigMap,
    DataEntry,
    DisruptionBudget,
    Manifest,
    Object,
    Secret,
    Service,
    ServicePort,
    Workload,
    WorkloadKind,
    Written,
)
from poolcheck.read.kubernetes.pods import identity, labels, read_workload
from poolcheck.read.yaml.embedded import is_pgbouncer_ini, read_in_base64, read_in_scalar
from poolcheck.read.yaml.nodes import Mapping, Node, Scalar, TooManyAliases, compose, regions
from poolcheck.read.yaml.remarks import remarked
from poolcheck.read.yaml.scalars import ScalarKind
from poolcheck.read.yaml.templated import may_be_template
from poolcheck.source import Located, Source, Span

if TYPE_CHECKING:
    from poolcheck.read.pgbouncer.config import PgBouncerConfig

_KIND = re.compile(r"""kind["']?[ \t]*:[ \t]*["']?(\w+)""")


_OF_SERVERS = (".conf", ".cnf", ".sql")
"""How files are called in which servers have settings."""


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
        tuple(item for item in found if isinstance(item, Managed)),
        tuple(item for item in found if isinstance(item, DisruptionBudget)),
        tuple(remarked(source)),
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
        annotations=labels(node, "metadata", "annotations"),
        session_affinity=node.text("spec", "sessionAffinity"),
        balancer_class=node.text("spec", "loadBalancerClass"),
        has_any_port=_has_any_port(node),
    )


def _has_any_port(node: Mapping) -> bool:
    """A headless Service is but a name for pods."""
    address, ports = node.text("spec", "clusterIP"), [*node.mappings("spec", "ports")]
    is_headless = address is not None and address.value == "None"
    return is_headless or not ports or not all(isinstance(each.integer("port"), Located) for each in ports)


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
        text = Located(_text(value), value.span)
        span = Span(source.path, key.span.start, max(key.span.end, text.span.end))
        entry = DataEntry(Located(key.text, key.span), text, span, mistaken=_mistaken(value))
        if isinstance(value, Scalar) and is_pgbouncer_ini(key.text, text.value):
            entry = _with_config(entry, read_in_scalar(value, source, key.text, blocks))
        elif (block := blocks.get(key.text)) and key.text.endswith(_OF_SERVERS):
            entry = entry._replace(block=Located(source.text[block.start : block.end], block))
        yield entry


def _text(value: Node) -> str:
    """What a value says: nothing where it is null, and what the file has where it is no scalar."""
    if value.is_null:
        return ""
    return value.text if isinstance(value, Scalar) else value.written


def _mistaken(value: Node) -> Written | None:
    """A value that is no string, where nothing is put in that may make one of it. Null says nothing."""
    if not isinstance(value, Scalar):
        written = Written(value.written, ScalarKind.COLLECTION, value.span)
        return None if may_be_template(written.text) else written
    is_string = value.kind in {ScalarKind.STRING, ScalarKind.NULL}
    return None if is_string else Written(value.text, value.kind, value.span)


def _encoded(node: Mapping, field: str) -> Iterator[DataEntry]:
    """The keys of an object without what stands under them, but with a configuration of PgBouncer's."""
    data = node.mapping(field)
    for key, value in data.items() if data else ():
        entry = DataEntry(Located(key.text, key.span), None, key.span, mistaken=_mistaken(value))
        yield _with_config(entry, read_in_base64(value, key.text)) if isinstance(value, Scalar) else entry


def _with_config(entry: DataEntry, read: "Iterable[PgBouncerConfig | SyntaxFault]") -> DataEntry:
    """A key with what is read of the configuration under it."""
    read = tuple(read)
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


_OF_KEDA = (0, 100)
"""minReplicaCount and maxReplicaCount, where a ScaledObject leaves them out. KEDA, ScaledObject specification."""


def _scaled_object(node: Mapping, _source: Source) -> Autoscaler:
    name, namespace, span = identity(node)
    return Autoscaler(
        name,
        namespace,
        span,
        target_kind=node.text("spec", "scaleTargetRef", "kind") or Located("Deployment", name.span),
        target_name=node.text("spec", "scaleTargetRef", "name"),
        min_replicas=node.integer("spec", "minReplicaCount"),
        max_replicas=node.integer("spec", "maxReplicaCount"),
        by_default=_OF_KEDA,
        is_partial=node.at("spec", "triggers") is None or may_be_template(node.written),
    )


def _disruption_budget(node: Mapping, _source: Source) -> DisruptionBudget:
    selector = node.mapping("spec", "selector")
    is_by_labels = selector is not None and selector.key("matchExpressions") is None
    return DisruptionBudget(
        *identity(node),
        selector=labels(selector, "matchLabels") if is_by_labels else None,
        min_available=node.text("spec", "minAvailable"),
        max_unavailable=node.text("spec", "maxUnavailable"),
    )


def _managed(kind: operators.Kind, node: Mapping, _source: Source) -> Managed:
    return kind.read(node, node.span)


def _helm_release(node: Mapping, _source: Source) -> Managed:
    from poolcheck.read.kubernetes.helm_release import read_helm_release

    return read_helm_release(node)


_GROUPS = {
    WorkloadKind.DEPLOYMENT: ("apps", "extensions"),
    WorkloadKind.STATEFUL_SET: ("apps",),
    WorkloadKind.DAEMON_SET: ("apps", "extensions"),
    WorkloadKind.REPLICA_SET: ("apps", "extensions"),
    WorkloadKind.REPLICATION_CONTROLLER: ("",),
    WorkloadKind.JOB: ("batch", "extensions"),
    WorkloadKind.CRON_JOB: ("batch",),
    WorkloadKind.POD: ("",),
    WorkloadKind.ROLLOUT: ("argoproj.io",),
    WorkloadKind.SCALED_JOB: ("keda.sh",),
}

_KINDS: dict[str, _Kind] = {
    **{str(kind): _Kind(groups, partial(_workload, kind)) for kind, groups in _GROUPS.items()},
    "Service": _Kind(("",), _service),
    "ConfigMap": _Kind(("",), _config_map),
    "Secret": _Kind(("",), _secret),
    "HorizontalPodAutoscaler": _Kind(("autoscaling",), _autoscaler),
    "ScaledObject": _Kind(("keda.sh",), _scaled_object),
    "PodDisruptionBudget": _Kind(("policy",), _disruption_budget),
    "HelmRelease": _Kind(("helm.toolkit.fluxcd.io",), _helm_release),
    **{name: _Kind(kind.groups, partial(_managed, kind)) for name, kind in operators.KINDS.items()},
}
