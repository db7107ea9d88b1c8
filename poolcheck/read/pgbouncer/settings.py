"""The settings PgBouncer knows, by the place they are written in.

Read off main.c and loader.c of the releases 1.3.4 to 1.25.2, and what is new in 1.26 off its changelog.
`tests/test_settings_table.py` compares them with a real PgBouncer, and has done so with 1.16.1, 1.18.0, 1.21.0,
1.23.1, 1.24.1, 1.25.2 and 1.26.1.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple, TypeAlias

Version: TypeAlias = tuple[int, ...]

NEWEST: Version = (1, 26, 1)
"""The newest release that the table knows."""


def written(version: Version) -> str:
    """A version as people write it: 1.22."""
    return ".".join(map(str, version))


class Scope(StrEnum):
    """The sections, by their names; outside of [pgbouncer] a setting is a key in the string of an entry."""

    PGBOUNCER = "pgbouncer"
    DATABASE = "databases"
    USER = "users"
    PEER = "peers"


class Kind(StrEnum):
    """What a value has to be. In an entry a number of any kind is read up to its first other character."""

    INT = "int"
    UNSIGNED = "unsigned"
    BOOL = "bool"
    SECONDS = "seconds"
    STRING = "string"
    LIST = "list"
    PATH = "path"
    ENUM = "enum"
    HOSTS = "hosts"


class Change(NamedTuple):
    """The release that changed a default, and the default before it."""

    version: Version
    before: str | None


class KnownSetting(NamedTuple):
    """One setting in one scope.

    `default` is that of the newest release, as it would be written in a file; None where nothing is built in, and
    in an entry where the setting of [pgbouncer] is inherited. `since` is empty where the oldest source that can be
    had, 1.3.4, knows it; `until` is the first release that no longer has it. `unit` is what a whole number
    counts; SECONDS may have a fraction.

    `changed` is the change of a default by a release newer than 1.8, `changed_long_ago` one before that: where no
    release is given, none is taken for so old.

    `minimum` and `maximum` are what PgBouncer, or Linux for it, insists on; not all that makes sense.
    `reloadable_since` is the release from which RELOAD puts a new value into effect, empty where all do, and None
    where it takes a restart.
    """

    name: str
    kind: Kind
    default: str | None = None
    since: Version = ()
    until: Version | None = None
    unit: str = ""
    values: tuple[str, ...] = ()
    newer_values: tuple[tuple[str, Version], ...] = ()
    changed: Change | None = None
    changed_long_ago: Change | None = None
    minimum: int | None = None
    maximum: int | None = None
    is_never_zero: bool = False
    reloadable_since: Version | None = ()
    note: str = ""

    def is_in(self, version: Version | None) -> bool:
        """Whether a release has it, the newest where it is None."""
        release = version or NEWEST
        return self.since <= release and not self.is_gone_in(release)

    def is_gone_in(self, version: Version | None) -> bool:
        """Whether a release no longer has it, the newest where it is None."""
        return self.until is not None and (version or NEWEST) >= self.until

    def is_reloadable_in(self, version: Version) -> bool:
        """Whether RELOAD puts a new value into effect."""
        return self.reloadable_since is not None and version >= self.reloadable_since

    def values_in(self, version: Version | None) -> tuple[str, ...]:
        """The words to choose from in a release, the newest where it is None."""
        return tuple(word for word in self.values if version is None or version >= self.since_of(word))

    def since_of(self, value: str) -> Version:
        """The release that one of the words came with; empty where it is as old as the setting."""
        return dict(self.newer_values).get(value, ())

    def default_in(self, version: Version | None) -> str | None:
        """The default of a release; None where there is none, and where no release is given and they differ."""
        if version is None:
            return None if self.changed else self.default
        for change in (self.changed_long_ago, self.changed):
            if change and version < change.version:
                return change.before
        return self.default


OF_FORKS = frozenset(
    {
        "polling_frequency",
        "recreate_disconnected_pools",
        "rewrite_query_disconnect_on_failure",
        "rewrite_query_py_module_file",
        "routing_rules_py_module_file",
        "server_failed_delay",
        "stats_users_prefix",
        "topology_query",
    }
)
"""What forks of PgBouncer add: pgbouncer-rr-patch and pgbouncer-fast-switchover by awslabs, and Zalando's."""


