"""All that is done in a function with a connection, at the nodes of its graph."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.leaks.flow.guards import code
from poolcheck.read.python.leaks.following.deed import Deed, Use
from poolcheck.read.python.leaks.following.deeds import Uses
from poolcheck.read.python.leaks.following.plan import plan_of


class Collected(NamedTuple):
    """The uses at each node of the graph, with the names used, those of what is derived, and all that release.

    `pools` are what the methods are called on that release, each once.
    """

    at: Mapping[int, list[tuple[str, Use]]]
    derived: frozenset[str]
    releases: tuple[Use, ...]
    pools: tuple[cst.BaseExpression, ...]


@lru_cache(maxsize=8)
def collected(uses: Uses, names: tuple[str, ...], derived: tuple[str, ...]) -> Collected:
    """All uses of the names that a connection, and what is derived from it, ever go by."""
    plan = plan_of(uses.around.function)
    at: dict[int, list[tuple[str, Use]]] = defaultdict(list)
    waiting = [*((name, False) for name in names), *((name, True) for name in derived)]
    others = {*derived}
    releases: dict[Use, None] = {}
    seen: set[str] = set()
    while waiting:
        name, is_derived = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for node, use in uses.of_name(name, is_derived=is_derived):
            for place in plan.holding(node, uses):
                at[place].append((name, use))
                entered = plan.graph.nodes[place].syntax if use.deed is Deed.BEGUN else None
                for end in plan.leaving[entered] if entered else ():
                    at[end].append((name, use._replace(deed=Deed.PAUSED)))
            waiting += [*((each, False) for each in use.names), *((each, True) for each in use.derived)]
            others |= {*use.derived}
            if use.deed is Deed.RELEASED:
                releases.setdefault(use)
    pools = {code(pool): pool for use in releases for pool in receiver(use.node)}
    return Collected(at, frozenset(others), tuple(releases), tuple(pools.values()))


def receiver(call: cst.CSTNode | None) -> Iterator[cst.BaseExpression]:
    """What a method is called on."""
    if isinstance(call, cst.Call) and isinstance(call.func, cst.Attribute):
        yield call.func.value
