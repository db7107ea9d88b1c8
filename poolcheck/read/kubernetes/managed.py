"""What operators make of their objects: PostgreSQL servers, and the PgBouncers in front of them."""

from enum import StrEnum
from typing import NamedTuple

from poolcheck.read.yaml.scalars import ScalarKind
from poolcheck.source import Located, Span
from poolcheck.value import Unknown

Text = Located[str] | Unknown | None
"""A text; None where the object leaves it to its default, Unknown where it is written but not told."""


class Operator(StrEnum):
    """Those whose objects are read, and Helm, whose values are read in their place."""

    CLOUDNATIVE_PG = "CloudNativePG"
    ZALANDO = "Zalando's operator"
    CRUNCHY = "Crunchy's operator"
    PERCONA = "Percona's operator"
    STACKGRES = "StackGres"
    HELM = "Helm"


class Instances(NamedTuple):
    """How many pods there are, and the place that says so; None where that is not told.

    It is that of the object where the operator decides, `by_default`.
    """

    number: int | None
    span: Span
    by_default: bool = False


class ManagedServer(NamedTuple):
    """PostgreSQL servers of which one takes writes and the others follow.

    `names` are the Services that lead to the one, `followers` those that lead to the others, on a `port`. The
    `default` of max_connections is None where it depends on the memory of the pod. Patroni takes its own in place
    of a number below `least`. `reserved` is kept back for superusers.
    """

    instances: Instances
    max_connections: Text
    reserved: Text
    names: tuple[str, ...]
    followers: tuple[str, ...]
    port: int = 5432
    default: int | None = 100
    least: int = 0
    default_reserved: int = 3


class Statement(NamedTuple):
    """A line of a configuration: in which section, its name, and its value, None where that is not told.

    Both are at the place of what makes the operator write it. A line that `is_forced` it always writes so. A value
    that is put together has `parts`, each at a place of its own.
    """

    section: str
    name: Located[str]
    value: Located[str] | None
    is_forced: bool = False
    parts: tuple[Located[str], ...] = ()


class ManagedPooler(NamedTuple):
    """PgBouncers behind Services, and the configuration that the operator gives them.

    It `is_partial` where there may be more in it than is seen. `shared` are the connections to each database that
    Zalando's operator divides among the pods. `max_surge` and `strategy` tell how a
    rollout replaces the pods, as for a Workload.
    """

    names: tuple[str, ...]
    place: Span
    instances: Instances
    statements: tuple[Statement, ...]
    image: Located[str] | None = None
    is_partial: bool = False
    port: int = 5432
    shared: Instances | None = None
    max_surge: Located[str] | None = None
    strategy: Located[str] | None = None


class Parameter(NamedTuple):
    """A setting under a `field` in which the API accepts only strings, and what it is given there."""

    field: str
    name: Located[str]
    value: Located[str]
    kind: ScalarKind


class Managed(NamedTuple):
    """An object of an operator's. `parameters` are the settings that it hands on as they are.

    For StackGres, `uses` are the names of the objects that hold settings of the server and of the pooler; such an
    object has only `statements`, and so has what Zalando's operator itself is told. Its numbers are as told if the
    `assumption` holds, where there is one.
    """

    operator: Operator
    kind: str
    name: Located[str]
    namespace: Located[str] | None
    span: Span
    server: ManagedServer | None = None
    poolers: tuple[ManagedPooler, ...] = ()
    uses: tuple[Located[str], ...] = ()
    statements: tuple[Statement, ...] = ()
    assumption: str = ""
    parameters: tuple[Parameter, ...] = ()
