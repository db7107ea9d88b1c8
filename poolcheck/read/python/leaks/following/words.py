"""Names of methods and functions, and what those do with a connection."""

import re

DATA = frozenset(
    {
        "all", "fetch", "fetchall", "fetchmany", "fetchone", "fetchrow", "fetchval", "first", "get", "keys",
        "mogrify", "one", "one_or_none", "rowcount", "scalar", "scalar_one", "scalar_one_or_none",
    }
)  # fmt: skip
"""Methods whose results are plain values and keep no connection."""

EXECUTING = frozenset({"execute", "executemany"})
"""Methods whose results are plain values in some libraries."""

STATES = frozenset(
    {
        "autocommit", "closed", "description", "encoding", "info", "inserted_primary_key", "isolation_level",
        "lastrowid", "notices", "returns_rows", "rowcount", "server_version", "status",
    }
)  # fmt: skip
"""Attributes that are plain values, and no methods that may be called later."""

SETTING_UP = frozenset(
    {
        "begin", "close", "cursor", "execution_options", "get_backend_pid", "get_dsn_parameters", "is_closed",
        "is_connected", "is_open", "mogrify", "rollback", "set_autocommit", "set_client_encoding",
        "set_isolation_level", "set_session", "transaction",
    }
)  # fmt: skip
"""Methods that talk to no server, or not usually, or only after something else has failed."""

OF_SESSIONS = frozenset(
    {
        "add", "add_all", "begin_nested", "bind_mapper", "configure", "delete", "expire", "expire_all", "expunge",
        "expunge_all", "filter", "filter_by", "get_bind", "group_by", "is_modified", "join", "limit", "offset",
        "options", "order_by", "outerjoin", "query", "query_property", "with_entities",
    }
)  # fmt: skip
"""Methods of sessions and queries that execute nothing."""

LOOKING_AT = frozenset(
    {
        "as_string", "bool", "critical", "debug", "error", "exception", "getattr", "hasattr", "id", "info",
        "isinstance", "len", "log", "print", "quote_ident", "register_composite", "register_default_json",
        "register_default_jsonb", "register_hstore", "register_type", "register_uuid", "register_vector", "repr",
        "str", "type", "warning",
    }
)  # fmt: skip
"""Functions that look at what they are given, and ask the server little or nothing."""

BORROWING = LOOKING_AT | frozenset(
    {
        "DataFrame", "Table", "all", "any", "create_all", "dict", "drop_all", "execute_batch", "execute_values",
        "from_postgis", "gather", "list", "max", "min", "next", "read_database", "read_postgis", "read_sql",
        "read_sql_query", "read_sql_table", "reflect", "set", "shield", "sorted", "sum", "to_postgis", "to_sql",
        "tuple", "wait_for", "writerows",
    }
)  # fmt: skip
"""Functions that use what they are given and do not keep it."""

DERIVING = frozenset(
    {
        "AsyncSession", "Session", "async_scoped_session", "async_sessionmaker", "configure", "enumerate",
        "filter", "inspect", "iter", "map", "reversed", "scoped_session", "sessionmaker", "zip",
    }
)  # fmt: skip
"""Functions whose result uses what they are given, and does not give it back."""

CLOSING = frozenset({"aclosing", "closing"})
ENTERING = frozenset({"enter_async_context", "enter_context"})
PASSING_ON = frozenset({"shield", "wait_for"})
"""Functions that return, awaited, what they are given."""

LISTENING = re.compile(r"consume|listen|notifies|start_replication|subscri", re.IGNORECASE)
"""Names of what has no end to iterate over, and of methods that keep a connection for good."""

KEEPING = re.compile(
    r"add|append|callback|clean|clos|discard|dispos|enqueue|execut(?:e_in|or)|finish|free|give|partial|push|put"
    r"|recycle|regist|releas|return|save|schedul|send|shut|spawn|start|store|submit|task|teardown|thread|wrap",
    re.IGNORECASE,
)
"""Names of functions that may keep what they are given, or give it back."""

ENDING = re.compile(
    r"_*(?:clos|disconnect|dispos|end|exit|finish|quit|releas|shut|start|stop|tear|term)", re.IGNORECASE
)
"""Names of methods that may close what an object was made with."""
