"""From a file of Helm's values to the servers and poolers that charts make of it, where it is seen which charts.

Which chart a part of the values is for is told by its Chart.yaml and what that depends on, else by its keys alone.
"""

import os.path
import posixpath
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

from poolcheck.read.kubernetes.charts import CHARTS, is_off, with_limits
from poolcheck.read.kubernetes.managed import Managed
from poolcheck.read.kubernetes.manifest import Manifest
from poolcheck.read.kubernetes.stages import stages
from poolcheck.read.yaml.layered import Layered
from poolcheck.read.yaml.nodes import Mapping, TooManyAliases, compose, regions
from poolcheck.source import Located, Source, Span

Texts: TypeAlias = Callable[[str], str | None]
"""Gives the text of a file of the project by its path; None where there is none."""

_LEVELS = 2
"""How many folders up from its values a chart is looked for: they may be in `ci/` or `environments/prod/`."""
_TEMPLATES = re.compile(r"(?:^|/)templates/")
_FIRST = "values.yaml"
_OF_STAGE = re.compile(r"values[-_.].+\.ya?ml")


class _Chart(NamedTuple):
    """What a Chart.yaml says: the name of the chart, and those that it depends on by the keys of their values.

    It lies in a `folder`.
    """

    folder: str
    name: str
    parts: dict[str, str]


def read_values(source: Source, beside: Texts) -> Iterator[Manifest]:
    """What charts make of a file of values; nothing where it is not for a chart that is known."""
    if _TEMPLATES.search(source.path):
        return
    root = _root(source)
    if root is None or root.key("apiVersion"):
        return
    chart = _chart_of(source.path, beside)
    whole = Span(source.path, 0, len(source.text))
    if below := _below(source.path, beside):
        first = posixpath.join(posixpath.dirname(source.path), _FIRST)
        found = tuple(each._replace(span=whole) for each in _read(Layered(root, below), chart, first))
    else:
        found = tuple(_read(root, chart, source.path))
    if found:
        yield Manifest(whole, (), (), (), (), (), managed=found)


def _below(path: str, beside: Texts) -> Mapping | None:
    """The values that those for a stage are laid over: `values.yaml` beside `values-prod.yaml`."""
    folder, name = posixpath.split(path)
    if not _OF_STAGE.fullmatch(name) or not stages(name):
        return None
    first = posixpath.join(folder, _FIRST)
    text = beside(first)
    return None if text is None else _root(Source(first, text))


def _root(source: Source) -> Mapping | None:
    """The mapping that a file of one document is."""
    try:
        nodes = [node for region in regions(source) for node in compose(source, region)]
    except TooManyAliases:
        return None
    [root] = nodes if len(nodes) == 1 else [None]
    return root if isinstance(root, Mapping) else None


def _chart_of(path: str, beside: Texts) -> _Chart | None:
    for folder in _above(path):
        if (text := beside(posixpath.join(folder, "Chart.yaml"))) is not None:
            older = beside(posixpath.join(folder, "requirements.yaml"))
            return _chart(folder, Source("Chart.yaml", text), Source("requirements.yaml", older or ""))
    return None


def _above(path: str) -> list[str]:
    """The folders that a file is in, the innermost first."""
    folders = path.split("/")[:-1]
    above = ["/".join(folders[:depth]) for depth in range(len(folders), -1, -1)]
    return above[: _LEVELS + 1]


def _chart(folder: str, source: Source, older: Source) -> _Chart:
    roots = [root for root in (_root(source), _root(older)) if root]
    name = next((found.value for root in roots if (found := root.text("name"))), "")
    parts: dict[str, str] = {}
    for dependency in (each for root in roots for each in root.mappings("dependencies")):
        own, alias = dependency.text("name"), dependency.text("alias")
        if own:
            parts[(alias or own).value] = own.value
    return _Chart(folder, name, parts)


def _read(root: Mapping, chart: _Chart | None, path: str) -> Iterator[Managed]:
    """The whole, and each part of it, as the values of the charts that they may be for."""
    place = root.first
    name = chart.name if chart else os.path.basename(posixpath.dirname(path))
    are_first = chart is not None and path == posixpath.join(chart.folder, _FIRST)
    yield from _as_chart(root, Located(name, place), chart.name if chart else None, are_first=are_first)
    for key, part in root.items():
        own = chart.parts.get(key.text) if chart else None
        if isinstance(part, Mapping) and (own or not chart) and not is_off(part):
            yield from _as_chart(part, Located(key.text, key.span), own, are_first=are_first)


def _as_chart(values: Mapping, name: Located[str], chart: str | None, *, are_first: bool) -> Iterator[Managed]:
    """What the first of the charts makes of values that has their form; None stands for any chart.

    Those that `are_first` are laid over none but the chart's own.
    """
    for known in CHARTS:
        if chart in {None, known.name} and known.has_form(values):
            managed = known.read(values, name)
            managed = with_limits(managed) if are_first and known.leaves_limits else managed
            if managed.server or managed.poolers:
                path = values.span.path
                yield managed._replace(assumption=f"no other values take the place of those in {path}")
            return
