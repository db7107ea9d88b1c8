"""What is said of a picture in all its forms."""

import pytest

from pictures import NOTHING, SHOP
from poolcheck.picture import Edge, Node, NodeKind, Picture, State
from poolcheck.report.map_words import counted, has_sign, names, told_of_edge, verdict

W, D = NodeKind.WORKLOAD, NodeKind.DATABASE


def over(*called: str) -> Picture:
    return Picture("", tuple(Node(name, D, name, state=State.OVER) for name in called))


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (over("one"), "Too many connections are wanted of one."),
        (over("one", "two", "three"), "Too many connections are wanted of one, two and three."),
        (over(*"abcdef"), "Too many connections are wanted of a, b, c and 3 others."),
        (Picture("", (Node("a", W, "a"),)), "Everything fits."),
        (
            Picture("", (Node("a", W, "a", state=State.UNKNOWN),)),
            "Everything that is known fits; not all is known.",
        ),
    ],
)
def test_the_verdict_names_what_is_overrun(picture: Picture, said: str) -> None:
    assert verdict(picture) == said


def test_parts_are_counted_by_kind() -> None:
    assert counted(SHOP) == "3 workloads, 1 pooler, 1 database server and 1 outside address"
    assert counted(NOTHING) == "nothing"


def test_namesakes_are_told_apart_by_their_stages_or_else_by_their_places() -> None:
    nodes = (
        Node("a", W, "api", stage="staging", place="a.yaml:1"),
        Node("b", W, "api", place="b.yaml:1"),
        Node("c", W, "web", place="c.yaml:1"),
        Node("d", W, "web", place="d.yaml:1"),
        Node("e", D, "web", place="e.yaml:1"),
    )

    assert names(Picture("", nodes)) == {
        "a": "api (staging)",
        "b": "api",
        "c": "web (c.yaml:1)",
        "d": "web (d.yaml:1)",
        "e": "web",
    }


def test_a_number_that_nobody_knows_is_its_own_sign() -> None:
    edge = Edge("a", "b", "?", state=State.UNKNOWN)

    assert not has_sign(edge)
    assert not has_sign(edge._replace(label="? → far"))
    assert has_sign(edge._replace(label="20 or more"))
    assert told_of_edge(edge, {"a": "api", "b": "db"}) == (
        "an unknown number of connections from api to db, not all is known"
    )
