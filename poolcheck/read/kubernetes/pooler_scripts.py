"""How images write a pgbouncer.ini from their environment: which variable becomes which setting.

A name that a script does not read has no effect. The scripts: edoburu/docker-pgbouncer, entrypoint.sh, and its
history; bitnami/containers, libpgbouncer.sh and pgbouncer-env.sh; aztek-io, pgbouncer-container, entrypoint.sh;
brainsam/pgbouncer, entrypoint.sh; 2026-08.
"""

from collections.abc import Mapping
from typing import NamedTuple

from poolcheck.read.kubernetes.pooler_images import Family
from poolcheck.read.pgbouncer.settings import Version


class When(NamedTuple):
    """That a variable, or its default, is one of these words; or that it is none of them."""

    variable: str
    default: str
    words: frozenset[str]
    is_one: bool = True


class Line(NamedTuple):
    """One setting, or one parameter of a database, that a script writes where its variable is set.

    Where that is not set it has the `default`, None for none at all. Without a `variable` it is always the same.
    Images of releases before `since` have not heard of it; of those before `sure_since` it is not known what they
    make of it, or of the default alone where the variable `is_sure`. Its value stands between `quotes`.
    """

    setting: str
    variable: str
    default: str | None = None
    since: Version = ()
    sure_since: Version = ()
    is_sure: bool = False
    when: When | None = None
    quotes: str = ""


class Script(NamedTuple):
    """What a script writes: one database of the name that a variable holds, and the settings of [pgbouncer].

    Without all variables of `required` it stops. `url` is what names the database by a URL, and `url_list`, which
    is stronger, several; `dsns` is what the names of variables begin with that each hold another database. Of a
    value that holds a colon, one that `cuts_at_colons` writes what is before it. `loose_lines` stand as lines of
    their own below the database. With `reads_files`, the variable `X_FILE` names a file that holds X. Of the
    variables that are `refused` it makes lines that PgBouncer refuses, whatever they say; the value tells what is
    meant by each, "" where the image has no variable for that.
    """

    name: Line
    parameters: tuple[Line, ...]
    settings: tuple[Line, ...]
    required: tuple[str, ...] = ()
    url_list: Line | None = None
    url: Line | None = None
    dsns: str = ""
    loose_lines: tuple[Line, ...] = ()
    cuts_at_colons: bool = False
    reads_files: bool = False
    refused: Mapping[str, str] = {}

    @property
    def variables(self) -> frozenset[str]:
        """The names of all variables that it looks at, but for those that are numbered."""
        lines = (self.name, self.url, self.url_list, *self.parameters, *self.settings, *self.loose_lines)
        return frozenset({*self.required, *(line.variable for line in lines if line and line.variable)})


def _alike(prefix: str, names: str) -> tuple[Line, ...]:
    """Lines whose variables are called as their settings are."""
    return tuple(Line(name, prefix + name.upper()) for name in names.split())


_COMMON = """
    auth_hba_file auth_query pool_mode max_client_conn default_pool_size min_pool_size reserve_pool_size
    reserve_pool_timeout max_db_connections max_user_connections server_round_robin disable_pqexec
    application_name_add_host log_connections log_disconnections log_pooler_errors stats_period verbose stats_users
    server_reset_query server_reset_query_always server_check_delay server_check_query server_lifetime
    server_idle_timeout server_connect_timeout server_login_retry client_login_timeout autodb_idle_timeout
    dns_max_ttl dns_nxdomain_ttl client_tls_sslmode client_tls_key_file client_tls_cert_file client_tls_ca_file
    client_tls_protocols client_tls_ciphers client_tls_ecdhcurve client_tls_dheparams server_tls_sslmode
    server_tls_ca_file server_tls_key_file server_tls_cert_file server_tls_protocols server_tls_ciphers
    query_timeout query_wait_timeout client_idle_timeout idle_transaction_timeout pkt_buf max_packet_size
    listen_backlog sbuf_loopcnt suspend_timeout tcp_defer_accept tcp_keepalive tcp_keepcnt tcp_keepidle
    tcp_keepintvl
"""
"""What the three scripts that descend from brainsam's have in common."""
_OF_THE_PROCESS = """
    logfile pidfile listen_port unix_socket_dir unix_socket_mode unix_socket_group user auth_file conffile job_name
    syslog syslog_ident syslog_facility
"""
_YES = frozenset({"1", "yes", "true"})
_OFF = frozenset({"disable"})
_CLIENT_TLS = When("PGBOUNCER_CLIENT_TLS_SSLMODE", "disable", _OFF, is_one=False)
_SERVER_TLS = When("PGBOUNCER_SERVER_TLS_SSLMODE", "disable", _OFF, is_one=False)

