"""Names for what facts speak of, such that no two have the same."""

from collections import Counter
from collections.abc import Iterable

from poolcheck.budget.facts import Owner


def unique_ids(owners: Iterable[Owner]) -> list[str]:
    """A name for each of these that none of the others has: with its stage, its file or a number where need be."""
    owners = list(owners)
    ids = [owner.name for owner in owners]
    for more in (_with_stage, _with_file):
        twice = {each for each, number in Counter(ids).items() if number > 1}
        ids = [more(own, owner) if own in twice else own for own, owner in zip(ids, owners, strict=True)]
    seen: Counter[str] = Counter()
    for at, own in enumerate(ids):
        seen[own] += 1
        if seen[own] > 1:
            ids[at] = f"{own}#{seen[own]}"
    return ids


def _with_stage(own_id: str, owner: Owner) -> str:
    """`api@production`, `api.shop`: by its stages, else its namespace."""
    if owner.stages:
        return f"{own_id}@{'+'.join(sorted(owner.stages))}"
    return f"{own_id}.{owner.namespace}" if owner.namespace else own_id


def _with_file(own_id: str, owner: Owner) -> str:
    return f"{own_id}@{owner.span.path}" if owner.span else own_id
