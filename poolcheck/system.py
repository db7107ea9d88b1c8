"""The linked whole: servers, poolers, and the client pools of workloads with where they lead."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from poolcheck.amount import Amount, Reason, difference, exactly, product
from poolcheck.budget.facts import ContainerFacts, Facts, Owner, PoolFacts
from poolcheck.finding import Note, Severity
from poolcheck.read.document import Fact
from poolcheck.read.pgbouncer.config import Effective, Entry, PgBouncerConfig, PoolMode, Version
from poolcheck.scale import Replicas
from poolcheck.source import Located, Span

if TYPE_CHECKING:
    from poolcheck.budget.verdicts import Verdict
    from poolcheck.read.compose.facts import Service as ComposeService
    from poolcheck.read.kubernetes.environment import Environment
    from poolcheck.read.kubernetes.launchers import Shadowed
    from poolcheck.read.kubernetes.manifest import Container, DisruptionBudget, Mount, Service, Workload
    from poolcheck.read.kubernetes.pooler_images import PoolerImage
    from poolcheck.read.pgbouncer.rendered import Rendered
    from poolcheck.read.python.facts import PythonModule
    from poolcheck.read.python.pools.client_pool import ClientPool
    from poolcheck.read.python.sql.executed import Executed
    from poolcheck.value import Value


ONE = exactly(1)


class Server(NamedTuple):
    """A PostgreSQL, MySQL or MariaDB server.

    Of its limit, `max_connections`, so many are `kept_back` for superusers and operators. `place` is where the
    limit is written, or the server is; None where no file shows it. It closes sessions that are idle for
    `idle_session_timeout_s`, where that is stated. `settings` are all that tell it something, by name; None where
    there may be more than the project shows.
    """

    name: str
    max_connections: Amount
    kept_back: Amount
    place: Span | None
    idle_session_timeout_s: Effective[float] | None = None
    owner: Owner | None = None
    cores: int | None = None
    settings: tuple[tuple[str, Located[str]], ...] | None = None

    @property
    def accepts(self) -> Amount:
        """The connections that it has for applications."""
        return (
            self.max_connections if self.kept_back.most == 0 else difference(self.max_connections, self.kept_back)
        )

    def times(self, number: Amount) -> "Server":
        """So many servers under one name."""
        limit, kept_back = product(number, self.max_connections), product(number, self.kept_back)
        return self._replace(max_connections=limit, kept_back=kept_back)


class Pooler(NamedTuple):
    """A PgBouncer, all its processes together.

    `config` is None where its settings are not seen; `mode` is then what configuration states. `accepts` are the
    client connections that all processes accept together, `each_accepts` those of one, `place` is where that is
    written, or the pooler is. `prepared_statements` is how many protocol-level prepared statements it keeps for
    each server connection, None where that is not known. Some poolers of providers are none that `is_pgbouncer`.
    `replicas` are its pods where they are seen, each with so many processes `in_pod`.
    """

    name: str
    place: Span | None
    config: PgBouncerConfig | None
    version: Version | None
    processes: Amount
    accepts: Amount
    each_accepts: Amount
    mode: Effective[PoolMode] | None
    prepared_statements: Effective[int] | None
    owner: Owner | None = None
    is_pgbouncer: bool = True
    replicas: Replicas | None = None
    in_pod: Amount = ONE


class PoolerPods(NamedTuple):
    """A container that runs a pooler, of a workload that is written out, and how many pods there are of it.

    It `is_central` where the pods are there for it, and not for what it is beside. `pooler` is what is known of it
    where it `is_pgbouncer`. `budgets` are those that pick its pods; it `may_have_others` where one is there of
    which that is not told. It `may_differ` where an overlay may change more of it than is seen; what is seen of
    that are the containers that are laid over it, `patches`.
    """

    workload: "Workload"
    container: "Container"
    pods: Amount
    pooler: Pooler | None
    is_pgbouncer: bool
    is_central: bool
    budgets: "tuple[DisruptionBudget, ...]" = ()
    may_have_others: bool = False
    may_differ: bool = False
    patches: "tuple[Container, ...]" = ()


class Demand(NamedTuple):
    """The databases of a pooler's whose connections are opened to a server, or to another pooler."""

    pooler: Pooler
    found: Server | Pooler
    entries: tuple[Entry, ...]


