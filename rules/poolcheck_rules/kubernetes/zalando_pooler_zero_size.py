"""Connections that Zalando's operator divides among so many poolers that nothing is left for their pools."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.kubernetes.managed import Instances
from poolcheck.read.kubernetes.manifest import Manifest
from poolcheck.rule import Rule


class ZalandoPoolerZeroSize(Rule[Manifest]):
    id = "zalando-pooler-zero-size"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, manifest: Manifest) -> Iterator[Finding]:
        for managed in manifest.managed:
            # The pooler of the replicas has the sizes of the other.
            for pooler in managed.poolers[:1]:
                shared, pods = pooler.shared, pooler.instances
                if shared is None or shared.number is None or not pods.number:
                    continue
                each = shared.number // pods.number
                if each in EFFECTS:
                    is_told = not (shared.by_default or pods.by_default)
                    yield self.finding(
                        shared.span,
                        f"maxDBConnections {shared.number} is {each} for each of {counted(pods)}: {EFFECTS[each]}",
                        notes=[] if pods.by_default else [Note(pods.span, counted(pods))],
                        severity=None if each == 0 and is_told else Severity.WARNING,
                    )


EFFECTS = {
    0: "no limit to PgBouncer since 1.24, and to older ones no server connections",
    1: "half of that is a default_pool_size of 0, for PgBouncer before 1.24 no server connections",
}
"""What becomes of what one pooler gets."""


def counted(pods: Instances) -> str:
    """The poolers, in words."""
    number = f"{pods.number} pooler{'' if pods.number == 1 else 's'}"
    return f"the {number} there are by default" if pods.by_default else number
