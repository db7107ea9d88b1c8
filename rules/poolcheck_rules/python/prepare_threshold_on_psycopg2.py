"""psycopg 3's parameter for prepared statements, given to psycopg2."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Note, Severity
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.project.roles import Role
from poolcheck.read.python.syntax.edits import without_argument, without_entry
from poolcheck.rule import Rule
from poolcheck.source import Edit
from poolcheck.system.whole import System
from poolcheck.value import Known

NAME = "prepare_threshold"


class PrepareThresholdOnPsycopg2(Rule[System]):
    id = "prepare-threshold-on-psycopg2"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        for client in system.clients:
            pool = client.pool
            threshold = pool.option(NAME)
            if not isinstance(threshold, Known) or pool.role is Role.TEST or makes_others(pool):
                continue
            if told := outcome(pool, threshold):
                message, severity = told
                edit = without(pool, threshold, system)
                yield self.finding(
                    pool.used_at(threshold),
                    message,
                    notes=[Note(place, "it is written here") for place in pool.written_at(threshold)],
                    fix=Fix("Take it out", (edit,), safe=severity is not Severity.INFO) if edit else None,
                    severity=severity,
                )


def makes_others(pool: ClientPool) -> bool:
    """Whether connections come from elsewhere than what this is said to."""
    return any(name in pool.arguments for name in ("creator", "async_creator", "pool"))


def outcome(pool: ClientPool, threshold: Known) -> tuple[str, Severity] | None:
    """What comes of the parameter; None where the driver is another, or is not known and it does no harm."""
    if pool.driver == "psycopg2":
        if threshold.scalar is None:
            return f"psycopg2 drops {NAME}: it never prepares statements by itself", Severity.WARNING
        return f"psycopg2 hands {NAME} to libpq, which knows no such thing and refuses to connect", Severity.ERROR
    if is_left_to_sqlalchemy(pool) and threshold.scalar not in {None, 0}:
        told = f"before SQLAlchemy 2.1 this is psycopg2, which hands {NAME} to libpq: that refuses to connect"
        return told, Severity.INFO
    return None


def is_left_to_sqlalchemy(pool: ClientPool) -> bool:
    """Whether the version of SQLAlchemy, which is not known, chooses the driver. 0 is wrong with either."""
    address = pool.address
    is_plain = address is not None and address.dialect == "postgresql" and address.driver == ""
    is_engine = pool.constructor.library in {Library.SQLALCHEMY, Library.FLASK_SQLALCHEMY}
    return pool.driver is None and is_plain and is_engine and not pool.constructor.is_async


def without(pool: ClientPool, threshold: Known, system: System) -> Edit | None:
    """The call or the dictionary without it; None where that is written elsewhere, or it is in a URL."""
    module = system.module(pool.span.path)
    if module is None or threshold.places[0].path != pool.span.path:
        return None
    if not pool.constructor.driver_arguments:
        return without_argument(module.module, pool.span, NAME)
    return without_entry(module.module, threshold.places[0])
