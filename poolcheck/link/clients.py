"""The client pools of workloads, how many connections they come to, and where they lead."""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from poolcheck.amount import Amount, Reason, between, exactly
from poolcheck.budget.facts import ContainerFacts, Owner
from poolcheck.link.drawn import drawn_by
from poolcheck.link.hops import reached
from poolcheck.link.hosted import hosted, seeming_pooler
from poolcheck.link.known import Known, owner_of
from poolcheck.link.kustomize.patched import patched
from poolcheck.link.network import Origin, running
from poolcheck.link.pods import stated_pods
from poolcheck.link.poolers import entry_for
from poolcheck.link.sources import Sources
from poolcheck.read.kubernetes.environment import environment
from poolcheck.read.kubernetes.launchers import Launch
from poolcheck.read.kubernetes.manifest import WorkloadKind
from poolcheck.read.python.facts import PythonModule
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.pools.asked import PGOPTIONS
from poolcheck.read.python.pools.client_pool import ClientPool, resolved
from poolcheck.read.python.values.environment_set import variable_set
from poolcheck.scale import Replicas
from poolcheck.source import Span
from poolcheck.stated import Stated, StatedWorkload
from poolcheck.system.clients import Client
from poolcheck.system.poolers import Pooler
from poolcheck.system.targets import Target
from poolcheck.value import Lookup, Value

POOLER_PORTS = frozenset({6432, 6543})
"""Where PgBouncer listens by default, and where hosted ones do."""
POOLER_WORDS = ("pgbouncer", "pooler")
"""What the names of hosts say that are poolers."""
_OTHER_DIALECTS = frozenset({"mariadb", "mysql"})
"""Those of servers that have no PgBouncer in front of them."""
CONSOLE = "pgbouncer"
"""The database of PgBouncer's own console, which has no server connections."""


_IDLE = frozenset({"celery beat"})
"""What loads an application and does none of its work."""


class _Running(NamedTuple):
    """What makes the pools of some modules: its pods, what each of them starts, and where it connects from.

    `loaded` are the paths of all modules that it loads, `modules` those of them that hold something.
    """

    owner: Owner
    replicas: Replicas
    runs: ContainerFacts
    variables: Lookup
    origin: Origin
    modules: list[PythonModule]
    loaded: frozenset[str]
    launcher: str = ""


def clients(known: Known, sources: Sources, stated: Stated) -> Iterator[Client]:
    """The pools that workloads make, and those that no workload is seen to make."""
    running = [*_in_manifests(known, sources, stated), *_stated_alone(known, sources, stated)]
    has_flask = any(_imports_flask_sqlalchemy(module) for module in sources.modules)
    of_workloads = [
        _client(pool, module, each, known)
        for each in running
        for module in each.modules
        for pool in module.pools
        if (has_flask or not _is_of_flask(pool)) and _is_made_by(each.launcher, pool)
    ]
    yield from of_workloads
    for client in _of_modules(known, sources, {client.pool.span for client in of_workloads}):
        if has_flask or not _is_of_flask(client.pool):
            yield client


def _is_of_flask(pool: ClientPool) -> bool:
    """Whether settings make it only where Flask-SQLAlchemy reads them; others have settings of the same names."""
    is_declared = pool.version("flask-sqlalchemy").is_declared
    return pool.constructor.library is Library.FLASK_SQLALCHEMY and not is_declared


def _is_made_by(launcher: str, pool: ClientPool) -> bool:
    """Whether a process that this starts may make a pool. What a script starts is not known."""
    return pool.only_in in {"", launcher} or launcher in {"", "python"}


def _imports_flask_sqlalchemy(module: PythonModule) -> bool:
    return any(each.target.partition(".")[0] == "flask_sqlalchemy" for each in module.module.imports)


def _in_manifests(known: Known, sources: Sources, stated: Stated) -> Iterator[_Running]:
    """What runs in the containers of workloads."""
    in_cluster = known.network.workloads
    for workload in (*in_cluster, *patched(in_cluster, known.kustomizations), *known.stacks.workloads):
        if workload.is_partial:
            continue
        own = stated.workloads.get(workload.name.value, StatedWorkload())
        containers = [each for each in running(workload) if not known.is_reached(each)]
        for container in containers[:1] if own.source else containers:
            variables = environment(workload, container, known.objects)
            run = sources.run(container, workload, variables.get)
            started = sources.started(run.container, workload, run.environment, run.scripts)
            loaded = sources.loaded_by(workload, container, started, own, run.environment)
            processes = known.overlays.as_written(_processes(started, own), workload.span.path)
            processes = known.stacks.as_written(processes, workload)
            threads = started.threads if started else between(1, None)
            yield _Running(
                owner_of(workload),
                known.pods.replicas(workload),
                ContainerFacts(
                    container.name.value,
                    container.name.span,
                    processes,
                    threads,
                    (),
                    is_idle=started is not None and started.launcher in _IDLE,
                    is_capped=started is not None and started.is_capped,
                ),
                run.environment,
                Origin(workload.span.path, workload),
                sources.among(loaded),
                loaded,
                started.launcher if started else "",
            )


