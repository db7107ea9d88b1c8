"""What every value of a system comes to, and every place that it comes through."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from poolcheck.amount import Amount, either, product
from poolcheck.link.network import running
from poolcheck.link.pods import Pods
from poolcheck.read.kubernetes.environment import Objects, environment
from poolcheck.read.kubernetes.manifest import Container, Manifest, Workload
from poolcheck.read.pgbouncer import effective
from poolcheck.read.pgbouncer.config import PgBouncerConfig, Setting
from poolcheck.read.pgbouncer.effective import InEffect, Origin
from poolcheck.read.pgbouncer.rendered import Renderings
from poolcheck.source import Span
from poolcheck.stated import Stated
from poolcheck.system.clients import Client
from poolcheck.system.whole import System
from poolcheck.value import Computed, Either, EnvRef, Known, Places, Table, Unknown, Value, moved

if TYPE_CHECKING:
    from poolcheck.read.python.pools.client_pool import ClientPool


class Step(NamedTuple):
    """A place that a value comes through, and what is to be said of it besides what is written there."""

    span: Span
    text: str = ""


class Answer(NamedTuple):
    """A value: what it is called and of what it is one, and its way, from where it is used to where it is written.

    It `is_secret` where it must not be shown.
    """

    name: str
    of: str
    value: Value | Amount
    steps: tuple[Step, ...]
    is_secret: bool = False


def answers(system: System, stated: Stated) -> Iterator[Answer]:
    """All values of a system of which anything is known, each once for all that it is a value of."""
    owners: dict[Answer, dict[str, None]] = {}
    configs = (fact for fact in system.documents if isinstance(fact, PgBouncerConfig))
    renderings = Renderings(config.rendered for config in configs if config.rendered)
    for each in (*_of_clients(system), *_of_workloads(system, stated), *_of_servers(system), *_of_configs(system)):
        if each.steps:
            owners.setdefault(_in_files(each._replace(of=""), renderings), {})[each.of] = None
    yield from (each._replace(of=" and ".join(names)) for each, names in owners.items())


def _in_files(answer: Answer, renderings: Renderings) -> Answer:
    """An answer at places of files."""
    steps = tuple(dict.fromkeys(step._replace(span=renderings.written(step.span)) for step in answer.steps))
    match answer.value:
        case Known(_, places) | Unknown(places):
            return answer._replace(
                steps=steps, value=answer.value._replace(places=tuple(map(renderings.written, places)))
            )
        case _:
            return answer._replace(steps=steps)


def _of_clients(system: System) -> Iterator[Answer]:
    """The arguments of client pools in the environments of the workloads that make them, and their sizes."""
    if not system.clients:
        return
    from poolcheck.read.python.pools.capacity import most_connections

    for client in system.clients:
        pool, original = client.pool, _original(client, system)
        owner = f"{pool.title} in {client.workload}" if client.workload else pool.title
        for name, value in pool.arguments.items():
            read = {ref.places[-1]: ref.usual_names[0] for ref in _references(original.arguments.get(name, value))}
            for each, item in _flat(name, value):
                yield Answer(each, owner, item, _steps(item, read, pool.callee))
        if pool.constructor.is_pool:
            call, in_process = Step(pool.callee), most_connections(pool)
            yield Answer("connections in a process", owner, in_process, (call, *_reasons(in_process)))
            if client.workload:
                pods = client.replicas.steady, client.replicas.autoscaled
                in_all = either(product(each, client.in_pod) for each in pods)
                yield Answer("connections", owner, in_all, (call, *_reasons(in_all)))


def _original(client: Client, system: System) -> "ClientPool":
    """A pool as its module shows it, before anything is known of its environment."""
    module = system.module(client.pool.span.path)
    pools = module.pools if module else ()
    return next((pool for pool in pools if pool.span == client.pool.span), client.pool)


def _references(value: Value | None) -> Iterator[EnvRef]:
    """The environment variables in a value."""
    match value:
        case EnvRef(_, default, _):
            yield value
            yield from _references(default)
        case Computed(_, parts, _) | Either(parts, _):
            for part in parts:
                yield from _references(part)
        case Table(items, _, _):
            for _, item in items:
                yield from _references(item)
        case _:
            pass


def _flat(name: str, value: Value) -> Iterator[tuple[str, Value]]:
    """A value, or those in a dictionary, each with what it is called."""
    if not isinstance(value, Table):
        yield name, value
        return
    for key, item in value.items:
        yield from _flat(f"{name}[{key!r}]", moved(item, value.places))


def _steps(value: Value, read: Mapping[Span, str], call: Span) -> tuple[Step, ...]:
    """The way of a value, which begins at the call that it is an argument of."""
    places = dict.fromkeys((call, *_places(value)))
    return tuple(Step(place, f"reads {read[place]}" if place in read else "") for place in places)


def _places(value: Value | None) -> Places:
    """All places that a value comes through, and what is put together in it."""
    match value:
        case Known(_, places) | Unknown(places):
            return places
        case EnvRef(_, default, places):
            return (*places, *_places(default))
        case Computed(_, parts, places) | Either(parts, places):
            return (*places, *(place for part in parts for place in _places(part)))
        case Table(items, _, places):
            return (*places, *(place for _, item in items for place in _places(item)))
        case None:
            return ()


def _reasons(amount: Amount) -> tuple[Step, ...]:
    return tuple(Step(each.span, each.text) for each in dict.fromkeys(amount.because) if each.span)


def _of_workloads(system: System, stated: Stated) -> Iterator[Answer]:
    """The variables of containers, and how many pods there are."""
    manifests = [fact for fact in system.documents if isinstance(fact, Manifest)]
    objects, pods = Objects(manifests), Pods(manifests, stated.workloads)
    for workload in (workload for manifest in manifests for workload in manifest.workloads):
        count = pods.of(workload)
        yield Answer("pods", workload.name.value, count, _reasons(count))
        for container in running(workload):
            yield from _variables(container, workload, objects)


def _variables(container: Container, workload: Workload, objects: Objects) -> Iterator[Answer]:
    found = environment(workload, container, objects)
    own = container.name.value
    owner = workload.name.value if own == workload.name.value else f"{own} of {workload.name.value}"
    named = {variable.name.value: (variable.name.span,) for variable in container.env}
    for name, value in found.variables.items():
        places = dict.fromkeys(named.get(name, ()) + _places(value))
        yield Answer(name, owner, value, tuple(map(Step, places)), is_secret=found.is_secret(name))


def _of_servers(system: System) -> Iterator[Answer]:
    """How many connections servers and poolers accept."""
    for server in system.servers:
        yield Answer("connections accepted", server.name, server.accepts, _reasons(server.accepts))
    for pooler in system.poolers:
        yield Answer("client connections accepted", pooler.name, pooler.accepts, _reasons(pooler.accepts))
        yield Answer("processes", pooler.name, pooler.processes, _reasons(pooler.processes))


def _of_configs(system: System) -> Iterator[Answer]:
    """The settings of configurations of PgBouncer, and the lines that they undo."""
    for config in system.documents:
        if isinstance(config, PgBouncerConfig):
            for each in effective.settings(config):
                yield from _setting(each, "[pgbouncer]")
            for header, entries in (
                ("databases", effective.databases(config)),
                ("users", effective.users(config)),
                ("peers", effective.peers(config)),
            ):
                for entry in entries:
                    for each in entry.values:
                        if each.origin is Origin.ENTRY:
                            yield from _setting(each, f"{entry.name.value} in [{header}]")


def _setting(value: InEffect, owner: str) -> Iterator[Answer]:
    if value.span is None and not value.undone:
        return
    places = (value.span,) if value.span else ()
    by_default = value.origin is Origin.DEFAULT
    told = Unknown(places) if value.origin is Origin.UNKNOWN else Known(value.value, places)
    steps = [Step(place) for place in places]
    steps += [Step(each.value.span, _why_undone(each)) for each in value.undone]
    name = f"{value.name} by default" if by_default else value.name
    yield Answer(name, owner, told, tuple(steps))


def _why_undone(setting: Setting) -> str:
    if setting.reset_by:
        return f"not in effect: [{setting.reset_by.value}] further down sets it back"
    return "not in effect: replaced further down"


def at(line: Span, found: Iterable[Answer]) -> list[Answer]:
    """The answers that go through a line; first those that begin there."""
    through = [each for each in found if any(_touches(step.span, line) for step in each.steps)]
    return sorted(through, key=lambda each: not _touches(each.steps[0].span, line))


def _touches(span: Span, line: Span) -> bool:
    return span.path == line.path and span.start < line.end and line.start < max(span.end, span.start + 1)
