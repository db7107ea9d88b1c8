"""From the values of charts that are known to the servers and poolers that their templates make of them.

The charts' templates and values, 2026-08: icoretech/pgbouncer and wallarm/pgbouncer, which have one ancestor;
cradlepoint/pgbouncer; apache-airflow/airflow and airflow-helm/airflow; bitnami/postgresql and postgresql-ha;
cnpg/cluster.
"""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from poolcheck.read.kubernetes.chart_lines import (
    HIDDEN,
    appended,
    databases_in,
    is_hidden,
    one,
    renamed,
    said,
    settings_in,
    told,
)
from poolcheck.read.kubernetes.managed import (
    Instances,
    Managed,
    ManagedPooler,
    ManagedServer,
    Operator,
    Statement,
    Text,
)
from poolcheck.read.kubernetes.operator_settings import CLOUDNATIVE_PG, DATABASES, SECTION, forced
from poolcheck.read.pgbouncer.settings import Scope, known
from poolcheck.read.template import is_filled_in
from poolcheck.read.yaml.nodes import Mapping, Node, Scalar
from poolcheck.source import Located, Span
from poolcheck.value import Unknown

_FALSE = frozenset({"false", "no", "off", "n"})
_LINE = re.compile(r"^[ \t]*(?P<name>\w+)[ \t]*(?:=[ \t]*|[ \t])'?(?P<value>[^'#\s]+)", re.MULTILINE)

_OF_AIRFLOW = {
    "maxClientConn": "max_client_conn",
    "auth_type": "auth_type",
    "verbose": "verbose",
    "logDisconnections": "log_disconnections",
    "logConnections": "log_connections",
    "sslmode": "server_tls_sslmode",
    "ciphers": "server_tls_ciphers",
}
_POOLS_OF_AIRFLOW = {"metadataPoolSize": "metadata", "resultBackendPoolSize": "result-backend"}
_OF_AIRFLOW_HELM = {
    "authType": "auth_type",
    "maxClientConnections": "max_client_conn",
    "poolSize": "default_pool_size",
    "logDisconnections": "log_disconnections",
    "logConnections": "log_connections",
}
_OF_CRADLEPOINT = {
    "maxClientConn": "max_client_conn",
    "defaultPoolSize": "default_pool_size",
    "minPoolSize": "min_pool_size",
    "reservePoolSize": "reserve_pool_size",
    "reservePoolTimeout": "reserve_pool_timeout",
}


_LIMITS = {
    "max_client_conn": "100",
    "default_pool_size": "20",
    "reserve_pool_size": "0",
    "max_db_connections": "0",
    "max_user_connections": "0",
    "so_reuseport": "0",
}
"""PgBouncer's own defaults of what limits connections."""


class Chart(NamedTuple):
    """A chart: how it is called, whether a mapping has the form of its values, and how those are read.

    Where it `leaves_limits`, what its values do not limit is limited as it is in PgBouncer itself.
    """

    name: str
    has_form: Callable[[Mapping], bool]
    read: Callable[[Mapping, Located[str]], Managed]
    leaves_limits: bool = False


def with_limits(managed: Managed) -> Managed:
    """A chart's poolers with the limits that no values set."""
    return managed._replace(poolers=tuple(map(_with_limits, managed.poolers)))


def _with_limits(pooler: ManagedPooler) -> ManagedPooler:
    own = {each.name.value for each in pooler.statements if each.section == SECTION}
    return pooler._replace(statements=(*pooler.statements, *forced(_LIMITS, own, pooler.place)))


def _has_ini(values: Mapping) -> bool:
    """Whether there is a section of settings, or of databases, as PgBouncer calls them."""
    settings, databases = values.mapping("config", "pgbouncer"), values.mapping("config", "databases")
    if settings and (names := [key.text for key, _ in settings.items()]):
        return 2 * sum(known(Scope.PGBOUNCER, name) is not None for name in names) >= len(names)
    parameters = [key.text for _, each in (databases.items() if databases else ()) for key in _keys(each)]
    return bool(parameters) and all(known(Scope.DATABASE, name) for name in parameters)


def _keys(node: Node) -> Iterator[Scalar]:
    if isinstance(node, Mapping):
        yield from (key for key, _ in node.items())


def _pgbouncer(values: Mapping, name: Located[str]) -> Managed:
    databases, settings = values.mapping("config", "databases"), values.mapping("config", "pgbouncer")
    statements = [*databases_in(databases), *settings_in(SECTION, settings)]
    pooler = ManagedPooler(
        _names(values, ""),
        name.span,
        _count(values, name, "replicaCount"),
        tuple(statements),
        _image(values),
        is_partial=True,
        port=port.value if isinstance(port := values.integer("service", "port"), Located) else 5432,
    )
    return _managed(values, name)._replace(poolers=(pooler,))


