"""Facts of several projects put together: what one connects to by name may be what another one runs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

from poolcheck.amount import either
from poolcheck.budget.facts import DatabaseFacts, Facts, Lead, Owner, PoolerFacts, WorkloadFacts
from poolcheck.budget.server_connections import FALLBACK

_ENDS = (".svc.cluster.local", ".svc")

Reached = TypeVar("Reached", bound=DatabaseFacts | PoolerFacts)


class _Known(NamedTuple):
    """What is reached under which address, and under which id each thing is kept that several projects know."""

    by_address: Mapping[str, DatabaseFacts | PoolerFacts]
    kept: Mapping[str, str]


def together(projects: Sequence[tuple[str, Facts]]) -> Facts:
    """One set of facts out of those of several projects, each with its name.

    That name is put before the names of all that it owns; one project may have none.
    """
    if len(projects) == 1:
        return projects[0][1]
    named = [_named(facts, project) for project, facts in projects]
    databases = _groups([each for facts in named for each in facts.databases])
    poolers = _groups([each for facts in named for each in facts.poolers])
    one_each: list[DatabaseFacts | PoolerFacts] = [
        *(_one_database(group) for group in databases),
        *(_one_pooler(group) for group in poolers),
    ]
    groups: list[Sequence[DatabaseFacts | PoolerFacts]] = [*databases, *poolers]
    known = _Known(
        {
            _plain(address): one
            for one, group in zip(one_each, groups, strict=True)
            for each in group
            for address in each.addresses
        },
        {each.id: one.id for one, group in zip(one_each, groups, strict=True) for each in group},
    )
    return Facts(
        tuple(each for each in one_each if isinstance(each, DatabaseFacts)),
        tuple(_pooler_led(each, known) for each in one_each if isinstance(each, PoolerFacts)),
        tuple(_workload_led(each, known) for facts in named for each in facts.workloads),
    )


def _named(facts: Facts, project: str) -> Facts:
    """Facts with the name of their project before everything that is theirs."""
    if not project:
        return facts

    def own(name: str) -> str:
        return f"{project}/{name}"

    def owned(owner: Owner) -> Owner:
        return owner._replace(name=own(owner.name))

    def led(lead: Lead) -> Lead:
        return lead if lead.to is None else lead._replace(to=own(lead.to))

    return Facts(
        tuple(each._replace(id=own(each.id), owner=owned(each.owner)) for each in facts.databases),
        tuple(
            each._replace(
                id=own(each.id),
                owner=owned(each.owner),
                entries=tuple(entry._replace(lead=led(entry.lead)) for entry in each.entries),
            )
            for each in facts.poolers
        ),
        tuple(
            _with_leads(each, lambda lead, _: led(lead))._replace(id=own(each.id), owner=owned(each.owner))
            for each in facts.workloads
        ),
    )


def _groups(all_reached: Sequence[Reached]) -> list[list[Reached]]:
    """What is the same, because it is reached under one address."""
    groups: list[list[Reached]] = []
    for each in all_reached:
        addresses = {_plain(address) for address in each.addresses}
        same: list[Reached] = []
        others: list[list[Reached]] = []
        for group in groups:
            is_same = any(_plain(address) in addresses for other in group for address in other.addresses)
            if is_same:
                same.extend(group)
            else:
                others.append(group)
        groups = [*others, [*same, each]]
    return groups


def _one_database(group: Sequence[DatabaseFacts]) -> DatabaseFacts:
    """What several projects say of one database."""
    telling = [each for each in group if not each.max_connections.is_open] or [*group]
    return telling[0]._replace(
        max_connections=either(each.max_connections for each in telling),
        reserved=either(each.reserved for each in telling),
        cores=next((each.cores for each in group if each.cores is not None), None),
    )


def _one_pooler(group: Sequence[PoolerFacts]) -> PoolerFacts:
    """The pooler of the project that has its configuration."""
    return next((each for each in group if each.is_read), group[0])


def _pooler_led(pooler: PoolerFacts, known: _Known) -> PoolerFacts:
    return pooler._replace(
        entries=tuple(each._replace(lead=_led(each.lead, pooler.owner, known)) for each in pooler.entries)
    )


def _workload_led(workload: WorkloadFacts, known: _Known) -> WorkloadFacts:
    return _with_leads(workload, lambda lead, owner: _led(lead, owner, known))


def _with_leads(workload: WorkloadFacts, led: Callable[[Lead, Owner], Lead]) -> WorkloadFacts:
    return workload._replace(
        containers=tuple(
            container._replace(
                pools=tuple(pool._replace(lead=led(pool.lead, workload.owner)) for pool in container.pools)
            )
            for container in workload.containers
        )
    )


def _led(lead: Lead, owner: Owner, known: _Known) -> Lead:
    """Where connections lead, now that more is known of what there is."""
    if lead.to is not None:
        return lead._replace(to=known.kept.get(lead.to, lead.to))
    found = next((known.by_address[each] for each in _asked_for(lead, owner) if each in known.by_address), None)
    if found is None:
        return lead
    return lead._replace(to=found.id, entry=_entry(lead, found), is_certain=True)


def _asked_for(lead: Lead, owner: Owner) -> Iterator[str]:
    """The addresses that a client may mean, the most exact first."""
    if lead.host:
        host = _plain(lead.host)
        names = [f"{host}.{owner.namespace}"] if owner.namespace and not lead.is_qualified else []
        for name in (*names, host):
            yield from ([f"{name}:{lead.port}"] if lead.port else [])
            yield name


def _entry(lead: Lead, found: DatabaseFacts | PoolerFacts) -> str | None:
    """The database of a pooler's that a client gets."""
    names = {entry.name for entry in found.entries} if isinstance(found, PoolerFacts) else set[str]()
    if lead.database in names:
        return lead.database
    return FALLBACK if FALLBACK in names else None


def _plain(address: str) -> str:
    """An address as all projects would write it: `db.shop:5432` for `db.shop.svc.cluster.local:5432`."""
    host, colon, port = address.lower().partition(":")
    for end in _ENDS:
        host = host.removesuffix(end)
    return f"{host}{colon}{port}"
