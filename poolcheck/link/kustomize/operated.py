"""Objects as JSON patches make them."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from poolcheck.read.kubernetes.json_patches import Operation
from poolcheck.read.kubernetes.manifest import (
    Autoscaler,
    ConfigMap,
    Container,
    DataEntry,
    EnvVar,
    Manifest,
    Workload,
    Written,
)
from poolcheck.read.yaml.scalars import ScalarKind
from poolcheck.source import Located

T = TypeVar("T")


def operated(objects: Manifest, operations: Iterable[Operation]) -> Manifest:
    """The objects with what JSON patches put into those that they name."""
    for operation in operations:
        objects = objects._replace(
            workloads=tuple(
                _workload(each, operation) if _is_meant(operation, each.kind, each.name) else each
                for each in objects.workloads
            ),
            autoscalers=tuple(
                _autoscaler(each, operation)
                if _is_meant(operation, "HorizontalPodAutoscaler", each.name)
                else each
                for each in objects.autoscalers
            ),
            config_maps=tuple(
                _config_map(each, operation) if _is_meant(operation, "ConfigMap", each.name) else each
                for each in objects.config_maps
            ),
        )
    return objects


def _is_meant(operation: Operation, kind: str, name: Located[str]) -> bool:
    return operation.kind in {None, kind} and operation.name in {None, name.value}


def _workload(workload: Workload, operation: Operation) -> Workload:
    if operation.path == ("spec", "replicas"):
        return workload if operation.pods is None else workload._replace(replicas=operation.pods)
    if operation.container is None:
        return workload
    is_init, number, _ = operation.container
    containers = workload.init_containers if is_init else workload.containers
    if number >= len(containers):
        return workload
    new = _put(containers, number, _container(containers[number], operation), is_added=False)
    return workload._replace(init_containers=new) if is_init else workload._replace(containers=new)


def _autoscaler(autoscaler: Autoscaler, operation: Operation) -> Autoscaler:
    if operation.pods is None:
        return autoscaler
    match operation.path:
        case ("spec", "minReplicas"):
            return autoscaler._replace(min_replicas=operation.pods)
        case ("spec", "maxReplicas"):
            return autoscaler._replace(max_replicas=operation.pods)
        case _:
            return autoscaler


def _config_map(config_map: ConfigMap, operation: Operation) -> ConfigMap:
    value = operation.value
    match operation.path:
        case ("data", key) if value:
            entry = DataEntry(Located(key, value.span), value, value.span)
            kept = (each for each in config_map.data if each.key.value != key)
            return config_map._replace(data=(*kept, entry))
        case _:
            return config_map


def _container(container: Container, operation: Operation) -> Container:
    path, value = operation.container[2] if operation.container else (), operation.value
    match path:
        case ("image",):
            return container._replace(image=value)
        case ("env", *_):
            return container._replace(env=_variables(container.env, path[1:], operation))
        case ("args",):
            return container._replace(args=operation.items)
        case ("command",):
            return container._replace(command=operation.items)
        case ("args", at) if value:
            return container._replace(args=_at(container.args or (), at, value, is_added=operation.is_added))
        case ("command", at) if value:
            return container._replace(command=_at(container.command or (), at, value, is_added=operation.is_added))
        case _:
            return container


def _variables(env: tuple[EnvVar, ...], path: Sequence[str], operation: Operation) -> tuple[EnvVar, ...]:
    value, fields = operation.value, dict(operation.fields)
    match path:
        case (at, "value") if value and at.isdecimal() and int(at) < len(env):
            changed = env[int(at)]._replace(value=_written(value))
            return _put(env, int(at), changed, is_added=False)
        case (at,) if "name" in fields and "value" in fields:
            new = EnvVar(fields["name"], _written(fields["value"]), None)
            return _at(env, at, new, is_added=operation.is_added)
        case _:
            return env


def _written(value: Located[str]) -> Written:
    return Written(value.value, ScalarKind.STRING, value.span)


def _at(items: tuple[T, ...], at: str, new: T, *, is_added: bool) -> tuple[T, ...]:
    """A list with an item at a place, behind the last where that is `-`."""
    number = int(at) if at.isdecimal() else len(items)
    return _put(items, number, new, is_added=is_added or number >= len(items))


def _put(items: tuple[T, ...], number: int, new: T, *, is_added: bool) -> tuple[T, ...]:
    return (*items[:number], new, *items[number if is_added else number + 1 :])
