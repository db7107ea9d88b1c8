"""What a chart makes of the values in a HelmRelease of Flux's, which names the chart and the release."""

from poolcheck.read.kubernetes.charts import CHARTS
from poolcheck.read.kubernetes.managed import Managed, Operator
from poolcheck.read.template import is_filled_in
from poolcheck.read.yaml.nodes import Mapping
from poolcheck.source import Located


def read_helm_release(node: Mapping) -> Managed:
    """The servers and poolers of a release; none where its chart is not known."""
    name = node.text("metadata", "name") or Located("", node.first)
    chart, values = node.text("spec", "chart", "spec", "chart"), node.mapping("spec", "values")
    release = Managed(Operator.HELM, "HelmRelease", name, node.text("metadata", "namespace"), node.span)
    known = [each for each in CHARTS if chart and values and each.name == chart.value and each.has_form(values)]
    if not known or values is None:
        return release
    made = _named(known[0].read(values, name), _full_name(node, values, known[0].name))
    place = node.text("spec", "targetNamespace") or release.namespace
    return release._replace(
        namespace=place,
        server=made.server,
        poolers=made.poolers,
        assumption=f"nothing but the values in {node.span.path} is given to {name.value}",
    )


def _full_name(node: Mapping, values: Mapping, chart: str) -> str | None:
    """How a chart calls what it makes, if nothing is put in; Flux puts the namespace before a release's name."""
    if values.text("fullnameOverride"):
        return None
    own, space = node.text("metadata", "name"), node.text("spec", "targetNamespace")
    written, other = node.text("spec", "releaseName"), values.text("nameOverride")
    release = written.value if written else "-".join(each.value for each in (space, own) if each)
    part = other.value if other and other.value else chart
    full = release if part in release else f"{release}-{part}"
    return None if is_filled_in(full) else full


def _named(made: Managed, full: str | None) -> Managed:
    """A single pooler or server by its full name."""
    if full is None:
        return made
    if len(made.poolers) == 1 and made.server is None:
        return made._replace(poolers=tuple(each._replace(names=(full,)) for each in made.poolers))
    if made.server and not made.poolers:
        names, followers = (full, f"{full}-primary"), (f"{full}-read",)
        return made._replace(server=made.server._replace(names=names, followers=followers))
    return made
