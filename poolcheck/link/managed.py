"""The servers and poolers that operators run, under the names of the Services that they make."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from poolcheck.amount import Amount, Reason, between, exactly, product
from poolcheck.budget.facts import Owner
from poolcheck.link.generated import Generated, read_generated
from poolcheck.link.network import Origin, same_namespace
from poolcheck.link.pods import Pods
from poolcheck.link.poolers import seen_pooler
from poolcheck.read.kubernetes.managed import Instances, Managed, ManagedPooler, ManagedServer, Operator, Statement
from poolcheck.read.kubernetes.manifest import Manifest, Workload, WorkloadKind
from poolcheck.read.kubernetes.operator_settings import with_stackgres_settings
from poolcheck.read.kubernetes.pooler_images import pooler_image
from poolcheck.read.kubernetes.stages import may_meet, stages
from poolcheck.read.pgbouncer.rendered import Piece, Rendered
from poolcheck.read.template import has_template
from poolcheck.scale import Replicas
from poolcheck.source import Located
from poolcheck.system.poolers import Pooler, Server
from poolcheck.value import Unknown

OF_PATRONI = 100
"""The max_connections that Patroni takes where it is set to too few. Patroni, config.py."""
_BY_DEFAULT = frozenset({"default_pool_size", "max_db_connections", "pool_mode", "reserve_pool_size"})
"""What Zalando's operator may be told for all clusters."""
_SECTIONS = ("databases", "users", "pgbouncer")


class ManagedOne(NamedTuple):
    """A server or a pooler, where it connects from, and the configuration that is written for it."""

    found: Server | Pooler
    origin: Origin
    generated: Generated | None


class _Named(NamedTuple):
    """What is behind the name of a Service, on a port: its number among all."""

    number: int
    port: int
    namespace: Located[str] | None
    path: str


