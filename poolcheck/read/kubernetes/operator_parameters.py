"""The settings that operators hand on as they are, where the definitions of their kinds demand strings.

CloudNativePG 1.30, Zalando's postgres-operator, 2026-07, Crunchy's and Percona's, 2026-08, StackGres, 2026-03: the
CustomResourceDefinitions.
"""

from collections.abc import Iterator
from collections.abc import Mapping as MappingOf

from poolcheck.read.kubernetes.managed import Parameter
from poolcheck.read.template import is_filled_in
from poolcheck.read.yaml.nodes import Mapping, Scalar
from poolcheck.read.yaml.scalars import ScalarKind
from poolcheck.source import Located

_Path = tuple[str, ...]

_OF_PGBOUNCER: tuple[_Path, ...] = tuple(
    ("spec", "proxy", "pgBouncer", "config", section) for section in ("global", "databases", "users")
)
_FIELDS: MappingOf[str, tuple[_Path, ...]] = {
    "Cluster": (("spec", "postgresql", "parameters"),),
    "Pooler": (("spec", "pgbouncer", "parameters"),),
    "postgresql": (("spec", "postgresql", "parameters"),),
    "PostgresCluster": _OF_PGBOUNCER,
    "PerconaPGCluster": _OF_PGBOUNCER,
    "SGPostgresConfig": (("spec", "postgresql.conf"),),
}


def parameters(node: Mapping, kind: str) -> Iterator[Parameter]:
    """What an object of a kind hands on, apart from null and from what is filled in."""
    for path in _FIELDS.get(kind, ()):
        found = node.mapping(*path)
        for key, value in found.items() if found else ():
            text = value.text if isinstance(value, Scalar) else value.written
            if not (value.is_null or is_filled_in(text) or is_filled_in(key.text)):
                yield Parameter(
                    ".".join(path),
                    Located(key.text, key.span),
                    Located(text, value.span),
                    value.kind if isinstance(value, Scalar) else ScalarKind.COLLECTION,
                )
