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
HANDED_ON = frozenset(
    [
        "application_name_add_host",
        "auth_type",
        "auth_user",
        "autodb_idle_timeout",
        "cancel_wait_timeout",
        "client_idle_timeout",
        "client_login_timeout",
        "client_tls_ciphers",
        "client_tls_sslmode",
        "client_tls13_ciphers",
        "default_pool_size",
        "disable_pqexec",
        "dns_max_ttl",
        "dns_nxdomain_ttl",
        "idle_transaction_timeout",
        "ignore_startup_parameters",
        "listen_backlog",
        "log_connections",
        "log_disconnections",
        "log_pooler_errors",
        "log_stats",
        "max_client_conn",
        "max_db_connections",
        "max_packet_size",
        "max_prepared_statements",
        "max_user_connections",
        "min_pool_size",
        "pkt_buf",
        "query_timeout",
        "query_wait_timeout",
        "reserve_pool_size",
        "reserve_pool_timeout",
        "sbuf_loopcnt",
        "server_check_delay",
        "server_check_query",
        "server_connect_timeout",
        "server_fast_close",
        "server_idle_timeout",
        "server_lifetime",
        "server_login_retry",
        "server_reset_query",
        "server_reset_query_always",
        "server_round_robin",
        "server_tls_ciphers",
        "server_tls13_ciphers",
        "server_tls_protocols",
        "server_tls_sslmode",
        "stats_period",
        "suspend_timeout",
        "tcp_defer_accept",
        "tcp_keepalive",
        "tcp_keepcnt",
        "tcp_keepidle",
        "tcp_keepintvl",
        "tcp_socket_buffer",
        "tcp_user_timeout",
        "track_extra_parameters",
        "verbose",
    ]
)
"""The settings that it takes from its objects; it refuses one with others. 1.30, pooler_webhook.go."""

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