def known(scope: Scope, name: str) -> KnownSetting | None:
    """The setting of this name in this scope."""
    return SETTINGS[scope].get(name)


def scopes_of(name: str) -> tuple[Scope, ...]:
    """The scopes that have a setting of this name."""
    return tuple(scope for scope in Scope if name in SETTINGS[scope])


INT, UNSIGNED, BOOL, SECONDS, STRING, LIST, PATH, ENUM, HOSTS = Kind

_POOL_MODES = ("session", "transaction", "statement")
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_AUTH_TYPES = ("any", "trust", "plain", "md5", "cert", "hba", "pam", "scram-sha-256", "ldap")
_NEWER_AUTH_TYPES = (
    ("cert", (1, 7)),
    ("hba", (1, 7)),
    ("pam", (1, 8)),
    ("scram-sha-256", (1, 11)),
    ("ldap", (1, 25)),
)
_BALANCES = ("disable", "round-robin")

_BY_LINUX = "With a value that Linux refuses, PgBouncer does not listen on TCP; from 1.19 on it does not start."

_OLD_AUTH_QUERY = "SELECT usename, passwd FROM pg_shadow WHERE usename=$1"
_AUTH_QUERY = (
    "SELECT rolname, CASE WHEN rolvaliduntil < now() THEN NULL ELSE rolpassword END"
    " FROM pg_authid WHERE rolname=$1 AND rolcanlogin"
)

