"""The environment of a container, built as the kubelet builds it.

Kubernetes 1.32: pkg/kubelet/kubelet_pods.go, makeEnvironmentVariables; third_party/forked/golang/expansion.
"""

import os.path
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import NamedTuple

from poolcheck.read.kubernetes.managed import Managed
from poolcheck.read.kubernetes.manifest import (
    ConfigMap,
    Container,
    DataEntry,
    EnvFrom,
    EnvVar,
    Given,
    KeyRef,
    Manifest,
    Secret,
    Workload,
)
from poolcheck.read.kubernetes.operator_secrets import provided
from poolcheck.read.kubernetes.stages import may_meet
from poolcheck.read.template import is_filled_in
from poolcheck.source import Located
from poolcheck.value import Known, Lookup, Places, Unknown, Value, compute, moved

_REFERENCE = re.compile(r"\$(?:\$|\((?P<name>[^)]{0,253})\))")
_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_ADDRESS_OF_A_SERVICE = re.compile(r"\w+_(?:SERVICE_(?:HOST|PORT\w*)|PORT_[0-9]+_(?:TCP|UDP|SCTP)\w*)")


_FAR = 2


class Layer(NamedTuple):
    """A ConfigMap or Secret that Kustomize makes for what is in some files and folders.

    It is laid over what another makes unless it `is_first`.
    """

    made: ConfigMap | Secret
    is_first: bool
    is_complete: bool
    places: Sequence[str]

    def is_for(self, path: str) -> bool:
        """Whether what is in a file gets it."""
        is_beside = os.path.dirname(path) == os.path.dirname(self.made.span.path)
        return is_beside or any(place in {path, "."} or path.startswith(f"{place}/") for place in self.places)


class Objects:
    """The ConfigMaps and Secrets of a project, as a workload finds them by name.

    Manifests often leave the namespace to whoever applies them. Of several objects with one name, the one in the
    workload's file counts, else the one in its folder, else the only one; where two are as near, none does. One of
    another stage never does.
    """

    def __init__(self, manifests: Iterable[Manifest], layers: Iterable[Layer] = ()) -> None:
        self._layers: dict[tuple[str, bool], list[Layer]] = defaultdict(list)
        for layer in layers:
            self._layers[layer.made.name.value, isinstance(layer.made, Secret)].append(layer)
        self._config_maps: dict[str, list[ConfigMap]] = defaultdict(list)
        self._secrets: dict[str, list[Secret]] = defaultdict(list)
        self._managed: list[Managed] = []
        for manifest in manifests:
            self._managed += manifest.managed
            for config_map in manifest.config_maps:
                self._config_maps[config_map.name.value].append(config_map)
            for secret in manifest.secrets:
                self._secrets[secret.name.value].append(secret)

    def find(self, name: str, workload: Workload, *, is_secret: bool) -> ConfigMap | Secret | None:
        """The Secret or ConfigMap that a workload means by this name."""
        meant = self._meant(name, workload, is_secret=is_secret)
        distances = [(_distance(found, workload), found) for found in meant]
        least = min((distance for distance, _ in distances), default=0)
        nearest = [found for distance, found in distances if distance == least]
        found = nearest[0] if len(nearest) == 1 else None
        layers = self._layers_of(name, workload, is_secret=is_secret)
        if not meant:
            first = sorted(
                (each for each in layers if each.is_first), key=lambda each: _distance(each.made, workload)
            )
            found = first[0].made if first else None
        return found and _covered(found, [each for each in layers if each.made is not found], workload)

    def provided(self, source: KeyRef, workload: Workload) -> Value | None:
        """What an operator puts under a key of a Secret that it makes, which is not secret."""
        near = [each for each in self._managed if _may_be_meant(each, workload)]
        return provided(source.name.value, source.key.value, near, (source.key.span,))

    def has_others(self, name: str, workload: Workload, *, is_secret: bool) -> bool:
        """Whether there are several of that name, of which an overlay may put some together."""
        layers = self._layers_of(name, workload, is_secret=is_secret)
        is_hidden = any(not each.is_complete for each in layers)
        return is_hidden or len(self._meant(name, workload, is_secret=is_secret)) > 1

    def _layers_of(self, name: str, workload: Workload, *, is_secret: bool) -> list[Layer]:
        path = workload.span.path
        named = self._layers.get((name, is_secret), ())
        return [each for each in named if each.is_for(path) and _may_be_meant(each.made, workload)]

    def _meant(self, name: str, workload: Workload, *, is_secret: bool) -> list[ConfigMap | Secret]:
        named: Sequence[ConfigMap | Secret] = (self._secrets if is_secret else self._config_maps).get(name, ())
        return [found for found in named if _may_be_meant(found, workload)]


class Hidden(NamedTuple):
    """A place where variables come from that no file shows; the names of all of them begin with the prefix."""

    prefix: str
    places: Places


class Environment(NamedTuple):
    """The variables of a container, as far as the project shows them. What the image sets is not among them."""

    variables: Mapping[str, Value]
    secrets: Set[str]
    hidden: Sequence[Hidden]

    @property
    def is_complete(self) -> bool:
        """Whether the project shows everything that the manifest sets."""
        return not self.hidden

    def get(self, name: str) -> Value | None:
        """The value of a variable; None where it is not set."""
        if name in self.variables:
            return self.variables[name]
        if _ADDRESS_OF_A_SERVICE.fullmatch(name):
            return Unknown(())
        return next((Unknown(hidden.places) for hidden in self.hidden if name.startswith(hidden.prefix)), None)

    def is_secret(self, name: str) -> bool:
        """Whether anything of a Secret is in the value, so that it must never be shown."""
        return name in self.secrets