class Target(NamedTuple):
    """Where a client pool leads: to a pooler, there to a database, or to a server; and what shows it.

    It is not certain where only a port or a host's name suggests a pooler. `pooler` is None then, unless the
    project has only one; `among` are those that it may be. A pooler may be `in_pod`, one for each of the client's.
    `entry` is None where it is not known which it is, and `user`, who logs in, as well. `behind` is where a pooler
    leads that opens its connections to another one. It is certain but for variables, where it `is_by_default`.
    """

    pooler: Pooler | None
    entry: Entry | None
    server: Server | None
    is_certain: bool
    because: tuple[Reason, ...]
    in_pod: bool = False
    among: tuple[Pooler, ...] = ()
    user: str | None = None
    behind: "Target | None" = None
    is_by_default: bool = False

    @property
    def name(self) -> str:
        """What to call it in a message."""
        found = self.pooler or self.server
        return found.name if found else "a pooler"

    @property
    def mode(self) -> Effective[PoolMode] | None:
        """The pool mode that clients get; None where it is not known, or there is no pooler."""
        if self.pooler is None:
            return None
        if self.pooler.config is None:
            return self.pooler.mode
        first, *others = _modes(self.pooler.config, self.entry, self.user)
        is_one = all(first and other and other.value is first.value for other in others)
        return first if is_one else None


def _modes(config: PgBouncerConfig, entry: Entry | None, user: str | None) -> Iterator[Effective[PoolMode] | None]:
    """The modes that a client may get: in any database where `entry` is None, as anybody where `user` is."""
    databases: list[Entry | None] = [each for each in config.databases if each.in_effect]
    for database in [entry] if entry else databases or [None]:
        users: Mapping[str, Entry] = {} if database and database.parameter("user") else config.users_in_effect
        modes = {name: mode for name, each in users.items() if (mode := each.parameter("pool_mode"))}
        if user and user in modes:
            yield _mode_of(modes[user])
            continue
        yield config.pool_mode(database)
        if not user:
            yield from map(_mode_of, modes.values())


def _mode_of(written: Located[str]) -> Effective[PoolMode] | None:
    word = written.value.lower()
    return Effective(PoolMode(word), written.span) if word in set(PoolMode) else None


class Sharing(NamedTuple):
    """That server connections change hands between the clients of a pooler, and what shows it.

    Where the pooler, its pool mode or its support for prepared statements is not seen, `provided` says what must
    hold, as the end of a sentence.
    """

    pooler: str
    because: tuple[Reason, ...]
    provided: str = ""

    @property
    def is_certain(self) -> bool:
        """Whether everything is seen."""
        return not self.provided

    @property
    def severity(self) -> Severity | None:
        """How severe what rests on it is: as severe as the rule has it, or less where not everything is seen."""
        return None if self.is_certain else Severity.WARNING


def sharing(target: Target | None) -> Sharing | None:
    """Whether a client's prepared statements meet those of others; None where nothing suggests it.

    They do if they meet at any of the poolers on the way: one that keeps them apart prepares them under names of
    its own at the next. Observed with two of 1.25.2.
    """
    return _at_any(target, _sharing_at)


def exchange(target: Target | None) -> Sharing | None:
    """Whether others get a client's server connection in between; None where nothing suggests it."""
    return _at_any(target, _exchange_at)


def _at_any(target: Target | None, found_at: Callable[[Target], Sharing | None]) -> Sharing | None:
    """What is found at the first of the poolers on the way that has it."""
    if target is None:
        return None
    found, further = found_at(target), _at_any(target.behind, found_at)
    return found or (further and further._replace(because=(*target.because, *further.because)))