class Managing:
    """What the operators of a project run."""

    def __init__(self, manifests: Sequence[Manifest], pods: Pods) -> None:
        self._pods = pods
        self._all = [each for manifest in manifests for each in manifest.managed]
        self._has_defaults = _sets_defaults_of_zalando(manifests)
        self._names: dict[str, list[_Named]] = defaultdict(list)
        self.all: list[ManagedOne] = []
        for each in self._all:
            if each.server:
                self._add_servers(each, each.server)
            for pooler in each.poolers:
                self._add_pooler(each, pooler)

    def leads_to(self, host: str, port: int, origin: Origin) -> int | None:
        """The number of what is under a host name and a port; None where the project does not tell for certain."""
        name, _, domain = host.partition(".")
        found = [
            each
            for each in self._names.get(name, ())
            if each.port == port and may_meet(each.path, origin.path) and _is_reached(each, domain, origin)
        ]
        own = [each for each in found if each.path == origin.path] or [*_of_stage(found, origin.path)] or found
        return own[0].number if len(own) == 1 else None

    def names_of(self, number: int) -> Iterator[str]:
        """The names, with ports, under which one of all is reached."""
        for name, found in self._names.items():
            for each in found:
                if each.number == number:
                    yield f"{name}{f'.{each.namespace.value}' if each.namespace else ''}:{each.port}"

    def _add_servers(self, owner: Managed, server: ManagedServer) -> None:
        settings = dict(self._settings_of(owner, "SGPostgresConfig"))
        server = server._replace(
            max_connections=settings.get("max_connections", server.max_connections),
            reserved=settings.get("superuser_reserved_connections", server.reserved),
        )
        limit, kept_back = _assumed(_limit(server, owner), owner), _reserved(server)
        written = server.max_connections
        place = written.span if isinstance(written, Located) else owner.name.span
        whose = _owner(owner, owner.kind, owner.name.value)
        each = Server(owner.name.value, limit, kept_back, place, owner=whose)
        self._add(owner, each, server.names, server.port, None)
        followers = server.instances.number
        if followers is not None and followers > 1:
            number = Reason(f"{followers - 1} followers of {owner.name.value}", server.instances.span)
            name = f"the followers of {owner.name.value}"
            many = each._replace(name=name, owner=whose._replace(name=name)).times(exactly(followers - 1, number))
            self._add(owner, many, server.followers, server.port, None)

    def _add_pooler(self, owner: Managed, pooler: ManagedPooler) -> None:
        if owner.kind == "SGCluster":
            own = [each for used in self._used(owner, "SGPoolingConfig") for each in used.statements]
            pooler = with_stackgres_settings(pooler, own)
        if owner.operator is Operator.ZALANDO and self._has_defaults:
            pooler = _without_defaults(pooler)
        name = pooler.names[0] if pooler.names else owner.name.value
        workload = _workload(owner, pooler, name)
        written = read_generated(_rendered(pooler))
        image = pooler_image(pooler.image.value) if pooler.image else None
        # StackGres has one beside each server.
        is_alone = owner.kind == "SGCluster"
        found = seen_pooler(
            name if name != owner.name.value or owner.server is None else f"the pooler of {name}",
            written.config if written else None,
            image.version if image else None,
            exactly(1) if is_alone else _assumed(self._pods.of(workload), owner),
            pooler.place,
            None if is_alone else self._replicas(workload, owner),
        )
        found = found._replace(
            each_accepts=_assumed(found.each_accepts, owner), owner=_owner(owner, workload.kind, name)
        )
        self._add(owner, found, pooler.names, pooler.port, written, workload)

    def _replicas(self, workload: Workload, owner: Managed) -> Replicas:
        """The pods of a pooler, if what is assumed of its object holds."""
        found = self._pods.replicas(workload)
        return found._replace(steady=_assumed(found.steady, owner), autoscaled=_assumed(found.autoscaled, owner))

    def _add(
        self,
        owner: Managed,
        found: Server | Pooler,
        names: Iterable[str],
        port: int,
        generated: Generated | None,
        workload: Workload | None = None,
    ) -> None:
        path = owner.span.path
        one = ManagedOne(found, Origin(path, workload), generated)
        self.all.append(one)
        for name in names:
            if not has_template(name):
                self._names[name].append(_Named(len(self.all) - 1, port, owner.namespace, path))

    def _settings_of(self, owner: Managed, kind: str) -> Iterator[tuple[str, Located[str] | Unknown]]:
        for used in self._used(owner, kind):
            for each in used.statements:
                yield each.name.value, each.value or Unknown((each.name.span,))

    def _used(self, owner: Managed, kind: str) -> list[Managed]:
        """The objects of a kind that a cluster of StackGres's uses; none where it is not seen which."""
        names = {each.value for each in owner.uses}
        found = [
            each
            for each in self._all
            if each.kind == kind
            and each.name.value in names
            and same_namespace(each.namespace, owner.namespace)
            and may_meet(each.span.path, owner.span.path)
        ]
        return found if len(found) == 1 else []


def _sets_defaults_of_zalando(manifests: Iterable[Manifest]) -> bool:
    """Whether Zalando's operator is told what to set where a cluster says nothing."""
    for manifest in manifests:
        keys = (entry.key.value for each in manifest.config_maps for entry in each.data)
        told = (each for each in manifest.managed if each.kind == "OperatorConfiguration")
        if any(key.startswith("connection_pooler_") for key in keys) or any(each.statements for each in told):
            return True
    return False


def _without_defaults(pooler: ManagedPooler) -> ManagedPooler:
    """A pooler where what its object does not say is not known."""
    instances = pooler.instances._replace(number=None) if pooler.instances.by_default else pooler.instances
    statements = (
        each._replace(value=None) if each.name.value in _BY_DEFAULT and each.name.span == pooler.place else each
        for each in pooler.statements
    )
    return pooler._replace(instances=instances, statements=tuple(statements))