_PGBOUNCER = (
    KnownSetting("admin_users", LIST, "", note="Cut at commas and blanks."),
    KnownSetting("application_name_add_host", BOOL, "0", since=(1, 6)),
    KnownSetting("auth_dbname", STRING, since=(1, 19)),
    KnownSetting(
        "auth_file",
        PATH,
        changed_long_ago=Change((1, 8), "unconfigured_file"),
        note="One that is missing is logged and does not stop the start.",
    ),
    KnownSetting("auth_hba_file", PATH, "", since=(1, 7)),
    KnownSetting("auth_ident_file", PATH, since=(1, 23)),
    KnownSetting("auth_ldap_options", STRING, since=(1, 25)),
    KnownSetting(
        "auth_query",
        STRING,
        _AUTH_QUERY,
        since=(1, 6),
        changed=Change((1, 24, 1), _OLD_AUTH_QUERY),
        note="Debian carries the new default back to older releases.",
    ),
    KnownSetting("auth_type", ENUM, "md5", values=_AUTH_TYPES, newer_values=_NEWER_AUTH_TYPES),
    KnownSetting("auth_user", STRING, since=(1, 8)),
    KnownSetting(
        "autodb_idle_timeout", SECONDS, "3600", minimum=0, note="0 keeps unused databases of `*` for ever."
    ),
    KnownSetting("cancel_wait_timeout", SECONDS, "10", since=(1, 19), minimum=0),
    KnownSetting("client_idle_timeout", SECONDS, "0", minimum=0),
    KnownSetting("client_login_timeout", SECONDS, "60", minimum=0),
    KnownSetting("client_tls13_ciphers", STRING, since=(1, 25)),
    KnownSetting("client_tls_ca_file", PATH, "", since=(1, 7), reloadable_since=(1, 16)),
    KnownSetting("client_tls_cert_file", PATH, "", since=(1, 7), reloadable_since=(1, 16)),
    KnownSetting(
        "client_tls_ciphers",
        STRING,
        "default",
        since=(1, 7),
        changed=Change((1, 21), "fast"),
        reloadable_since=(1, 16),
    ),
    KnownSetting("client_tls_dheparams", STRING, "auto", since=(1, 7), reloadable_since=(1, 16)),
    KnownSetting("client_tls_ecdhcurve", STRING, "auto", since=(1, 7), reloadable_since=(1, 16)),
    KnownSetting("client_tls_key_file", PATH, "", since=(1, 7), reloadable_since=(1, 16)),
    KnownSetting(
        "client_tls_protocols",
        STRING,
        "secure",
        since=(1, 7),
        changed=Change((1, 13), "all"),
        reloadable_since=(1, 16),
    ),
    KnownSetting("client_tls_sslmode", ENUM, "disable", since=(1, 7), values=_SSL_MODES, reloadable_since=(1, 16)),
    KnownSetting("conffile", PATH),
    KnownSetting(
        "default_pool_size",
        INT,
        "20",
        unit="server connections",
        note="0 or less is 1 up to 1.23 and no limit since 1.24.",
    ),
    KnownSetting(
        "disable_pqexec", BOOL, "0", since=(1, 4), reloadable_since=None, note="1 closes the console too."
    ),
    KnownSetting("dns_max_ttl", SECONDS, "15", since=(1, 4), minimum=0),
    KnownSetting("dns_nxdomain_ttl", SECONDS, "15", since=(1, 6), minimum=0),
    KnownSetting("dns_zone_check_period", SECONDS, "0", since=(1, 5), minimum=0),
    KnownSetting("idle_transaction_timeout", SECONDS, "0", since=(1, 5), minimum=0),
    KnownSetting("ignore_startup_parameters", LIST, "", note="Cut at commas and blanks."),
    KnownSetting("job_name", STRING, "pgbouncer", reloadable_since=None),
    KnownSetting("listen_addr", HOSTS, "", reloadable_since=None),
    KnownSetting("listen_backlog", INT, "128", unit="client connections", reloadable_since=None),
    KnownSetting("listen_port", INT, "6432", reloadable_since=None, note="A leading 0 is octal."),
    KnownSetting("log_connections", BOOL, "1"),
    KnownSetting("log_disconnections", BOOL, "1"),
    KnownSetting("log_pooler_errors", BOOL, "1"),
    KnownSetting("log_stats", BOOL, "1", since=(1, 11)),
    KnownSetting("logfile", PATH, ""),
    KnownSetting("login_notify_message", STRING, "", since=(1, 26)),
    KnownSetting(
        "max_client_conn", INT, "100", unit="client connections", note="0 or less refuses all but the console."
    ),
    KnownSetting("max_db_client_connections", INT, "0", since=(1, 24), unit="client connections"),
    KnownSetting(
        "max_db_connections",
        INT,
        "0",
        since=(1, 6),
        unit="server connections",
        note="For one entry, not for one database of a server.",
    ),
    KnownSetting("max_packet_size", UNSIGNED, "2147483647", since=(1, 5, 3), unit="bytes"),
    KnownSetting(
        "max_prepared_statements",
        INT,
        "200",
        since=(1, 21),
        unit="statements",
        changed=Change((1, 24), "0"),
        note="0 passes prepared statements through unseen.",
    ),
    KnownSetting("max_user_client_connections", INT, "0", since=(1, 24), unit="client connections"),
    KnownSetting("max_user_connections", INT, "0", since=(1, 6), unit="server connections"),
    KnownSetting("min_pool_size", INT, "0", since=(1, 5), unit="server connections"),
    KnownSetting("peer_id", INT, "0", since=(1, 19), note="0 is no peering."),
    KnownSetting("pidfile", PATH, "", reloadable_since=None),
    KnownSetting(
        "pkt_buf",
        INT,
        "4096",
        unit="bytes",
        changed_long_ago=Change((1, 7), "2048"),
        reloadable_since=None,
        note="Less than about 64 and no client gets in.",
    ),
    KnownSetting("pool_idle_timeout", SECONDS, "0", since=(1, 26), minimum=0),
    KnownSetting("pool_mode", ENUM, "session", values=_POOL_MODES),
    KnownSetting("query_timeout", SECONDS, "0", minimum=0, note="0 is off, as of every timeout without a note."),
    KnownSetting("query_wait_notify", INT, "5", since=(1, 25), unit="seconds"),
    KnownSetting(
        "query_wait_timeout",
        SECONDS,
        "120",
        changed_long_ago=Change((1, 7), "0"),
        minimum=0,
        note="0 waits without end.",
    ),
    KnownSetting("reserve_pool_size", INT, "0", unit="server connections"),
    KnownSetting("reserve_pool_timeout", SECONDS, "5", minimum=0, note="0 switches the reserve off."),
    KnownSetting("resolv_conf", PATH, "", since=(1, 12), reloadable_since=None),
    KnownSetting("sbuf_loopcnt", INT, "5", unit="rounds"),
    KnownSetting("scram_iterations", INT, "4096", since=(1, 25), unit="iterations"),
    KnownSetting("server_check_delay", SECONDS, "30", minimum=0),
    KnownSetting(
        "server_check_query",
        STRING,
        "<empty>",
        changed=Change((1, 25), "select 1"),
        note="Set to nothing, no query is sent.",
    ),
    KnownSetting("server_connect_timeout", SECONDS, "15", minimum=0),
    KnownSetting("server_fast_close", BOOL, "0", since=(1, 9)),
    KnownSetting("server_idle_timeout", SECONDS, "600", minimum=0),
    KnownSetting("server_lifetime", SECONDS, "3600", minimum=0, note="0 uses a server connection once."),
    KnownSetting("server_login_retry", SECONDS, "15", minimum=0),
    KnownSetting("server_reset_query", STRING, "DISCARD ALL", changed_long_ago=Change((1, 4, 1), "")),
    KnownSetting("server_reset_query_always", BOOL, "0", since=(1, 6, 1), changed_long_ago=Change((1, 7), "1")),
    KnownSetting("server_round_robin", BOOL, "0"),
    KnownSetting("server_tls13_ciphers", STRING, since=(1, 25)),
    KnownSetting("server_tls_ca_file", PATH, "", since=(1, 7), reloadable_since=(1, 16)),
    KnownSetting("server_tls_cert_file", PATH, "", since=(1, 7), reloadable_since=(1, 16)),
    KnownSetting(
        "server_tls_ciphers",
        STRING,
        "default",
        since=(1, 7),
        changed=Change((1, 21), "fast"),
        reloadable_since=(1, 16),
    ),
    KnownSetting("server_tls_key_file", PATH, "", since=(1, 7), reloadable_since=(1, 16)),
    KnownSetting(
        "server_tls_protocols",
        STRING,
        "secure",
        since=(1, 7),
        changed=Change((1, 13), "all"),
        reloadable_since=(1, 16),
    ),
    KnownSetting(
        "server_tls_sslmode",
        ENUM,
        "prefer",
        since=(1, 7),
        values=_SSL_MODES,
        changed=Change((1, 20), "disable"),
        reloadable_since=(1, 16),
    ),
    KnownSetting("service_name", STRING, reloadable_since=None, note="Windows only."),
    KnownSetting("so_reuseport", BOOL, "0", since=(1, 12), reloadable_since=None),
    KnownSetting("stats_period", INT, "60", unit="seconds"),
    KnownSetting("stats_users", LIST, "", note="Cut at commas and blanks."),
    KnownSetting("suspend_timeout", SECONDS, "10", until=(1, 26), minimum=0),
    KnownSetting("syslog", BOOL, "0"),
    KnownSetting("syslog_facility", STRING, "daemon"),
    KnownSetting("syslog_ident", STRING, "pgbouncer", since=(1, 4)),
    KnownSetting(
        "tcp_defer_accept", BOOL, "1", changed=Change((1, 17), None), note="0 where the system is not Linux."
    ),
    KnownSetting("tcp_keepalive", BOOL, "1", changed_long_ago=Change((1, 4, 1), "0")),
    KnownSetting("tcp_keepcnt", INT, "0", unit="probes", maximum=127, note=_BY_LINUX),
    KnownSetting("tcp_keepidle", INT, "0", unit="seconds", minimum=0, maximum=32767, note=_BY_LINUX),
    KnownSetting("tcp_keepintvl", INT, "0", unit="seconds", minimum=0, maximum=32767, note=_BY_LINUX),
    KnownSetting("tcp_socket_buffer", INT, "0", unit="bytes"),
    KnownSetting("tcp_user_timeout", INT, "0", since=(1, 13), unit="milliseconds", minimum=0, note=_BY_LINUX),
    KnownSetting(
        "track_extra_parameters",
        LIST,
        "",
        since=(1, 20),
        changed=Change((1, 26), "IntervalStyle"),
        reloadable_since=None,
        note="Cut at commas only. From 1.26 on all that PostgreSQL reports is tracked.",
    ),
    KnownSetting("transaction_timeout", SECONDS, "0", since=(1, 25), minimum=0),
    KnownSetting(
        "unix_socket_dir",
        PATH,
        "/tmp",  # noqa: S108 - a default, not a file
        reloadable_since=None,
        note="Packages change it; nothing is no socket.",
    ),
    KnownSetting("unix_socket_group", STRING, "", since=(1, 5, 1), reloadable_since=None),
    KnownSetting(
        "unix_socket_mode",
        INT,
        "0777",
        since=(1, 5, 1),
        reloadable_since=None,
        note="Octal only with its leading 0.",
    ),
    KnownSetting("user", STRING, reloadable_since=None),
    KnownSetting("verbose", INT),
)

