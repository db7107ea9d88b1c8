"""Where things in a picture are: nothing lies on anything else, whatever is drawn."""

import re
from collections.abc import Iterator
from itertools import combinations, pairwise

import pytest
from hypothesis import given

from pictures import pictures, platform
from poolcheck.picture import Edge, Node, NodeKind, Picture, State
from poolcheck.report.map_cards import SIZES, Card, Role, card, indent
from poolcheck.report.map_columns import Columns, columns
from poolcheck.report.map_layout import LABEL_SIZE, Box, Layout, Size, label_width, layout
from poolcheck.report.map_slices import slices
from poolcheck.report.map_widths import shortened, text_width, wrapped
from poolcheck.report.map_words import names

W, P, D = NodeKind.WORKLOAD, NodeKind.POOLER, NodeKind.DATABASE


def placed(picture: Picture) -> Layout:
    return placed_in(picture, columns(picture))


def placed_in(picture: Picture, ordered: Columns) -> Layout:
    cards = [card(node) for node in picture.nodes]
    return layout(ordered, {each.node.id: Size(each.width, each.height) for each in cards}, names(picture))


def labels(drawn: Layout) -> list[Box]:
    """The rectangles that labels take with their signs."""
    return [
        Box(round(route.start.x), round(route.label_at.y) - LABEL_SIZE, 8 + label_width(route.edge), LABEL_SIZE)
        for route in drawn.routes
        if route.label
    ]


def overlap(one: Box, other: Box) -> bool:
    return one.x < other.right and other.x < one.right and one.y < other.bottom and other.y < one.bottom


@given(pictures())
def test_no_box_overlaps_another(picture: Picture) -> None:
    boxes = placed(picture).boxes

    assert boxes.keys() == {node.id for node in picture.nodes}
    assert not any(overlap(one, other) for one, other in combinations(boxes.values(), 2))


@given(pictures())
def test_no_label_overlaps_a_box_or_another_label(picture: Picture) -> None:
    drawn = placed(picture)
    found = labels(drawn)

    assert not any(overlap(one, other) for one, other in combinations(found, 2))
    assert not any(overlap(label, box) for label in found for box in drawn.boxes.values())


@given(pictures())
def test_everything_is_on_the_canvas(picture: Picture) -> None:
    drawn = placed(picture)

    for box in (*drawn.boxes.values(), *labels(drawn)):
        assert 0 <= box.x <= box.right <= drawn.width
        assert 0 <= box.y <= box.bottom <= drawn.height


@given(pictures())
def test_every_edge_begins_at_the_right_of_its_box_and_ends_at_the_left_of_the_other(picture: Picture) -> None:
    drawn = placed(picture)

    assert [(route.edge.source, route.edge.target) for route in drawn.routes] == [
        (edge.source, edge.target) for edge in picture.edges
    ]
    for route in drawn.routes:
        source, target = drawn.boxes[route.edge.source], drawn.boxes[route.edge.target]
        assert route.start.x == source.right
        assert source.y <= route.start.y <= source.bottom
        assert route.end.x == target.x
        assert target.y <= route.end.y <= target.bottom
        assert route.path.startswith(f"M{route.start.x:g} {route.start.y:g}")
        assert route.path.endswith(f"H{route.end.x:g}")


@given(pictures())
def test_no_edge_that_leads_forward_passes_a_box(picture: Picture) -> None:
    ordered = columns(picture)
    drawn = placed_in(picture, ordered)

    for way, route in zip(ordered.ways, drawn.routes, strict=True):
        for x, y in points(route.path) if not way.is_back else ():
            assert not any(box.x < x < box.right and box.y < y < box.bottom for box in drawn.boxes.values())


def points(path: str) -> Iterator[tuple[float, float]]:
    """Points all along a path of straight lines and curves."""
    x = y = 0.0
    for command, written in re.findall(r"([MHC])([^MHC]+)", path):
        numbers = [float(each) for each in written.split()]
        if command == "H":
            yield from ((x + (numbers[0] - x) * part / 8, y) for part in range(8))
            numbers.append(y)
        elif command == "C":
            middle, _, _, _, to_x, to_y = numbers
            for part in (each / 8 for each in range(8)):
                across = 3 * (1 - part) * part
                yield (
                    (1 - part) ** 3 * x + across * middle + part**3 * to_x,
                    (1 - part) ** 2 * (1 + 2 * part) * y + part**2 * (3 - 2 * part) * to_y,
                )
        x, y = numbers[-2:]


