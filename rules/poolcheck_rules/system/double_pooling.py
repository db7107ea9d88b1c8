"""An application's pool behind a pooler in session mode, which has nothing left to pool."""

from collections.abc import Iterator

from poolcheck.budget.verdicts import Fault
from poolcheck.finding import Finding, Note, Severity, one_for_each_place
from poolcheck.read.pgbouncer.config import PoolMode
from poolcheck.read.python.pools.capacity import opens_when_asked
from poolcheck.rule import Rule
from poolcheck.system.clients import Client, operands
from poolcheck.system.whole import SystemWithLinks


class DoublePooling(Rule[SystemWithLinks]):
    id = "double-pooling"
    severity = Severity.INFO
    since = "0.1"

    def check(self, system: SystemWithLinks) -> Iterator[Finding]:
        starved = {name for each in system.verdicts if each.fault is Fault.POOL for name in each.account.names}
        clients = (each for each in system.clients if keeps_connections(each) and each.workload not in starved)
        yield from one_for_each_place(found for client in clients for found in self.of_client(client))

    def of_client(self, client: Client) -> Iterator[Finding]:
        """What is said of one pool in one workload."""
        pool, target = client.pool, client.target
        mode = target.mode if target and target.is_certain and target.pooler else None
        if target and mode and mode.value is PoolMode.SESSION:
            by_default = "" if mode.span else " by default"
            message = (
                f"{pool.title} keeps connections for later, and {target.name} in session mode{by_default} keeps "
                "a server connection for each of them: it shares none"
            )
            notes = [Note(mode.span, "session mode")] if mode.span else []
            yield self.finding(pool.callee, message, notes=[*notes, *operands(target.because, pool.callee)])


def keeps_connections(client: Client) -> bool:
    """Whether connections of an application are kept open while nobody uses them."""
    pool = client.pool
    is_pool = pool.constructor.is_pool and pool.constructor.is_counted and pool.pool_class is not None
    return client.is_in_use and is_pool and not opens_when_asked(pool)
