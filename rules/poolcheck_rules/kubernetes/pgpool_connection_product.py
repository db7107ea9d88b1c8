"""A Pgpool whose processes may together open more connections than the server behind it accepts."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.kubernetes.environment import Environment, Objects, environment
from poolcheck.read.kubernetes.manifest import Manifest
from poolcheck.read.kubernetes.pooler_images import Family, pooler_image
from poolcheck.rule import Rule, option
from poolcheck.source import Span
from poolcheck.system.containers import ServerContainer
from poolcheck.system.poolers import PoolerPods
from poolcheck.system.whole import System
from poolcheck.value import Known

PROCESSES, POOL, NODES = "PGPOOL_NUM_INIT_CHILDREN", "PGPOOL_MAX_POOL", "PGPOOL_BACKEND_NODES"
DEFAULTS = {PROCESSES: 32, POOL: 15}
"""Those of Bitnami's image."""
DEFAULT_LIMIT = 100
"""PostgreSQL's own."""
_NODE = re.compile(r"\d+:(?P<first>[\w-]+)[\w.-]*:\d+")
_ORDINAL = re.compile(r"-\d+$")


class Factor(NamedTuple):
    """A number that connections are multiplied by, and the place that tells it."""

    number: int
    what: str
    span: Span


class PgpoolConnectionProduct(Rule[System]):
    id = "pgpool-connection-product"
    severity = Severity.WARNING
    since = "0.1"

    reserved: int = option(3, "Connections that PostgreSQL keeps back for superusers.")

    def check(self, system: System) -> Iterator[Finding]:
        pools = [each for each in system.pooler_pods if is_bitnami(each) and not each.may_differ]
        manifests = [each for each in system.documents if isinstance(each, Manifest)] if pools else []
        objects = Objects(manifests)
        for each in pools:
            given = environment(each.workload, each.container, objects)
            factors = factors_of(each, given)
            product = each.pods.low
            for factor in factors:
                product *= factor.number
            if not factors or not product:
                continue
            limits = [limit for server in servers_behind(given, system, manifests) if (limit := limit_of(server))]
            least = min(limits, key=lambda limit: limit.number, default=None)
            most = least.number if least else DEFAULT_LIMIT
            if product > most - self.reserved:
                yield self.finding(
                    factors[-1].span,
                    f"{each.workload.name.value} may open {written_out(each, factors)} = {product} connections, "
                    + (f"its server accepts {most}" if least else f"and PostgreSQL accepts {most} by default"),
                    notes=[*notes_of(factors[:-1], each), *([Note(least.span, least.what)] if least else [])],
                    severity=None if least else Severity.INFO,
                )


def is_bitnami(each: PoolerPods) -> bool:
    """Whether it is Pgpool in the image whose variables are known."""
    image = each.container.image
    found = pooler_image(image.value) if image else None
    return found is not None and found.family is Family.PGPOOL and "bitnami" in (image.value if image else "")


def factors_of(each: PoolerPods, given: Environment) -> list[Factor]:
    """The processes and the connections that each keeps; nothing where a file may say otherwise."""
    found: list[Factor] = []
    if each.workload.is_partial or given.hidden or "PGPOOL_USER_CONF_FILE" in given.variables:
        return found
    for name, default in DEFAULTS.items():
        value = given.variables.get(name)
        text = str(value.scalar) if isinstance(value, Known) else str(default)
        if (value and not isinstance(value, Known)) or not text.isdecimal():
            return []
        number = int(text)
        setting = name.removeprefix("PGPOOL_").lower()
        by_default = "" if value else " by default"
        place = value.places[-1] if value and value.places else (each.container.image or each.container.name).span
        found.append(Factor(number, f"{setting} {number}{by_default}", place))
    return found


def servers_behind(given: Environment, system: System, manifests: Sequence[Manifest]) -> Iterator[ServerContainer]:
    """The servers that the nodes lead to: by the name of a workload, of one of its pods, or of a Service."""
    nodes = given.variables.get(NODES)
    text = str(nodes.scalar) if isinstance(nodes, Known) else ""
    names = {name for found in _NODE.finditer(text) for name in (found["first"], _ORDINAL.sub("", found["first"]))}
    services = [each for manifest in manifests for each in manifest.services if each.name.value in names]
    for server in system.server_containers:
        is_picked = any(each.selector and each.selector <= server.workload.labels for each in services)
        if server.workload.name.value in names or is_picked:
            yield server


def limit_of(server: ServerContainer) -> Factor | None:
    """How many connections a server accepts; None where that is not told."""
    if server.is_out_of_sight or server.is_built or server.configurations:
        return None
    for limit in server.limits[:1]:
        number = int(limit.value.value) if limit.value.value.isdecimal() else None
        return Factor(number, f"max_connections {number}", limit.value.span) if number else None
    return Factor(DEFAULT_LIMIT, f"max_connections {DEFAULT_LIMIT} by default", server.container.name.span)


def written_out(each: PoolerPods, factors: list[Factor]) -> str:
    """The product, the pods first where there are several."""
    pods = [str(each.pods.low)] if each.pods.low > 1 else []
    return " × ".join([*pods, *(str(factor.number) for factor in factors)])


def notes_of(factors: list[Factor], each: PoolerPods) -> Iterator[Note]:
    """The places of the other factors."""
    for factor in factors:
        yield Note(factor.span, factor.what)
    if each.pods.low > 1:
        yield from (Note(reason.span, reason.text) for reason in each.pods.because if reason.span)
