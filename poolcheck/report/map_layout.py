"""Where everything in a picture is, in pixels: boxes that never overlap, and edges from box to box."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from poolcheck.picture import Edge
from poolcheck.report.map_columns import Columns, Stop, Way
from poolcheck.report.map_widths import shortened, text_width
from poolcheck.report.map_words import has_sign

MARGIN = 24
GAP = 16
"""Between two boxes of a column."""
LANE = 14
PORT = 20
"""Between the edges that leave a box: each has its label above it."""
LABEL_SIZE = 12
MOST_LABEL = 220
MOST_TARGET = 160
FAR = 480
"""Further up or down a node is likely to be off the screen."""
LABEL_SIGN = 18
CURVE = 72
MOST_CURVE = 150
ARROW = 8
BACK = 18
"""Between edges that lead back, below all boxes."""


class Size(NamedTuple):
    """How large a box must be at least."""

    width: int
    height: int


class Box(NamedTuple):
    """A rectangle on the canvas."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The x of its right side."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The y of its lower side."""
        return self.y + self.height

    @property
    def middle(self) -> float:
        """The y of its middle."""
        return self.y + self.height / 2


class Point(NamedTuple):
    """A place on the canvas."""

    x: float
    y: float


class Route(NamedTuple):
    """An edge as it is drawn: a path in the words of SVG from the side of a box to that of another.

    The label begins at `label_at`, on the baseline; `label` is as much of the edge's as there is room for.
    """

    edge: Edge
    start: Point
    end: Point
    path: str
    label: str
    label_at: Point


class Layout(NamedTuple):
    """All boxes by the id of their node, in the order of reading, the edges, and the canvas around them."""

    boxes: Mapping[str, Box]
    routes: tuple[Route, ...]
    column_at: tuple[int, ...]
    width: int
    height: int


Boxes: TypeAlias = dict[Stop, Box]


def layout(columns: Columns, sizes: Mapping[str, Size], names: Mapping[str, str], top: int = 0) -> Layout:
    """The layout of nodes of these sizes and names; above it, so much is left free."""
    heights = _heights(columns, sizes)
    tops = _tops(columns, heights)
    ways = [way._replace(edge=_labelled(way, tops, names)) for way in columns.ways]
    lefts, widths, right = _across(columns, sizes, ways, max(_bottoms(tops, heights), default=0))
    boxes = {
        stop: Box(lefts[stop.column], round(tops[stop]) + MARGIN + top, widths[stop.column], heights[stop])
        for stop in tops
    }
    routes = _routes(boxes, ways)
    back = sum(way.is_back for way in ways)
    bottom = max((box.bottom for box in boxes.values()), default=MARGIN + top)
    return Layout(
        {stop.node: boxes[stop] for column in columns.columns for stop in column if not stop.is_lane},
        tuple(routes),
        tuple(lefts),
        right + MARGIN,
        bottom + BACK * back + MARGIN,
    )


def label_width(edge: Edge) -> int:
    """The pixels that a label takes with its sign."""
    if not edge.label:
        return 0
    sign = LABEL_SIGN if has_sign(edge) else 0
    return text_width(edge.label, LABEL_SIZE, bold=True) + sign


def _labelled(way: Way, tops: Mapping[Stop, float], names: Mapping[str, str]) -> Edge:
    """An edge with a label that there is room for. Where its end is far off, that says where it leads."""
    label = shortened(way.edge.label, MOST_LABEL, LABEL_SIZE, bold=True)
    if abs(tops[way.stops[0]] - tops[way.stops[-1]]) > FAR:
        target = shortened(names[way.edge.target], MOST_TARGET, LABEL_SIZE, bold=True)
        label = f"{label} → {target}" if label else f"→ {target}"
    return way.edge._replace(label=label)


def _heights(columns: Columns, sizes: Mapping[str, Size]) -> dict[Stop, int]:
    """Boxes are so high that their text and the labels of their edges have room."""
    leaving: dict[str, int] = defaultdict(int)
    for way in columns.ways:
        leaving[way.edge.source] += 1
    return {
        stop: LANE if stop.is_lane else max(sizes[stop.node].height, PORT * leaving[stop.node] + PORT)
        for column in columns.columns
        for stop in column
    }


def _bottoms(tops: Mapping[Stop, float], heights: Mapping[Stop, int]) -> Iterator[int]:
    return (round(top) + heights[stop] for stop, top in tops.items())


def _tops(columns: Columns, heights: Mapping[Stop, int]) -> dict[Stop, float]:
    """The tallest column is closely packed, and the others are lined up with it, one after the other."""
    filled = [column for column in columns.columns if column]
    if not filled:
        return {}
    neighbours = _neighbours(columns.ways)
    tall = max(range(len(filled)), key=lambda number: sum(heights[stop] + GAP for stop in filled[number]))
    tops: dict[Stop, float] = {}
    for column in (*filled[tall:], *reversed(filled[:tall])):
        tops |= _lined_up(column, heights, neighbours, tops)
    # What is to the left of the tallest column may pull it apart where it has room.
    highest = min(tops.values())
    return {stop: top - highest for stop, top in tops.items()}


def _neighbours(ways: Iterable[Way]) -> dict[Stop, set[Stop]]:
    found: dict[Stop, set[Stop]] = defaultdict(set)
    for way in ways:
        if way.is_back:
            continue
        for one, other in zip(way.stops, way.stops[1:], strict=False):
            found[one].add(other)
            found[other].add(one)
    return found


def _lined_up(
    column: Sequence[Stop],
    heights: Mapping[Stop, int],
    neighbours: Mapping[Stop, Iterable[Stop]],
    tops: Mapping[Stop, float],
) -> dict[Stop, float]:
    """The stops of a column, each as near as its order allows to the middle of its neighbours that are placed.

    That is the regression of where they would like to be on what only grows: pooling of adjacent violators.
    """
    packed = 0
    blocks: list[tuple[float, float, list[tuple[Stop, int]]]] = []
    for stop in column:
        placed = [tops[each] + heights[each] / 2 for each in neighbours.get(stop, ()) if each in tops]
        # What is drawn nowhere follows what is above it.
        like = sum(placed) / len(placed) - heights[stop] / 2 - packed if placed else 0.0
        weight = 1.0 if placed else 1e-6
        block = (like, weight, [(stop, packed)])
        while blocks and blocks[-1][0] >= block[0]:
            above = blocks.pop()
            both = above[1] + block[1]
            mean = (above[0] * above[1] + block[0] * block[1]) / both
            block = (mean, both, above[2] + block[2])
        blocks.append(block)
        packed += heights[stop] + GAP
    return {stop: round(like) + offset for like, _, stops in blocks for stop, offset in stops}


def _across(
    columns: Columns, sizes: Mapping[str, Size], ways: Sequence[Way], height: int
) -> tuple[list[int], list[int], int]:
    """The left sides and the widths of the columns, and the right side of all that there is."""
    lefts: list[int] = []
    widths: list[int] = []
    curve = min(max(CURVE, height // 8), MOST_CURVE)
    back = BACK * sum(way.is_back for way in ways)
    x = MARGIN + back
    right = x
    for number, column in enumerate(columns.columns):
        width = max((sizes[stop.node].width for stop in column if not stop.is_lane), default=0)
        lefts.append(x)
        widths.append(width)
        leaving = [label_width(way.edge) for way in ways if way.stops[0].column == number]
        labels = max(leaving, default=0) + (GAP if leaving else 0)
        right = x + width + (labels + back if leaving else 0)
        x += width + labels + curve + back
    return lefts, widths, right


def _routes(boxes: Boxes, ways: Sequence[Way]) -> Iterator[Route]:
    starts = _starts(boxes, ways)
    ends = _ends(boxes, ways)
    labels: dict[int, int] = defaultdict(int)
    for way in ways:
        column = way.stops[0].column
        labels[column] = max(labels[column], label_width(way.edge) + GAP)
    bottom = max((box.bottom for box in boxes.values()), default=0)
    number = 0
    for index, way in enumerate(ways):
        start, end = starts[index], ends[index]
        straight = start.x + labels[way.stops[0].column]
        if way.is_back:
            number += 1
            path = _back(start, end, straight, bottom, number)
        else:
            path = _forward(start, end, straight, [boxes[stop] for stop in way.stops[1:-1]])
        sign = LABEL_SIGN if has_sign(way.edge) else 0
        yield Route(way.edge, start, end, path, way.edge.label, Point(start.x + 8 + sign, start.y - 5))


def _starts(boxes: Boxes, ways: Sequence[Way]) -> dict[int, Point]:
    """Where each edge leaves its box: far enough from the next for its label."""
    leaving: dict[Stop, list[int]] = defaultdict(list)
    for index, way in enumerate(ways):
        leaving[way.stops[0]].append(index)
    found: dict[int, Point] = {}
    for stop, own in leaving.items():
        box = boxes[stop]
        own.sort(key=lambda index: (ways[index].is_back, boxes[ways[index].stops[1]].middle))
        first = box.middle - PORT * (len(own) - 1) / 2
        found |= {index: Point(box.right, first + PORT * place) for place, index in enumerate(own)}
    return found


def _ends(boxes: Boxes, ways: Sequence[Way]) -> dict[int, Point]:
    """Where each edge reaches its box. Those that come along one lane arrive at one place."""
    arriving: dict[Stop, dict[tuple[Stop, bool, str], list[int]]] = defaultdict(lambda: defaultdict(list))
    for index, way in enumerate(ways):
        last = way.stops[-2]
        arriving[way.stops[-1]][last, way.is_back, "" if last.is_lane else str(index)].append(index)
    found: dict[int, Point] = {}
    for stop, by_last in arriving.items():
        box = boxes[stop]
        ports = sorted(by_last.items(), key=lambda item: (item[0][1], boxes[item[0][0]].middle))
        step = min(LANE, (box.height - GAP) / len(ports))
        first = box.middle - step * (len(ports) - 1) / 2
        for place, (_, own) in enumerate(ports):
            found |= {index: Point(box.x, first + step * place) for index in own}
    return found


def _forward(start: Point, end: Point, straight: float, lanes: Iterable[Box]) -> str:
    """Straight below the label, then in curves from lane to lane to the tip of the arrow."""
    path = [f"M{start.x:g} {start.y:g}H{straight:g}"]
    x, y = straight, start.y
    for lane in lanes:
        path += [_curve(x, y, lane.x, lane.middle), f"H{lane.right:g}"]
        x, y = lane.right, lane.middle
    path += [_curve(x, y, end.x - ARROW, end.y), f"H{end.x:g}"]
    return "".join(path)


def _curve(x: float, y: float, to_x: float, to_y: float) -> str:
    half = (x + to_x) / 2
    return f"H{to_x:g}" if y == to_y else f"C{half:g} {y:g} {half:g} {to_y:g} {to_x:g} {to_y:g}"


def _back(start: Point, end: Point, straight: float, bottom: int, number: int) -> str:
    """Around below all boxes."""
    right, left = straight + BACK * (number - 0.5), end.x - ARROW - BACK * (number - 0.5)
    below = bottom + BACK * number
    return (
        f"M{start.x:g} {start.y:g}H{right - 6:g}q6 0 6 6V{below - 6:g}q0 6 -6 6H{left + 6:g}"
        f"q-6 0 -6 -6V{end.y + 6:g}q0 -6 6 -6H{end.x:g}"
    )
