"""From the text of a kustomization.yaml to the facts about what it generates and changes.

Observed with Kustomize 5.5.
"""

import posixpath
import re
from collections.abc import Callable, Iterator, Set
from typing import TypeAlias

from poolcheck.read.kubernetes import json_patches
from poolcheck.read.kubernetes.json_patches import Operation
from poolcheck.read.kubernetes.kustomization import (
    GeneratedFile,
    Generator,
    ImageChange,
    Kustomization,
    ReplicaCount,
)
from poolcheck.read.kubernetes.manifest import DataEntry, Manifest
from poolcheck.read.kubernetes.objects import read_manifest
from poolcheck.read.yaml.nodes import Mapping, Node, Scalar, Sequence, TooManyAliases, compose, regions
from poolcheck.source import Located, Source, Span

_RESOURCES = ("resources", "bases", "components")
_GENERATORS = (("configMapGenerator", False), ("secretGenerator", True))
_PLAIN = frozenset(
    {
        "apiVersion", "commonAnnotations", "commonLabels", "configMapGenerator", "generatorOptions", "images",
        "kind", "labels", "metadata", "namePrefix", "nameSuffix", "namespace", "replicas", "resources",
        "secretGenerator",
    }
)  # fmt: skip
"""Fields that change no container by themselves."""
_FOLLOWED = _PLAIN | {
    "bases", "buildMetadata", "components", "crds", "generators", "helmCharts", "helmGlobals", "openapi",
    "patches", "patchesJson6902", "patchesStrategicMerge", "sortOptions", "validators",
}  # fmt: skip
"""Fields whose effect on pods is read, and those that only add objects."""
_MERGED = frozenset(
    {
        "ConfigMap", "CronJob", "DaemonSet", "Deployment", "HorizontalPodAutoscaler", "Job", "Pod", "ReplicaSet",
        "ReplicationController", "Rollout", "ScaledJob", "ScaledObject", "Secret", "StatefulSet",
    }
)  # fmt: skip
"""Kinds whose patches are merged."""
_OF_NO_PODS = frozenset(
    {
        "Certificate", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "Gateway", "HTTPRoute",
        "Ingress", "IngressRoute", "Namespace", "NetworkPolicy", "PersistentVolumeClaim", "PodDisruptionBudget",
        "PodMonitor", "Role", "RoleBinding", "ServiceAccount", "ServiceMonitor", "StorageClass",
    }
)  # fmt: skip
"""Kinds that say nothing of pods and their settings."""
_IN_FILES = frozenset({"ConfigMap", "Secret"})
"""Kinds whose patches are read only where they have a file of their own."""
_KIND = re.compile(r"""^kind:[ \t]*["']?(\w+)""", re.MULTILINE)
_BY = frozenset({"apiVersion", "group", "kind", "name", "namespace", "version"})
"""What a target may be told by."""
_NAME = re.compile(r"[-A-Za-z0-9]+")
"""A name that stands for itself alone. A target's is a regular expression."""
_NOTHING_LEFT = re.compile(r":[ \t]*(?:null|~)[ \t]*$", re.MULTILINE)
_SETTINGS = ".conf"
"""How the files end that hold settings of PostgreSQL's."""
_REPLICAS = "/spec/replicas"
_VARIABLE = re.compile(r"^[ \t]*(?![#\s])(?P<name>[^=\n]+)=(?P<value>[^\n]*)$", re.MULTILINE)

Texts: TypeAlias = Callable[[str], str | None]
"""Gives the text of a file of the project by its path; None where there is none."""


def _nothing(_: str) -> None:
    """The project without other files."""


def _nothing_beside(_: str) -> None:
    """What is secret is not looked at."""


def read_kustomization(source: Source, texts: Texts = _nothing) -> Iterator[Kustomization | Manifest]:
    """What a kustomization.yaml says, and the patches that are written in it; nothing where it is no YAML."""
    try:
        for region in regions(source):
            for root in compose(source, region):
                if isinstance(root, Mapping):
                    yield _kustomization(root, source, texts)
                    yield from _patches_inside(root, source)
    except TooManyAliases:
        return


def _kustomization(root: Mapping, source: Source, texts: Texts) -> Kustomization:
    folder = posixpath.dirname(source.path)

    def beside(path: str) -> Source | None:
        path = posixpath.normpath(posixpath.join(folder, path))
        text = texts(path)
        return None if text is None else Source(path, text)

    resources = tuple(item for field in _RESOURCES for item in _texts(root, field))
    files = (*(item.value for item in _texts(root, "patchesStrategicMerge")), *_patch_files(root))
    found = Kustomization(
        Span(source.path, 0, len(source.text)),
        resources,
        tuple(_generators(root, beside)),
        tuple(_images(root)),
        (*_replicas(root), *_patched_replicas(root, beside)),
        files,
    )
    kind, prefix, suffix = (root.text(key) for key in ("kind", "namePrefix", "nameSuffix"))
    return found._replace(
        is_plain=_is_plain(root, found),
        namespace=root.text("namespace"),
        is_followed=_is_followed(root, beside),
        is_component=kind is not None and kind.value == "Component",
        operations=tuple(_json_operations(root, beside, source)),
        prefix=prefix.value if prefix else "",
        suffix=suffix.value if suffix else "",
    )