_EDOBURU = Script(
    Line("", "DB_NAME", "*"),
    (
        Line("host", "DB_HOST"),
        Line("port", "DB_PORT", "5432"),
        Line("auth_user", "DB_USER", "postgres", sure_since=(1, 22)),
    ),
    (
        Line("listen_addr", "LISTEN_ADDR", "0.0.0.0"),  # noqa: S104 (what the image listens on)
        Line("listen_port", "LISTEN_PORT", "5432"),
        Line("unix_socket_dir", "UNIX_SOCKET_DIR", "", since=(1, 16)),
        Line("user", "", "postgres"),
        Line("auth_file", "AUTH_FILE", "/etc/pgbouncer/userlist.txt"),
        Line("auth_type", "AUTH_TYPE", "md5"),
        Line("auth_user", "AUTH_USER"),
        Line("auth_dbname", "AUTH_DBNAME", since=(1, 23, 1)),
        Line("ignore_startup_parameters", "IGNORE_STARTUP_PARAMETERS", "extra_float_digits"),
        Line("admin_users", "ADMIN_USERS", "postgres"),
        Line("pool_size", "POOL_SIZE", since=(1, 18)),
        Line("timezone", "TIMEZONE", since=(1, 16)),
        Line("max_prepared_statements", "MAX_PREPARED_STATEMENTS", since=(1, 21)),
        Line("log_stats", "LOG_STATS", since=(1, 12)),
        Line("logfile", "LOGFILE", since=(1, 25)),
        Line("tcp_user_timeout", "TCP_USER_TIMEOUT", since=(1, 13)),
        *_alike("", _COMMON),
    ),
    required=("DB_HOST",),
    url_list=Line("", "DATABASE_URLS", since=(1, 24, 1)),
    url=Line("", "DATABASE_URL"),
    loose_lines=(Line("client_encoding", "CLIENT_ENCODING"),),
    refused={"CLIENT_ENCODING": "", "POOL_SIZE": "DEFAULT_POOL_SIZE", "TIMEZONE": ""},
)
"""Up to 1.20, and in some images of 1.21, DB_USER is the `user` of the database."""

_BRAINSAM = Script(
    Line("", "", "*"),
    (
        Line("host", "DB_HOST"),
        Line("port", "DB_PORT", "5432"),
        Line("user", "DB_USER"),
        Line("password", "DB_PASSWORD"),
    ),
    (
        Line("listen_addr", "LISTEN_ADDR", "0.0.0.0"),  # noqa: S104 (what the image listens on)
        Line("auth_type", "AUTH_TYPE", "any"),
        Line("ignore_startup_parameters", "IGNORE_STARTUP_PARAMETERS", "extra_float_digits"),
        Line("admin_users", "ADMIN_USERS", "postgres"),
        *_alike("", _OF_THE_PROCESS),
        *_alike("", _COMMON),
    ),
    required=("DB_HOST",),
)

_PGBOUNCER = Script(
    Line("", "DATABASES_CLIENT_SIDE_DBNAME", "*"),
    (
        Line("host", "DATABASES_HOST"),
        Line("port", "DATABASES_PORT", "5432"),
        Line("user", "DATABASES_USER", "${DATABASES_USER}"),
        *_alike(
            "DATABASES_",
            "password dbname auth_user pool_size reserve_pool connect_query pool_mode max_db_connections "
            "client_encoding datestyle timezone",
        ),
    ),
    (
        Line("listen_addr", "PGBOUNCER_LISTEN_ADDR", "0.0.0.0"),  # noqa: S104 (what the image listens on)
        Line("auth_type", "PGBOUNCER_AUTH_TYPE", "any"),
        Line("auth_user", "PGBOUNCER_AUTH_USER"),
        Line("ignore_startup_parameters", "PGBOUNCER_IGNORE_STARTUP_PARAMETERS", "extra_float_digits"),
        Line("admin_users", "PGBOUNCER_ADMIN_USERS", "postgres"),
        *_alike("PGBOUNCER_", _OF_THE_PROCESS),
        *_alike("PGBOUNCER_", _COMMON),
    ),
    required=("DATABASES_HOST",),
)
"""Without DATABASES_USER, some of its releases log in as postgres, and others force no user."""

