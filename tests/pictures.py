"""Pictures of systems, for tests of what draws them."""

from hypothesis import strategies as st

from poolcheck.picture import Edge, Excess, Node, NodeKind, Picture, State

SHOP = Picture(
    "Connections of shop",
    (
        Node("w1", NodeKind.WORKLOAD, "api", ("6 to 12 pods", "4 processes each"), place="deploy/api.yaml:4"),
        Node("w2", NodeKind.WORKLOAD, "worker", ("3 pods",), place="deploy/worker.yaml:4"),
        Node("w3", NodeKind.WORKLOAD, "reports", ("1 pod",), State.UNKNOWN),
        Node(
            "p1",
            NodeKind.POOLER,
            "pgbouncer",
            ("2 pods", "transaction mode", "accepts 800 clients"),
            State.OVER,
            place="deploy/pgbouncer.ini:3",
            excesses=(
                Excess(
                    "1464 wanted, 800 accepted, at the autoscaler's maximum",
                    ("api       12 × 4 × (20 + 10) = 1440", "accepted  2 × 400             =  800"),
                ),
            ),
        ),
        Node("d1", NodeKind.DATABASE, "orders", ("accepts 97 of 100 connections",)),
        Node("o1", NodeKind.OUTSIDE, "warehouse.example.net:5432", (), State.UNKNOWN),
    ),
    (
        Edge("w1", "p1", "720 to 1440", "6 × 4 × (20 + 10) = 720 steady, 1440 autoscaled", State.OVER),
        Edge("w2", "p1", "24", "3 × 8 = 24", State.OVER),
        Edge("w2", "d1", "6", "3 × 2 = 6"),
        Edge("w3", "o1", "?", "", State.UNKNOWN),
        Edge("w3", "p1", "4", is_certain=False),
        Edge("p1", "d1", "80", "2 × 40 = 80"),
    ),
    ("engine in reports: how many connections it may open has no known end",),
)

HOSTILE = Picture(
    '<script>alert(1)</script> & "quotes" \' %% end',
    (
        Node("a", NodeKind.WORKLOAD, "<script>alert('x')</script>", ('"quotes" & <b>bold</b>', "]]> --> end")),
        Node("b", NodeKind.POOLER, "", (), State.OVER),
        Node("c", NodeKind.DATABASE, "データベース-本番環境-" * 4, ("a" * 90,), State.UNKNOWN),
        Node("x", NodeKind.POOLER, "loop\x07\x1b[31m\u202e\ufffe", ("<svg onload=alert(1)>",)),
        Node("z", NodeKind.DATABASE, "alone"),
    ),
    (
        Edge("a", "b", "?", "", State.UNKNOWN),
        Edge("b", "x", "20"),
        Edge("x", "b", "20", is_certain=False),
        Edge("x", "x", "1"),
        Edge("x", "c", "7"),
        Edge("a", "b", '12"|', "<i>12</i>"),
    ),
    ("<img src=x onerror=alert(1)>",),
)

NOTHING = Picture("Connections of .", notes=("No .ini, .yaml, .yml or .py files were found in .", "Try another."))


def platform(workloads: int = 44, poolers: int = 8) -> Picture:
    """A large system: the same in every run."""
    nodes = [
        Node(f"w{number}", NodeKind.WORKLOAD, f"service-{number}", (f"{number % 9 + 1} pods",), stage="production")
        for number in range(workloads)
    ]
    nodes += [Node(f"p{number}", NodeKind.POOLER, f"pooler-{number}") for number in range(poolers)]
    nodes += [Node(f"d{number}", NodeKind.DATABASE, f"database-{number}") for number in range(poolers)]
    edges = [Edge(f"w{number}", f"p{number * 5 % poolers}", f"{number * 7}") for number in range(workloads)]
    edges += [Edge(f"w{number}", f"d{number % 3}", "5") for number in range(0, workloads, 6)]
    edges += [Edge(f"p{number}", f"d{number}", "40") for number in range(poolers)]
    return Picture("Connections of platform", tuple(nodes), tuple(edges))


_TEXTS = st.text(max_size=60)
_LABELS = st.one_of(st.just("?"), st.text("0123456789 to", max_size=14), st.text(max_size=60))


@st.composite
def pictures(draw: st.DrawFn) -> Picture:
    """Any picture: of whatever names, with circles, several edges between two nodes, and nodes without any."""
    nodes = tuple(
        Node(
            f"{number}",
            draw(st.sampled_from(NodeKind)),
            draw(_TEXTS),
            tuple(draw(st.lists(_TEXTS, max_size=3))),
            draw(st.sampled_from(State)),
            draw(st.sampled_from(("", "staging", "production"))),
            draw(st.sampled_from(("", "deploy/api.yaml:4"))),
            tuple(Excess(*excess) for excess in draw(st.lists(st.tuples(_TEXTS, st.tuples(_TEXTS)), max_size=1))),
        )
        for number in range(draw(st.integers(0, 14)))
    )
    ids = st.sampled_from([node.id for node in nodes]) if nodes else st.nothing()
    edges = st.builds(Edge, ids, ids, _LABELS, _TEXTS, st.sampled_from(State), st.booleans())
    return Picture(
        draw(_TEXTS),
        nodes,
        tuple(draw(st.lists(edges, max_size=24))) if nodes else (),
        tuple(draw(st.lists(_TEXTS, max_size=2))),
    )
