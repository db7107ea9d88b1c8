"""A pooler that is stopped in a way that its PgBouncer does not know, or takes otherwise since 1.23."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Severity
from poolcheck.read.compose.facts import ComposeFile, Service
from poolcheck.read.kubernetes.pooler_images import OTHER_POOLERS, pooler_image
from poolcheck.read.kubernetes.stopping import Shutdown, Signal, hook_of
from poolcheck.read.pgbouncer.config import Version
from poolcheck.rule import Rule
from poolcheck.system.poolers import PoolerPods
from poolcheck.system.whole import System
from poolcheck.value import text_of

_WAITS: Version = (1, 23)
"""The first that waits for its clients at SIGTERM, and knows SHUTDOWN WAIT_FOR_CLIENTS. NEWS, 1.23.0."""
_SIGTERM = frozenset({"SIGTERM", "TERM", "15"})
_GRACE_S = 10
"""What Compose gives a container to stop, where it is not told."""


class PoolerPrestopSigtermLegacy(Rule[System]):
    id = "pooler-prestop-sigterm-legacy"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        for each in system.pooler_pods:
            yield from self._in_hook(each)
        for file in system.documents:
            for service in file.services if isinstance(file, ComposeFile) else ():
                yield from self._in_service(service)

    def _in_hook(self, pooler: PoolerPods) -> Iterator[Finding]:
        hook = hook_of(pooler.container.pre_stop)
        version = pooler.pooler.version if pooler.pooler else None
        if hook is None or version is None or not pooler.is_pgbouncer:
            return
        told, name = ".".join(map(str, version)), pooler.container.name.value
        unknown = next((each.how for each in hook.deeds if isinstance(each, Shutdown) and each.how), None)
        if version < _WAITS and unknown:
            yield self.finding(
                hook.span,
                f"PgBouncer {told} knows no SHUTDOWN {unknown}, and the preStop hook of {name} stops nothing",
            )
        elif version >= _WAITS and hook.is_whole and len(hook.deeds) > 1 and hook.deeds[-1] == Signal("TERM"):
            yield self.finding(
                hook.span,
                f"the preStop hook of {name} ends with SIGTERM, at which PgBouncer {told} waits for its clients, "
                "and the kubelet sends the second, at which it exits at once",
            )

    def _in_service(self, service: Service) -> Iterator[Finding]:
        image = pooler_image(text_of(service.image)) if service.image and not service.is_built else None
        signal = service.stop_signal
        if image is None or signal is None or image.family in OTHER_POOLERS or image.version is None:
            return
        if image.version >= _WAITS and text_of(signal) in _SIGTERM and service.stop_grace_period is None:
            told = ".".join(map(str, image.version))
            yield self.finding(
                signal.places[-1] if signal.places else service.name.span,
                f"at SIGTERM PgBouncer {told} waits for its clients, and {service.name.value} is killed after "
                f"{_GRACE_S} s with those that stay",
            )
