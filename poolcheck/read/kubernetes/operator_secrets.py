"""The Secrets that operators make for applications, as far as what is in them is no secret: where they lead.

CloudNativePG 1.30, the Secret `<cluster>-app`. Crunchy's postgres-operator, 2026-08, the Secret
`<cluster>-pguser-<user>`, which is Percona's, too.
"""

from collections.abc import Iterable

from poolcheck.read.kubernetes.managed import Managed, Operator
from poolcheck.value import Known, Places, Unknown, Value, compute

_PORT = "5432"
_DIRECT, _POOLED = "", "pgbouncer-"


def provided(name: str, key: str, managed: Iterable[Managed], places: Places) -> Value | None:
    """What stands under a key of a Secret that an operator makes; None where none does, or it is not told."""
    for each in managed:
        if value := _in_secret_of(each, name, key, places):
            return value
    return None


def _in_secret_of(cluster: Managed, name: str, key: str, places: Places) -> Value | None:
    own = cluster.name.value
    match cluster.operator:
        case Operator.CLOUDNATIVE_PG if cluster.server and name == f"{own}-app":
            return _told(key, f"{own}-rw", places)
        case Operator.CRUNCHY | Operator.PERCONA if name.startswith(f"{own}-pguser-"):
            if key.startswith(_POOLED):
                return _told(key.removeprefix(_POOLED), f"{own}-pgbouncer", places) if cluster.poolers else None
            return _told(key, f"{own}-primary", places)
        case _:
            return None


def _told(key: str, host: str, places: Places) -> Value | None:
    """Where it leads, without the user, the password and the name of the database."""
    match key:
        case "host":
            return Known(host, places)
        case "port":
            return Known(_PORT, places)
        case "uri":
            hidden = Unknown(places)
            parts = (Known("postgresql://", places), hidden, Known(f"@{host}:{_PORT}/", places), hidden)
            return compute("join", parts, places)
        case _:
            return None