_DATABASE = (
    KnownSetting("application_name", STRING, since=(1, 4)),
    KnownSetting("auth_dbname", STRING, since=(1, 19)),
    KnownSetting("auth_query", STRING, since=(1, 22)),
    KnownSetting("auth_user", STRING, since=(1, 6)),
    KnownSetting("client_encoding", STRING),
    KnownSetting("connect_query", STRING),
    KnownSetting("datestyle", STRING),
    KnownSetting("dbname", STRING, note="The entry's name where there is none."),
    KnownSetting("host", HOSTS, note="Without it the Unix socket. A colon makes it IPv6."),
    KnownSetting("load_balance_hosts", ENUM, "round-robin", since=(1, 24), values=_BALANCES),
    KnownSetting(
        "max_db_client_connections", INT, since=(1, 24), unit="client connections", note="0 or less inherits."
    ),
    KnownSetting("max_db_connections", INT, since=(1, 6), unit="server connections", note="0 or less inherits."),
    KnownSetting("min_pool_size", INT, since=(1, 16), unit="server connections"),
    KnownSetting("password", STRING),
    KnownSetting("pool_mode", ENUM, since=(1, 6), values=_POOL_MODES),
    KnownSetting("pool_size", INT, unit="server connections", note="Below 0 it inherits default_pool_size."),
    KnownSetting("port", INT, "5432", is_never_zero=True, note="0, and text without a number, is refused."),
    KnownSetting("query_wait_timeout", SECONDS, since=(1, 26), note="0 and less waits without end."),
    KnownSetting("reserve_pool", INT, unit="server connections", note="The only name of it before 1.24."),
    KnownSetting("reserve_pool_size", INT, since=(1, 24), unit="server connections"),
    KnownSetting("server_lifetime", SECONDS, since=(1, 23), note="0 inherits."),
    KnownSetting("timezone", STRING),
    KnownSetting("user", STRING, note="All clients of the entry share this user's pool."),
)

