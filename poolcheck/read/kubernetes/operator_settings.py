"""What operators write into the configurations of their poolers where their objects do not.

Their sources: CloudNativePG 1.30, pkg/management/pgbouncer/config; pgbouncer.ini.tmpl in Zalando's image, 2026-07;
Crunchy's postgres-operator, 2026-08, internal/pgbouncer; StackGres, 2026-03, the defaults of SGPoolingConfig.
"""

from collections.abc import Container, Iterator, Mapping, Sequence

from poolcheck.read.kubernetes.managed import ManagedPooler, Statement
from poolcheck.source import Located, Span

SECTION, DATABASES = "pgbouncer", "databases"

_OF_THE_CLUSTER = dict.fromkeys(
    (
        "admin_users", "auth_dbname", "auth_file", "auth_hba_file", "auth_query", "auth_user",
        "client_tls_ca_file", "client_tls_cert_file", "client_tls_key_file", "server_tls_ca_file",
        "server_tls_cert_file", "server_tls_key_file", "stats_users", "unix_socket_dir",
    )
)  # fmt: skip
"""What operators set to what depends on the cluster, if they set it."""

CLOUDNATIVE_PG = {
    **_OF_THE_CLUSTER,
    "listen_port": "5432",
    "listen_addr": "*",
    "auth_type": "hba",
    "client_tls_sslmode": "prefer",
    "server_tls_sslmode": "verify-ca",
    "log_stats": "0",
}
IGNORED = "extra_float_digits,options"
"""The parameters that it ignores besides those of the object."""

ZALANDO = {
    **_OF_THE_CLUSTER,
    "listen_port": "5432",
    "listen_addr": "*",
    "auth_type": None,
    "client_tls_sslmode": "require",
    "server_tls_sslmode": "require",
    "ignore_startup_parameters": IGNORED,
    "idle_transaction_timeout": "600",
    "server_login_retry": "5",
    "max_client_conn": "10000",
    "max_prepared_statements": None,
}
"""What the template of Zalando's image sets; None for what its releases differ in."""

CRUNCHY = {
    **_OF_THE_CLUSTER,
    "listen_port": "5432",
    "listen_addr": "*",
    "auth_type": None,
    "unix_socket_dir": "",
    "ignore_startup_parameters": "extra_float_digits",
    "client_tls_sslmode": "require",
    "server_tls_sslmode": "verify-full",
}

_STACKGRES = {
    **_OF_THE_CLUSTER,
    "listen_port": "6432",
    "listen_addr": None,
    "auth_type": "md5",
    "server_tls_sslmode": None,
    "pool_mode": "session",
    "max_client_conn": "1000",
    "default_pool_size": "1000",
    "max_db_connections": "0",
    "max_user_connections": "0",
    "ignore_startup_parameters": "extra_float_digits",
    "server_check_query": ";",
    "application_name_add_host": "1",
}


def forced(defaults: Mapping[str, str | None], own: Container[str], place: Span) -> Iterator[Statement]:
    """What an operator sets where the object does not."""
    for name, value in defaults.items():
        if name not in own:
            told = None if value is None else Located(value, place)
            yield Statement(SECTION, Located(name, place), told, is_forced=True)


def with_stackgres_settings(pooler: ManagedPooler, own: Sequence[Statement]) -> ManagedPooler:
    """A pooler of StackGres's with the settings of the object that its cluster uses, and what is set besides."""
    settings = {each.name.value for each in own if each.section == SECTION}
    databases = {each.name.value for each in own if each.section == DATABASES}
    fallback = [each for each in pooler.statements if each.name.value not in databases]
    return pooler._replace(statements=(*fallback, *own, *forced(_STACKGRES, settings, pooler.place)))