def _is_plain(root: Mapping, found: Kustomization) -> bool:
    """Whether containers stay as they are written, but for the tags of their images."""
    are_fields_plain = _PLAIN.issuperset(name.text for name, _ in root.items())
    is_merging = any(each.behavior not in {"", "create"} for each in found.generators)
    return are_fields_plain and not is_merging and not any(each.new_name for each in found.images)


_Beside: TypeAlias = Callable[[str], Source | None]


def _is_followed(root: Mapping, beside: _Beside) -> bool:
    """Whether all that it changes of pods and their settings is read."""
    fields = {name.text for name, _ in root.items()}
    if not _FOLLOWED.issuperset(fields):
        return False
    merged = [_is_merged(_text_of(node, beside)) for node in _scalars(root, "patchesStrategicMerge")]
    return all(merged) and all(_is_patch_followed(node, beside) for node in _patches(root))


def _is_patch_followed(patch: Mapping, beside: _Beside) -> bool:
    kind, name = patch.text("target", "kind"), patch.text("target", "name")
    if kind and kind.value in _OF_NO_PODS:
        return True
    inside, path = patch.at("patch"), patch.text("path")
    file = beside(path.value) if path else None
    text = inside.text if isinstance(inside, Scalar) else file.text if file else None
    if text is None:
        return False
    if json_patches.has_operations(Source("", text)):
        return _is_target_plain(patch) and json_patches.are_followed(Source("", text))
    is_read = not isinstance(inside, Scalar) or inside.block is not None
    is_named = patch.mapping("target") is None or (name is not None and _names(text, name.value))
    return (
        is_read and is_named and _is_merged(text, _MERGED - _IN_FILES if isinstance(inside, Scalar) else _MERGED)
    )


def _names(text: str, name: str) -> bool:
    return re.search(rf"""\bname:[ \t]*["']?{re.escape(name)}(?![-.\w])""", text) is not None


def _is_target_plain(patch: Mapping) -> bool:
    """Whether a patch is for objects of a kind, or of a name, and by nothing else."""
    target, kind, name = patch.mapping("target"), patch.text("target", "kind"), patch.text("target", "name")
    if target is None or not _BY.issuperset(key.text for key, _ in target.items()):
        return False
    names = [each.value for each in (kind, name) if each]
    return bool(names) and all(_NAME.fullmatch(each) for each in names)


def _json_operations(root: Mapping, beside: _Beside, source: Source) -> Iterator[Operation]:
    """The operations of all JSON patches, at the places where they are written."""
    for patch in _patches(root):
        if _is_target_plain(patch):
            kind, name = patch.text("target", "kind"), patch.text("target", "name")
            inside, path = patch.at("patch"), patch.text("path")
            written, place = beside(path.value) if path else None, None
            if isinstance(inside, Scalar):
                blank = inside.block and _blank_but(inside.block, source)
                written, place = blank or Source(source.path, inside.text), None if blank else patch.span
            if written:
                yield from json_patches.operations(written, kind and kind.value, name and name.value, place)


def _blank_but(block: Span, source: Source) -> Source:
    """The text with nothing but a block of it, at its place."""
    blank = re.sub(r"[^\n]", " ", source.text[: block.start])
    return Source(source.path, blank + source.text[block.start : block.end])


def _text_of(node: Scalar, beside: _Beside) -> str | None:
    if node.block:
        return node.text
    file = beside(node.text)
    return file.text if file else None


def _is_merged(text: str | None, merged: Set[str] = _MERGED) -> bool:
    """Whether a patch is merged as it is read: it is of these kinds, and nothing is taken away."""
    if text is None or "$patch" in text or _NOTHING_LEFT.search(text):
        return False
    kinds = {kind.group(1) for kind in _KIND.finditer(text)}
    return bool(kinds) and kinds <= merged | _OF_NO_PODS


