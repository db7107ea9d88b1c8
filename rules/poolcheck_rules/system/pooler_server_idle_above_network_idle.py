"""A server that ends idle sessions before PgBouncer gives its idle connections up."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity, one_for_each_place
from poolcheck.read.pgbouncer.config import PgBouncerConfig, PoolMode
from poolcheck.rule import Rule
from poolcheck.system.poolers import Demand, Server
from poolcheck.system.whole import System


class PoolerServerIdleAboveNetworkIdle(Rule[System]):
    id = "pooler-server-idle-above-network-idle"
    severity = Severity.INFO
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        yield from one_for_each_place(found for demand in system.demands for found in self.of_demand(demand))

    def of_demand(self, demand: Demand) -> Iterator[Finding]:
        """What is wrong between a pooler and a server that it opens connections to."""
        server, config = demand.found, demand.pooler.config
        if config is None or not isinstance(server, Server) or not is_shared(config, demand):
            return
        ends, keeps = server.idle_session_timeout_s, config.effective_seconds("server_idle_timeout")
        if ends is None or ends.span is None or keeps is None or 0 < keeps.value <= ends.value:
            return
        kept = f"for {keeps.value:.15g} s" if keeps.value else "for ever"
        by_default = "" if keeps.span else " by default"
        message = (
            f"{server.name} ends sessions after {ends.value:.15g} s of rest (idle_session_timeout), "
            f"{demand.pooler.name} keeps idle ones {kept} (server_idle_timeout{by_default}): "
            "it logs each as crashed and opens another"
        )
        place, other = (keeps.span, ends.span) if keeps.span else (ends.span, demand.pooler.place)
        said = "ends sessions" if keeps.span else "server_idle_timeout is not set"
        yield self.finding(place, message, notes=[Note(other, said)] if other else ())


def is_shared(config: PgBouncerConfig, demand: Demand) -> bool:
    """Whether connections lie idle between clients: in session mode a client that rests has its own ended."""
    modes = [config.pool_mode(entry) for entry in demand.entries]
    return all(mode and mode.value is not PoolMode.SESSION for mode in modes)
