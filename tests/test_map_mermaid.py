"""The picture as a flowchart. That Mermaid understands it was seen with Mermaid 11, in a browser."""

import re

from hypothesis import given

from pictures import HOSTILE, NOTHING, SHOP, pictures
from poolcheck.picture import Edge, Node, NodeKind, Picture
from poolcheck.report.map_mermaid import flowchart

LINE = re.compile(
    r"""
    \ {4} (?:
        n\d+ (?: \[" | \(\[" | \[\(" | \[/" ) (?P<node>[^"]*) (?: "\] | "\]\) | "\)\] | "/\] ) (?: :::\w+ )?
        | n\d+\ (?: --> | ==> | -\.-> ) (?: \|"(?P<edge>[^"]*)"\| )? \ n\d+
    )
    """,
    re.VERBOSE,
)


def test_a_system() -> None:
    assert list(flowchart(SHOP)) == [
        "flowchart LR",
        "    accTitle: Connections of shop",
        "    accDescr: 3 workloads, 1 pooler, 1 database server and 1 outside address. "
        "Too many connections are wanted of pgbouncer.",
        '    n0["api<br/>6 to 12 pods<br/>4 processes each"]',
        '    n1["worker<br/>3 pods"]',
        '    n2["reports<br/>1 pod<br/>#63; not all is known"]:::unknown',
        '    n3(["pgbouncer<br/>2 pods<br/>transaction mode<br/>accepts 800 clients<br/>'
        '#33; 1464 wanted, 800 accepted, at the autoscaler#39;s maximum"]):::over',
        '    n4[("orders<br/>accepts 97 of 100 connections")]',
        '    n5[/"warehouse#46;example#46;net:5432<br/>#63; not all is known"/]:::unknown',
        '    n0 ==>|"#33; 720 to 1440"| n3',
        '    n1 ==>|"#33; 24"| n3',
        '    n1 -->|"6"| n4',
        '    n2 -->|"#63;"| n5',
        '    n2 -.->|"4"| n3',
        '    n3 -->|"80"| n4',
        "    linkStyle 0,1 stroke:#b3261e",
        "    classDef over fill:#fdf0ee,stroke:#b3261e,stroke-width:3px,color:#b3261e",
        "    classDef unknown stroke-dasharray:5 4",
        "    %% engine in reports: how many connections it may open has no known end",
    ]


@given(pictures())
def test_no_name_ends_its_label_or_is_markup(picture: Picture) -> None:
    lines = list(flowchart(picture))[3:]

    for line in lines[: len(picture.nodes) + len(picture.edges)] if picture.nodes else ():
        found = LINE.fullmatch(line)
        assert found, line
        label = re.sub(r"#\d+;", "", (found["node"] or found["edge"] or "").replace("<br/>", "/"))
        assert not re.search(r"[]\[\"<>&`*_{}|#;]", label)


@given(pictures())
def test_a_note_is_a_comment_and_no_directive(picture: Picture) -> None:
    lines = list(flowchart(picture))

    assert not any(re.search(r"[{}%\n]", line.replace("%% ", "", 1)) for line in lines if "%%" in line)


def test_what_would_be_a_list_or_a_line_is_a_code() -> None:
    nodes = (
        Node("a", NodeKind.WORKLOAD, "1. a", ("- b", "+ c", "api-worker")),
        Node("b", NodeKind.DATABASE, "end"),
    )
    lines = list(flowchart(Picture("", nodes, (Edge("a", "b", "- 1"),))))

    assert lines[3] == '    n0["1#46; a<br/>#45; b<br/>#43; c<br/>api-worker"]'
    assert lines[5] == '    n0 -->|"#45; 1"| n1'


def test_hostile_names_are_in_no_line_as_they_are() -> None:
    text = "\n".join(flowchart(HOSTILE))

    assert "#60;script#62;" in text
    assert '"quotes"' not in re.sub(r"acc\w+:.*|%%.*", "", text)


def test_nothing_to_draw_is_a_node_that_says_so() -> None:
    assert '    nothing["There is nothing to draw: ' in "\n".join(flowchart(NOTHING))
