"""Environments that are the same but for their names: one for each customer, or for each region."""

from collections.abc import Sequence, Set
from itertools import chain
from typing import TypeAlias

from poolcheck.budget.facts import Facts, Owner

MOST_NAMES = 3
"""A name of several environments has so many of theirs."""

Environment: TypeAlias = tuple[frozenset[str], Facts]
"""The stages of an environment, and what is there."""


def alike(environments: Sequence[Environment]) -> list[Environment]:
    """The environments, those as one that differ in nothing but names.

    That is for no stage in particular where all are one. None are where anything else is for a stage.
    """
    if any(_is_for_others(facts, stages) for stages, facts in environments):
        return [*environments]
    groups: dict[Facts, list[Environment]] = {}
    for stages, facts in environments:
        groups.setdefault(_for(facts, stages, frozenset()), []).append((stages, facts))
    return [
        group[0] if len(group) == 1 else _as_one(group, frozenset({_named(group)} if len(groups) > 1 else ()))
        for group in groups.values()
    ]


def _as_one(group: Sequence[Environment], stages: frozenset[str]) -> Environment:
    """Several environments as one; what is reached under an address in one of them only has none."""
    own, facts = group[0]
    shared = set[str].intersection(*(_addresses(each) for _, each in group))
    return stages, _for(facts, own, stages, shared)


def _addresses(facts: Facts) -> set[str]:
    of_databases = {address for each in facts.databases for address in each.addresses}
    return of_databases | {address for each in facts.poolers for address in each.addresses}


def _named(group: Sequence[Environment]) -> str:
    """`eu and us`, `a, b, c and 57 others`."""
    names = [" ".join(sorted(stages)) for stages, _ in group]
    if len(names) > MOST_NAMES + 1:
        names = [*names[:MOST_NAMES], f"{len(names) - MOST_NAMES} others"]
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _is_for_others(facts: Facts, stages: frozenset[str]) -> bool:
    """Whether anything is for other stages than the environment, and not for all."""
    owners = chain(
        (each.owner for each in facts.databases),
        (each.owner for each in facts.poolers),
        (each.owner for each in facts.workloads),
    )
    return any(owner.stages and owner.stages != stages for owner in owners)


def _for(facts: Facts, own: frozenset[str], stages: frozenset[str], addresses: Set[str] = frozenset()) -> Facts:
    """What is for its own stages for others, in no namespace that would tell them apart, with these addresses."""

    def moved(owner: Owner) -> Owner:
        return owner._replace(stages=stages, namespace=None) if owner.stages == own else owner

    def kept(found: Sequence[str]) -> tuple[str, ...]:
        return tuple(address for address in found if address in addresses)

    return Facts(
        tuple(each._replace(owner=moved(each.owner), addresses=kept(each.addresses)) for each in facts.databases),
        tuple(each._replace(owner=moved(each.owner), addresses=kept(each.addresses)) for each in facts.poolers),
        tuple(each._replace(owner=moved(each.owner)) for each in facts.workloads),
    )