def _has_connection_limits(values: Mapping) -> bool:
    limits = values.mapping("connectionLimits")
    return limits is not None and any(limits.key(name) for name in _OF_CRADLEPOINT)


def _cradlepoint(values: Mapping, name: Located[str]) -> Managed:
    statements = [
        *databases_in(values.mapping("databases")),
        *one(values, "pool_mode", "poolMode"),
        *one(values, "auth_type", "settings", "auth_type"),
        *renamed(values.mapping("connectionLimits"), _OF_CRADLEPOINT),
    ]
    pooler = ManagedPooler(
        (),
        name.span,
        _count(values, name, "replicaCount"),
        tuple(statements),
        is_partial=True,
    )
    return _managed(values, name)._replace(poolers=(pooler,))


def _has_airflow(values: Mapping) -> bool:
    section = values.mapping("pgbouncer")
    return section is not None and any(section.key(name) for name in (*_POOLS_OF_AIRFLOW, "maxClientConn"))


def _airflow(values: Mapping, name: Located[str]) -> Managed:
    """Of the release's name, its databases' names and hosts nothing is known here."""
    section = values.mapping("pgbouncer")
    if section is None or is_off(section) or section.text("configSecretName"):
        return _managed(values, name)
    statements = [
        *(each for key, kind in _POOLS_OF_AIRFLOW.items() for each in _pool_of_airflow(section, key, kind)),
        Statement(SECTION, Located("pool_mode", name.span), Located("transaction", name.span), is_forced=True),
        *renamed(section, _OF_AIRFLOW),
        *appended(section, "extraIni"),
    ]
    return _managed(values, name)._replace(poolers=(_beside(section, name, statements, "replicas"),))


def _pool_of_airflow(section: Mapping, key: str, kind: str) -> Iterator[Statement]:
    size, place = section.at(key), section.key(key)
    if isinstance(size, Scalar) and place and not size.is_null:
        parts = Located(f"host={HIDDEN} pool_size=", place.span), Located(said(size), size.span)
        name = Located(f"{HIDDEN}-{kind}", place.span)
        yield Statement(DATABASES, name, Located("", size.span), parts=parts)


def _has_airflow_helm(values: Mapping) -> bool:
    section = values.mapping("pgbouncer")
    return section is not None and section.key("maxClientConnections") is not None


def _airflow_helm(values: Mapping, name: Located[str]) -> Managed:
    section = values.mapping("pgbouncer")
    if section is None or is_off(section):
        return _managed(values, name)
    statements = [
        Statement(SECTION, Located("pool_mode", name.span), Located("transaction", name.span), is_forced=True),
        *renamed(section, _OF_AIRFLOW_HELM),
        *one(section, "client_tls_sslmode", "clientSSL", "mode"),
        *one(section, "server_tls_sslmode", "serverSSL", "mode"),
    ]
    return _managed(values, name)._replace(poolers=(_beside(section, name, statements, ""),))


def _has_bitnami(values: Mapping) -> bool:
    return _configuration(values) is not None or _in_environment(values) is not None


def _bitnami(values: Mapping, name: Located[str]) -> Managed:
    """A server of which the last line that sets a limit counts; the extended settings come last of all."""
    block = _configuration(values)
    limit, reserved = _in_block(block, "max_connections"), _in_block(block, "superuser_reserved_connections")
    limit = limit or _in_environment(values)
    primary, followers = _names(values, "-primary"), _names(values, "-read")
    server = ManagedServer(
        Instances(1, name.span, by_default=True),
        limit,
        reserved,
        (*_names(values, ""), *primary),
        followers,
        default=None,
    )
    return _managed(values, name)._replace(server=server if limit else None)


def _configuration(values: Mapping) -> Scalar | None:
    primary = values.mapping("primary")
    if primary is None or primary.text("existingExtendedConfigmap"):
        return None
    found = [primary.at(key) for key in ("extendedConfiguration", "configuration")]
    return next((each for each in found if isinstance(each, Scalar) and "max_connections" in each.text), None)


def _in_environment(values: Mapping) -> Located[str] | None:
    """The limit in the variable that the image reads."""
    for variable in values.mappings("primary", "extraEnvVars"):
        name, value = variable.text("name"), variable.text("value")
        if name and name.value == "POSTGRESQL_MAX_CONNECTIONS" and value and not is_hidden(value.value):
            return value
    return None


def _has_bitnami_ha(values: Mapping) -> bool:
    section = values.mapping("postgresql")
    limit = section.text("maxConnections") if section else None
    return values.mapping("pgpool") is not None and limit is not None and bool(limit.value)


def _bitnami_ha(values: Mapping, name: Located[str]) -> Managed:
    """A server behind Pgpool, which is reached by the names of its pods alone."""
    limit = _text(values, "postgresql", "maxConnections")
    instances = _count(values, name, "postgresql", "replicaCount")
    server = ManagedServer(instances, limit, None, _names(values, "-postgresql"), (), default=None)
    return _managed(values, name)._replace(server=server)


