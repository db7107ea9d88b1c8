"""The picture as a tree in a terminal."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pictures import HOSTILE, NOTHING, SHOP, pictures, platform
from poolcheck.picture import Edge, Node, NodeKind, Picture, State
from poolcheck.report.glyphs import width
from poolcheck.report.map_text import LEAST_TEXT, Paper, needs_ascii, tree
from poolcheck.report.styled import Style, write

W, P, D = NodeKind.WORKLOAD, NodeKind.POOLER, NodeKind.DATABASE


def drawn(picture: Picture, cells: int = 100, *, is_ascii: bool = False) -> str:
    stream = io.StringIO()
    write(tree(picture, Paper(cells, is_ascii)), stream, color=False)
    return stream.getvalue()


def test_a_system_is_a_tree_for_each_of_its_databases() -> None:
    assert (
        drawn(SHOP)
        == """\
orders  database server · accepts 97 of 100 connections
├─  6  worker     3 pods  deploy/worker.yaml:4
└─ 80  pgbouncer  2 pods · transaction mode · accepts 800 clients  deploy/pgbouncer.ini:3
   │    ! 1464 wanted, 800 accepted, at the autoscaler's maximum
   │      api       12 × 4 × (20 + 10) = 1440
   │      accepted  2 × 400             =  800
   ├─ ! 720 to 1440  api      6 to 12 pods · 4 processes each  deploy/api.yaml:4
   │       6 × 4 × (20 + 10) = 720 steady, 1440 autoscaled
   ├─          ! 24  worker   3 pods  deploy/worker.yaml:4
   │       3 × 8 = 24
   └─             4  reports  not certain that it leads there · 1 pod
           ? not all is known

warehouse.example.net:5432  outside address
│    ? not all is known
└─ ?  reports  1 pod
        ? not all is known

Not known, or assumed:
- engine in reports: how many connections it may open has no known end

3 workloads, 1 pooler, 1 database server and 1 outside address. Too many connections are wanted of pgbouncer.
"""
    )


def test_lines_fit_the_terminal_and_go_on_below_what_they_say() -> None:
    nodes = (
        Node("w", W, "api", ("6 to 12 pods", "4 processes each", "3 pools"), place="deploy/api.yaml:4"),
        Node("d", D, "orders", ("accepts 97 of 100 connections",)),
    )
    assert (
        drawn(Picture("", nodes, (Edge("w", "d", "720"),)), 50)
        == """\
orders  database server · accepts 97 of 100
│       connections
└─ 720  api  6 to 12 pods · 4 processes each · 3
             pools  deploy/api.yaml:4

1 workload and 1 database server. Everything fits.
"""
    )


def test_where_lines_cannot_be_encoded_they_are_ascii() -> None:
    text = drawn(SHOP, is_ascii=True)

    assert text.isascii()
    assert "   |- ! 720 to 1440  api      6 to 12 pods - 4 processes each  deploy/api.yaml:4\n" in text
    assert "   |       6 x 4 x (20 + 10) = 720 steady, 1440 autoscaled\n" in text


@pytest.mark.parametrize(("encoding", "is_needed"), [("utf-8", False), ("ascii", True), ("latin-1", True)])
def test_the_encoding_of_the_terminal_decides(encoding: str, is_needed: bool) -> None:
    assert needs_ascii(io.TextIOWrapper(io.BytesIO(), encoding)) == is_needed


def test_what_is_below_a_pooler_is_drawn_once() -> None:
    nodes = (Node("w", W, "api"), Node("p", P, "pgbouncer"), Node("d", D, "orders"), Node("e", D, "stock"))
    edges = (Edge("w", "p", "20"), Edge("p", "d", "5"), Edge("p", "e", "6"))

    assert (
        drawn(Picture("", nodes, edges))
        == """\
orders  database server
└─ 5  pgbouncer
   └─ 20  api

stock  database server
└─ 6  pgbouncer  shown above

1 workload, 1 pooler and 2 database servers. Everything fits.
"""
    )


def test_poolers_in_a_circle_and_workloads_that_lead_nowhere_are_drawn_too() -> None:
    nodes = (Node("w", W, "api"), Node("v", W, "cron"), Node("p", P, "one"), Node("q", P, "other"))
    edges = (Edge("w", "p", "20"), Edge("p", "q", "5"), Edge("q", "p", "6"))

    assert (
        drawn(Picture("", nodes, edges))
        == """\
one  pooler
├─ 20  api
└─  6  other
   └─ 5  one  shown above

Leading nowhere that is known:
cron  workload

2 workloads and 2 poolers. Everything fits.
"""
    )


def test_what_is_too_much_is_red_and_has_a_sign() -> None:
    red = [segment.text for line in tree(SHOP, Paper(100)) for segment in line if segment.style is Style.ERROR]

    assert red == [
        "! 1464 wanted, 800 accepted, at the autoscaler's maximum",
        "! 720 to 1440",
        "! 24",
        "Too many connections are wanted of pgbouncer.",
    ]


def test_nothing_to_draw_is_said_with_what_to_try() -> None:
    assert (
        drawn(NOTHING)
        == """\
There is nothing to draw: no workload that connects to a database, no pooler and no database was found.

What was looked at, and what to try:
- No .ini, .yaml, .yml or .py files were found in .
- Try another.
"""
    )


def test_names_cannot_harm_a_terminal() -> None:
    assert not set(drawn(HOSTILE)) & set("\x07\x1b\u202e")


def test_a_large_system_is_one_line_for_each_connection() -> None:
    picture = platform()

    assert drawn(picture).count("─ ") == len(picture.edges)


@given(pictures())
def test_every_node_is_drawn_and_every_edge(picture: Picture) -> None:
    lines = drawn(picture, 10_000).splitlines()

    branches = [line for line in lines if "├─ " in line or "└─ " in line]
    assert len(branches) >= len(picture.edges)
    assert bool(picture.nodes) == (not lines[0].startswith("There is nothing to draw"))


@given(pictures(), st.integers(20, 120))
def test_no_line_is_wider_than_it_must_be(picture: Picture, cells: int) -> None:
    plain = picture._replace(
        nodes=tuple(node._replace(name="n", facts=("aa bb",) * 9, state=State.FITS) for node in picture.nodes),
        edges=tuple(edge._replace(label="1") for edge in picture.edges),
        notes=("cc dd " * 40,),
    )

    for line in list(tree(plain, Paper(cells)))[:-1] if plain.nodes else ():
        text = "".join(segment.text for segment in line)
        margin = len(text) - len(text.lstrip("│├└─ "))
        assert width(text) <= max(cells, margin + LEAST_TEXT + 20)
