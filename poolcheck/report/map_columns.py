"""Which column of a picture each node stands in, and in which order, so that few edges cross."""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from poolcheck.picture import Edge, Node, NodeKind, Picture

SWEEPS = 12
"""So many times the order of each column is made after its neighbour's; hardly any picture gains from more."""


class Stop(NamedTuple):
    """What an edge passes in a column: a node, or a lane on the way to a node further on. All edges share that."""

    column: int
    node: str
    is_lane: bool = False


class Way(NamedTuple):
    """An edge with the node it begins at, the lanes, and the node it ends at.

    It leads back where it does not end in a later column than it begins in.
    """

    edge: Edge
    stops: tuple[Stop, ...]

    @property
    def is_back(self) -> bool:
        """Whether it leads against the direction of reading."""
        return self.stops[0].column >= self.stops[-1].column


Order: TypeAlias = list[list[Stop]]


class Columns(NamedTuple):
    """What stands in each column from top to bottom, and how edges go through them."""

    columns: tuple[tuple[Stop, ...], ...]
    ways: tuple[Way, ...]


def columns(picture: Picture) -> Columns:
    """The columns from left to right: workloads, poolers one behind the other, databases."""
    ranks = _ranks(picture)
    ways = tuple(_way(edge, ranks) for edge in picture.edges)
    order = _best_order(_stops(picture.nodes, ranks, ways), ways)
    return Columns(tuple(map(tuple, order)), ways)


def _ranks(picture: Picture) -> dict[str, int]:
    """The column of each node."""
    kinds = {node.id: node.kind for node in picture.nodes}
    hops = _hops(kinds, picture.edges)
    last = max(hops.values(), default=0) + 1
    of_kind = {NodeKind.WORKLOAD: 0, NodeKind.DATABASE: last, NodeKind.OUTSIDE: last}
    ranks = {node: hops[node] if node in hops else of_kind[kind] for node, kind in kinds.items()}
    used = sorted(set(ranks.values()))
    return {node: used.index(rank) for node, rank in ranks.items()}


def _hops(kinds: Mapping[str, NodeKind], edges: Iterable[Edge]) -> dict[str, int]:
    """How many poolers there are at most up to each pooler, and with it."""
    hops = {node: 1 for node, kind in kinds.items() if kind is NodeKind.POOLER}
    following: dict[str, list[str]] = defaultdict(list)
    for source, target, *_ in edges:
        # An edge that closes a circle leads back, and is no hop.
        if source in hops and target in hops and not _leads(target, source, following):
            following[source].append(target)
            _push(source, hops, following)
    return hops


def _leads(start: str, end: str, following: Mapping[str, Sequence[str]]) -> bool:
    seen, ahead = set[str](), [start]
    while ahead:
        node = ahead.pop()
        if node == end:
            return True
        if node not in seen:
            seen.add(node)
            ahead += following.get(node, ())
    return False


def _push(start: str, hops: dict[str, int], following: Mapping[str, Sequence[str]]) -> None:
    """Moves all that follow behind what they follow."""
    ahead = [start]
    while ahead:
        node = ahead.pop()
        for each in following.get(node, ()):
            if hops[each] <= hops[node]:
                hops[each] = hops[node] + 1
                ahead.append(each)


def _way(edge: Edge, ranks: Mapping[str, int]) -> Way:
    first, last = ranks[edge.source], ranks[edge.target]
    lanes = (Stop(column, edge.target, is_lane=True) for column in range(first + 1, last))
    return Way(edge, (Stop(first, edge.source), *lanes, Stop(last, edge.target)))


def _stops(nodes: Sequence[Node], ranks: Mapping[str, int], ways: Sequence[Way]) -> Order:
    """All stops in their columns; nodes of one deployment together, and below them those without edges."""
    linked = {stop.node for way in ways for stop in way.stops}
    ordered = sorted(nodes, key=lambda node: (node.id not in linked, node.stage))
    found: Order = [[] for _ in set(ranks.values())]
    for node in ordered:
        found[ranks[node.id]].append(Stop(ranks[node.id], node.id))
    for lane in dict.fromkeys(stop for way in ways for stop in way.stops if stop.is_lane):
        found[lane.column].append(lane)
    return found