def _sharing_at(target: Target) -> Sharing | None:
    if target.pooler is None:
        among = [target._replace(pooler=pooler) for pooler in target.among]
        is_harmless = target.is_certain or (among and not any(map(sharing, among)))
        return None if is_harmless else Sharing(target.name, target.because, _if_so(target))
    mode, kept = target.mode, target.pooler.prepared_statements
    if mode is None or mode.value is PoolMode.SESSION or (kept and kept.value > 0):
        return None
    because = [*target.because, Reason(f"server connections change hands after each {mode.value}", mode.span)]
    if kept and kept.span:
        because.append(Reason("prepared statements are not kept apart", kept.span))
    if not target.is_certain:
        return Sharing(target.name, tuple(because), _if_so(target))
    before = ", and before 1.24 PgBouncer does not keep them apart by default"
    return Sharing(target.name, tuple(because), "" if kept else before)


def _exchange_at(target: Target) -> Sharing | None:
    if target.pooler is None:
        among = [target._replace(pooler=pooler) for pooler in target.among]
        is_harmless = target.is_certain or (among and not any(map(exchange, among)))
        return None if is_harmless else Sharing(target.name, target.because, _if_so(target))
    if (mode := target.mode) is None or mode.value is PoolMode.SESSION:
        return None
    because = (*target.because, Reason(f"server connections change hands after each {mode.value}", mode.span))
    return Sharing(target.name, because, "" if target.is_certain else _if_so(target))


def _if_so(target: Target) -> str:
    return f", if {target.because[0].assumption}"


def operands(reasons: Iterable[Reason], besides: Span | None) -> list[Note]:
    """A note at the place of each number that goes into a sum, but for the place of the finding itself."""
    return [Note(each.span, each.text) for each in dict.fromkeys(reasons) if each.span and each.span != besides]


class Client(NamedTuple):
    """A client pool, as a workload makes it or, where no workload is seen to, as its module shows it.

    `replicas` are the pods of the workload, `runs` is the container that its processes run in, `drawn` what the
    pool comes to in one of them. `loaded` are the paths of all modules of the project that run together with it.
    `pgoptions` is what the variable PGOPTIONS is set to for it, `launcher` what starts its processes.
    """

    pool: "ClientPool"
    workload: str | None
    replicas: Replicas
    runs: ContainerFacts
    drawn: PoolFacts
    target: Target | None
    owner: Owner
    loaded: frozenset[str] = frozenset()
    pgoptions: "Value | None" = None
    launcher: str = ""

    @property
    def connections(self) -> Amount:
        """The most connections that all processes of all pods hold together while nothing is rolled out."""
        return product(self.replicas.steady, self.in_pod)

    @property
    def in_pod(self) -> Amount:
        """The most connections that all processes of one pod hold together."""
        from poolcheck.budget.client_connections import in_pod

        return in_pod(self.runs, self.drawn)

    @property
    def container(self) -> Span | None:
        """The place of the container; None where there is none."""
        return self.runs.place

    @property
    def is_in_use(self) -> bool:
        """Whether it is in the application itself, not in its tests, migrations or examples."""
        return self.pool.role == "application"


class Sent(NamedTuple):
    """What is done to a session, and the client pool whose connection it is done on.

    It is not certain where a router of Django's may choose another of its databases.
    """

    executed: "Executed"
    client: Client
    is_certain: bool

    @property
    def shared(self) -> Sharing | None:
        """Whether others get the session's server connection, and what shows it; None where nothing does."""
        found = exchange(self.client.target)
        if found is None:
            return None
        pool, done = self.client.pool, self.executed
        source = f"is from {pool.title}" if pool.constructor.is_pool else "is opened here"
        because = [Reason(f"the connection {source}", pool.callee), *found.because]
        if done.written and not (done.span.start <= done.written.start and done.written.end <= done.span.end):
            because.insert(0, Reason("this is executed", done.written))
        provided = found.provided if self.is_certain else f", if its connection is from {pool.title}"
        return Sharing(found.pooler, tuple(because), provided)


