"""What opens connections to the databases of a project, and how its pools are set now."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from poolcheck.amount import Amount, exactly, product, total
from poolcheck.budget.accounts import Account, budget
from poolcheck.budget.accounts import Kind as LimitKind
from poolcheck.budget.client_connections import in_process
from poolcheck.budget.facts import (
    ContainerFacts,
    DatabaseFacts,
    EntryFacts,
    Facts,
    Lead,
    Owner,
    PoolerFacts,
    PoolFacts,
    WorkloadFacts,
)
from poolcheck.scale import Scale, Situation
from poolcheck.sizing.deployed import Deployed, Door, Kind, Pool
from poolcheck.sizing.formulas import Given

SESSION = "session"


class Instead(NamedTuple):
    """Numbers that are to be taken in place of what the files say."""

    pods: Amount | None = None
    processes: Amount | None = None
    threads: Amount | None = None
    poolers: Amount | None = None
    pairs: Amount | None = None


AS_WRITTEN = Instead()


def deployed(facts: Facts, instead: Instead = AS_WRITTEN) -> Iterator[tuple[DatabaseFacts, Deployed]]:
    """Each database with what opens connections to it, once for each deployment that the files are for."""
    accounts = budget(facts)
    for database in facts.databases:
        found = accounts.of(database.id, LimitKind.DATABASE)
        for account in found:
            only = account if len(found) > 1 else None
            yield database, _Present(facts, instead, only).of(database, account.wanted(Situation.PEAK))


class _Present:
    """What is there at the same time: all that is written down, or what an account is `only` about."""

    def __init__(self, facts: Facts, instead: Instead, only: Account | None) -> None:
        self._facts = facts
        self._instead = instead
        self._only = only
        self._there = {*self._chosen(facts.poolers), *self._chosen(facts.workloads)}

    def of(self, database: DatabaseFacts, wanted: Amount) -> Deployed:
        """A database, `wanted` so much by all together."""
        pools = [pool for pooler in self._leading(database.id) for pool in self._of_pooler(pooler, database.id)]
        pools += self._of_clients(database.id, Kind.DIRECT)
        kept_back = database.reserved
        return Deployed(
            self._name(database),
            database.place,
            tuple(pools),
            tuple(map(self._door, self._on_the_way(database.id))),
            Given("kept back", kept_back.most, kept_back.because),
            _stated(database.max_connections),
            wanted if pools else None,
        )

    def _leading(self, to: str) -> list[PoolerFacts]:
        """The poolers that open connections to a database server, or to another pooler."""
        return [each for each in self._facts.poolers if each.id in self._there and _entries(each, to)]

    def _on_the_way(self, to: str) -> Iterable[PoolerFacts]:
        """All poolers through which connections to a server come, the farthest first."""
        found: dict[str, PoolerFacts] = {}
        left = self._leading(to)
        while left:
            pooler = left.pop()
            if pooler.id not in found:
                found[pooler.id] = pooler
                left += self._leading(pooler.id)
        return reversed(found.values())

    def _name(self, database: DatabaseFacts) -> str:
        """What a database is called, with the deployment where it is not the only one."""
        deployment = self._only and (", ".join(sorted(self._only.stages)) or self._only.namespace)
        return f"{database.id} ({deployment})" if deployment else database.id

    def _chosen(self, written: Iterable[PoolerFacts | WorkloadFacts]) -> Iterator[str]:
        """Those that are there. One that is written down in several places is deployed from one of them."""
        found: dict[tuple[str, str], PoolerFacts | WorkloadFacts] = {}
        for each in written:
            name = each.owner.kind, each.owner.name
            if self._is_there(each.owner) and (
                name not in found or each.replicas.autoscaled.most > found[name].replicas.autoscaled.most
            ):
                found[name] = each
        yield from (each.id for each in found.values())

    def _is_there(self, owner: Owner) -> bool:
        if self._only is None:
            return True
        return owner.stages <= self._only.stages and owner.namespace in {None, self._only.namespace}

    def _of_pooler(self, pooler: PoolerFacts, to: str, kind: Kind = Kind.POOLER) -> Iterator[Pool]:
        """The pools that a pooler has for a server or another pooler: one for each entry and user."""
        entries = _entries(pooler, to)
        general = [entry for entry in entries if entry.pool_size is None]
        if general:
            yield self._pools(pooler, kind, "default_pool_size", general, pooler.default_pool_size)
        for entry in entries:
            if entry.pool_size is not None:
                yield self._pools(pooler, kind, f"pool_size of {entry.name}", [entry], entry.pool_size)

    def _pools(
        self, pooler: PoolerFacts, kind: Kind, setting: str, entries: Sequence[EntryFacts], now: Amount
    ) -> Pool:
        pairs = self._instead.pairs or total(exactly(self._users(pooler, entry)) for entry in entries)
        pods = self._pods(pooler.scale, self._instead.poolers)
        steady, most = (product(each, pairs) for each in pods)
        reserves = (entry.reserve_pool_size or pooler.reserve_pool_size for entry in entries)
        return Pool(
            kind,
            pooler.id,
            setting,
            steady,
            most,
            _stated(now),
            next((reason.span for reason in now.because if reason.span), pooler.place),
            reserve=max(reserve.most for reserve in reserves),
            remarks=tuple(self._remarks(pooler, entries)),
        )

    def _remarks(self, pooler: PoolerFacts, entries: Sequence[EntryFacts]) -> Iterator[str]:
        open_to_all = [entry.name for entry in entries if entry.user is None]
        if open_to_all and not self._instead.pairs:
            yield (
                f"{' and '.join(open_to_all)} of {pooler.id}: no user is named; a pool for each who is seen to"
                " log in is counted, one at least, and --pools says how many there are"
            )
        servers = {entry.lead.to for entry in pooler.entries if entry.pool_size is None}
        if len(servers) > 1 and any(entry.pool_size is None for entry in entries):
            yield f"default_pool_size of {pooler.id} is for other servers too; an entry may have its own pool_size"

    def _users(self, pooler: PoolerFacts, entry: EntryFacts) -> int:
        """How many users are known to log in to a database of a pooler's; at least one."""
        if entry.user is not None:
            return 1
        leads = (pool.lead for _, _, pool in self._facts.pools())
        users = {lead.user for lead in leads if lead.to == pooler.id and lead.entry == entry.name}
        return max(len(users - {None}), 1)

    def _door(self, pooler: PoolerFacts) -> Door:
        poolers = [
            pool for other in self._leading(pooler.id) for pool in self._of_pooler(other, pooler.id, Kind.CLIENT)
        ]
        clients = (*self._of_clients(pooler.id, Kind.CLIENT), *poolers)
        return Door(pooler.id, _stated(pooler.max_client_conn), pooler.place, clients, pooler.mode == SESSION)

    def _of_clients(self, leads_to: str, kind: Kind) -> Iterator[Pool]:
        """The client pools that lead somewhere. Of those that a process has only one of, the largest is taken."""
        chosen: dict[tuple[str, str, str], Pool] = {}
        for workload, container, pool in self._facts.pools():
            if not _leads(pool.lead, leads_to) or workload.id not in self._there:
                continue
            key = workload.id, container.name, pool.choice
            made = self._client_pool(workload, container, pool, kind)
            if key not in chosen or _known(made.now) > _known(chosen[key].now):
                chosen[key] = made
        yield from chosen.values()

    def _client_pool(
        self, workload: WorkloadFacts, container: ContainerFacts, pool: PoolFacts, kind: Kind
    ) -> Pool:
        processes = self._instead.processes or container.processes
        threads = self._instead.threads or container.threads
        steady, most = (
            product(each, processes) for each in self._pods(workload.replicas.scale, self._instead.pods)
        )
        names = [size.name for size in pool.sizes if size.name]
        is_unsized = pool.opens_when_asked or not names
        now = in_process(pool, threads) if is_unsized else pool.size
        setting = pool.title if is_unsized else f"{pool.title}: {' + '.join(names)}"
        return Pool(
            kind, workload.id, setting, steady, most, _stated(now), pool.place, threads, is_unsized
        )  # fmt: skip

    @staticmethod
    def _pods(scale: Scale, instead: Amount | None) -> tuple[Amount, Amount]:
        """The pods while nothing is rolled out, and those while something is."""
        return (instead, instead) if instead else (scale.autoscaled, scale.peak)


def _entries(pooler: PoolerFacts, to: str) -> list[EntryFacts]:
    return [entry for entry in pooler.entries if _leads(entry.lead, to)]


def _leads(lead: Lead, to: str) -> bool:
    return lead.to == to and lead.is_certain


def _stated(amount: Amount) -> Amount | None:
    """A number of which anything is known."""
    return None if amount.is_open and amount.most == 0 else amount


def _known(amount: Amount | None) -> int:
    return 0 if amount is None else amount.most
