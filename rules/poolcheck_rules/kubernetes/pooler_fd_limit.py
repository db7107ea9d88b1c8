"""A pooler that may need more open files than its container has."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Note, Severity
from poolcheck.read.kubernetes.pooler_images import Family
from poolcheck.read.pgbouncer.config import Effective, PgBouncerConfig
from poolcheck.rule import Rule, option
from poolcheck.source import Edit, Span
from poolcheck.system.containers import PoolerContainer
from poolcheck.system.whole import System

OWN = 10
"""The files that a PgBouncer has open for itself."""
_RAISES = ("ulimit", "prlimit", "setrlimit", "LimitNOFILE")
_PLAIN = frozenset({Family.EDOBURU, Family.BITNAMI, Family.PGBOUNCER, Family.BRAINSAM, Family.ICORETECH})
"""Images that are known to leave the limit as it is."""
_ROUND = 1024


class PoolerFdLimit(Rule[System]):
    id = "pooler-fd-limit"
    severity = Severity.WARNING
    since = "0.1"

    assume_nofile: int = option(1024, "Open files that a process in a pod may have, where nothing raises that.")

    def check(self, system: System) -> Iterator[Finding]:
        seen: set[Span] = set()
        for each in system.contained:
            config = each.pooler.config if each.pooler else None
            clients = config.effective_integer("max_client_conn") if config else None
            if config and clients and not raises(each) and not each.workload.is_partial:
                for finding in self.judged(config, clients, each):
                    if finding.span not in seen:
                        seen.add(finding.span)
                        yield finding

    def judged(self, config: PgBouncerConfig, clients: Effective[int], at: PoolerContainer) -> Iterator[Finding]:
        """What is more than the limit: all that it may need in Compose, where the limit is seen."""
        name, servers = at.container.name.value, server_connections(config)
        needed = clients.value + servers + OWN
        if at.composed:
            limit = at.composed.open_files
            if limit and 0 < limit.value < needed:
                yield self.finding(
                    limit.span,
                    f"{name} may have {limit.value} open files, and needs {clients.value} + {servers} + {OWN} = "
                    f"{needed} for its clients, its servers and itself",
                    notes=[Note(clients.span, f"{clients.value} clients")] if clients.span else [],
                    fix=Fix(
                        f"Allow {rounded(needed)} open files",
                        (Edit(limit.span, str(rounded(needed))),),
                        safe=False,
                    ),
                    severity=Severity.ERROR,
                )
        elif at.image and at.image.family in _PLAIN and clients.value >= self.assume_nofile and clients.span:
            yield self.finding(
                clients.span,
                f"{name} takes {clients.value} clients, and a process in a pod may have but {self.assume_nofile} "
                "open files where the container runtime leaves the limit at its default",
            )


def raises(at: PoolerContainer) -> bool:
    """Whether a command may raise the limit."""
    words = (*(at.container.command or ()), *(at.container.args or ()))
    return any(each in word.value for word in words for each in _RAISES)


def server_connections(config: PgBouncerConfig) -> int:
    """The server connections that it opens where each database has clients of one user."""
    sizes = [config.pool_size(entry) for entry in config.databases if entry.in_effect]
    return sum(max(size.value, 0) for size in sizes if size)


def rounded(needed: int) -> int:
    """The least multiple of 1024 that suffices."""
    return -(-needed // _ROUND) * _ROUND
