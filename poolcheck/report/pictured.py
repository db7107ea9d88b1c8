"""What is drawn of a budget: its nodes, its edges and its notes, in words."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from poolcheck.amount import Amount
from poolcheck.budget import client_connections
from poolcheck.budget.accounts import Account, Budget, Kind, Limit
from poolcheck.budget.facts import ContainerFacts, Facts, Lead, Owner, PoolerFacts, WorkloadFacts
from poolcheck.budget.parts import Part
from poolcheck.budget.told import written_out
from poolcheck.budget.verdicts import Verdict, verdict_on
from poolcheck.picture import Edge, Excess, Node, NodeKind, Picture, State
from poolcheck.report.budget_rows import number
from poolcheck.report.places import Places
from poolcheck.report.redact import redact_message
from poolcheck.scale import Scale, Situation, always

_KINDS = {Kind.DATABASE: NodeKind.DATABASE, Kind.POOLER: NodeKind.POOLER, Kind.OUTSIDE: NodeKind.OUTSIDE}


COMPOSE = "Compose service"
NOBODY_KNOWS = "?"
"""What stands for a number of which nothing is known."""


def pictured(title: str, facts: Facts, budget: Budget, places: Places) -> Picture:
    """The picture of a budget and the facts that it is made of."""
    return _Drawn(facts, budget, places).picture(title)


class _Drawn:
    """A budget that is drawn. The id of what accepts connections is that of its limit, with its kind before it."""

    def __init__(self, facts: Facts, budget: Budget, places: Places) -> None:
        self._facts = facts
        self._places = places
        self._unknown = budget.unknown
        leads = [pool.lead for _, _, pool in facts.pools()]
        leads += [entry.lead for pooler in facts.poolers for entry in pooler.entries]
        self._reached = {lead.to for lead in leads}
        accounts: dict[tuple[Kind, str], list[Account]] = defaultdict(list)
        for account in budget.accounts:
            accounts[account.limit.kind, account.limit.id].append(account)
        self._accounts = dict(accounts)

    def picture(self, title: str) -> Picture:
        """The nodes in the order of the facts, the edges by where they begin."""
        nodes = (*self._workloads(), *self._poolers(), *self._databases(), *self._addresses())
        places = {node.id: place for place, node in enumerate(nodes)}
        edges = [*self._edges(), *self._uncertain_edges()]
        edges += self._edges_without_number({(edge.source, edge.target) for edge in edges})
        edges.sort(key=lambda edge: places[edge.source])
        return Picture(redact_message(title), nodes, tuple(edges), self._notes())

    def _workloads(self) -> Iterator[Node]:
        for workload in self._facts.workloads:
            pools = [(container, pool) for container in workload.containers for pool in container.pools]
            lost = [pool for _, pool in pools if pool.lead.to is None and not pool.lead.host]
            facts = [
                *_of_workload(workload),
                *dict.fromkeys(f"where {pool.title} leads is not known" for pool in lost),
            ]
            if pools:
                state = State.UNKNOWN if lost else State.FITS
                place = self._places.line(workload.owner.span)
                yield _node(
                    _id(NodeKind.WORKLOAD, workload.id), NodeKind.WORKLOAD, workload.owner, facts, state, place
                )

    def _poolers(self) -> Iterator[Node]:
        for pooler in self._facts.poolers:
            accounts = self._accounts.get((Kind.POOLER, pooler.id), [])
            pools = [
                account
                for (kind, limit), found in self._accounts.items()
                if kind is Kind.POOL and limit.startswith(f"{pooler.id}/")
                for account in found
            ]
            excesses = [*_excesses(accounts), *_excesses(pools, is_pool=True)]
            facts = [*_of_pooler(pooler), *_accepts(accounts, is_over=bool(excesses)), *self._unused(accounts)]
            is_unknown = not pooler.is_read or _is_open(accounts)
            state = State.OVER if excesses else State.UNKNOWN if is_unknown else State.FITS
            place = self._places.line(pooler.place)
            node = _node(_id(NodeKind.POOLER, pooler.id), NodeKind.POOLER, pooler.owner, facts, state, place)
            yield node._replace(excesses=tuple(excesses))

    def _databases(self) -> Iterator[Node]:
        for database in self._facts.databases:
            accounts = self._accounts.get((Kind.DATABASE, database.id), [])
            excesses = tuple(_excesses(accounts))
            state = State.OVER if excesses else State.UNKNOWN if _is_open(accounts) else State.FITS
            facts = [*_accepts(accounts, is_over=bool(excesses)), *self._unused(accounts)]
            place, kind = self._places.line(database.place), NodeKind.DATABASE
            node = _node(_id(kind, database.id), kind, database.owner, facts, state, place)
            yield node._replace(excesses=excesses)

    def _addresses(self) -> Iterator[Node]:
        counted = [limit_id for kind, limit_id in self._accounts if kind is Kind.OUTSIDE]
        leads = (pool.lead for _, _, pool in self._facts.pools())
        led_to = (_address(lead) for lead in leads if lead.to is None and lead.host)
        for address in dict.fromkeys((*counted, *led_to)):
            facts = [*_accepts(self._accounts.get((Kind.OUTSIDE, address), []), is_over=False)]
            kind = NodeKind.OUTSIDE
            yield _node(_id(kind, address), kind, Owner("", address), facts, State.UNKNOWN, "")

    def _unused(self, accounts: Sequence[Account]) -> Iterator[str]:
        ids = {account.limit.id for account in accounts}
        if not any(account.parts for account in accounts) and not ids & self._reached:
            yield "nothing is seen to connect to it"

    def _edges(self) -> Iterator[Edge]:
        """An edge from each owner to each limit, with all that it opens there."""
        for (kind, limit_id), accounts in self._accounts.items():
            if kind is Kind.POOL:
                continue
            by_source: dict[str, list[Part]] = defaultdict(list)
            over: set[str] = set()
            for account in accounts:
                for part in account.parts:
                    source = _id(NodeKind.POOLER if part.is_pooler else NodeKind.WORKLOAD, part.id)
                    if part not in by_source[source]:
                        by_source[source].append(part)
                    if verdict_on(account):
                        over.add(source)
            for source, parts in by_source.items():
                own = Account(accounts[0].limit, tuple(parts))
                target = _id(_KINDS[kind], limit_id)
                yield _edge(source, target, _wanted(own), is_over=source in over, in_pod=own.limit.in_pod)

    def _uncertain_edges(self) -> Iterator[Edge]:
        """Those that count for nothing, because it is not certain where they lead."""
        poolers = {each.id for each in self._facts.poolers}
        for workload, container, pool in self._facts.pools():
            if pool.lead.to and not pool.lead.is_certain:
                each = client_connections.in_pod(container, pool)
                scale = always(each) if pool.lead.in_pod else workload.replicas.scale.times(each)
                target = _id(NodeKind.POOLER if pool.lead.to in poolers else NodeKind.DATABASE, pool.lead.to)
                edge = _edge(_id(NodeKind.WORKLOAD, workload.id), target, scale, in_pod=pool.lead.in_pod)
                yield edge._replace(is_certain=False)
        for pooler in self._facts.poolers:
            uncertain = (entry.lead.to for entry in pooler.entries if not entry.lead.is_certain)
            for to in dict.fromkeys(filter(None, uncertain)):
                target = _id(NodeKind.POOLER if to in poolers else NodeKind.DATABASE, to)
                source = _id(NodeKind.POOLER, pooler.id)
                yield Edge(source, target, NOBODY_KNOWS, state=State.UNKNOWN, is_certain=False)

    def _edges_without_number(self, drawn: Iterable[tuple[str, str]]) -> Iterator[Edge]:
        """Those of pools of which not even the least number is known."""
        seen, poolers = {*drawn}, {each.id for each in self._facts.poolers}
        for workload, _, pool in self._facts.pools():
            source, to = _id(NodeKind.WORKLOAD, workload.id), pool.lead.to
            if to is None and not pool.lead.host:
                continue
            kind = NodeKind.OUTSIDE if to is None else NodeKind.POOLER if to in poolers else NodeKind.DATABASE
            target = _id(kind, to or _address(pool.lead))
            if (source, target) not in seen:
                seen.add((source, target))
                yield Edge(source, target, NOBODY_KNOWS, state=State.UNKNOWN)

    def _notes(self) -> tuple[str, ...]:
        notes: list[str] = []
        for what, why, place in self._unknown:
            where = self._places.line(place)
            notes.append(f"{what}: {why}{f' ({where})' if where else ''}")
        for accounts in self._accounts.values():
            for account in accounts:
                amounts = (account.limit.accepts, *map(account.wanted, Situation))
                assumed = (reason.assumption for amount in amounts for reason in amount.because)
                notes += [f"{account.limit.name}: assumed that {each}" for each in dict.fromkeys(assumed) if each]
        return tuple(map(redact_message, dict.fromkeys(notes)))


def _id(kind: NodeKind, written: str) -> str:
    return f"{kind} {written}"


def _address(lead: Lead) -> str:
    return f"{lead.host}:{lead.port}" if lead.port else lead.host or ""


def _node(id_: str, kind: NodeKind, owner: Owner, facts: Iterable[str], state: State, place: str) -> Node:
    stage = " ".join(sorted(owner.stages))
    return Node(id_, kind, redact_message(owner.name), tuple(map(redact_message, facts)), state, stage, place)


def _of_workload(workload: WorkloadFacts) -> Iterator[str]:
    """How many run of it, and what in each."""
    yield from _pods(workload.owner.kind, workload.replicas.scale)
    for container in workload.containers:
        if container.pools:
            yield from _processes(container)
    titles = [pool.title for container in workload.containers for pool in container.pools]
    if len(titles) > 1:
        yield f"{len(titles)} pools"


def _processes(container: ContainerFacts) -> Iterator[str]:
    if number(container.processes) not in {"1", NOBODY_KNOWS}:
        yield f"{number(container.processes)} processes each"


def _of_pooler(pooler: PoolerFacts) -> Iterator[str]:
    yield from _pods(pooler.owner.kind, pooler.replicas.scale)
    if number(pooler.processes_in_pod) not in {"1", NOBODY_KNOWS}:
        yield f"{number(pooler.processes_in_pod)} processes each"
    if pooler.mode:
        yield f"{pooler.mode} mode"
    if not pooler.is_read:
        yield "its configuration is not seen"


def _pods(kind: str, scale: Scale) -> Iterator[str]:
    pods, what = _usual(scale), "container" if kind == COMPOSE else "pod"
    if kind and pods != NOBODY_KNOWS:
        yield f"{pods} {what}" if pods == "1" else f"{pods} {what}s"


def _accepts(accounts: Sequence[Account], *, is_over: bool) -> Iterator[str]:
    """How many connections a limit accepts, and how many are wanted in each deployment unless that is too many."""
    if not accounts:
        return
    limit = accounts[0].limit
    yield _accepted(limit)
    for account in accounts:
        if account.names and not is_over:
            scale = _wanted(account)
            named = f"{_deployment(account)}: " if len(accounts) > 1 and _deployment(account) else ""
            yield f"{named}{_usual(scale)} wanted{' in each pod' if limit.in_pod else ''}"


def _wanted(account: Account) -> Scale:
    return Scale(*map(account.wanted, Situation))


def _accepted(limit: Limit) -> str:
    what = "clients" if limit.kind is Kind.POOLER else "connections"
    if limit.accepts.is_open and not limit.accepts.low:
        return "its limit is not known"
    of = f" of {number(limit.has)}" if limit.kept_back.most else ""
    return f"accepts {number(limit.accepts)}{of} {what}{' in each pod' if limit.in_pod else ''}"


def _deployment(account: Account) -> str:
    stages = " ".join(sorted(account.stages))
    namespace = f"namespace {account.namespace}" if account.namespace else ""
    return ", ".join(filter(None, (stages, namespace)))


def _is_open(accounts: Iterable[Account]) -> bool:
    return any(account.limit.accepts.is_open for account in accounts if account.parts)


def _excesses(accounts: Iterable[Account], *, is_pool: bool = False) -> Iterator[Excess]:
    accounts = list(accounts)
    for account in accounts:
        if verdict := verdict_on(account):
            where = account.limit.name if is_pool else _deployment(account) if len(accounts) > 1 else ""
            sums = tuple(map(redact_message, written_out(verdict)))
            yield Excess(redact_message(f"{where}: {_excess(verdict)}" if where else _excess(verdict)), sums)


def _excess(verdict: Verdict) -> str:
    over, when = verdict.over, verdict.why.when
    each = " in each pod" if verdict.account.limit.in_pod else ""
    return f"{over.wanted} wanted{each}, {over.allowed} accepted{f', {when}' if when else ''}{over.provided}"


def _edge(source: str, target: str, scale: Scale, *, in_pod: bool, is_over: bool = False) -> Edge:
    is_open = any(amount.is_open for amount in scale)
    state = State.OVER if is_over else State.UNKNOWN if is_open else State.FITS
    label = f"{_usual(scale)}{' in each pod' if in_pod else ''}"
    return Edge(source, target, redact_message(label), redact_message(_written(scale)), state)


def _usual(scale: Scale) -> str:
    """A number from when nothing happens up to the autoscaler's maximum."""
    low, high = scale.steady, scale.autoscaled
    return number(Amount(low.surely, low.low, high.most, high.is_open, (), low.low_sum, high.most_sum))


