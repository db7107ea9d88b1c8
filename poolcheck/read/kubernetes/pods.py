"""From the nodes of a manifest to the facts about what runs pods, and their containers."""

from collections.abc import Iterable, Iterator

from poolcheck.read.kubernetes.manifest import (
    Container,
    EnvFrom,
    EnvSource,
    EnvVar,
    ExecHook,
    FieldRef,
    KeyRef,
    Labels,
    Mount,
    Opening,
    Port,
    Probe,
    Probes,
    ResourceRef,
    SleepHook,
    Volume,
    VolumeSource,
    Workload,
    WorkloadKind,
    Written,
)
from poolcheck.read.kubernetes.rollouts import Replacement, replacement, runs
from poolcheck.read.template import is_filled_in
from poolcheck.read.yaml.nodes import Mapping, Node, Scalar, Sequence
from poolcheck.read.yaml.scalars import ScalarKind
from poolcheck.source import Located, Span
from poolcheck.value import Unknown

_JOBS = frozenset({WorkloadKind.JOB, WorkloadKind.CRON_JOB, WorkloadKind.SCALED_JOB})
_NEED_A_SELECTOR = frozenset(
    {WorkloadKind.DEPLOYMENT, WorkloadKind.STATEFUL_SET, WorkloadKind.DAEMON_SET, WorkloadKind.REPLICA_SET}
)
_SPECS = {
    WorkloadKind.CRON_JOB: ("spec", "jobTemplate", "spec"),
    WorkloadKind.SCALED_JOB: ("spec", "jobTargetRef"),
}
"""Where what is told of the pods stands, if not under `spec`."""
_SHARING = ("shareProcessNamespace", "hostPID")
_TRUE = frozenset({"true", "yes", "on", "y"})


def read_workload(node: Mapping, kind: WorkloadKind) -> Workload:
    """The facts about an object of one of the kinds that run pods."""
    spec = node.mapping(*_SPECS.get(kind, ("spec",)))
    replaced = replacement(spec, kind) if spec else Replacement()
    template = node if kind is WorkloadKind.POD else spec and spec.mapping("template")
    pod = template.mapping("spec") if template else None
    containers = tuple(map(_container, pod.mappings("containers"))) if pod else ()
    init_containers = tuple(map(_container, pod.mappings("initContainers"))) if pod else ()
    return Workload(
        kind,
        *identity(node),
        replicas=spec.integer("parallelism" if kind in _JOBS else "replicas") if spec else None,
        max_surge=replaced.max_surge,
        labels=labels(template, "metadata", "labels"),
        grace_s=pod.integer("terminationGracePeriodSeconds") if pod else None,
        containers=containers,
        init_containers=init_containers,
        volumes=tuple(_volumes(pod)) if pod else (),
        pod=_opening(template, pod),
        is_partial=_is_partial(node, kind, containers + init_containers),
        shares_processes=pod is not None and any(_is_true(pod, key) for key in _SHARING),
        is_spread=pod is not None and _is_spread(pod),
        annotations=labels(template, "metadata", "annotations"),
        strategy=replaced.strategy,
        runs=runs(node, kind),
    )


def identity(node: Mapping) -> tuple[Located[str], Located[str] | None, Span]:
    """The name of an object, empty where it has none, its namespace and its place."""
    name, namespace = node.text("metadata", "name"), node.text("metadata", "namespace")
    return name or Located("", node.first), namespace, node.span


def labels(node: Mapping | None, *keys: str) -> Labels:
    """Names with their values at a path of keys."""
    found = node and node.mapping(*keys)
    if not found:
        return frozenset()
    return frozenset((key.text, value.text) for key, value in found.items() if isinstance(value, Scalar))


def _is_partial(node: Mapping, kind: WorkloadKind, containers: tuple[Container, ...]) -> bool:
    """Whether an object lacks what the API demands of a whole one, or may get more from a template."""
    if not containers or any(container.image is None for container in containers):
        return True
    if kind in _NEED_A_SELECTOR and node.at("spec", "selector") is None:
        return True
    written = node.written
    return "{{" in written or "{%" in written or node.is_of_template


def _is_spread(pod: Mapping) -> bool:
    """Whether it is kept away from others. A port of the node is there only once."""
    if any(port.key("hostPort") for each in pod.mappings("containers") for port in each.mappings("ports")):
        return True
    affinity = pod.at("affinity")
    away = affinity.at("podAntiAffinity") if isinstance(affinity, Mapping) else affinity
    return any(each is not None and not each.is_null for each in (pod.at("topologySpreadConstraints"), away))


def _opening(template: Mapping | None, pod: Mapping | None) -> Opening | None:
    key = template and template.key("spec")
    return Opening(key.span, pod.first, pod.separator) if key and pod else None


def _container(node: Mapping) -> Container:
    variables = tuple(_env(node))
    return Container(
        name=node.text("name") or Located("", node.first),
        image=node.text("image"),
        command=_words(node.at("command")),
        args=_words(node.at("args")),
        env=tuple(variable for variable in variables if isinstance(variable, EnvVar)),
        env_from=(*_env_from(node), *(variable for variable in variables if isinstance(variable, Unknown))),
        ports=tuple(_ports(node)),
        mounts=tuple(_mounts(node)),
        pre_stop=_pre_stop(node),
        restart_policy=node.text("restartPolicy"),
        probes=Probes(*(_probe(node, f"{kind}Probe") for kind in ("liveness", "readiness", "startup"))),
        cpu_limit=node.text("resources", "limits", "cpu"),
        cpu_request=node.text("resources", "requests", "cpu"),
        has_pre_stop=node.at("lifecycle", "preStop") is not None,
        stop_signal=node.text("lifecycle", "stopSignal"),
        has_post_start=node.at("lifecycle", "postStart") is not None,
    )