class BroughtIni(NamedTuple):
    """A pgbouncer.ini that a mount brings to a place in a container; `config` is None where it is not seen."""

    place: str
    mount: "Mount"
    config: PgBouncerConfig | None
    is_read_only: bool


class PoolerContainer(NamedTuple):
    """A container that runs PgBouncer, in a manifest or a Compose file; its image may be none that is known.

    Where it `runs_script`, that of its image writes a configuration unless one is `brought`. Patches may set the
    variables that `may_change`. `pooler` is None where nothing of its configuration is seen. `services` lead to
    its pods and to no others. It `is_base` where overlays may change what is written. `composed` is the Compose
    service that it is.
    """

    workload: "Workload"
    container: "Container"
    image: "PoolerImage | None"
    runs_script: bool
    environment: "Environment"
    may_change: frozenset[str]
    brought: tuple[BroughtIni, ...]
    pooler: Pooler | None
    services: "tuple[Service, ...]"
    is_base: bool
    composed: "ComposeService | None"

    @property
    def is_written_by_image(self) -> bool:
        """Whether all that is read is what the script of the image writes."""
        return self.image is not None and self.runs_script and not self.may_bring_file

    @property
    def may_bring_file(self) -> bool:
        """Whether a mount may bring a file to where the image has its configuration."""
        from poolcheck.read.kubernetes.pooler_images import READS

        place = READS[self.image.family] if self.image else ""
        mounts = (each.path.value.rstrip("/") for each in self.container.mounts)
        return any(path == place or place.startswith(f"{path}/") for path in mounts)


class Limit(NamedTuple):
    """What a server is told to have for max_connections, and by what."""

    by: str
    value: Located[str]


class ServerContainer(NamedTuple):
    """A container that runs PostgreSQL, in a manifest or a Compose file; `is_built` where its image is made here.

    `given` are the settings of its command line; what that does is not told where it `is_out_of_sight`. `limits`
    are what tells it its max_connections, the strongest first. `configurations` are the paths of files that are
    brought into it and called like a configuration of the server's.
    """

    workload: "Workload"
    container: "Container"
    environment: "Environment"
    given: Mapping[str, Located[str]]
    is_out_of_sight: bool
    limits: tuple[Limit, ...]
    configurations: tuple[Located[str], ...]
    is_built: bool


class PerCpu(NamedTuple):
    """A program that starts a process for each CPU of its node, in a container that may use fewer."""

    program: str
    place: Span
    limit: Located[str]


class Addressed(NamedTuple):
    """The address of a database that a container has, in a variable or in a client pool: `by` either's name.

    `place` is where its host is written, `port` is None where it is not known. It surely is the one that is
    connected to if it `has_port`: a program may have another where none is told, or only among much else.

    It `is_own` where it is given to this container, and not with much else to many. It `is_assumed` where it is a
    mere default, or may be changed elsewhere. It `is_apart` where names or comments tell that it has a reason to
    lead past poolers, or that it matters to nobody. One of a client pool `is_of_source`, whose modules may show
    that it `needs_session`.
    """

    workload: "Workload"
    container: "Container"
    by: str
    host: str
    port: int | None
    database: str | None
    user: str | None
    place: Span
    target: Target | None
    is_own: bool
    is_assumed: bool
    is_apart: bool
    runs_once: bool
    has_port: bool = True
    is_of_source: bool = False
    needs_session: bool = False


class Fronted(NamedTuple):
    """A server that a pooler stands before: who connects through the pooler, and who past it.

    `pooled` are all addresses that lead to the pooler. Of those that lead past it, each of a workload of its own,
    `strays` have no reason to that is seen, and `apart` have one. `is_all_seen` where nothing else that the
    project runs can lead to the pooler, nor anything from outside.
    """

    pooler: Pooler
    server: Server
    entries: tuple[Entry, ...]
    pooled: tuple[Addressed, ...]
    strays: tuple[Addressed, ...]
    apart: tuple[Addressed, ...]
    is_all_seen: bool


