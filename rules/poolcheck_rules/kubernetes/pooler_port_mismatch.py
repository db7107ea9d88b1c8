"""A Service, or a published port, that leads to a port of the pooler's pod on which it does not listen."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.kubernetes.manifest import Port, Probe, Service, ServicePort
from poolcheck.read.kubernetes.pooler_containers import running_containers
from poolcheck.read.kubernetes.pooler_images import READS
from poolcheck.read.kubernetes.pooler_names import CALLED, variables_for
from poolcheck.read.pgbouncer.config import Effective, PgBouncerConfig
from poolcheck.rule import Rule
from poolcheck.source import Located, Span
from poolcheck.system.containers import PoolerContainer
from poolcheck.system.whole import System
from poolcheck.value import Known

_ASKED = re.compile(
    r"\b(?:pg_isready|psql)\b(?=[^;|&]*?(?:-h|--host)[ =]?(?:localhost|127\.0\.0\.1)\b)"
    r"[^;|&]*?(?:-p|--port)[ =]?(?P<port>[0-9]{1,5})\b"
)
_USUAL = frozenset({5432, 5433, 6432, 6543})
_OF_POOLERS = ("bouncer", "pg", "pool", "postgres", "sql")


class Target(NamedTuple):
    """A port of the pod that a Service leads to, the container's port of that number, and where to report it."""

    number: int
    declared: Port | None
    span: Span


class PoolerPortMismatch(Rule[System]):
    id = "pooler-port-mismatch"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        seen: set[Span] = set()
        for each in system.contained:
            config = each.pooler.config if each.pooler and is_read(each) else None
            port = config.effective_integer("listen_port") if config else None
            if config and port and port.value > 0 and not each.workload.is_partial:
                told = self.published if each.composed else self.reached
                for finding in told(each, port.value, listens(config, port, each)):
                    if finding.span not in seen:
                        seen.add(finding.span)
                        yield finding

    def published(self, at: PoolerContainer, port: int, note: Note) -> Iterator[Finding]:
        """The port of a Compose service that is published in place of that on which the pooler listens."""
        if missed := published_elsewhere(at, port):
            yield self.finding(
                missed.span,
                f"{at.container.name.value} listens on port {port}, and port {missed.value} of its container is "
                "published",
                notes=[note],
                severity=severity_of(at),
            )

    def reached(self, at: PoolerContainer, port: int, note: Note) -> Iterator[Finding]:
        """What leads to another port of the pod: Services, else a probe, else what the container names."""
        name, own = at.container.name.value, at.container.ports
        missed = [(service, target) for service in at.services if (target := missed_by(service, at, port))]
        for service, target in missed:
            yield self.finding(
                target.span,
                f"Service {service.name.value} leads to port {target.number} of {name}, which listens on port "
                f"{port}",
                notes=[*named(target), note],
                severity=severity_of(at),
            )
        if missed:
            return
        if probe := failing_probe(at, port):
            yield self.finding(
                probe.span,
                f"a probe asks port {probe.value} of {name}, which listens on port {port}",
                notes=[note],
                severity=severity_of(at),
            )
        elif (
            len(own) == 1 and is_wrong(own[0], port) and not any(leads_to(each, at, port) for each in at.services)
        ):
            yield self.finding(
                own[0].number.span,
                f"{name} names port {own[0].number.value}, and listens on port {port}",
                notes=[note],
                severity=Severity.WARNING,
            )


def severity_of(at: PoolerContainer) -> Severity | None:
    """Less than an error where somebody may choose another port when it is deployed."""
    return None if is_certain(at) else Severity.WARNING


def is_read(at: PoolerContainer) -> bool:
    """Whether the configuration is at the place where the image reads it, or written by that itself."""
    config = at.pooler.config if at.pooler else None
    if config is None or at.image is None:
        # What else an image runs that is nobody's for PgBouncer, a server perhaps, nothing tells.
        return False
    if config.is_generated or at.image.family not in READS:
        return True
    words = [word.value for word in (*(at.container.command or ()), *(at.container.args or ()))]
    places = [each.place for each in at.brought if each.config and each.config.span == config.span]
    return any(place == READS[at.image.family] or any(place in word for word in words) for place in places)


def listens(config: PgBouncerConfig, port: Effective[int], at: PoolerContainer) -> Note:
    """Where the port is written on which it listens, or what has that by default."""
    place = port.span or config.span._replace(end=config.span.start)
    image = (at.container.image or at.container.name).span
    named = CALLED.get(at.image.family, "") if at.image else ""
    is_by_default = port.span is None or not is_told(at)
    if config.is_generated and is_by_default:
        return Note(image, f"{named} listens on port {port.value} by default")
    by_default = " by default" if port.span is None else ""
    return Note(place, f"listens on port {port.value}{by_default}")


