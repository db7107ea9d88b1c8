"""The way of a client's connections through the poolers of a project."""

from poolcheck.amount import Reason
from poolcheck.link.demands import port_of
from poolcheck.link.known import Known
from poolcheck.link.poolers import entry_for
from poolcheck.read.pgbouncer.config import FALLBACK, Entry
from poolcheck.system.poolers import Pooler
from poolcheck.system.targets import Target

MOST_HOPS = 4
"""Nobody has more poolers behind one another, unless they lead in a circle."""


def reached(
    pooler: Pooler,
    database: str | None,
    user: str | None,
    because: tuple[Reason, ...],
    known: Known,
    hops: int = 1,
) -> Target:
    """A pooler that a client certainly reaches, and what is behind it."""
    entry = entry_for(pooler.config, database) if pooler.config else None
    behind = _behind(pooler, entry, database, user, known, hops) if entry and hops < MOST_HOPS else None
    return Target(pooler, entry, None, is_certain=True, because=because, user=user, behind=behind)


def _behind(
    pooler: Pooler, entry: Entry, database: str | None, user: str | None, known: Known, hops: int
) -> Target | None:
    """The pooler to which another one opens the connections of a database; None where it leads to none."""
    host, port = entry.parameter("host"), port_of(entry)
    destination = known.leads_to(host.value, port, known.origin_of(pooler)) if host and port else None
    if destination is None or not isinstance(destination.found, Pooler) or host is None:
        return None
    because = (Reason(f"{pooler.name} connects to {host.value}", host.span), *destination.because)
    named, own_user = entry.parameter("dbname"), entry.parameter("user")
    asked = named.value if named else database if entry.name.value == FALLBACK else entry.name.value
    return reached(destination.found, asked, own_user.value if own_user else user, because, known, hops + 1)