def environment(workload: Workload, container: Container, objects: Objects) -> Environment:
    """The environment of one of a workload's containers."""
    variables: dict[str, Value] = {}
    secrets: set[str] = set()
    hidden: list[Hidden] = []
    so_far = Environment(variables, secrets, hidden)
    for source in container.env_from:
        found = _keys_of(source, workload, objects)
        if isinstance(found, Hidden):
            hidden.append(found)
            found = {name: Unknown(found.places) for name in variables if name.startswith(found.prefix)}
        elif isinstance(source, EnvFrom):
            (secrets.update if source.is_secret else secrets.difference_update)(found)
            if objects.has_others(source.name.value, workload, is_secret=source.is_secret):
                hidden.append(Hidden(source.prefix, (source.name.span,)))
        variables |= found
    for variable in container.env:
        name, value = variable.name.value, _value_of(variable, so_far, workload, objects)
        if value is not None:
            variables[name] = value
            if _has_secret(variable, secrets):
                secrets.add(name)
            else:
                secrets.discard(name)
    return so_far


def expand(written: Located[str], environment: Lookup) -> Value:
    """A text with its `$(NAME)` filled in, as the kubelet does in values, commands and arguments.

    A name that is not set stays as it is written, and so does what follows `$$`.
    """
    parts: list[Value] = []
    done = 0
    for reference in _REFERENCE.finditer(written.value):
        parts.append(Known(written.value[done : reference.start()], ()))
        parts.append(_referred(reference, environment))
        done = reference.end()
    parts.append(Known(written.value[done:], ()))
    told = [part for part in parts if part != Known("", ())] or parts[:1]
    return moved(told[0], (written.span,)) if len(told) == 1 else compute("join", told, (written.span,))


def _referred(reference: re.Match[str], environment: Lookup) -> Value:
    if reference["name"] is None:
        return Known("$", ())
    found = environment(reference["name"])
    return Known(reference[0], ()) if found is None else found


def _keys_of(source: EnvFrom | Unknown, workload: Workload, objects: Objects) -> dict[str, Value] | Hidden:
    """What `envFrom` takes from one object. Keys that cannot be names are left out."""
    if isinstance(source, Unknown):
        return Hidden("", source.places)
    found = objects.find(source.name.value, workload, is_secret=source.is_secret)
    if found is None:
        return Hidden(source.prefix, (source.name.span,))
    named = ((source.prefix + entry.key.value, entry) for entry in found.data)
    return {name: _content(entry, (source.name.span,)) for name, entry in named if _NAME.fullmatch(name)}


def _value_of(variable: EnvVar, so_far: Environment, workload: Workload, objects: Objects) -> Value | None:
    """The value of one entry of `env`; None where it is left out because an optional key does not exist."""
    if variable.value is not None and variable.value.text:
        written = Located(variable.value.text, variable.value.span)
        return Unknown((written.span,)) if is_filled_in(written.value) else expand(written, so_far.get)
    source = variable.source
    if source is None:
        return Known("", ((variable.value or variable.name).span,))
    if isinstance(source, Given):
        return source.value
    if not isinstance(source, KeyRef):
        return Unknown((variable.name.span,))
    holder = objects.find(source.name.value, workload, is_secret=source.is_secret)
    entry = next((entry for entry in holder.data if entry.key.value == source.key.value), None) if holder else None
    if entry:
        return _content(entry, (source.key.span,))
    if holder is None and source.is_secret and (value := objects.provided(source, workload)):
        return value
    return None if holder and source.optional else Unknown((source.key.span,))


def _content(entry: DataEntry, through: Places) -> Value:
    if entry.value is None or is_filled_in(entry.value.value):
        return Unknown((*through, entry.span))
    return Known(entry.value.value, (*through, entry.value.span))


def _has_secret(variable: EnvVar, secrets: Set[str]) -> bool:
    if isinstance(variable.source, KeyRef) and variable.source.is_secret:
        return True
    names = (reference["name"] for reference in _REFERENCE.finditer(variable.value.text if variable.value else ""))
    return any(name in secrets for name in names)


def _covered(found: ConfigMap | Secret, layers: Sequence[Layer], workload: Workload) -> ConfigMap | Secret:
    """An object on which others are laid: that beside the workload surely is; what others tell is not known."""
    data = {entry.key.value: entry for entry in found.data}
    for layer in sorted(layers, key=lambda each: -_distance(each.made, workload)):
        is_beside = _distance(layer.made, workload) < _FAR
        for entry in layer.made.data:
            own = data.get(entry.key.value)
            is_same = own and own.value and entry.value and own.value.value == entry.value.value
            if not is_same:
                data[entry.key.value] = entry if is_beside else entry._replace(value=None)
    return found._replace(data=tuple(data.values()))


def _distance(found: ConfigMap | Secret, workload: Workload) -> int:
    """0 in the same file, 1 in the same folder, _FAR elsewhere."""
    one, other = found.span.path, workload.span.path
    return (one != other) + (os.path.dirname(one) != os.path.dirname(other))


def _may_be_meant(found: ConfigMap | Secret | Managed, workload: Workload) -> bool:
    is_apart = found.namespace and workload.namespace and found.namespace.value != workload.namespace.value
    return not is_apart and may_meet(found.span.path, workload.span.path)
