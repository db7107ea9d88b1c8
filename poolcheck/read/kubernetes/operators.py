"""From the nodes of an operator's object to what the operator makes of it.

The operators' sources: CloudNativePG 1.30, pkg/management/pgbouncer/config; Zalando's postgres-operator, 2026-07,
pkg/cluster/connection_pooler.go and Spilo's configure_spilo.py; Crunchy's postgres-operator, 2026-08,
internal/pgbouncer, from which Percona's 2 derives; StackGres, 2026-03, the defaults of SGPoolingConfig and
SGPostgresConfig. Patroni, config.py, for the least of max_connections.
"""

from collections.abc import Callable, Iterator
from collections.abc import Mapping as MappingOf
from typing import NamedTuple

from poolcheck.read.kubernetes.managed import (
    Instances,
    Managed,
    ManagedPooler,
    ManagedServer,
    Operator,
    Statement,
    Text,
)
from poolcheck.read.kubernetes.operator_parameters import parameters
from poolcheck.read.kubernetes.operator_settings import (
    CLOUDNATIVE_PG,
    CRUNCHY,
    DATABASES,
    HANDED_ON,
    IGNORED,
    SECTION,
    ZALANDO,
    forced,
)
from poolcheck.read.kubernetes.rollouts import Replacement, of_strategy
from poolcheck.read.template import is_filled_in
from poolcheck.read.yaml.nodes import Mapping, Scalar
from poolcheck.source import Located, Span
from poolcheck.value import Unknown

LEAST_OF_PATRONI = 25
"""The least max_connections that Patroni takes."""
_USERS = "users"
_SECTIONS = frozenset({SECTION, DATABASES, _USERS})
_TRUE = frozenset({"true", "yes", "on", "y"})

_ROLES = frozenset({"rw", "ro", "r"})
_ZALANDO_INSTANCES = 2
_ZALANDO_CONNECTIONS = 60
_STACKGRES_RESERVED = 8


class Kind(NamedTuple):
    """An operator's kind: the API groups that it is in, and how it is read."""

    groups: tuple[str, ...]
    read: Callable[[Mapping, Span], Managed]


def _cloudnative_pg_cluster(node: Mapping, span: Span) -> Managed:
    name = _name(node)
    parameters = node.mapping("spec", "postgresql", "parameters")
    server = ManagedServer(
        _count(node, 1, "spec", "instances"),
        _text(parameters, "max_connections"),
        _text(parameters, "superuser_reserved_connections"),
        names=(f"{name.value}-rw",),
        followers=(f"{name.value}-ro",),
    )
    return _managed(Operator.CLOUDNATIVE_PG, node, span)._replace(server=server)


def _cloudnative_pg_pooler(node: Mapping, span: Span) -> Managed:
    name, cluster, role = _name(node), node.text("spec", "cluster", "name"), node.text("spec", "type")
    found = _managed(Operator.CLOUDNATIVE_PG, node, span)
    if cluster is None or is_filled_in(cluster.value) or (role and role.value not in _ROLES):
        return found
    host = Located(f"host={cluster.value}-{role.value if role else 'rw'}", cluster.span)
    told = _settings(node.mapping("spec", "pgbouncer", "parameters"))
    own = {key: each for key, each in told if key in HANDED_ON}
    ignored = own.pop("ignore_startup_parameters", None)
    mode = node.text("spec", "pgbouncer", "poolMode")
    statements = [
        Statement(DATABASES, Located("*", cluster.span), host),
        *forced(CLOUDNATIVE_PG, own, name.span),
        Statement(SECTION, Located("pool_mode", mode.span if mode else name.span), _or_default(mode, name)),
        Statement(SECTION, *_with_ignored(ignored, name.span), is_forced=ignored is None),
        *(Statement(SECTION, *each) for each in own.values()),
    ]
    strategy = node.mapping("spec", "deploymentStrategy")
    max_surge, strategy_name = of_strategy(strategy) if strategy else Replacement()
    pooler = ManagedPooler(
        (name.value,),
        name.span,
        _count(node, 1, "spec", "instances"),
        tuple(statements),
        node.text("spec", "pgbouncer", "image") or _image_in(node),
        max_surge=max_surge,
        strategy=strategy_name,
    )
    return found._replace(poolers=(pooler,))


def _or_default(mode: Located[str] | None, name: Located[str]) -> Located[str] | None:
    if mode is None:
        return Located("session", name.span)
    return None if is_filled_in(mode.value) else mode


def _with_ignored(own: "_Setting | None", place: Span) -> tuple[Located[str], Located[str] | None]:
    """CloudNativePG ignores what the object says on top of what it ignores anyway."""
    name = "ignore_startup_parameters"
    if own is None:
        return Located(name, place), Located(IGNORED, place)
    value = own.value
    return own.name, value and Located(f"{IGNORED},{value.value}", value.span)


def _image_in(node: Mapping) -> Located[str] | None:
    """The image of the container of that name in the template."""
    for container in node.mappings("spec", "template", "spec", "containers"):
        name = container.text("name")
        if name and name.value == "pgbouncer":
            return container.text("image")
    return None