class Unanswered(NamedTuple):
    """An address at which nobody listens: what has it, where it is written, and what is seen in its place.

    `listens` are the ports of what is there, by the name `found`, which is at `at`. Where nothing is called like
    the host there are none: `found` is what is meant then. It may be in another `namespace` than the `own`.
    """

    whose: str
    host: str
    port: int
    place: Span
    found: str
    at: Span
    listens: tuple[int, ...]
    namespace: str = ""
    own: str = ""


class Migration(NamedTuple):
    """A tool that changes a schema through a pooler, and what it does to its session.

    `place` is where it is started, `address` leads to the pooler. It does so `provided` something, if not always.
    """

    tool: str
    does: str
    place: Span
    address: Addressed
    provided: str = ""


class Proxied(NamedTuple):
    """An address that leads to a proxy which opens a connection for each of its clients, and is called a pooler.

    It is `called` so at `at`; `image` is where the `proxy` is named.
    """

    address: Addressed
    proxy: str
    called: str
    at: Span
    image: Span


class Wiring(NamedTuple):
    """Where addresses lead that variables hold, and what is to be said of that."""

    fronted: tuple[Fronted, ...] = ()
    unanswered: tuple[Unanswered, ...] = ()
    migrations: tuple[Migration, ...] = ()
    proxied: tuple[Proxied, ...] = ()


class System(NamedTuple):
    """Everything that was read, and what it comes to together.

    `sent` is what applications do to sessions of servers behind poolers. `contained` are poolers whose containers
    are seen. `facts` are what the connection budget is made of, `verdicts` where it fails; some of their places
    are in what is written for one environment alone, `apart`. `wiring` is where the addresses lead that containers
    are given.
    """

    documents: tuple[Fact, ...]
    servers: tuple[Server, ...]
    poolers: tuple[Pooler, ...]
    demands: tuple[Demand, ...]
    clients: tuple[Client, ...]
    sent: tuple[Sent, ...] = ()
    contained: tuple[PoolerContainer, ...] = ()
    pooler_pods: tuple[PoolerPods, ...] = ()
    server_containers: tuple[ServerContainer, ...] = ()
    per_cpu: tuple[PerCpu, ...] = ()
    shadowed: "tuple[Shadowed, ...]" = ()
    facts: Facts = Facts()
    verdicts: "tuple[Verdict, ...]" = ()
    wiring: Wiring = Wiring()
    apart: "tuple[Rendered, ...]" = ()

    @property
    def rendered(self) -> "Iterator[Rendered]":
        """What stands in no file as it is read."""
        configs = (each for each in self.documents if isinstance(each, PgBouncerConfig))
        yield from (each.rendered for each in configs if each.rendered)
        yield from self.apart

    def module(self, path: str) -> "PythonModule | None":
        """The module in a file, if anything was read from it."""
        from poolcheck.read.python.facts import PythonModule

        return next(
            (each for each in self.documents if isinstance(each, PythonModule) and each.span.path == path), None
        )

    def clients_of(self, pooler: Pooler) -> Iterator[Client]:
        """The clients that certainly connect to a pooler."""
        return (
            each
            for each in self.clients
            if each.target and each.target.pooler is pooler and each.target.is_certain
        )

    def direct_clients_of(self, server: Server) -> Iterator[Client]:
        """The clients that certainly connect to a server without a pooler in between."""
        return (
            each
            for each in self.clients
            if each.target and each.target.server is server and each.target.is_certain
        )


class SystemWithClients(System):
    """A system in which client pools are seen: what is wrong only there is not looked for elsewhere."""


class SystemWithLinks(System):
    """A system in which is seen where a client pool leads."""


class SystemWithVerdicts(System):
    """A system with a connection budget that does not hold."""