_BITNAMI = Script(
    Line("", "PGBOUNCER_DATABASE", "postgres"),
    (
        Line("host", "POSTGRESQL_HOST", "postgresql"),
        Line("port", "POSTGRESQL_PORT", "5432"),
        Line("user", "POSTGRESQL_USERNAME", "postgres", when=When("PGBOUNCER_SET_DATABASE_USER", "no", _YES)),
        Line("password", "POSTGRESQL_PASSWORD", when=When("PGBOUNCER_SET_DATABASE_PASSWORD", "no", _YES)),
        Line(
            "dbname",
            "POSTGRESQL_DATABASE",
            when=When("PGBOUNCER_DATABASE", "postgres", frozenset({"*"}), is_one=False),
        ),
        Line("auth_user", "PGBOUNCER_AUTH_USER"),
        Line("connect_query", "PGBOUNCER_CONNECT_QUERY", quotes="'"),
    ),
    (
        Line("listen_port", "PGBOUNCER_PORT", "6432"),
        Line("listen_addr", "PGBOUNCER_LISTEN_ADDRESS", "0.0.0.0"),  # noqa: S104 (what the image listens on)
        Line("unix_socket_dir", "PGBOUNCER_SOCKET_DIR", "/tmp/"),  # noqa: S108 (where the image has its socket)
        Line("unix_socket_mode", "PGBOUNCER_SOCKET_MODE", "0777"),
        Line("unix_socket_group", "PGBOUNCER_SOCKET_GROUP"),
        Line("auth_file", "", "/opt/bitnami/pgbouncer/conf/userlist.txt"),
        Line("auth_type", "PGBOUNCER_AUTH_TYPE", "scram-sha-256", sure_since=(1, 22), is_sure=True),
        Line("auth_ident_file", "PGBOUNCER_AUTH_IDENT_FILE", since=(1, 24)),
        Line("pidfile", "", "/opt/bitnami/pgbouncer/tmp/pgbouncer.pid"),
        Line("logfile", "PGBOUNCER_LOG_FILE"),
        Line("admin_users", "POSTGRESQL_USERNAME", "postgres"),
        Line("ignore_startup_parameters", "PGBOUNCER_IGNORE_STARTUP_PARAMETERS", "extra_float_digits"),
        Line("stats_period", "PGBOUNCER_STATS_PERIOD", "60"),
        Line("server_round_robin", "PGBOUNCER_SERVER_ROUND_ROBIN", "0"),
        Line("server_fast_close", "PGBOUNCER_SERVER_FAST_CLOSE", "0"),
        Line("max_prepared_statements", "PGBOUNCER_MAX_PREPARED_STATEMENTS", since=(1, 21)),
        Line("client_tls_sslmode", "PGBOUNCER_CLIENT_TLS_SSLMODE", "disable"),
        Line("client_tls_cert_file", "PGBOUNCER_CLIENT_TLS_CERT_FILE", when=_CLIENT_TLS),
        Line("client_tls_key_file", "PGBOUNCER_CLIENT_TLS_KEY_FILE", when=_CLIENT_TLS),
        Line("client_tls_ca_file", "PGBOUNCER_CLIENT_TLS_CA_FILE", when=_CLIENT_TLS),
        Line("client_tls_ciphers", "PGBOUNCER_CLIENT_TLS_CIPHERS", "fast", when=_CLIENT_TLS),
        Line("server_tls_sslmode", "PGBOUNCER_SERVER_TLS_SSLMODE", "disable"),
        Line("server_tls_ciphers", "PGBOUNCER_SERVER_TLS_CIPHERS", "fast", when=_SERVER_TLS),
        Line("server_tls_protocols", "PGBOUNCER_SERVER_TLS_PROTOCOLS", "secure", when=_SERVER_TLS),
        *_alike(
            "PGBOUNCER_",
            """
            auth_hba_file auth_query stats_users server_tls_ca_file server_tls_cert_file server_tls_key_file
            query_wait_timeout pool_mode max_client_conn max_db_connections idle_transaction_timeout
            server_idle_timeout server_reset_query default_pool_size min_pool_size reserve_pool_size
            reserve_pool_timeout log_connections log_disconnections log_pooler_errors log_stats server_lifetime
            server_connect_timeout server_login_retry client_login_timeout autodb_idle_timeout query_timeout
            client_idle_timeout application_name_add_host
            """,
        ),
    ),
    dsns="PGBOUNCER_DSN_",
    cuts_at_colons=True,
    reads_files=True,
)

SCRIPTS: Mapping[Family, Script] = {
    Family.EDOBURU: _EDOBURU,
    Family.BRAINSAM: _BRAINSAM,
    Family.PGBOUNCER: _PGBOUNCER,
    Family.BITNAMI: _BITNAMI,
}
"""The images that write their configuration themselves where none is brought to them."""
