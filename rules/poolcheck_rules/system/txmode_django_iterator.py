"""Django reading through a server-side cursor that its next transaction does not find."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from poolcheck.finding import Finding, Fix, Severity, one_for_each_place
from poolcheck.read.sql.acts import Act
from poolcheck.rule import Rule
from poolcheck.source import Edit
from poolcheck.system.clients import Sent, operands
from poolcheck.system.whole import System, SystemWithLinks
from poolcheck.value import Known

if TYPE_CHECKING:
    from poolcheck.read.python.pools.client_pool import ClientPool


SETTING = "DISABLE_SERVER_SIDE_CURSORS"

_TO_VALUE = re.compile(r"""\s*:\s*\{[^{}]*["']\s*:\s*""")
"""From the key of a dictionary to the value of one of its entries, with no other dictionary in between."""
_END = re.compile(r"\s*[,}]")
"""What follows the value of an entry where that is all of it."""


class TxmodeDjangoIterator(Rule[SystemWithLinks]):
    id = "txmode-django-iterator"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: SystemWithLinks) -> Iterator[Finding]:
        yield from one_for_each_place(found for sent in system.sent for found in self.of_one(sent, system))

    def of_one(self, sent: Sent, system: System) -> Iterator[Finding]:
        """What is wrong with one query set that is read from one database."""
        done, shared = sent.executed, sent.shared
        if shared and done.act is Act.CURSOR and done.transaction is None and has_cursors(sent.client.pool):
            message = (
                f"{done.words} reads through a cursor on a server connection that {shared.pooler} gives to other "
                f"clients in between{shared.provided}"
            )
            notes = operands(shared.because, done.span)
            fix = fix_of(sent.client.pool, system)
            yield self.finding(done.span, message, notes=notes, fix=fix, severity=shared.severity)


def has_cursors(pool: "ClientPool") -> bool:
    """Whether Django declares cursors on a database's server, and has no transaction around every request."""
    return all(is_off(pool, name) for name in (SETTING, "ATOMIC_REQUESTS"))


def is_off(pool: "ClientPool", name: str) -> bool:
    """Whether a setting of a database is surely false, as it is by default."""
    given = pool.given(name)
    return given is None or (isinstance(given, Known) and not given.scalar)


def fix_of(pool: "ClientPool", system: System) -> Fix | None:
    """The setting, where it is written or else behind another entry of the same dictionary."""
    title = "Have Django declare no cursors on the server"
    if given := pool.arguments.get(SETTING):
        is_here = given.places[-1].path == pool.span.path
        return Fix(title, (Edit(given.places[-1], "True"),), safe=False) if is_here else None
    module = system.module(pool.span.path)
    text, key = module.module.source.text if module else "", pool.span
    places = (value.places[0] for value in pool.arguments.values() if value.places)
    beside = [
        place
        for place in places
        if place.path == key.path
        and place.start > key.end
        and _TO_VALUE.fullmatch(text, key.end, place.start)
        and _END.match(text, place.end)
    ]
    if not beside:
        return None
    end = max(place.end for place in beside)
    return Fix(title, (Edit(key._replace(start=end, end=end), f', "{SETTING}": True'),), safe=False)
