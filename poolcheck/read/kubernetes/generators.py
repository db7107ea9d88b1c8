"""From the text of a kustomization.yaml to the facts about what it generates and changes."""

from collections.abc import Iterator

from poolcheck.read.kubernetes.kustomization import GeneratedFile, Generator, ImageChange, Kustomization
from poolcheck.read.yaml.nodes import Mapping, Scalar, Sequence, TooManyAliases, compose, regions
from poolcheck.source import Located, Source, Span

_RESOURCES = ("resources", "bases", "components")
_GENERATORS = (("configMapGenerator", False), ("secretGenerator", True))


def read_kustomization(source: Source) -> Iterator[Kustomization]:
    """What a kustomization.yaml says; nothing where it is no YAML."""
    whole = Span(source.path, 0, len(source.text))
    try:
        for region in regions(source):
            for root in compose(source, region):
                if isinstance(root, Mapping):
                    resources = (item for field in _RESOURCES for item in _texts(root, field))
                    yield Kustomization(whole, tuple(resources), tuple(_generators(root)), tuple(_images(root)))
    except TooManyAliases:
        return


def _generators(root: Mapping) -> Iterator[Generator]:
    for field, is_secret in _GENERATORS:
        for node in root.mappings(field):
            if name := node.text("name"):
                yield Generator(is_secret, name, node.span, tuple(_files(node)))


def _files(node: Mapping) -> Iterator[GeneratedFile]:
    """`conf/pgbouncer.ini` becomes the key `pgbouncer.ini`, `main.ini=conf/pgbouncer.ini` the key `main.ini`."""
    for item in _texts(node, "files"):
        key, sign, path = item.value.partition("=")
        path = path if sign else key
        yield GeneratedFile(key.rpartition("/")[2], Located(path, item.span))


def _images(root: Mapping) -> Iterator[ImageChange]:
    for node in root.mappings("images"):
        name, new_name, new_tag, digest = map(node.text, ("name", "newName", "newTag", "digest"))
        if name:
            yield ImageChange(name.value, *(each and each.value for each in (new_name, new_tag, digest)))


def _texts(node: Mapping, key: str) -> Iterator[Located[str]]:
    found = node.at(key)
    for item in found if isinstance(found, Sequence) else ():
        if isinstance(item, Scalar):
            yield Located(item.text, item.span)
