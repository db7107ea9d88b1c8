"""JSON patches of a kustomization.yaml: what they put where in an object. RFC 6902; RFC 6901 for the paths."""

from collections.abc import Iterator
from typing import NamedTuple

from poolcheck.read.yaml.nodes import Mapping, Node, Scalar, Sequence, compose, regions
from poolcheck.source import Located, Source, Span

_POD = (("spec", "template", "spec"), ("spec", "jobTemplate", "spec", "template", "spec"), ("spec",))
"""Where the pod of an object is described."""
_CONTAINERS = frozenset({"containers", "initContainers"})
_OF_CONTAINER = frozenset(
    {
        "imagePullPolicy", "livenessProbe", "readinessProbe", "resources", "securityContext", "startupProbe",
        "terminationMessagePolicy", "volumeMounts",
    }
)  # fmt: skip
"""Fields of a container that say nothing of connections."""
_OF_POD = frozenset(
    {
        "affinity", "imagePullSecrets", "nodeSelector", "priorityClassName", "securityContext", "serviceAccount",
        "serviceAccountName", "tolerations", "topologySpreadConstraints",
    }
)  # fmt: skip
_OF_SCALER = frozenset({"behavior", "metrics"})
_PUT = frozenset({"add", "replace"})
COUNTS = frozenset({"maxReplicas", "minReplicas", "replicas"})
"""Fields of `spec` that are numbers of pods."""


class Operation(NamedTuple):
    """What is put at a path of the objects of a kind and a name, whatever they are where these are None.

    It is put beside what is there where it `is_added`. A mapping has `fields`, a list of texts has `items`.
    """

    kind: str | None
    name: str | None
    path: tuple[str, ...]
    is_added: bool
    value: Located[str] | None
    fields: tuple[tuple[str, Located[str]], ...] = ()
    items: tuple[Located[str], ...] = ()

    @property
    def pods(self) -> Located[int] | None:
        """The number of pods that is put."""
        value = self.value if self.path[:1] == ("spec",) and self.path[1:] and self.path[1] in COUNTS else None
        return Located(int(value.value), value.span) if value and value.value.isdecimal() else None

    @property
    def container(self) -> tuple[bool, int, tuple[str, ...]] | None:
        """Whether it is of the containers that run at first, which of them, and the path in it."""
        for pod in _POD:
            inside = self.path[len(pod) :]
            if self.path[: len(pod)] == pod and len(inside) > 1 and inside[0] in _CONTAINERS:
                number = _number(inside[1])
                return None if number is None else (inside[0] == "initContainers", number, inside[2:])
        return None


def operations(source: Source, kind: str | None, name: str | None, place: Span | None) -> Iterator[Operation]:
    """The operations that put something somewhere; at a `place` where the text has no places of its own."""
    for node in _mappings(source):
        if _is_put(node):
            yield _operation(node, place)._replace(kind=kind, name=name)


def _operation(node: Mapping, place: Span | None) -> Operation:
    path, what, value = node.text("path"), node.text("op"), node.at("value")
    return Operation(
        None,
        None,
        _keys(path.value) if path else (),
        what is not None and what.value == "add",
        _text(value, place),
        tuple(_fields(value, place)),
        tuple(_items(value, place)),
    )


def has_operations(source: Source) -> bool:
    """Whether a text is a JSON patch."""
    return next(_mappings(source), None) is not None


def are_followed(source: Source) -> bool:
    """Whether all that a JSON patch does is read, or says nothing of connections."""
    return all(map(_is_followed, _mappings(source)))


def _is_followed(node: Mapping) -> bool:
    operation, what = _operation(node, None), node.text("op")
    is_test = what is not None and what.value == "test"
    return is_test or _is_besides(operation.path) or (_is_put(node) and _is_read(operation))


def _is_put(node: Mapping) -> bool:
    what = node.text("op")
    return what is not None and what.value in _PUT


def _is_besides(keys: tuple[str, ...]) -> bool:
    """Whether a path is that of what says nothing of connections."""
    if keys[:1] == ("metadata",) and keys[1:2] not in {("name",), ("namespace",)}:
        return True
    if keys[:1] == ("spec",) and keys[1:2] and keys[1] in _OF_SCALER:
        return True
    for pod in _POD[:2]:
        if keys[: len(pod)] == pod:
            inside = keys[len(pod) :]
            is_of_container = len(inside) > 2 and inside[0] in _CONTAINERS and inside[2] in _OF_CONTAINER
            return is_of_container or (bool(inside) and inside[0] in _OF_POD)
        if keys[: len(pod)] == (*pod[:-1], "metadata") and "annotations" in keys:
            return True
    return False


def _is_read(operation: Operation) -> bool:
    if operation.path[:1] == ("spec",) and operation.path[1:2] and operation.path[1] in COUNTS:
        return operation.pods is not None
    if operation.path[:1] == ("data",):
        return len(operation.path) == len(("data", "key")) and operation.value is not None
    match operation.container and operation.container[2]:
        case ("image",) | ("env", _, "value") | ("args" | "command", _):
            return operation.value is not None
        case ("env", _):
            return {name for name, _ in operation.fields} == {"name", "value"}
        case ("args" | "command",):
            return bool(operation.items)
        case _:
            return False


def _mappings(source: Source) -> Iterator[Mapping]:
    for region in regions(source):
        for root in compose(source, region):
            items: tuple[Node, ...] = tuple(root) if isinstance(root, Sequence) else ()
            yield from (item for item in items if isinstance(item, Mapping))


def _keys(path: str) -> tuple[str, ...]:
    return tuple(key.replace("~1", "/").replace("~0", "~") for key in path.strip("/").split("/"))


def _text(node: Node | None, place: Span | None) -> Located[str] | None:
    return Located(node.text, place or node.span) if isinstance(node, Scalar) else None


def _fields(node: Node | None, place: Span | None) -> Iterator[tuple[str, Located[str]]]:
    for key, value in node.items() if isinstance(node, Mapping) else ():
        if found := _text(value, place):
            yield key.text, found


def _items(node: Node | None, place: Span | None) -> Iterator[Located[str]]:
    items: tuple[Node, ...] = tuple(node) if isinstance(node, Sequence) else ()
    yield from (found for item in items if (found := _text(item, place)))


def _number(key: str) -> int | None:
    return int(key) if key.isdecimal() else None