@given(pictures())
def test_every_line_of_a_card_is_inside_its_box(picture: Picture) -> None:
    drawn = placed(picture)

    for each in map(card, picture.nodes):
        box = drawn.boxes[each.node.id]
        assert box.width >= each.width
        assert box.height >= each.height
        assert_inside(each)


def assert_inside(each: Card) -> None:
    for row in each.rows:
        bold = row.role in {Role.NAME, Role.OVER}
        assert indent(row.role) + text_width(row.text, SIZES[row.role], bold=bold) <= each.width
        assert SIZES[row.role] < row.y < each.height


def test_workloads_are_left_of_poolers_and_these_left_of_what_they_lead_to() -> None:
    nodes = (Node("d", D, "d"), Node("p", P, "p"), Node("q", P, "q"), Node("w", W, "w"), Node("v", W, "v"))
    edges = (Edge("w", "p", "1"), Edge("p", "q", "1"), Edge("q", "d", "1"), Edge("v", "d", "1"))

    found = columns(Picture("", nodes, edges)).columns

    assert [[stop.node for stop in column if not stop.is_lane] for column in found] == [
        ["w", "v"],
        ["p"],
        ["q"],
        ["d"],
    ]
    assert [stop.node for column in found for stop in column if stop.is_lane] == ["d", "d"]


def test_poolers_in_a_circle_are_drawn_with_one_edge_that_leads_back() -> None:
    nodes = (Node("p", P, "p"), Node("q", P, "q"))
    edges = (Edge("p", "q", "1"), Edge("q", "p", "1"), Edge("q", "q", "1"))

    assert [way.is_back for way in columns(Picture("", nodes, edges)).ways] == [False, True, True]


def test_edges_cross_as_little_as_they_can() -> None:
    nodes = (*(Node(f"w{each}", W, "w") for each in range(6)), *(Node(f"d{each}", D, "d") for each in range(6)))
    edges = tuple(Edge(f"w{each}", f"d{5 - each}", "1") for each in range(6))

    drawn = placed(Picture("", nodes, edges))

    assert all(route.start.y == route.end.y for route in drawn.routes)


def test_where_the_end_of_an_edge_is_far_off_its_label_names_it() -> None:
    drawn = placed(platform(200, 12))

    for route in drawn.routes:
        distance = abs(drawn.boxes[route.edge.source].y - drawn.boxes[route.edge.target].y)
        number, _, target = route.label.partition(" → ")
        assert number.isdigit()
        assert bool(target) == (distance > 480)
        assert target in {"", names(platform(200, 12))[route.edge.target]}


def test_a_large_system_grows_downward() -> None:
    drawn = placed(platform(200, 12))

    assert drawn.width < 1800
    assert drawn.height > 8000


@given(pictures())
def test_slices_come_one_below_the_other_and_are_no_higher_than_a_sheet(picture: Picture) -> None:
    drawn = placed(picture)

    found = list(slices(drawn, 300))

    assert found[0][0] == 0
    assert found[-1][1] == drawn.height
    assert all(one[1] == other[0] for one, other in pairwise(found))
    assert all(0 < bottom - top <= 300 for top, bottom in found)


def test_a_column_of_boxes_is_cut_between_them() -> None:
    drawn = placed(platform())
    cuts = [bottom for _, bottom in slices(drawn, 900)][:-1]

    workloads = [box for node, box in drawn.boxes.items() if node.startswith("w")]
    assert cuts
    assert not any(box.y < cut < box.bottom for box in workloads for cut in cuts)


def test_a_long_name_keeps_its_beginning_and_its_end() -> None:
    assert shortened("payments-reconciliation-backfill-v2", 120, 14, bold=True) == "paymen…ll-v2"
    assert shortened("api", 120, 14, bold=True) == "api"


@pytest.mark.parametrize("text", ["accepts 97 of 100 connections", "x" * 40, "", "a  b"])
def test_text_in_lines_is_the_same_text(text: str) -> None:
    lines = list(wrapped(text, 90, 12))

    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(text_width(line, 12) <= 90 for line in lines)


def test_a_node_says_in_words_and_with_a_sign_that_something_is_wrong() -> None:
    over, unknown = card(Node("p", P, "p", state=State.OVER)), card(Node("p", P, "p", state=State.UNKNOWN))

    assert [(row.text, row.is_first) for row in over.rows][1:] == [("too many connections wanted", True)]
    assert [(row.text, row.is_first) for row in unknown.rows][1:] == [("not all is known", True)]
