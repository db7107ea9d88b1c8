"""What objects of a manifest say about themselves in an annotation."""

from collections.abc import Iterator

from poolcheck.read.yaml.nodes import Mapping, TooManyAliases, compose, regions
from poolcheck.source import Source, Span

_METADATA = (
    ("metadata",),
    ("spec", "template", "metadata"),
    ("spec", "jobTemplate", "metadata"),
    ("spec", "jobTemplate", "spec", "template", "metadata"),
)
"""Where the annotations of an object stand, and those of the template it makes its pods from."""


def annotations(source: Source, name: str) -> Iterator[tuple[Span, Span]]:
    """For each object with an annotation of that name: where its value is written, and the object."""
    for region in regions(source):
        if source.text.find(name, region.start, region.end) >= 0:
            yield from _annotations_in(source, region, name)


def _annotations_in(source: Source, region: Span, name: str) -> Iterator[tuple[Span, Span]]:
    try:
        for node in compose(source, region):
            for item in _objects(node) if isinstance(node, Mapping) else ():
                for keys in _METADATA:
                    if value := item.text(*keys, "annotations", name):
                        yield value.span, item.span
    except TooManyAliases:
        return  # which is told of where the objects are read


def _objects(root: Mapping) -> Iterator[Mapping]:
    """The object, or those in a list."""
    kind = root.text("kind")
    if kind and kind.value.endswith("List"):
        for item in root.mappings("items"):
            yield from _objects(item)
    else:
        yield root