def is_told(at: PoolerContainer) -> bool:
    """Whether a variable tells the image where to listen."""
    names = variables_for(at.image.family, "listen_port") if at.image and at.image.family in CALLED else ()
    return any(at.environment.get(name) is not None for name in names)


def is_certain(at: PoolerContainer) -> bool:
    """Whether nobody may choose another port when it is deployed."""
    if at.image is None or at.image.family not in READS or at.is_base:
        return False
    names = variables_for(at.image.family, "listen_port") if at.image.family in CALLED else ()
    return all(isinstance(value, Known) for name in names if (value := at.environment.get(name)) is not None)


def published_elsewhere(at: PoolerContainer, port: int) -> Located[int] | None:
    """The first of the published ports, where all are known and none is that on which the pooler listens."""
    ports = at.composed.ports if at.composed else ()
    numbers = [each for each in ports if isinstance(each, Located)]
    if len(numbers) < len(ports) or any(each.value == port for each in numbers):
        return None
    return next((each for each in numbers if each.value in _USUAL or len(numbers) == 1), None)


def failing_probe(at: PoolerContainer, port: int) -> Located[int] | None:
    """The port of the first probe that finds nobody there."""
    probes = at.container.probes
    beside = [each for each in running_containers(at.workload) if each is not at.container]
    elsewhere = {own.number.value for each in beside for own in each.ports}
    for probe in (probes.startup, probes.readiness, probes.liveness):
        asked = asked_by(probe, at) if probe else None
        if asked and asked.value != port and asked.value in _USUAL - elsewhere:
            return asked
    return None


def asked_by(probe: Probe, at: PoolerContainer) -> Located[int] | None:
    """The port of its own pod that a probe asks: by TCP, or with pg_isready or psql."""
    wanted = probe.port
    if wanted and isinstance(wanted.value, int):
        return Located(wanted.value, wanted.span)
    if wanted:
        named = (own for own in at.container.ports if own.name and own.name.value == wanted.value)
        return next((Located(own.number.value, wanted.span) for own in named), None)
    words = probe.command or ()
    found = _ASKED.search(" ".join(word.value for word in words))
    place = next((word.span for word in words if found and found["port"] in word.value), probe.span)
    return Located(int(found["port"]), place) if found else None


def leads_to(service: Service, at: PoolerContainer, port: int) -> bool:
    """Whether a Service leads to a port of the pod."""
    targets = (target_of(each, at) for each in service.ports)
    return any(target is not None and target.number == port for target in targets)


def named(target: Target) -> Iterator[Note]:
    """Where a port has the name that a Service calls it by."""
    if target.declared and target.span != target.declared.number.span:
        yield Note(target.declared.number.span, "the port of the container")


def missed_by(service: Service, at: PoolerContainer, port: int) -> Target | None:
    """The port that a Service leads to in place of that on which the pooler listens."""
    targets = [(each, target_of(each, at)) for each in service.ports]
    if any(target is None or target.number == port for _, target in targets):
        return None
    for own, target in targets:
        if target and target.number in _USUAL | set(usual_numbers(own)) and is_at_pooler(target, at):
            return target
    return None


def usual_numbers(port: ServicePort) -> Iterator[int]:
    """The number behind a port of a Service that is called as those of poolers are."""
    name = port.name.value.lower() if port.name else ""
    if port.port.value in _USUAL or any(word in name for word in _OF_POOLERS):
        target = port.target.value if port.target else port.port.value
        yield from [target] if isinstance(target, int) else ()


def target_of(port: ServicePort, at: PoolerContainer) -> Target | None:
    """The port of the pod; None where no container has one of this name."""
    wanted = port.target or port.port
    if isinstance(wanted.value, int):
        declared = next((each for each in at.container.ports if each.number.value == wanted.value), None)
        return Target(wanted.value, declared, wanted.span)
    for each in (own for beside in running_containers(at.workload) for own in beside.ports):
        if each.name and each.name.value == wanted.value:
            return Target(each.number.value, each, wanted.span)
    return None


def is_at_pooler(target: Target, at: PoolerContainer) -> bool:
    """Whether nothing else in the pod listens there."""
    others = [each for each in running_containers(at.workload) if each is not at.container]
    if any(own.number.value == target.number for each in others for own in each.ports):
        return False
    return not others or any(own.number.value == target.number for own in at.container.ports)


def is_wrong(port: Port, listening: int) -> bool:
    """Whether a port looks like that of a pooler, and is another than it listens on."""
    name = port.name.value.lower() if port.name else ""
    is_of_pooler = port.number.value in _USUAL or any(word in name for word in _OF_POOLERS)
    return is_of_pooler and port.number.value != listening
