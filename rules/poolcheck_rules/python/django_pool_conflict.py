"""Django's pool together with what it does not go with."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Note, Severity
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.project.roles import Role
from poolcheck.rule import Rule
from poolcheck.source import Edit, Span
from poolcheck.system.whole import System
from poolcheck.value import Known, Table, Value, by_default, entry_of


class DjangoPoolConflict(Rule[System]):
    id = "django-pool-conflict"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        for client in system.clients:
            pool = client.pool
            has_pool = pool.constructor.library is Library.DJANGO and bool(pool.constructor.size)
            if has_pool and pool.role is not Role.TEST and (conflict := conflict_of(pool)):
                place, reason, fix = conflict
                message = f"{pool.title} has a pool, {reason}"
                option = entry_of(pool.arguments["OPTIONS"], "pool")
                notes = (
                    [Note(option.places[-1], "the pool is here")] if option and option.places[-1] != place else []
                )
                yield self.finding(place, message, notes=notes, fix=fix)


def conflict_of(pool: ClientPool) -> tuple[Span, str, Fix | None] | None:
    """What does not go with the pool: where it is written, why not, and the mend."""
    option = entry_of(pool.arguments["OPTIONS"], "pool")
    if option is None:
        return None
    version, dialect = pool.version(), pool.address.dialect if pool.address else ""
    first = (5, 2) if dialect == "oracle" else (5, 1)
    place = pool.used_at(option)
    if version.is_before(*first):
        has = "{}.{}".format(*first)
        return (
            place,
            f"which there is since Django {has}: before that it goes to the driver, which refuses it",
            None,
        )
    age, unless = by_default(pool.arguments.get("CONN_MAX_AGE"))
    if isinstance(age, Known) and (age.scalar is None or (isinstance(age.scalar, int) and age.scalar != 0)):
        reason = f"and CONN_MAX_AGE is {age.scalar}: Django raises ImproperlyConfigured{unless}"
        return pool.used_at(age), reason, without_age(age, pool)
    if dialect == "postgresql" and pool.constructor.driver == "psycopg2":
        return place, "and the driver is psycopg2: Django raises ImproperlyConfigured", None
    if (
        isinstance(option, Table)
        and "check" in dict(option.items)
        and version.is_since(5, 1)
        and version.is_before(6, 0)
    ):
        check: Value = dict(option.items)["check"]
        return (
            pool.used_at(check),
            "and a check, which Django 5.1 and 5.2 hand over by themselves: it raises a TypeError",
            None,
        )
    return None


def without_age(age: Value, pool: ClientPool) -> Fix | None:
    """The age that goes with a pool, in place of the one that is written."""
    place = age.places[-1]
    is_literal = len(age.places) == 1 and place.path == pool.span.path
    return Fix("Write 0", (Edit(place, "0"),)) if is_literal else None
