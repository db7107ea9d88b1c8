"""A setting of the pool that Flask-SQLAlchemy has not read since its version 3.0."""

import re
from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Severity
from poolcheck.read.python.facts import PythonModule
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.pools.flask import LEGACY, OPTIONS
from poolcheck.read.python.project.roles import Role
from poolcheck.rule import Rule
from poolcheck.source import Edit, Span
from poolcheck.system.whole import System
from poolcheck.value import Value


class FlaskSqlalchemyIgnoredPoolKey(Rule[System]):
    id = "flask-sqlalchemy-ignored-pool-key"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        modules = [each for each in system.documents if isinstance(each, PythonModule)]
        for client in system.clients:
            pool = client.pool
            is_read = pool.constructor.library is Library.FLASK_SQLALCHEMY and pool.role is not Role.TEST
            for key, name in LEGACY.items() if is_read else ():
                value = pool.arguments.get(key)
                if value and value.places[0].path == pool.span.path and not is_read_by_hand(key, modules):
                    yield self.of_key(key, name, value, pool, system)

    def of_key(self, key: str, name: str, value: Value, pool: ClientPool, system: System) -> Finding:
        """What one setting comes to."""
        version, written = pool.version(), value.places[0]
        place = key_before(key, written, system) or written
        fix = as_option(key, name, place, written, pool, system)
        if version.is_before(3, 0):
            message = f"{key} is deprecated, and Flask-SQLAlchemy 3.0 and later ignore it"
            return self.finding(place, message, severity=Severity.INFO, fix=fix)
        known = f"Flask-SQLAlchemy {version.exact}" if version.exact else "Flask-SQLAlchemy 3.0 and later"
        message = f"{known} {'ignores' if version.exact else 'ignore'} {key}: {name} stays {pool.defaults[name]}"
        severity = None if version.is_since(3, 0) else Severity.WARNING
        return self.finding(place, message, severity=severity, fix=fix)


def is_read_by_hand(key: str, modules: list[PythonModule]) -> bool:
    """Whether code of the project reads the setting, and perhaps makes an engine with it."""
    reads = rf"(?:\.{key}\b|\[\s*[\"']{key}[\"']\s*\]|\(\s*[\"']{key}[\"'])(?!\s*=(?!=))"
    return any(re.search(reads, each.module.source.text) for each in modules)


def key_before(key: str, value: Span, system: System) -> Span | None:
    """Where the key of a value is written."""
    module = system.module(value.path)
    text = module.module.source.text[: value.start] if module else ""
    start = text.rfind(key)
    is_own = start >= 0 and re.fullmatch(r"[\"']?\]?\s*(?::\s*[\w\[\], |]+)?\s*[=:]?\s*", text[start + len(key) :])
    return Span(value.path, start, start + len(key)) if is_own else None


def as_option(key: str, name: str, place: Span, value: Span, pool: ClientPool, system: System) -> Fix | None:
    """The setting as an option of the engine, where it is the only one of its kind."""
    module = system.module(place.path)
    legacy = [each for each in LEGACY if each in pool.arguments]
    text = module.module.source.text if module else ""
    if legacy != [key] or OPTIONS in text or text[place.start : place.end] != key:
        return None
    written = text[value.start : value.end]
    edits = (Edit(place, OPTIONS), Edit(value, f'{{"{name}": {written}}}'))
    return Fix(f"Write it into {OPTIONS}", edits, safe=False)
