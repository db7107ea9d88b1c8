"""A setting of Django's databases among the options of the driver, or the other way round."""

import re
from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Severity
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.pools.django import ENGINES
from poolcheck.read.python.project.roles import Role
from poolcheck.read.python.syntax.edits import entry_around, without_entry
from poolcheck.read.python.syntax.module import Module
from poolcheck.rule import Rule
from poolcheck.source import Edit, Span
from poolcheck.system.whole import System
from poolcheck.value import Table, Value, text_of

OF_DJANGO = frozenset(
    {"ATOMIC_REQUESTS", "AUTOCOMMIT", "CONN_HEALTH_CHECKS", "CONN_MAX_AGE", "DISABLE_SERVER_SIDE_CURSORS"}
)
"""What belongs beside OPTIONS."""
OF_OTHERS = frozenset({"MAX_CONNS", "MIN_CONNS", "MAX_OVERFLOW", "POOL_SIZE", "max_size", "min_size", "pool_size"})
"""What other engines know as options."""
OF_SERVER = frozenset({"idle_in_transaction_session_timeout", "lock_timeout", "statement_timeout"})
"""What PostgreSQL knows, and its client library only inside of `options`."""
IGNORED = frozenset({"POOL_OPTIONS", "pool"})
"""What Django reads past beside OPTIONS."""
SET_ALONE = re.compile(
    rf"^(?P<name>{'|'.join(sorted(OF_DJANGO))})[ \t]*=(?![ \t]*(?:0|False)[ \t]*$)", re.MULTILINE
)
"""What is said of no database: something else than what Django does without it."""


class DjangoDbOptionMisplaced(Rule[System]):
    id = "django-db-option-misplaced"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        settings: set[str] = set()
        for client in system.clients:
            pool = client.pool
            is_django = pool.constructor.library is Library.DJANGO and pool.role is not Role.TEST
            if is_django and (engine_of(pool) in ENGINES or "URL" in pool.arguments):
                yield from self.in_options(pool, system)
                yield from self.beside_options(pool)
                if pool.span.path not in settings:
                    settings.add(pool.span.path)
                    yield from self.beside_databases(pool, system)

    def in_options(self, pool: ClientPool, system: System) -> Iterator[Finding]:
        """What the driver gets and does not know."""
        options = pool.arguments.get("OPTIONS")
        is_postgres = pool.address is not None and pool.address.dialect == "postgresql"
        for name, value in options.items if isinstance(options, Table) else ():
            if name in OF_DJANGO or name in OF_OTHERS or (name in OF_SERVER and is_postgres):
                message = f"{name} in OPTIONS of {pool.title} goes to the driver, which refuses to connect"
                fix = moved_out(name, value, pool, system) if name in OF_DJANGO else None
                yield self.finding(pool.used_at(value), message, fix=fix)

    def beside_options(self, pool: ClientPool) -> Iterator[Finding]:
        """What nobody reads."""
        for name, value in pool.arguments.items():
            if name in IGNORED:
                message = f"{name} of {pool.title} is read by nobody: Django has its pool in OPTIONS"
                yield self.finding(pool.used_at(value), message, severity=Severity.WARNING)

    def beside_databases(self, pool: ClientPool, system: System) -> Iterator[Finding]:
        """What is a setting of its own, which Django does not have."""
        module = system.module(pool.span.path)
        code = module.module.masked.text if module else ""
        for found in SET_ALONE.finditer(code):
            name = found["name"]
            if module and not is_read(name, module.module):
                message = f"{name} beside DATABASES is read by nobody: each database has its own"
                place = Span(pool.span.path, *found.span("name"))
                yield self.finding(place, message, severity=Severity.WARNING)


def is_read(name: str, module: Module) -> bool:
    """Whether a name is used again, or asked of the settings somewhere else, or that is not known."""
    mentions = module.project.mentions
    asked = re.compile(rb"(?:\.\s*|\bimport\b[^\n]*\b|[\"'])" + name.encode() + rb"\b(?![\"']\s*[:\]])")
    is_again = len(re.findall(rf"\b{name}\b", module.masked.text)) > 1
    return is_again or mentions.of(name) is None or bool(mentions.matching(name, asked))


def engine_of(pool: ClientPool) -> str:
    """Who talks to the server."""
    engine = pool.arguments.get("ENGINE")
    return text_of(engine) if engine else ""


def moved_out(name: str, value: Value, pool: ClientPool, system: System) -> Fix | None:
    """The setting beside OPTIONS, where both are written in one dictionary."""
    module = system.module(pool.span.path)
    if (
        module is None
        or len(value.places) != 1
        or name in pool.arguments
        or value.places[0].path != pool.span.path
    ):
        return None
    removed = without_entry(module.module, value.places[0])
    around = entry_around(module.module, value.places[0], "OPTIONS")
    if removed is None or around is None:
        return None
    written = module.module.source.text[value.places[0].start : value.places[0].end]
    before = Span(around.path, around.start, around.start)
    return Fix("Move it out of OPTIONS", (Edit(before, f'"{name}": {written}, '), removed))
