"""Django's persistent connections, in a project whose requests have threads of their own."""

import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from poolcheck.finding import Finding, Fix, Severity
from poolcheck.read.kubernetes.manifest import Manifest
from poolcheck.rule import Rule
from poolcheck.source import Edit
from poolcheck.system.whole import System
from poolcheck.value import Known, Value, by_default, known_text

if TYPE_CHECKING:
    from poolcheck.read.python.facts import PythonModule
    from poolcheck.read.python.pools.client_pool import ClientPool
    from poolcheck.read.python.project.served import Start

NOT_DEPLOYED = re.compile(r"(?:^|[/_.-])(?:ci|dev|devel|development|local|test|testing|tests)(?:[/_.-]|$)")
"""Settings that are for no server."""


class DjangoPersistentConnectionsUnderAsgi(Rule[System]):
    id = "django-persistent-connections-under-asgi"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        from poolcheck.read.python.facts import PythonModule

        manifests = [each for each in system.documents if isinstance(each, Manifest)]
        for module in system.documents:
            if isinstance(module, PythonModule):
                kept = [(pool, age) for pool in module.pools if (age := age_of(pool))]
                yield from self.of_settings(module, kept, manifests) if kept else ()

    def of_settings(
        self, module: "PythonModule", kept: "list[tuple[ClientPool, Known]]", manifests: list[Manifest]
    ) -> Iterator[Finding]:
        """The ages in a module of settings."""
        from poolcheck.read.python.running.asgi import asgi_starts, server_in_settings, starts_of

        start = next(asgi_starts(module.module, manifests), None)
        if start:
            how = f"{start.program} ({os.path.basename(start.path)})"
        elif serves_otherwise(starts_of(module.module, manifests)):
            return
        elif app := server_in_settings(module.module):
            how = f"an ASGI server, as {app} and ASGI_APPLICATION suggest,"
        else:
            return
        for pool, age in kept:
            unless = by_default(pool.arguments["CONN_MAX_AGE"])[1]
            message = (
                f"{pool.title} keeps connections {duration(age)}, and {how} has each request handled in a thread"
                f" of its own: no request finds the connection of another, and they stay open{unless}"
            )
            yield self.finding(
                pool.used_at(age), message, fix=without(age, pool), severity=None if start else Severity.WARNING
            )


def age_of(pool: "ClientPool") -> Known | None:
    """How long a database of Django's keeps its connections to a server; None where it does not, or has a pool."""
    from poolcheck.read.python.libraries.constructor import Holds, Library
    from poolcheck.read.python.project.roles import Role

    constructor = pool.constructor
    if constructor.library is not Library.DJANGO or constructor.holds is not Holds.EACH_THREAD:
        return None
    if pool.role is not Role.APPLICATION or NOT_DEPLOYED.search(pool.span.path.removesuffix(".py")):
        return None
    if not is_of_a_server(pool):
        return None
    age: Value | None = by_default(pool.arguments.get("CONN_MAX_AGE"))[0]
    if not isinstance(age, Known) or isinstance(age.scalar, str | bool):
        return None
    return age if age.scalar is None or age.scalar > 0 else None


def is_of_a_server(pool: "ClientPool") -> bool:
    """Whether Django itself connects to a server: no file, and no backend of somebody else's with its own pool."""
    from poolcheck.read.python.pools.django import ENGINES

    engine = pool.arguments.get("ENGINE")
    if engine is not None:
        return ENGINES.get(known_text(by_default(engine)[0]) or "", "sqlite") != "sqlite"
    url = known_text(pool.arguments.get("URL"))
    return url is None or not url.startswith(("sqlite", "spatialite"))


def serves_otherwise(starts: "Iterator[Start]") -> bool:
    """Whether a command serves the project, and not over ASGI."""
    return any(
        start.program in {"gunicorn", "uwsgi", "waitress-serve"} and not start.is_asynchronous for start in starts
    )


def duration(age: Known) -> str:
    """How long, in words."""
    return "for ever" if age.scalar is None else f"for {age.scalar} s"


def without(age: Known, pool: "ClientPool") -> Fix | None:
    """The age that closes a connection with its request, in place of one that is written in the settings."""
    is_literal = len(age.places) == 1 and age.places[0].path == pool.span.path
    return Fix("Write 0", (Edit(age.places[0], "0"),), safe=False) if is_literal else None