_USER = (
    KnownSetting(
        "client_idle_timeout",
        SECONDS,
        since=(1, 24),
        note="Ends other users' idle clients while the global one is 0.",
    ),
    KnownSetting("idle_transaction_timeout", SECONDS, since=(1, 24)),
    KnownSetting(
        "max_user_client_connections", INT, since=(1, 24), unit="client connections", note="0 or less inherits."
    ),
    KnownSetting(
        "max_user_connections",
        INT,
        since=(1, 6),
        unit="server connections",
        note="0 or less inherits; before 1.23 not for `user=`.",
    ),
    KnownSetting(
        "pool_mode", ENUM, since=(1, 6), values=_POOL_MODES, note="Before 1.23 not for a user that `user=` names."
    ),
    KnownSetting(
        "pool_size", INT, since=(1, 23), unit="server connections", note="Stronger than that of the database."
    ),
    KnownSetting("query_timeout", SECONDS, since=(1, 24)),
    KnownSetting("query_wait_timeout", SECONDS, since=(1, 26), note="0 and less waits without end."),
    KnownSetting("reserve_pool_size", INT, since=(1, 24), unit="server connections"),
    KnownSetting("transaction_timeout", SECONDS, since=(1, 25)),
)

_PEER = (
    KnownSetting("host", HOSTS, since=(1, 19)),
    KnownSetting("pool_size", INT, since=(1, 19), unit="cancel requests", note="Forwarded at a time."),
    KnownSetting("port", INT, "6432", since=(1, 19), is_never_zero=True),
)

SETTINGS: Mapping[Scope, Mapping[str, KnownSetting]] = {
    scope: {setting.name: setting for setting in settings}
    for scope, settings in zip(Scope, (_PGBOUNCER, _DATABASE, _USER, _PEER), strict=True)
}