def _stated_alone(known: Known, sources: Sources, stated: Stated) -> Iterator[_Running]:
    """What only configuration speaks of."""
    seen = {workload.name.value for workload in known.network.workloads if not workload.is_partial}
    for name, own in stated.workloads.items():
        if name not in seen and own.source:
            pods = between(1, None) if own.replicas is None else stated_pods(own.replicas, name)
            runs = ContainerFacts(name, None, _processes(None, own), between(1, None), ())
            modules = sources.below(own.source)
            yield _Running(
                Owner("", name),
                Replicas(pods, pods),
                runs,
                dict[str, Value]().get,
                Origin(own.source[0]),
                modules,
                sources.paths_below(own.source),
            )


def _of_modules(known: Known, sources: Sources, seen: Collection[Span]) -> Iterator[Client]:
    """The pools of modules that no workload is seen to load."""
    nobody = ContainerFacts("", None, between(0, None), between(0, None), ())
    for module in sources.modules:
        for pool in module.pools:
            if pool.span not in seen:
                made, target = _by_default(pool, known, Origin(module.span.path))
                pgoptions = variable_set(module.module, PGOPTIONS)
                drawn = drawn_by(made, target)
                owner = Owner("", module.span.path)
                yield Client(
                    made,
                    None,
                    Replicas(nobody.processes, nobody.processes),
                    nobody,
                    drawn,
                    target,
                    owner,
                    pgoptions=pgoptions,
                )


def _by_default(pool: ClientPool, known: Known, origin: Origin) -> tuple[ClientPool, Target | None]:
    """A pool of which no environment is known, and where it leads: not for certain where variables may tell."""
    target = _target(pool, known, origin)
    made = resolved(pool, dict[str, Value]().get)
    if target or (target := _target(made, known, origin)) is None:
        return pool, target
    first, *others = target.because
    first = first._replace(assumption=first.assumption or f"{pool.title} is left at its default address")
    return made, target._replace(is_certain=False, is_by_default=target.is_certain, because=(first, *others))


def _client(pool: ClientPool, module: PythonModule, running: _Running, known: Known) -> Client:
    made = resolved(pool, running.variables)
    owner, target = running.owner, _target(made, known, running.origin)
    if target is None and owner.kind == WorkloadKind.SERVICE:
        made, target = _by_default(made, known, running.origin)
    pgoptions = variable_set(module.module, PGOPTIONS) or running.variables(PGOPTIONS)
    drawn = drawn_by(made, target, module.module)
    return Client(
        made,
        owner.name,
        running.replicas,
        running.runs,
        drawn,
        target,
        owner,
        running.loaded,
        pgoptions,
        running.launcher,
    )


def _processes(started: Launch | None, own: StatedWorkload) -> Amount:
    if own.processes is not None:
        return exactly(own.processes, Reason(f"{own.processes} processes in a pod as configured"))
    return started.processes if started else between(1, None, Reason("at least one process in a pod"))


def _target(pool: ClientPool, known: Known, origin: Origin) -> Target | None:
    """Where a pool leads, for certain or as its port or its host's name suggests."""
    address = pool.address
    if address is None or address.database == CONSOLE:
        return None
    host, port = address.host, address.port_number
    is_postgres = address.dialect == "postgresql"
    if not is_postgres and address.dialect not in _OTHER_DIALECTS:
        return None
    if host and port and (destination := known.leads_to(host, port, origin)):
        found, shown, in_pod = destination
        because = (Reason(f"{pool.title} connects to {host}", pool.place_of(host, "host")), *shown)
        if isinstance(found, Pooler):
            if not is_postgres:
                return None
            return reached(found, address.database, address.user, because, known)._replace(in_pod=in_pod)
        return Target(None, None, found, is_certain=True, because=because) if found else None
    return _suggested(pool, host or "", port, known) if is_postgres else None


def _suggested(pool: ClientPool, host: str, port: int | None, known: Known) -> Target | None:
    """The pooler that an address may be one of."""
    place = pool.place_of(host, "host")
    if provided := hosted(host, port):
        documented = Reason(f"{host} is {provided.name}", place, f"it works as {provided.name} is documented to")
        return Target(provided, None, None, is_certain=False, because=(documented,))
    if host in known.pooling_sessions:
        return None
    likely = f"{host} is a pooler in transaction mode"
    if any(word in host.lower() for word in POOLER_WORDS):
        because = Reason(f"{host} seems to be a pooler", place, likely)
    elif port in POOLER_PORTS:
        likely = f"port {port} is that of a pooler in transaction mode"
        because = Reason(f"poolers listen on port {port}", pool.place_of(str(port), "port"), likely)
    else:
        return None
    among = tuple(known.poolers)
    if not among and host in known.prepared_statements:
        seeming = seeming_pooler(host, known.prepared_statements[host])
        return Target(seeming, None, None, is_certain=False, because=(because,))
    if len(among) != 1:
        return Target(None, None, None, is_certain=False, because=(because,), among=among)
    only, config, address = among[0], among[0].config, pool.address
    entry = entry_for(config, address.database) if config and address else None
    because = because._replace(assumption=f"{host or f'port {port}'} leads to {only.name}")
    user = address.user if address else None
    return Target(only, entry, None, is_certain=False, because=(because,), user=user)