class _Said(NamedTuple):
    number: str
    situations: list[Situation]


def _written(scale: Scale) -> str:
    """How the number comes about when nothing happens, and what it is when something does."""
    said: list[_Said] = []
    for situation in Situation:
        text = number(scale.at(situation))
        if same := next((each for each in said if each.number == text), None):
            same.situations.append(situation)
        else:
            said.append(_Said(text, [situation]))
    steady = scale.steady
    sums = dict.fromkeys((steady.low_sum, steady.most_sum))
    worked_out = "" if {*sums} <= {str(steady.low), str(steady.most)} else f"{_from_to([*sums])} = "
    if len(said) == 1:
        return f"{worked_out}{said[0].number}" if worked_out else ""
    return worked_out + ", ".join(f"{text} {_span(situations)}" for text, situations in said)


def _from_to(ends: Sequence[str]) -> str:
    return ends[0] if len(ends) == 1 else f"from {ends[0]} to {ends[1]}"


def _span(situations: Sequence[Situation]) -> str:
    """`steady`, `steady and rollout`, `steady to peak`."""
    first, last = (list(Situation).index(situations[end]) for end in (0, -1))
    is_run = last - first == len(situations) - 1
    return f"{situations[0]} to {situations[-1]}" if is_run and len(situations) > 2 else " and ".join(situations)