def _is_reached(named: _Named, domain: str, origin: Origin) -> bool:
    namespace, _, rest = domain.partition(".")
    if not namespace:
        return origin.workload is None or same_namespace(named.namespace, origin.workload.namespace)
    is_ours = named.namespace is None or named.namespace.value == namespace
    return is_ours and rest in {"", "svc", "svc.cluster.local"}


def _limit(server: ManagedServer, owner: Managed) -> Amount:
    written = server.max_connections
    if isinstance(written, Unknown) or (written and not written.value.isdecimal()):
        return between(0, None)
    if written and int(written.value) >= server.least:
        return exactly(int(written.value), Reason(f"max_connections {written.value}", written.span))
    if written:
        reason = f"max_connections {written.value}, in place of which Patroni takes {OF_PATRONI}"
        return exactly(OF_PATRONI, Reason(reason, written.span))
    if server.default is None:
        return between(OF_PATRONI, None)
    text = f"max_connections {server.default} by default"
    return exactly(server.default, Reason(text, owner.name.span, "max_connections is left at its default"))


def _assumed(amount: Amount, owner: Managed) -> Amount:
    """A number that rests on what is assumed of all that an object says."""
    if not owner.assumption:
        return amount
    return product(exactly(1, Reason(f"the values of {owner.name.value}", assumption=owner.assumption)), amount)


def _reserved(server: ManagedServer) -> Amount:
    written = server.reserved
    if isinstance(written, Located) and written.value.isdecimal():
        return exactly(int(written.value), Reason(f"superuser_reserved_connections {written.value}", written.span))
    return exactly(server.default_reserved, Reason(f"{server.default_reserved} kept back for superusers"))


def _of_stage(found: Iterable[_Named], path: str) -> Iterator[_Named]:
    """What is for the stages that a file is for: of what is for all and for one of them, the latter."""
    own = [(stages(each.path), each) for each in found if stages(each.path) <= stages(path)]
    return (each for known, each in own if not any(known < more for more, _ in own))


def _owner(owner: Managed, kind: str, name: str) -> Owner:
    """What an object makes, as an owner of connections."""
    namespace = owner.namespace.value if owner.namespace else None
    return Owner(kind, name, owner.span, stages(owner.span.path), namespace)


def _workload(owner: Managed, pooler: ManagedPooler, name: str) -> Workload:
    """The pods of a pooler, as what runs pods."""
    return Workload(
        WorkloadKind.POOLER,
        Located(name, pooler.place),
        owner.namespace,
        owner.span,
        replicas=_replicas(pooler.instances),
        max_surge=pooler.max_surge,
        labels=frozenset(),
        grace_s=None,
        containers=(),
        init_containers=(),
        volumes=(),
        pod=None,
        is_partial=False,
        strategy=pooler.strategy,
    )


def _replicas(instances: Instances) -> Located[int] | Unknown | None:
    if instances.number is None:
        return Unknown((instances.span,))
    is_usual = instances.by_default and instances.number == 1
    return None if is_usual else Located(instances.number, instances.span)


def _rendered(pooler: ManagedPooler) -> Rendered:
    """The configuration that an operator writes."""
    pieces: list[Piece] = []
    for section in _SECTIONS:
        own = [each for each in pooler.statements if each.section == section]
        if own or section == "pgbouncer":
            pieces.append(Piece(f"[{section}]\n", pooler.place, mere_form=True))
        if section == "pgbouncer" and pooler.is_partial:
            pieces.append(Piece("${MORE}\n", pooler.place, mere_form=True))
        for statement in own:
            pieces += _line(statement)
    return Rendered(pooler.place, tuple(pieces))


def _line(statement: Statement) -> list[Piece]:
    _, name, value, is_forced, parts = statement
    told = value or Located(f"${{{name.value}}}", name.span)
    return [
        Piece(name.value, name.span, is_forced=is_forced),
        Piece(" = ", name.span, mere_form=True),
        *(Piece(part.value, part.span, is_forced=is_forced) for part in parts or (told,)),
        Piece("\n", told.span, mere_form=True),
    ]
