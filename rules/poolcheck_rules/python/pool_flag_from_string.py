"""Text where true or false is wanted: any text but the empty one is true, `"false"` too."""

from collections.abc import Iterator, Mapping

from poolcheck.finding import Finding, Fix, Note, Severity
from poolcheck.read.python.facts import PythonModule
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.project.roles import Role
from poolcheck.read.python.values.kinds import Text, text_in
from poolcheck.rule import Rule
from poolcheck.source import Edit
from poolcheck.value import Known

FLAGS: Mapping[Library, tuple[str, ...]] = {
    Library.DBUTILS: ("blocking",),
    Library.DJANGO: ("CONN_HEALTH_CHECKS", "DISABLE_SERVER_SIDE_CURSORS"),
    Library.FLASK_SQLALCHEMY: ("pool_pre_ping", "pool_use_lifo"),
    Library.SQLALCHEMY: ("pool_pre_ping", "pool_use_lifo"),
}
MEANT = frozenset({"1", "on", "t", "true", "y", "yes"})
"""Texts that are true and are meant to be."""


class PoolFlagFromString(Rule[PythonModule]):
    id = "pool-flag-from-string"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, module: PythonModule) -> Iterator[Finding]:
        for pool in module.pools:
            for name in FLAGS.get(pool.constructor.library, ()) if pool.role is Role.APPLICATION else ():
                value = pool.arguments.get(name)
                text = text_in(value, module.module)
                if value and text and not is_as_meant(text):
                    place = pool.used_at(value)
                    notes = [Note(each, "the text is from here") for each in pool.written_at(text.written)]
                    fix = compared(text, pool, module)
                    yield self.finding(place, message(name, text, pool), notes=notes, fix=fix)


def is_as_meant(text: Text) -> bool:
    """Whether the flag is what the text says, or is off."""
    if not isinstance(text.written, Known):
        return False
    return str(text.written.scalar).strip().lower() in MEANT or text.written.scalar == ""


def message(name: str, text: Text, pool: ClientPool) -> str:
    """What the flag is, and why."""
    if isinstance(text.written, Known):
        return f"{name} of {pool.title} is on: {text.written.scalar!r} is text, and true"
    variable = text.variable or "the environment"
    return f"{name} of {pool.title} is on whatever {variable} says: all text is true, 'false' too"


def compared(text: Text, pool: ClientPool, module: PythonModule) -> Fix | None:
    """The flag as the text says it; None has no `lower()`."""
    place = text.written.places[0]
    if len(text.written.places) != 1 or place.path != pool.span.path:
        return None
    if isinstance(text.written, Known):
        return Fix("Write False", (Edit(place, "False"),), safe=False)
    if not (isinstance(text.otherwise, Known) and isinstance(text.otherwise.scalar, str)):
        return None
    written = module.module.source.text[place.start : place.end]
    return Fix("Compare the text", (Edit(place, f'{written}.lower() == "true"'),), safe=False)
