"""What configuration states about a system because no file of the project shows it."""

from collections.abc import Mapping
from typing import Annotated, Literal, NamedTuple

from poolcheck.typed import Pattern

VERSION = Pattern(r"\d+(\.\d+)*", 'a version in quotes, such as "1.22"')


class Versions(NamedTuple):
    """The versions to judge for where no image tag says which one runs."""

    pgbouncer: Annotated[str | None, "PgBouncer's version", VERSION] = None
    postgres: Annotated[str | None, "PostgreSQL's version", VERSION] = None
    mysql: Annotated[str | None, "MySQL's or MariaDB's version", VERSION] = None


class StatedDatabase(NamedTuple):
    """A database server."""

    hosts: Annotated[
        tuple[str, ...], "Names under which applications and poolers reach it, with a port where it matters"
    ] = ()
    max_connections: Annotated[int | None, "Its max_connections"] = None
    reserved: Annotated[int | None, "Connections kept back for superusers and operators; 3 where unset"] = None
    cores: Annotated[int | None, "Processor cores it runs on"] = None


class StatedPooler(NamedTuple):
    """A pooler."""

    hosts: Annotated[tuple[str, ...], "Names under which applications reach it, or name:port"] = ()
    pool_mode: Annotated[Literal["session", "transaction", "statement"] | None, "Its pool mode"] = None
    version: Annotated[str | None, "Its version of PgBouncer", VERSION] = None
    max_client_conn: Annotated[int | None, "Client connections that one process of it accepts"] = None
    replicas: Annotated[int | None, "Processes of it"] = None
    server_connections: Annotated[int | None, "Connections that one process of it opens at most"] = None
    connects_to: Annotated[str | None, "The server that it opens them to: host:port"] = None


class StatedWorkload(NamedTuple):
    """A workload: what its manifest does not say, and what is to be believed over its manifest."""

    source: Annotated[tuple[str, ...], "Folders or files of the Python source it runs"] = ()
    replicas: Annotated[int | None, "Pods"] = None
    processes: Annotated[int | None, "Processes in a pod that open pools of their own"] = None
    pool_size: Annotated[int | None, "Connections that one process opens at most, in place of what is seen"] = None
    connects_to: Annotated[str | None, "What it opens them to: user@host:port/database, or a part of that"] = None


class Stated(NamedTuple):
    """Everything that is stated, by the names configuration gives."""

    target: Versions = Versions()
    databases: Mapping[str, StatedDatabase] = {}
    poolers: Mapping[str, StatedPooler] = {}
    workloads: Mapping[str, StatedWorkload] = {}