def _words(node: Node | None) -> tuple[Located[str], ...] | None:
    """The words of a command. What is no text counts as one that reads as the file has it: a template's."""
    if node is None or node.is_null:
        return None
    words = node if isinstance(node, Sequence) else (node,)
    return tuple(Located(word.text if isinstance(word, Scalar) else word.written, word.span) for word in words)


def _env(node: Mapping) -> Iterator[EnvVar | Unknown]:
    """The variables of a container; Unknown where a template may become any number of them."""
    for item in _items_at(node, "env"):
        name = item.text("name") if isinstance(item, Mapping) else None
        if isinstance(item, Mapping) and name and not is_filled_in(name.value):
            yield EnvVar(name, _value(item.at("value")), _source(item.at("valueFrom")))
        else:
            yield Unknown((item.span,))


def _items_at(node: Mapping, key: str) -> Iterable[Node]:
    """The items of a list; what there is instead, if anything, where it is no list."""
    found = node.at(key)
    if found is None or found.is_null:
        return ()
    return found if isinstance(found, Sequence) else (found,)


def _value(node: Node | None) -> Written | None:
    if node is None:
        return None
    if not isinstance(node, Scalar):
        return Written(node.written, ScalarKind.STRING, node.span)
    kind = node.kind
    return None if kind is ScalarKind.NULL else Written(node.text, kind, node.span)


def _source(node: Node | None) -> EnvSource | Unknown | None:
    if node is None or node.is_null:
        return None
    if not isinstance(node, Mapping):
        return Unknown((node.span,))
    for kind, is_secret in (("configMapKeyRef", False), ("secretKeyRef", True)):
        name, key = node.text(kind, "name"), node.text(kind, "key")
        if name and key:
            return KeyRef(is_secret, name, key, _is_true(node, kind, "optional"))
    if path := node.text("fieldRef", "fieldPath"):
        return FieldRef(path)
    if resource := node.text("resourceFieldRef", "resource"):
        return ResourceRef(resource)
    return Unknown((node.span,))


def _env_from(node: Mapping) -> Iterator[EnvFrom | Unknown]:
    """The objects of which all keys become variables; Unknown where a template may become any number of them."""
    for item in _items_at(node, "envFrom"):
        known = _env_from_object(item) if isinstance(item, Mapping) else None
        yield known or Unknown((item.span,))


def _env_from_object(node: Mapping) -> EnvFrom | None:
    prefix = node.text("prefix")
    for kind, is_secret in (("configMapRef", False), ("secretRef", True)):
        if name := node.text(kind, "name"):
            return EnvFrom(is_secret, name, prefix.value if prefix else "", _is_true(node, kind, "optional"))
    return None


def _ports(node: Mapping) -> Iterator[Port]:
    for port in node.mappings("ports"):
        number = port.integer("containerPort")
        if isinstance(number, Located):
            yield Port(number, port.text("name"))


def _mounts(node: Mapping) -> Iterator[Mount]:
    for mount in node.mappings("volumeMounts"):
        path, volume = mount.text("mountPath"), mount.text("name")
        if path and volume:
            yield Mount(path, mount.text("subPath"), volume)


def _pre_stop(node: Mapping) -> ExecHook | SleepHook | None:
    hook = node.mapping("lifecycle", "preStop")
    if hook is None:
        return None
    seconds = hook.integer("sleep", "seconds")
    if isinstance(seconds, Located):
        return SleepHook(seconds)
    command = _words(hook.at("exec", "command"))
    return ExecHook(command) if command else None


def _probe(node: Mapping, kind: str) -> Probe | None:
    key, probe = node.key(kind), node.at(kind)
    if key is None or probe is None or probe.is_null:
        return None
    if not isinstance(probe, Mapping):
        return Probe(None, key.span)
    number = probe.integer("tcpSocket", "port")
    port = number if isinstance(number, Located) else probe.text("tcpSocket", "port")
    return Probe(_words(probe.at("exec", "command")), key.span, port)


def _volumes(pod: Mapping) -> Iterator[Volume]:
    for volume in pod.mappings("volumes"):
        if name := volume.text("name"):
            yield Volume(
                name,
                tuple(_volume_sources(volume)),
                is_empty=volume.key("emptyDir") is not None,
                is_claim=volume.key("persistentVolumeClaim") is not None,
            )


def _volume_sources(volume: Mapping) -> Iterator[VolumeSource]:
    projected = volume.mapping("projected")
    for source in (volume, *(projected.mappings("sources") if projected else ())):
        for kind, key, is_secret in (
            ("configMap", "name", False),
            ("secret", "secretName", True),
            ("secret", "name", True),
        ):
            if name := source.text(kind, key):
                yield VolumeSource(is_secret, name, _items(source.mapping(kind)))


def _items(source: Mapping | None) -> tuple[tuple[str, str], ...] | None:
    """The keys that become files, and their paths; None where all do, under their own names."""
    if source is None or source.at("items") is None:
        return None
    pairs = ((item.text("key"), item.text("path")) for item in source.mappings("items"))
    return tuple((key.value, path.value) for key, path in pairs if key and path)


def _is_true(node: Mapping, *keys: str) -> bool:
    found = node.text(*keys)
    return found is not None and found.value.lower() in _TRUE
