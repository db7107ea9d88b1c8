"""A pooler in use of which nobody has said how many clients it takes, nor how many server connections it opens."""

from collections.abc import Iterator

from poolcheck.budget.verdicts import Fault
from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.rule import Rule
from poolcheck.source import Span
from poolcheck.system.clients import Client, operands
from poolcheck.system.whole import System


class PoolerSizesUnset(Rule[System]):
    id = "pooler-sizes-unset"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        seen: set[Span] = set()
        for pooler in system.poolers:
            place, config = pooler.place, pooler.config
            if place is None or config is None or pooler.owner is None or place in seen or not is_unset(config):
                continue
            clients = [*system.clients_of(pooler)]
            is_exceeded = any(
                each.account.limit.place == place and each.fault is Fault.CLIENTS for each in system.verdicts
            )
            size, accepts = config.effective_integer("default_pool_size"), pooler.each_accepts
            # That they are more than it takes is more to say than that nobody has said how many.
            if clients and size and not is_exceeded:
                seen.add(place)
                yield self.finding(
                    place,
                    f"{pooler.name} sets neither max_client_conn nor default_pool_size: each process takes "
                    f"{accepts.low} clients, and opens {size.value} server connections for each pool",
                    notes=dict.fromkeys(notes_on(clients, place)),
                )


def is_unset(config: PgBouncerConfig) -> bool:
    """Whether neither number is chosen, nor any database has one of its own."""
    if any(config.is_unknown(name) for name in ("max_client_conn", "default_pool_size")):
        return False
    own = [each.parameter("pool_size") for each in (*config.databases, *config.users) if each.in_effect]
    is_chosen = config.setting("max_client_conn") or config.setting("default_pool_size")
    return not is_chosen and not any(own) and all(each.is_complete for each in config.databases if each.in_effect)


def notes_on(clients: list[Client], place: Span) -> Iterator[Note]:
    """Who uses it."""
    for client in clients:
        yield from operands(client.target.because if client.target else (), place)