def _generators(root: Mapping, beside: _Beside) -> Iterator[Generator]:
    for field, is_secret in _GENERATORS:
        for node in root.mappings(field):
            if name := node.text("name"):
                behavior = node.text("behavior")
                named = [*_texts(node, "envs"), *filter(None, [node.text("env")])]
                seen = [(item, beside(item.value)) for item in named]
                variables = [entry for _, file in seen if file for entry in _variables(file)]
                yield Generator(
                    is_secret,
                    name,
                    node.span,
                    tuple(_files(node, _nothing_beside if is_secret else beside)),
                    (*variables, *_literals(node)),
                    behavior.value if behavior else "",
                    is_complete=all(file for _, file in seen),
                )


def _files(node: Mapping, beside: _Beside) -> Iterator[GeneratedFile]:
    """`conf/pgbouncer.ini` becomes the key `pgbouncer.ini`, `main.ini=conf/pgbouncer.ini` the key `main.ini`."""
    for item in _texts(node, "files"):
        key, sign, path = item.value.partition("=")
        path = path if sign else key
        file = beside(path) if path.endswith(_SETTINGS) else None
        text = Located(file.text, Span(file.path, 0, len(file.text))) if file else None
        yield GeneratedFile(key.rpartition("/")[2], Located(path, item.span), text)


def _literals(node: Mapping) -> Iterator[DataEntry]:
    """`NAME=value`; quotes around the value are not part of it."""
    for item in _texts(node, "literals"):
        name, _, value = item.value.partition("=")
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        yield DataEntry(Located(name, item.span), Located(value, item.span), item.span)


def _variables(file: Source) -> Iterator[DataEntry]:
    """The lines `NAME=value` of a file; nothing in a value is a comment, and quotes are part of it."""
    for line in _VARIABLE.finditer(file.text):
        name, value = (Span(file.path, *line.span(each)) for each in ("name", "value"))
        written = line["value"].removesuffix("\r")
        yield DataEntry(Located(line["name"], name), Located(written, value), Span(file.path, *line.span()))


def _replicas(root: Mapping) -> Iterator[ReplicaCount]:
    for node in root.mappings("replicas"):
        name, count = node.text("name"), node.integer("count")
        if name and isinstance(count, Located):
            yield ReplicaCount(name.value, count)


def _patches(root: Mapping) -> Iterator[Mapping]:
    for field in ("patches", "patchesJson6902"):
        yield from root.mappings(field)


def _patch_files(root: Mapping) -> Iterator[str]:
    for node in _patches(root):
        if path := node.text("path"):
            yield path.value


def _patched_replicas(root: Mapping, beside: _Beside) -> Iterator[ReplicaCount]:
    """The numbers that JSON patches put at /spec/replicas."""
    for node in _patches(root):
        name, inside, path = node.text("target", "name"), node.at("patch"), node.text("path")
        if name is None:
            continue
        file = beside(path.value) if path else None
        operations = (_inside(inside, name.span.path) if isinstance(inside, Scalar) else None) or file
        for operation in _operations(operations) if operations else ():
            where, count = operation.text("path"), operation.integer("value")
            if where and where.value == _REPLICAS and isinstance(count, Located):
                is_here = file is not None and not isinstance(inside, Scalar)
                place = count.span if is_here else node.span
                yield ReplicaCount(name.value, Located(count.value, place))


def _inside(node: Scalar, path: str) -> Source:
    return Source(path, node.text)


def _operations(source: Source) -> Iterator[Mapping]:
    for region in regions(source):
        for root in compose(source, region):
            items: tuple[Node, ...] = tuple(root) if isinstance(root, Sequence) else ()
            yield from (item for item in items if isinstance(item, Mapping))


def _patches_inside(root: Mapping, source: Source) -> Iterator[Manifest]:
    """The objects that patches written in the file are; all around them is blank."""
    written = [node.at("patch") for node in root.mappings("patches")]
    blocks = [*written, *(item for item in _scalars(root, "patchesStrategicMerge"))]
    for node in blocks:
        if isinstance(node, Scalar) and (block := node.block) and "kind" in node.text:
            for fact in read_manifest(_blank_but(block, source)):
                if isinstance(fact, Manifest):
                    partial = tuple(each for each in fact.workloads if each.is_partial)
                    yield fact._replace(workloads=partial, services=(), config_maps=(), secrets=())


def _images(root: Mapping) -> Iterator[ImageChange]:
    for node in root.mappings("images"):
        name, new_name, new_tag, digest = map(node.text, ("name", "newName", "newTag", "digest"))
        if name:
            yield ImageChange(name.value, *(each and each.value for each in (new_name, new_tag, digest)))


def _scalars(node: Mapping, key: str) -> Iterator[Scalar]:
    found = node.at(key)
    for item in found if isinstance(found, Sequence) else ():
        if isinstance(item, Scalar):
            yield item


def _texts(node: Mapping, key: str) -> Iterator[Located[str]]:
    yield from (Located(item.text, item.span) for item in _scalars(node, key) if not item.block)
