"""The budget: for each pooler and each database, what it accepts and what is wanted of it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from poolcheck.amount import Amount, Overrun, between, difference, exactly, least, overrun, product
from poolcheck.budget import server_connections
from poolcheck.budget.facts import DatabaseFacts, EntryFacts, Facts, Lead, Owner, PoolerFacts
from poolcheck.budget.parts import Part, by_owner, deployments, together
from poolcheck.budget.wanted import Wanted
from poolcheck.scale import Situation
from poolcheck.source import Span

SESSION = "session"


class Kind(StrEnum):
    """What accepts connections."""

    DATABASE = "database"
    POOLER = "pooler"
    """A pooler's client connections."""
    POOL = "pool"
    """One pool of a pooler whose clients keep their server connections for as long as they are connected."""
    OUTSIDE = "outside"
    """An address of which the project knows nothing else."""


class Limit(NamedTuple):
    """What accepts connections, and how many: all that it has, less what is `kept_back`.

    It is `in_pod` where each pod of its clients has one of its own; then one pod's connections are counted.
    """

    kind: Kind
    id: str
    name: str
    place: Span | None
    has: Amount
    kept_back: Amount
    in_pod: bool = False

    @property
    def accepts(self) -> Amount:
        """The connections that applications and poolers may open."""
        return self.has if self.kept_back.most == 0 else difference(self.has, self.kept_back)


class Account(NamedTuple):
    """What is wanted of a limit in one deployment: by whom, and what comes together."""

    limit: Limit
    parts: tuple[Part, ...]
    stages: frozenset[str] = frozenset()
    namespace: str | None = None

    def wanted(self, situation: Situation, *, with_reserve: bool = False) -> Amount:
        """What may be open at the same time in a situation."""
        return together(self.parts, lambda part: _number(part, situation, with_reserve=with_reserve))

    def wanted_by(self, situation: Situation, *, with_reserve: bool = False) -> list[tuple[Owner, Amount]]:
        """What each owner may have open of that."""
        return [*by_owner(self.parts, lambda part: _number(part, situation, with_reserve=with_reserve))]

    def overrun(self, situation: Situation, *, with_reserve: bool = False) -> Overrun | None:
        """By how much more may be open than is accepted; None where it fits, or where that is not known."""
        return overrun(self.wanted(situation, with_reserve=with_reserve), self.limit.accepts)

    @property
    def names(self) -> tuple[str, ...]:
        """Those who open connections, as far as anything is known of how many."""
        return tuple(dict.fromkeys(part.owner.name for part in self.parts if part.is_counted))


def _number(part: Part, situation: Situation, *, with_reserve: bool) -> Amount:
    return (part.with_reserve if with_reserve else part.connections).at(situation)


class Unknown(NamedTuple):
    """Something without which the budget is not whole, and why it is not known."""

    what: str
    why: str
    place: Span | None


class Budget(NamedTuple):
    """All limits with what is wanted of them, and what is not known."""

    accounts: tuple[Account, ...]
    unknown: tuple[Unknown, ...]

    def of(self, limit_id: str, kind: Kind) -> list[Account]:
        """The accounts of one limit, one for each deployment."""
        return [each for each in self.accounts if (each.limit.id, each.limit.kind) == (limit_id, kind)]


def budget(facts: Facts) -> Budget:
    """The budget that these facts come to."""
    wanted = Wanted(facts)
    accounts = [*_of_databases(facts, wanted), *_of_poolers(facts, wanted), *_of_pools(facts, wanted)]
    accounts += _of_addresses(wanted)
    return Budget(tuple(accounts), tuple(dict.fromkeys(_unknown(facts, accounts))))


def _of_databases(facts: Facts, wanted: Wanted) -> Iterator[Account]:
    for database in facts.databases:
        parts = sorted((part for part, _ in wanted.of(database.id)), key=lambda part: not part.is_pooler)
        yield from _accounts(_database(database), parts, database.owner.stages)


def _database(database: DatabaseFacts) -> Limit:
    name, place = database.owner.name, database.place
    return Limit(Kind.DATABASE, database.id, name, place, database.max_connections, database.reserved)


def _of_poolers(facts: Facts, wanted: Wanted) -> Iterator[Account]:
    for pooler in facts.poolers:
        found = wanted.of(pooler.id)
        in_pod = bool(found) and all(lead.in_pod for _, lead in found)
        # Where each pod has a pooler of its own, its number is the same on both sides.
        has = pooler.max_client_conn if in_pod else product(pooler.processes, pooler.max_client_conn)
        name, place = pooler.owner.name, pooler.place
        limit = Limit(Kind.POOLER, pooler.id, name, place, has, exactly(0), in_pod)
        yield from _accounts(limit, [part for part, _ in found], pooler.owner.stages)
        for entry in pooler.entries:
            most = entry.max_db_client_connections or pooler.max_db_client_connections
            parts = [part for part, lead in found if lead.entry == entry.name]
            yield from _of_clients(pooler, f"database {entry.name}", most, parts, in_pod=in_pod)
        for user in sorted({lead.user for _, lead in found if lead.user}):
            own = next((each for each in pooler.users if each.name == user), None)
            most = (own and own.max_user_client_connections) or pooler.max_user_client_connections
            parts = [part for part, lead in found if lead.user == user]
            yield from _of_clients(pooler, f"user {user}", most, parts, in_pod=in_pod)


