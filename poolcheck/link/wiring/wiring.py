"""Where the addresses lead that containers are given, and what is to be said of that."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from poolcheck.link.known import Known
from poolcheck.link.wiring.addressed import addressing
from poolcheck.link.wiring.fronted import fronted
from poolcheck.link.wiring.migrating import migrations
from poolcheck.link.wiring.proxied import proxied
from poolcheck.link.wiring.unanswered import unanswered
from poolcheck.system.clients import Client
from poolcheck.system.poolers import Demand
from poolcheck.system.wiring import Wiring

if TYPE_CHECKING:
    from poolcheck.link.sources import Sources


def wiring(
    known: Known, sources: "Sources | None", clients: Sequence[Client], demands: Sequence[Demand]
) -> Wiring:
    """What is to be said of addresses."""

    @lru_cache
    def needs_session(paths: frozenset[str]) -> bool:
        if sources is None:
            return False
        from poolcheck.read.python.sql.executed import executed_in

        return any(
            not each.is_undone for module in sources.of_sessions_among(paths) for each in executed_in(module)
        )

    found = tuple(addressing(known, clients, needs_session))
    return Wiring(
        tuple(fronted(known, demands, found, clients)),
        tuple(unanswered(known, found)),
        tuple(migrations(known, found)),
        tuple(proxied(known, found)),
    )
