"""A connection that is waited for without end, because its driver knows no limit and is given none."""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from poolcheck.finding import Finding, Fix, Severity
from poolcheck.read.kubernetes.manifest import Manifest
from poolcheck.read.python.facts import PythonModule
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.project.roles import Role
from poolcheck.read.python.running.scripts import is_for_a_person
from poolcheck.rule import Rule
from poolcheck.source import Edit, Span
from poolcheck.system.whole import System
from poolcheck.value import HOLE, Known, options_of, text_of

SILENT = "waits without end for a server that accepts and stays silent"
SILENT_AFTER_TCP = f"{SILENT}, as its connect_timeout is for TCP alone"


class Limit(NamedTuple):
    """What sets a limit to a driver's wait, and what the driver does where nothing does.

    It `is_for_queries` as well where it goes on to hold for every answer of the server. It `is_half_limited` where
    the driver gives up a host that does not answer at all.
    """

    names: tuple[str, ...]
    otherwise: str
    is_for_queries: bool = False
    is_half_limited: bool = False


LIMITS: Mapping[str, Limit] = {
    "psycopg2": Limit(("connect_timeout",), f"psycopg2 {SILENT}"),
    "pg8000": Limit(("timeout",), f"pg8000 {SILENT}", is_for_queries=True),
    "mysqldb": Limit(("connect_timeout",), f"mysqlclient {SILENT}"),
    "mysqlconnector": Limit(("connection_timeout", "connect_timeout"), f"mysql-connector {SILENT}"),
    "pymysql": Limit(("read_timeout",), f"PyMySQL {SILENT_AFTER_TCP}", is_for_queries=True, is_half_limited=True),
    "asyncmy": Limit(("read_timeout",), f"asyncmy {SILENT_AFTER_TCP}", is_for_queries=True, is_half_limited=True),
    "aiomysql": Limit(
        ("connect_timeout",), "aiomysql waits as long as the system does for a host that does not answer"
    ),
}
"""Drivers that know no limit of their own. Observed with a server that accepts and is silent."""

NEAR = frozenset({"", "localhost", "127.0.0.1", "::1"})
"""Hosts that answer, or refuse, at once."""
SOCKETS = ("unix_socket", "unix_sock", "sock", "service")
"""What takes the place of a host: a socket, or an entry of a file that may say anything."""

ASYNCHRONOUS = ("async", "async_")
"""With which psycopg2 does not wait at all."""

FROM_ELSEWHERE = re.compile(r"PGSERVICE|PGCONNECT_TIMEOUT")
OF_SOCKETS = "setdefaulttimeout"
OUTSIDE_PYTHON = frozenset({"mysqldb", "psycopg2"})
"""Drivers that connect in C, where the limit of Python's sockets does not count."""
AROUND = re.compile(r"\b(?:wait_for|timeout|timeout_at|fail_after|move_on_after)\s*\(")
"""Code that limits what is awaited in it."""


class ConnectTimeoutMissing(Rule[System]):
    id = "connect-timeout-missing"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        modules = {each.span.path: each for each in system.documents if isinstance(each, PythonModule)}
        texts = [each.module.source.text for each in modules.values()]
        if any(map(FROM_ELSEWHERE.search, texts)) or sets_limit(system):
            return
        judged = OUTSIDE_PYTHON if any(OF_SOCKETS in text for text in texts) else LIMITS.keys()
        for client in system.clients:
            module = modules.get(client.pool.span.path)
            is_judged = client.pool.role is Role.APPLICATION and client.pool.driver in judged
            if module and is_judged and is_far(client.pool):
                yield from self.of_pool(client.pool, module)

    def of_pool(self, pool: ClientPool, module: PythonModule) -> Iterator[Finding]:
        """What is wrong with the limit of one pool or connection."""
        driver = pool.driver or ""
        limit = LIMITS.get(driver)
        if limit is None or (pool.constructor.is_async and module.module.has(AROUND)):
            return
        given = [value for value in map(pool.option, limit.names) if value]
        if not given:
            message = f"{pool.title} has no {limit.names[0]}: {limit.otherwise}"
            is_rarely_set = pool.constructor.library is Library.DJANGO
            is_brief = not pool.constructor.is_pool or pool.function is not None
            is_watched = is_brief and is_for_a_person(module.module)
            severity = Severity.INFO if is_rarely_set or is_watched or limit.is_half_limited else None
            added = fix(pool, limit, module.module.source.text)
            yield self.finding(pool.callee, message, fix=added, severity=severity)
        elif driver == "psycopg2" and isinstance(given[0], Known) and str(given[0].scalar) in {"0", "-1"}:
            message = f"{limit.names[0]}={given[0].scalar} of {pool.title} is no limit: {limit.otherwise}"
            yield self.finding(pool.used_at(given[0]), message)


def sets_limit(system: System) -> bool:
    """Whether a manifest sets libpq's variable, in a container or in what containers take variables from."""
    names: set[str] = set()
    for manifest in (each for each in system.documents if isinstance(each, Manifest)):
        for container in (each for workload in manifest.workloads for each in workload.containers):
            names |= {variable.name.value for variable in container.env}
        for config_map in manifest.config_maps:
            names |= {entry.key.value for entry in config_map.data}
        for secret in manifest.secrets:
            names |= {entry.key.value for entry in secret.data}
    return any(FROM_ELSEWHERE.search(name) for name in names)


def is_far(pool: ClientPool) -> bool:
    """Whether the server may be on another machine, and the driver waits for the connection itself."""
    address, written = pool.address, pool.driver_argument("host")
    if address is None:
        return False
    hosts = [text_of(option) for option in options_of(written)] if written else [address.host or HOLE]
    if address.host == "" or all(host in NEAR or host.startswith(("/", "@")) for host in hosts):
        return False
    makers = (pool.given("creator"), pool.given("pool")) if pool.constructor.library is Library.SQLALCHEMY else ()
    return not any(makers) and not any(map(pool.option, (*SOCKETS, *ASYNCHRONOUS)))


def fix(pool: ClientPool, limit: Limit, text: str) -> Fix | None:
    """A limit behind the last argument; none where it would cut off long queries too."""
    if limit.is_for_queries or not pool.arguments or pool.is_setting:
        return None
    added = f"{limit.names[0]}=10"
    if pool.constructor.library is Library.SQLALCHEMY:
        if pool.given("connect_args"):
            return None
        added = f'connect_args={{"{limit.names[0]}": 10}}'
    end = max(value.places[0].end for value in pool.arguments.values())
    if text[end : pool.span.end].replace(",", "").strip() != ")":
        return None
    return Fix("Wait for ten seconds at most", (Edit(Span(pool.span.path, end, end), f", {added}"),), safe=False)