def _best_order(order: Order, ways: Sequence[Way]) -> Order:
    """The order with the fewest crossings of those that the barycentre of the neighbours leads to."""
    sides = _sides(ways)
    best, fewest = order, _crossings(order, sides.behind)
    for sweep in range(SWEEPS):
        to_the_left = sweep % 2 == 0
        order = _swept(order, sides.behind if to_the_left else sides.before, to_the_left=to_the_left)
        order = _exchanged(order, sides, even_if_equal=sweep % 4 > 1)
        if (crossings := _crossings(order, sides.behind)) < fewest or sweep == 0:
            best, fewest = order, crossings
        if fewest == 0:
            break
    return best


class _Sides(NamedTuple):
    """What each stop is connected with in the column before its own, and in the column behind."""

    before: Mapping[Stop, Sequence[Stop]]
    behind: Mapping[Stop, Sequence[Stop]]


def _sides(ways: Iterable[Way]) -> _Sides:
    before: dict[Stop, list[Stop]] = defaultdict(list)
    behind: dict[Stop, list[Stop]] = defaultdict(list)
    for one, other in sorted({step for way in ways if not way.is_back for step in pairwise(way.stops)}):
        behind[one].append(other)
        before[other].append(one)
    return _Sides(before, behind)


def _swept(order: Order, neighbours: Mapping[Stop, Sequence[Stop]], *, to_the_left: bool) -> Order:
    """Every column sorted by where the neighbours of its stops are."""
    swept = [list(column) for column in order]
    for column in reversed(swept[:-1]) if to_the_left else swept[1:]:
        places = _places(swept)
        column.sort(key=lambda stop: _middle(neighbours.get(stop) or [stop], places))
    return swept


def _exchanged(order: Order, sides: _Sides, *, even_if_equal: bool) -> Order:
    """The order after exchanging stops with the next below, wherever fewer edges cross then."""
    exchanged = [list(column) for column in order]
    places = _places(exchanged)
    for column in exchanged:
        for upper in range(len(column) - 1):
            one, other = column[upper : upper + 2]
            now = _crossings_of(one, other, sides, places)
            then = _crossings_of(other, one, sides, places)
            if then < now or (even_if_equal and now and then == now):
                column[upper : upper + 2] = other, one
                places[one], places[other] = places[other], places[one]
    return exchanged


def _crossings_of(upper: Stop, lower: Stop, sides: _Sides, places: Mapping[Stop, float]) -> int:
    """How many edges of two stops cross, if one of them is above the other."""
    return sum(
        places[one] > places[other]
        for side in sides
        for one in side.get(upper, ())
        for other in side.get(lower, ())
    )


def _places(order: Order) -> dict[Stop, float]:
    """Where each stop is, as a part of its column's height, in the numbers of the tallest column."""
    tallest = max(map(len, order), default=0)
    return {stop: (place + 0.5) * tallest / len(column) for column in order for place, stop in enumerate(column)}


def _middle(stops: Sequence[Stop], places: Mapping[Stop, float]) -> float:
    return sum(places[stop] for stop in stops) / len(stops)


def _crossings(order: Order, behind: Mapping[Stop, Sequence[Stop]]) -> int:
    """How many edges cross between all columns."""
    places = _places(order)
    return sum(_crossings_behind(column, behind, places) for column in order)


def _crossings_behind(
    column: Iterable[Stop], behind: Mapping[Stop, Sequence[Stop]], places: Mapping[Stop, float]
) -> int:
    crossings = 0
    ends: list[float] = []
    for stop in column:
        own = sorted(places[each] for each in behind.get(stop, ()))
        crossings += sum(len(ends) - bisect_left(ends, end + 1e-9) for end in own)
        for end in own:
            insort(ends, end)
    return crossings
