"""Several poolers behind one Service that do not know each other: requests to cancel a query get lost."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Severity
from poolcheck.read.pgbouncer.config import PgBouncerConfig, Version
from poolcheck.rule import Rule
from poolcheck.source import Located, Span
from poolcheck.system.containers import PoolerContainer
from poolcheck.system.whole import System

HAS_PEERS: Version = (1, 19)
"""The first PgBouncer with [peers]. NEWS, 1.19.0."""


class PoolerReplicasWithoutPeering(Rule[System]):
    id = "pooler-replicas-without-peering"
    severity = Severity.INFO
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        contained = {each.container.name.span: each for each in system.contained}
        seen: set[Span] = set()
        for pods in system.pooler_pods:
            each = contained.get(pods.container.name.span)
            config = pods.pooler.config if pods.pooler else None
            replicas = pods.workload.replicas
            place = replicas.span if isinstance(replicas, Located) else pods.workload.name.span
            is_one_of_many = pods.is_central and pods.pods.low > 1 and each is not None and is_shared(each)
            if is_one_of_many and config and lacks_peers(config) and place not in seen:
                seen.add(place)
                yield self.finding(
                    place,
                    f"{pods.workload.name.value} runs in {pods.pods.low} pods without [peers]: a request to "
                    "cancel a query may reach a pod that does not know it",
                )


def is_shared(at: PoolerContainer) -> bool:
    """Whether new connections of one client may get to any of the pods."""
    affinities = [each.session_affinity for each in at.services]
    return bool(affinities) and not any(each and each.value == "ClientIP" for each in affinities)


def lacks_peers(config: PgBouncerConfig) -> bool:
    """Whether it could have peers, and has none."""
    is_seen = not config.gaps and config.setting("peer_id") is None and not config.is_unknown("peer_id")
    return is_seen and not config.peers and not config.is_before(HAS_PEERS)
