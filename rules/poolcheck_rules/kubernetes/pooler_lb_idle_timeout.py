"""A cloud's load balancer before a pooler that forgets idle connections, which neither side keeps alive."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from poolcheck.finding import Finding, Note, Severity, one_for_each_place
from poolcheck.read.kubernetes.manifest import Service
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.rule import Rule
from poolcheck.system.containers import PoolerContainer
from poolcheck.system.whole import System

_PREFIX = "service.beta.kubernetes.io/"
_AWS, _AZURE = f"{_PREFIX}aws-load-balancer-", f"{_PREFIX}azure-"
_CLASSES_OF_AWS = frozenset({"service.k8s.aws/nlb", "eks.amazonaws.com/nlb"})
_LISTENERS, _CLASSIC = f"{_AWS}listener-attributes", f"{_AWS}connection-idle-timeout"
_MINUTES = f"{_PREFIX}azure-load-balancer-tcp-idle-timeout"
_SECONDS = re.compile(r"tcp\.idle_timeout\.seconds=([0-9]{1,6})")
AWS_S, AZURE_S = 350, 240
"""What a network load balancer of AWS's and one of Azure's have where nothing is chosen."""


class Cloud(NamedTuple):
    """Whose load balancer it is, and for how long it remembers a connection that is idle."""

    name: str
    idle_s: int


class PoolerLbIdleTimeout(Rule[System]):
    id = "pooler-lb-idle-timeout"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        yield from one_for_each_place(found for each in system.contained for found in self.of_container(each))

    def of_container(self, at: PoolerContainer) -> Iterator[Finding]:
        """What is said of the load balancers before one pooler."""
        config = at.pooler.config if at.pooler else None
        for service in at.services if config and not at.workload.is_partial else ():
            cloud, kind = cloud_of(service), service.type
            if config and cloud and kind and is_silent(config, cloud.idle_s):
                yield self.finding(
                    kind.span,
                    f"{cloud.name}'s load balancer forgets connections that are idle for {cloud.idle_s} s, "
                    f"and {at.container.name.value} neither closes them before nor keeps them alive",
                    notes=notes_on(config),
                )


def cloud_of(service: Service) -> Cloud | None:
    """The cloud that makes the load balancer of a Service; None where it has none, or it is not told whose."""
    if service.type is None or service.type.value != "LoadBalancer":
        return None
    told = dict(service.annotations)
    is_of_class = service.balancer_class is not None and service.balancer_class.value in _CLASSES_OF_AWS
    is_aws = is_of_class or any(name.startswith(_AWS) for name in told)
    is_azure = any(name.startswith(_AZURE) for name in told)
    if is_aws == is_azure:
        return None
    idle_s = idle_on_aws(told) if is_aws else idle_on_azure(told)
    return Cloud("AWS" if is_aws else "Azure", idle_s) if idle_s else None


def idle_on_aws(told: dict[str, str]) -> int | None:
    """The seconds that its annotations choose; None where they choose what is not seen."""
    chosen = [value for name, value in told.items() if name.startswith(_LISTENERS)]
    if chosen:
        seconds = [int(found[1]) for value in chosen if (found := _SECONDS.search(value))]
        return min(seconds) if seconds else AWS_S
    classic = told.get(_CLASSIC)
    if classic is None:
        return AWS_S
    return int(classic) if classic.isdecimal() else None


def idle_on_azure(told: dict[str, str]) -> int | None:
    """The same, of an annotation in minutes."""
    minutes = told.get(_MINUTES)
    if minutes is None:
        return AZURE_S
    return int(minutes) * 60 if minutes.isdecimal() else None


def is_silent(config: PgBouncerConfig, limit_s: int) -> bool:
    """Whether nothing is sent on an idle client connection for so long, nor is it closed."""
    alive, idle = config.effective_integer("tcp_keepalive"), config.effective_integer("tcp_keepidle")
    closes = config.effective_seconds("client_idle_timeout")
    if alive is None or idle is None or closes is None or closes.value > 0:
        return False
    return not alive.value or idle.value <= 0 or idle.value >= limit_s


def notes_on(config: PgBouncerConfig) -> Iterator[Note]:
    """What is written about it."""
    for name in ("tcp_keepalive", "tcp_keepidle"):
        if written := config.setting(name):
            yield Note(written.span, f"{name} {written.value}")
