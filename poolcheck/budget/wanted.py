"""What client pools and poolers may open, by where their connections lead."""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from poolcheck.amount import Amount, Reason, exactly, product
from poolcheck.budget import client_connections, server_connections
from poolcheck.budget.facts import EntryFacts, Facts, Lead, Owner, PoolerFacts
from poolcheck.budget.parts import Part
from poolcheck.budget.server_connections import Login, Logins
from poolcheck.scale import always


class Wanted:
    """The parts of all that opens connections, by where they lead."""

    def __init__(self, facts: Facts) -> None:
        self.outside: dict[str, list[Part]] = defaultdict(list)
        """Those that lead to addresses of which nothing is known, by the address."""
        self._leading: dict[str, list[tuple[Part, Lead]]] = defaultdict(list)
        for workload, container, pool in facts.pools():
            each = client_connections.in_pod(container, pool)
            choice = f"{container.name}\n{pool.choice}"
            owner = _seen_by(workload.owner, [pool.lead])
            if pool.lead.assumption:
                each = product(
                    exactly(1, Reason(f"where {pool.title} leads", assumption=pool.lead.assumption)), each
                )
            connections = always(each) if pool.lead.in_pod else workload.replicas.scale.times(each)
            part = Part(workload.id, owner, pool.title, choice, connections, connections, place=pool.place)
            is_seen = not (workload.is_unseen and (pool.lead.to is None or pool.lead.assumption))
            if is_seen and (pool.lead.to is not None or not pool.lead.is_near):
                self._add(part, pool.lead)
        users = _Users(facts)
        for pooler in facts.poolers:
            for lead, entries in _by_lead(pooler.entries):
                self._add(_of_pooler(pooler, entries, users), lead)

    def of(self, own_id: str) -> Sequence[tuple[Part, Lead]]:
        """What certainly leads to the pooler or the database with an id."""
        return self._leading.get(own_id, ())

    def _add(self, part: Part, lead: Lead) -> None:
        if lead.to is not None and lead.is_known:
            self._leading[lead.to].append((part, lead))
        elif lead.to is None and lead.host:
            self.outside[_address(lead, part)].append(part)


class _Users:
    """Who uses the databases of poolers, as far as all who connect to a pooler are known."""

    def __init__(self, facts: Facts) -> None:
        leads = [pool.lead for _, _, pool in facts.pools()]
        leads += [entry.lead for pooler in facts.poolers for entry in pooler.entries]
        self._entries: dict[str, dict[str | None, set[Login | None]]] = defaultdict(lambda: defaultdict(set))
        for lead in leads:
            if lead.to is not None:
                login = Login(lead.database, lead.user) if lead.database and lead.user else None
                self._entries[lead.to][lead.entry].add(login if lead.is_known else None)

    def logins(self, pooler: PoolerFacts) -> Logins:
        """Who logs in for each entry, where that is known of all."""
        return {
            entry: frozenset(login for login in seen if login)
            for entry, seen in self._of(pooler).items()
            if entry is not None and None not in seen
        }

    def unused(self, pooler: PoolerFacts, entries: Iterable[EntryFacts]) -> list[EntryFacts]:
        """The entries that no client is seen to use; none where no client is seen, or not all of what they use."""
        used = self._of(pooler)
        return [] if not used or None in used else [entry for entry in entries if entry.name not in used]

    def _of(self, pooler: PoolerFacts) -> Mapping[str | None, set[Login | None]]:
        return self._entries.get(pooler.id, {})


def _of_pooler(pooler: PoolerFacts, entries: Sequence[EntryFacts], users: _Users) -> Part:
    """What the pools of some databases of a pooler may open."""
    owner = _seen_by(pooler.owner, [entry.lead for entry in entries])
    plain = pooler.scale.times(_in_process(pooler, entries, users, with_reserve=False))
    full = pooler.scale.times(_in_process(pooler, entries, users, with_reserve=True))
    return Part(
        pooler.id,
        owner,
        pooler.owner.name,
        pooler.id,
        plain._replace(worst=full.worst),
        full,
        is_pooler=True,
        is_sidecar=pooler.is_sidecar,
    )


def _in_process(
    pooler: PoolerFacts, entries: Sequence[EntryFacts], users: _Users, *, with_reserve: bool
) -> Amount:
    """What one process may open: at least for the databases that clients are seen to use."""
    logins = users.logins(pooler)
    most = server_connections.in_process(pooler, entries, logins, with_reserve=with_reserve)
    unused = users.unused(pooler, entries)
    if not unused:
        return most
    used = [entry for entry in entries if entry not in unused]
    least = server_connections.in_process(pooler, used, logins, with_reserve=with_reserve)
    names = ", ".join(entry.name for entry in unused)
    nobody = Reason(f"no client is seen to use {names}", unused[0].place, most=f"{names} of {pooler.id} in use")
    return most._replace(
        surely=least.surely, low=least.low, low_sum=least.low_sum, because=(*most.because, nobody)
    )


def _address(lead: Lead, part: Part) -> str:
    """An address; with whose it is, or where, if it does not mean the same everywhere."""
    address = f"{lead.host}:{lead.port}" if lead.port else str(lead.host)
    if lead.is_near:
        return f"{address} of {part.id}"
    folder = os.path.dirname(part.owner.span.path) if part.owner.span else ""
    return address if lead.is_qualified or not folder else f"{address} in {folder}"


def _seen_by(owner: Owner, leads: Iterable[Lead]) -> Owner:
    """An owner, with its namespace where a name in it decides where its connections lead."""
    return owner if any(not lead.is_qualified for lead in leads) else owner._replace(namespace=None)


def _by_lead(entries: Iterable[EntryFacts]) -> Iterator[tuple[Lead, list[EntryFacts]]]:
    """The entries of a pooler that lead to the same, and where."""
    led: dict[str, tuple[Lead, list[EntryFacts]]] = {}
    for entry in entries:
        key = entry.lead.to or f"{entry.lead.host}:{entry.lead.port}"
        led.setdefault(key, (entry.lead, []))[1].append(entry)
    return iter(led.values())