def _has_cluster(values: Mapping) -> bool:
    poolers = any(each.mapping("parameters") or each.key("poolMode") for each in values.mappings("poolers"))
    return values.mapping("cluster", "postgresql", "parameters") is not None or poolers


def _cluster(values: Mapping, name: Located[str]) -> Managed:
    """A cluster of CloudNativePG's and the poolers in front of it."""
    limit = _text(values, "cluster", "postgresql", "parameters", "max_connections")
    server = ManagedServer(
        _count(values, name, "cluster", "instances"),
        limit,
        _text(values, "cluster", "postgresql", "parameters", "superuser_reserved_connections"),
        _names(values, "-rw"),
        _names(values, "-ro"),
        default=None,
    )
    poolers = tuple(_pooler_of(values, each, name) for each in values.mappings("poolers"))
    return _managed(values, name)._replace(server=server if limit else None, poolers=poolers)


def _pooler_of(values: Mapping, pooler: Mapping, name: Located[str]) -> ManagedPooler:
    own, role = pooler.text("name"), pooler.text("type")
    place = own.span if own else pooler.first
    parameters = pooler.mapping("parameters")
    hosts = _names(values, f"-{role.value if role else 'rw'}")
    mode = pooler.text("poolMode") or Located("session", place)
    names = {key.text for key, _ in parameters.items()} if parameters else set[str]()
    statements = [
        Statement(DATABASES, Located("*", place), Located(f"host={hosts[0] if hosts else HIDDEN}", place)),
        *forced(CLOUDNATIVE_PG, {*names, "ignore_startup_parameters"}, place),
        Statement(SECTION, Located("pool_mode", mode.span), told(mode)),
        *(each for each in settings_in(SECTION, parameters) if each.name.value != "ignore_startup_parameters"),
    ]
    full = _names(values, f"-pooler-{own.value}") if own else ()
    return ManagedPooler(full, place, _count(pooler, name, "instances"), tuple(statements), is_partial=True)


CHARTS = (
    Chart("pgbouncer", _has_ini, _pgbouncer, leaves_limits=True),
    Chart("pgbouncer", _has_connection_limits, _cradlepoint),
    Chart("airflow", _has_airflow, _airflow),
    Chart("airflow", _has_airflow_helm, _airflow_helm),
    Chart("postgresql-ha", _has_bitnami_ha, _bitnami_ha),
    Chart("postgresql", _has_bitnami, _bitnami),
    Chart("cluster", _has_cluster, _cluster, leaves_limits=True),
)


def _managed(values: Mapping, name: Located[str]) -> Managed:
    return Managed(Operator.HELM, "chart", name, None, values.span)


def _names(values: Mapping, end: str) -> tuple[str, ...]:
    """The name of a Service, where the name of the release is no part of it."""
    full = values.text("fullnameOverride")
    return (f"{full.value}{end}",) if full and full.value and not is_filled_in(full.value) else ()


def _count(values: Mapping, name: Located[str], *keys: str) -> Instances:
    found = values.integer(*keys)
    return Instances(found.value, found.span) if isinstance(found, Located) else Instances(None, name.span)


def _image(values: Mapping) -> Located[str] | None:
    repository, tag = values.text("image", "repository"), values.text("image", "tag")
    return Located(f"{repository.value}:{tag.value}", tag.span) if repository and tag else None


def _beside(section: Mapping, name: Located[str], statements: list[Statement], replicas: str) -> ManagedPooler:
    """The pooler of a chart that is about something else."""
    instances = _count(section, name, replicas) if replicas else Instances(1, name.span, by_default=True)
    return ManagedPooler((), name.span, instances, tuple(statements), is_partial=True)


def is_off(section: Mapping) -> bool:
    """Whether nothing is made of it."""
    enabled = section.text("enabled")
    return enabled is not None and enabled.value.lower() in _FALSE


def _text(values: Mapping, *keys: str) -> Text:
    found = values.text(*keys)
    return Unknown((found.span,)) if found and is_filled_in(found.value) else found or None


def _in_block(block: Scalar | None, name: str) -> Located[str] | None:
    """What a setting of PostgreSQL's is in a text; the last line counts."""
    lines = [line for line in _LINE.finditer(block.text) if line["name"] == name] if block else []
    return Located(lines[-1]["value"], _place(block, lines[-1])) if block and lines else None


def _place(block: Scalar, line: re.Match[str]) -> Span:
    """Exactly where the value is, in a literal block whose text tells."""
    written = block.written
    at = written.rfind(line[0].strip())
    if at < 0:
        return block.span
    path, start, _ = block.span
    value = start + at + len(line[0].strip()) - len(line["value"])
    return Span(path, value, value + len(line["value"]))