def _zalando(node: Mapping, span: Span) -> Managed:
    name = _name(node)
    parameters = node.mapping("spec", "postgresql", "parameters")
    server = ManagedServer(
        _count(node, None, "spec", "numberOfInstances"),
        _text(parameters, "max_connections"),
        _text(parameters, "superuser_reserved_connections"),
        names=(name.value,),
        followers=(f"{name.value}-repl",),
        default=None,
        least=LEAST_OF_PATRONI,
    )
    section = node.mapping("spec", "connectionPooler")
    enabled = node.text("spec", "enableConnectionPooler")
    replica = node.text("spec", "enableReplicaConnectionPooler")
    poolers: list[ManagedPooler] = []
    if _is_true(enabled) or (enabled is None and section):
        poolers.append(_zalando_pooler(node, name, ""))
    if replica and _is_true(replica):
        poolers.append(_zalando_pooler(node, name._replace(span=replica.span), "-repl"))
    return _managed(Operator.ZALANDO, node, span)._replace(server=server, poolers=tuple(poolers))


def _zalando_defaults(node: Mapping, span: Span) -> Managed:
    """What the operator itself is told, which takes the place of its defaults."""
    told = _settings(node.mapping("configuration", "connection_pooler"))
    statements = tuple(Statement("connection_pooler", *each) for _, each in told)
    return _managed(Operator.ZALANDO, node, span)._replace(statements=statements)


def _zalando_pooler(node: Mapping, name: Located[str], role: str) -> ManagedPooler:
    """Its sizes: the connections to a database, divided by the pods without a rest; half of that; half of that."""
    instances = _count(
        node, _ZALANDO_INSTANCES, "spec", "connectionPooler", "numberOfInstances", otherwise=name.span
    )
    most = _count(node, _ZALANDO_CONNECTIONS, "spec", "connectionPooler", "maxDBConnections", otherwise=name.span)
    mode = node.text("spec", "connectionPooler", "mode")
    each = most.number // instances.number if most.number is not None and instances.number else None
    # What 0 is to PgBouncer depends on its version.
    sizes = {
        "default_pool_size": None if each is None else each // 2 or None,
        "reserve_pool_size": None if each is None else each // 4,
        "max_db_connections": each or None,
    }
    host = Located(f"host={name.value}{role} port=5432 auth_user=pooler", name.span)
    default = Located("transaction", name.span)
    statements = [
        Statement(DATABASES, Located("*", name.span), host),
        *forced(ZALANDO, {}, name.span),
        Statement(SECTION, Located("pool_mode", (mode or default).span), _told(mode or default)),
        *(
            Statement(SECTION, Located(key, most.span), None if size is None else Located(str(size), most.span))
            for key, size in sizes.items()
        ),
    ]
    image = node.text("spec", "connectionPooler", "dockerImage")
    names = (f"{name.value}-pooler{role}",)
    return ManagedPooler(names, name.span, instances, tuple(statements), image, shared=most)


def _crunchy(node: Mapping, span: Span, operator: Operator = Operator.CRUNCHY) -> Managed:
    name = _name(node)
    dynamic = node.mapping("spec", "patroni", "dynamicConfiguration", "postgresql", "parameters")
    own = node.mapping("spec", "config", "parameters")
    sets = [_count(each, 1, "replicas") for each in node.mappings("spec", "instances")]
    instances = sets[0] if len(sets) == 1 else Instances(None, name.span)
    server = ManagedServer(
        instances,
        _text(own, "max_connections") or _text(dynamic, "max_connections"),
        _text(own, "superuser_reserved_connections") or _text(dynamic, "superuser_reserved_connections"),
        names=(f"{name.value}-primary", f"{name.value}-ha"),
        followers=(f"{name.value}-replicas",),
        least=LEAST_OF_PATRONI,
    )
    section = node.mapping("spec", "proxy", "pgBouncer")
    poolers = (_crunchy_pooler(section, name),) if section else ()
    return _managed(operator, node, span)._replace(server=server, poolers=poolers)


def _crunchy_pooler(section: Mapping, name: Located[str]) -> ManagedPooler:
    own = dict(_settings(section.mapping("config", "global")))
    databases = list(_settings(section.mapping("config", "databases")))
    fallback = Located("*", name.span), Located(f"host={name.value}-primary port=5432", name.span)
    statements = [
        *(Statement(DATABASES, *each) for _, each in databases),
        *([] if databases else [Statement(DATABASES, *fallback)]),
        *(Statement(_USERS, *each) for _, each in _settings(section.mapping("config", "users"))),
        *forced(CRUNCHY, own, name.span),
        *(Statement(SECTION, *each) for each in own.values()),
    ]
    return ManagedPooler(
        (f"{name.value}-pgbouncer",),
        name.span,
        _count(section, 1, "replicas", otherwise=name.span),
        tuple(statements),
        section.text("image"),
        is_partial=section.at("config", "files") is not None or section.at("env") is not None,
        port=port.value if isinstance(port := section.integer("port"), Located) else 5432,
    )