def _of_clients(
    pooler: PoolerFacts, what: str, most: Amount | None, parts: Sequence[Part], *, in_pod: bool
) -> Iterator[Account]:
    """What a pooler accepts for one database or user, where it has a limit for that."""
    if most is not None and not most.is_open and parts:
        has = most if in_pod else product(pooler.processes, most)
        place = next((reason.span for reason in most.because if reason.span), pooler.place)
        name = f"{pooler.owner.name} for {what}"
        yield from _accounts(
            Limit(Kind.POOLER, f"{pooler.id}/{what}", name, place, has, exactly(0), in_pod), parts
        )


def _of_pools(facts: Facts, wanted: Wanted) -> Iterator[Account]:
    """The pools that are filled by as many clients as they have server connections."""
    for pooler in facts.poolers:
        by_entry: dict[str, list[tuple[Part, Lead]]] = defaultdict(list)
        for part, lead in wanted.of(pooler.id):
            if lead.entry is not None:
                by_entry[lead.entry].append((part, lead))
        for entry in pooler.entries:
            found = by_entry.get(entry.name, [])
            if entry.mode == SESSION and found:
                yield from _of_pool(pooler, entry, found)


def _of_pool(pooler: PoolerFacts, entry: EntryFacts, found: Sequence[tuple[Part, Lead]]) -> Iterator[Account]:
    """What is wanted of the pools of a database: one for the user whom it names, or one for each who logs in."""
    users = {entry.user} if entry.user is not None else {lead.user for _, lead in found}
    for user in sorted(user for user in users if user):
        own = next((each for each in pooler.users if each.name == user), None)
        if own and own.mode not in {None, SESSION}:
            continue
        size = server_connections.in_pool(pooler, entry, own, with_reserve=True)
        if entry.max_db_connections or pooler.max_db_connections:
            size = least(size, entry.max_db_connections or pooler.max_db_connections or size)
        in_pod = all(lead.in_pod for _, lead in found)
        has = size if in_pod else product(pooler.processes, size)
        name = f"the pool of {entry.name} and {user} in {pooler.owner.name}"
        place = next((reason.span for reason in size.because if reason.span), entry.place)
        limit = Limit(Kind.POOL, f"{pooler.id}/{entry.name}/{user}", name, place, has, exactly(0), in_pod)
        parts = [part for part, lead in found if entry.user is not None or lead.user == user]
        yield from _accounts(limit, parts)


def _of_addresses(wanted: Wanted) -> Iterator[Account]:
    for address, parts in sorted(wanted.outside.items()):
        limit = Limit(Kind.OUTSIDE, address, address, None, between(0, None), exactly(0))
        yield from (each for each in _accounts(limit, parts) if each.parts)


def _accounts(limit: Limit, parts: Sequence[Part], stages: frozenset[str] = frozenset()) -> Iterator[Account]:
    """One account for each deployment that wants something of a limit; one for its `stages` where nobody does."""
    found = [*deployments(parts)]
    if not found:
        yield Account(limit, (), stages)
    yield from (Account(limit, each.parts, each.stages, each.namespace) for each in found)


def _unknown(facts: Facts, accounts: Iterable[Account]) -> Iterator[Unknown]:
    """What is not known of limits, numbers and ways."""
    for account in accounts:
        limit = account.limit
        if limit.has.is_open and limit.kind in {Kind.DATABASE, Kind.POOLER} and account.parts:
            yield Unknown(limit.name, "how many connections it accepts is not known", limit.place)
        for part in account.parts:
            if part.connections.steady.is_open and part.owner.kind:
                what = part.owner.name if part.is_pooler else f"{part.title} in {part.owner.name}"
                yield Unknown(what, "how many connections it may open has no known end", part.owner.span)
    for workload, _, pool in facts.pools():
        if workload.is_unseen:
            yield Unknown(pool.title, "no workload is seen to make it", pool.place)
        elif not pool.lead.is_known:
            yield Unknown(f"{pool.title} in {workload.owner.name}", _why_unknown(pool.lead), pool.place)
    for pooler in facts.poolers:
        if not pooler.is_read:
            yield Unknown(pooler.owner.name, "its configuration is not seen", pooler.place)


def _why_unknown(lead: Lead) -> str:
    if lead.is_near and lead.is_certain:
        return f"it connects to {lead.host}, and what answers there is not seen"
    if lead.is_certain:
        return f"what {lead.host} is, is not seen" if lead.host else "where it connects to is not known"
    return f"where {lead.host or 'it'} leads to is not certain"
