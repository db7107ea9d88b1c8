"""The facts of several environments of one project: what is the same in all is there once, all else in each."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple, TypeAlias

from poolcheck.budget.alike import alike
from poolcheck.budget.facts import DatabaseFacts, Facts, Lead, Owner, PoolerFacts, WorkloadFacts
from poolcheck.budget.names import unique_ids
from poolcheck.source import Span

_Item: TypeAlias = DatabaseFacts | PoolerFacts | WorkloadFacts


class _Key(NamedTuple):
    """What is the same thing in every environment: of those with one owner, so many come before it."""

    kind: str
    owner: Owner
    before: int


_Place: TypeAlias = tuple[_Key, int | None]
"""A thing in an environment; None where it is the same in all."""


def apart(environments: Sequence[tuple[frozenset[str], Facts]]) -> Facts:
    """One set of facts out of those of several environments, each with its stages.

    What differs between them, or leads to what does, is there once for each, and for the stages of that alone.
    What no cluster runs is there where it is in all of them. Environments that are alike are one.
    """
    environments = alike(environments)
    things = _Things([facts for _, facts in environments])
    found: dict[_Place, tuple[int, _Item]] = {}
    for key, versions in things.versions.items():
        for at, item in versions.items():
            own = _for_stages(item, environments[at][0]) if key in things.differing else item
            found.setdefault(things.place(key, at), (at, own))
    ids = {**_ids(found, of_workloads=False), **_ids(found, of_workloads=True)}
    new = [
        _with_leads(item, partial(things.led, at, ids))._replace(id=ids[place])
        for place, (at, item) in found.items()
    ]
    return Facts(
        tuple(each for each in new if isinstance(each, DatabaseFacts)),
        tuple(each for each in new if isinstance(each, PoolerFacts)),
        tuple(each for each in new if isinstance(each, WorkloadFacts)),
    )


def _for_stages(item: _Item, stages: frozenset[str]) -> _Item:
    return item._replace(owner=item.owner._replace(stages=item.owner.stages | stages))


def _ids(found: Mapping[_Place, tuple[int, _Item]], *, of_workloads: bool) -> dict[_Place, str]:
    owners = {
        place: item.owner for place, (_, item) in found.items() if isinstance(item, WorkloadFacts) is of_workloads
    }
    return dict(zip(owners, unique_ids(owners.values()), strict=True))


class _Things:
    """All things of several environments, and which of them are `differing`."""

    def __init__(self, environments: Sequence[Facts]) -> None:
        self.versions: dict[_Key, dict[int, _Item]] = {}
        self._reached: dict[tuple[int, str], _Key] = {}
        for at, facts in enumerate(environments):
            self._add(at, facts)
        for key, found in [*self.versions.items()]:
            if not key.owner.kind:
                self.versions[key] = _without_pools_of_some(found) if len(found) == len(environments) else {}
        self._numbers = {key: str(number) for number, key in enumerate(self.versions)}
        self.differing: set[_Key] = set()
        while more := {key for key in self.versions.keys() - self.differing if self._differs(key)}:
            self.differing |= more

    def place(self, key: _Key, at: int) -> _Place:
        """Where it is among all."""
        return key, at if key in self.differing else None

    def led(self, at: int, names: Mapping[_Place, str], own_id: str) -> str | None:
        """The name of what is led to by an id in one environment; None where it is not kept."""
        return names.get(self.place(self._reached[at, own_id], at))

    def _add(self, at: int, facts: Facts) -> None:
        seen: Counter[tuple[str, Owner]] = Counter()
        items: tuple[_Item, ...] = (*facts.databases, *facts.poolers, *facts.workloads)
        for item in items:
            kind = type(item).__name__
            key = _Key(kind, item.owner, seen[kind, item.owner])
            seen[kind, item.owner] += 1
            self.versions.setdefault(key, {})[at] = item
            if not isinstance(item, WorkloadFacts):
                self._reached[at, item.id] = key

    def _differs(self, key: _Key) -> bool:
        """Whether it is not the same in all environments that have it, or does not lead to the same."""
        plain = (
            _with_leads(item, partial(self._number, at))._replace(id="") for at, item in self.versions[key].items()
        )
        first = next(plain, None)
        return any(each != first for each in plain)

    def _number(self, at: int, own_id: str) -> str:
        key = self._reached[at, own_id]
        return f"{self._numbers[key]}@{at}" if key in self.differing else self._numbers[key]


def _without_pools_of_some(found: Mapping[int, _Item]) -> dict[int, _Item]:
    """A module, with the pools that no workload is seen to make in any environment."""
    modules = {at: item for at, item in found.items() if isinstance(item, WorkloadFacts)}
    if not modules:
        return {**found}
    in_all = set[Span | None].intersection(*({*_places(each)} for each in modules.values()))
    return {at: _with_pools(each, in_all) for at, each in modules.items()}


def _places(workload: WorkloadFacts) -> Iterator[Span | None]:
    return (pool.place for container in workload.containers for pool in container.pools)


def _with_pools(workload: WorkloadFacts, places: set[Span | None]) -> WorkloadFacts:
    return workload._replace(
        containers=tuple(
            each._replace(pools=tuple(pool for pool in each.pools if pool.place in places))
            for each in workload.containers
        )
    )


def _with_leads(item: _Item, named: Callable[[str], str | None]) -> _Item:
    """A thing whose connections lead to what has other names."""

    def led(lead: Lead) -> Lead:
        return lead if lead.to is None else lead._replace(to=named(lead.to))

    match item:
        case PoolerFacts():
            return item._replace(entries=tuple(each._replace(lead=led(each.lead)) for each in item.entries))
        case WorkloadFacts():
            containers = (
                each._replace(pools=tuple(pool._replace(lead=led(pool.lead)) for pool in each.pools))
                for each in item.containers
            )
            return item._replace(containers=tuple(containers))
        case _:
            return item