def _percona(node: Mapping, span: Span) -> Managed:
    return _crunchy(node, span, Operator.PERCONA)


def _stackgres_cluster(node: Mapping, span: Span) -> Managed:
    """The PgBouncers are sidecars of the servers, in front of each."""
    name = _name(node)
    instances = _count(node, None, "spec", "instances")
    uses = [node.text("spec", "configurations", key) for key in ("sgPostgresConfig", "sgPoolingConfig")]
    server = ManagedServer(
        instances,
        None,
        None,
        names=(name.value, f"{name.value}-primary"),
        followers=(f"{name.value}-replicas",),
        port=5433,
        least=LEAST_OF_PATRONI,
        default_reserved=_STACKGRES_RESERVED,
    )
    pooler = ManagedPooler(
        (name.value, f"{name.value}-primary"),
        name.span,
        Instances(1, name.span, by_default=True),
        (
            Statement(
                DATABASES,
                Located("*", name.span),
                Located(f"host={name.value}-primary port=5433", name.span),
            ),
        ),
    )
    is_off = _is_true(node.text("spec", "pods", "disableConnectionPooling"))
    return _managed(Operator.STACKGRES, node, span)._replace(
        server=server._replace(port=5432) if is_off else server,
        poolers=() if is_off else (pooler,),
        uses=tuple(each for each in uses if each),
    )


def _stackgres_pooling(node: Mapping, span: Span) -> Managed:
    """The sections of the ini; in older objects, the settings of [pgbouncer] alone."""
    ini = node.mapping("spec", "pgBouncer", "pgbouncer.ini")
    statements = [
        Statement(section, *each)
        for section in (DATABASES, _USERS, SECTION)
        for _, each in _settings(ini.mapping(section) if ini else None)
    ]
    flat = [Statement(SECTION, *each) for name, each in _settings(ini) if name not in _SECTIONS]
    return _managed(Operator.STACKGRES, node, span)._replace(statements=(*statements, *flat))


def _stackgres_postgres(node: Mapping, span: Span) -> Managed:
    settings = _settings(node.mapping("spec", "postgresql.conf"))
    statements = tuple(Statement("postgresql.conf", *each) for _, each in settings)
    return _managed(Operator.STACKGRES, node, span)._replace(statements=statements)


KINDS: MappingOf[str, Kind] = {
    "Cluster": Kind(("postgresql.cnpg.io", "postgresql.k8s.enterprisedb.io"), _cloudnative_pg_cluster),
    "Pooler": Kind(("postgresql.cnpg.io", "postgresql.k8s.enterprisedb.io"), _cloudnative_pg_pooler),
    "postgresql": Kind(("acid.zalan.do",), _zalando),
    "OperatorConfiguration": Kind(("acid.zalan.do",), _zalando_defaults),
    "PostgresCluster": Kind(("postgres-operator.crunchydata.com",), _crunchy),
    "PerconaPGCluster": Kind(("pgv2.percona.com",), _percona),
    "SGCluster": Kind(("stackgres.io",), _stackgres_cluster),
    "SGPoolingConfig": Kind(("stackgres.io",), _stackgres_pooling),
    "SGPostgresConfig": Kind(("stackgres.io",), _stackgres_postgres),
}


class _Setting(NamedTuple):
    name: Located[str]
    value: Located[str] | None


def _managed(operator: Operator, node: Mapping, span: Span) -> Managed:
    kind = node.text("kind")
    name = kind.value if kind else ""
    namespace = node.text("metadata", "namespace")
    return Managed(operator, name, _name(node), namespace, span, parameters=tuple(parameters(node, name)))


def _name(node: Mapping) -> Located[str]:
    return node.text("metadata", "name") or Located("", node.first)


def _settings(node: Mapping | None) -> Iterator[tuple[str, _Setting]]:
    """The names of a mapping with their values."""
    for key, value in node.items() if node else ():
        name = Located(key.text, key.span)
        is_told = isinstance(value, Scalar) and not is_filled_in(value.text)
        told = Located(value.text, value.span) if isinstance(value, Scalar) and is_told else None
        yield key.text, _Setting(name, told)


def _count(node: Mapping, default: int | None, *keys: str, otherwise: Span | None = None) -> Instances:
    found = node.integer(*keys)
    if found is None:
        return Instances(default, otherwise or _name(node).span, by_default=True)
    if isinstance(found, Located):
        return Instances(found.value, found.span)
    return Instances(None, found.places[-1])


def _text(node: Mapping | None, key: str) -> Text:
    found = node.text(key) if node else None
    return Unknown((found.span,)) if found and is_filled_in(found.value) else found


def _told(written: Located[str]) -> Located[str] | None:
    return None if is_filled_in(written.value) else written


def _is_true(written: Located[str] | None) -> bool:
    return written is not None and written.value.lower() in _TRUE
