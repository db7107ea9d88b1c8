import re
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import libcst as cst
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poolcheck.deep import deep
from poolcheck.read.slices import mask, pieces, whole
from poolcheck.read.trees import Tree, children, parse, syntax_fault, walk
from poolcheck.source import Source, Span

LIBRARY = Path(sysconfig.get_paths()["stdlib"])
SAMPLE = [path for path in sorted(LIBRARY.glob("*.py"))[2::7] if path.stat().st_size < 60_000]
COMMON = ("append", "connect", "create_engine", "execute", "format", "get", "getconn", "join", "patch", "super")
ANY_COMMON = re.compile(rf"\b(?:{'|'.join(COMMON)})\b")


def trees(text: str) -> list[Tree]:
    source, code = Source("a.py", text), mask(text)
    return [tree for piece in pieces(text, code) if (tree := parse(source, code, piece))]


def nodes(tree: Tree) -> Iterator[cst.CSTNode]:
    return (node for statement in tree.statements for node in walk(statement))


def shown(text: str, kind: type[cst.CSTNode]) -> list[str]:
    """What stands at the places of all nodes of a kind."""
    spans = [tree.span(node) for tree in trees(text) for node in nodes(tree) if isinstance(node, kind)]
    return [text[span.start : span.end] for span in spans]


def calls(tree: Tree) -> Iterator[tuple[str, Span]]:
    """The calls of common names, as they are written."""
    for node in nodes(tree):
        if isinstance(node, cst.Call) and (name := dotted(node.func)).rpartition(".")[2] in COMMON:
            yield name, tree.span(node)


def dotted(node: cst.CSTNode) -> str:
    match node:
        case cst.Name(value):
            return value
        case cst.Attribute(value, attr):
            return f"{dotted(value)}.{attr.value}"
        case _:
            return "?"


def calls_in_pieces(text: str) -> list[tuple[str, Span]]:
    """The calls found when no piece is parsed that does not mention one of the names in its code."""
    source, code = Source("a.py", text), mask(text)
    asked = [piece for piece in pieces(text, code) if ANY_COMMON.search(code.text, piece.start, piece.end)]
    return [call for piece in asked if (tree := parse(source, code, piece)) for call in calls(tree)]


def calls_in_whole(text: str) -> list[tuple[str, Span]]:
    tree = parse(Source("a.py", text), mask(text), whole(text))
    assert tree
    return list(calls(tree))


@pytest.mark.parametrize("path", SAMPLE, ids=lambda path: path.name)
def test_pieces_of_the_standard_library_hold_the_calls_of_the_whole_files(path: Path) -> None:
    text = path.read_text("utf-8")

    assert deep(lambda: calls_in_pieces(text)) == deep(lambda: calls_in_whole(text))


SIMPLE = [
    "import x; x.get(y)",
    "a = b = get(c)[d.join(e)]",
    "a: get(b) = join(c)",
    "f'{a.get(b)!r:>{c.join(d)}} {{get(e)}}' 'get(f)'",
    'f"é {d["k"].get(f"{join(a)}")} 😀"',
    "'''\nget(a)\n    '''.join(b)",
    "a = (\nget(b),\n)  # get(c)",
    "a = lambda b=get(c): join(b)",
    "if (a := get(b)): join(a); patch(a)",
    "a = b \\\n    .get(c)",
    "a = [get(b) for b in join(c) if patch(d)]",
    "del a[get(b)], c",
    "é = 'é😀'.join(ü)",
    "from a import get",
    "type A[B] = get(c)",
    "# get(a)\n\n\f\npass",
]
COMPOUND = [
    "if TYPE_CHECKING:\n{0}\nelse:\n{1}",
    "try:\n{0}\nexcept ImportError :\n{1}\nfinally:\n{0}",
    "@a.get(b)\n# c\n@d\ndef e(f=get(g)) -> join(h):\n{0}\n\n{1}",
    "async def a():\n{0}\n    async with b.connect() as c, await d.get(e):\n        pass\n{1}",
    "class A(B, c=get(d)):\n{0}\n\n{1}",
    "@a.patch('b')\nclass C[D: get(e)]:\n{0}\n    # get(f)\n{1}\n",
    "match get(a):\n    case {{'b': [c, *d]}} if join(c):\n        pass\n    case A(b=c.D):\n        patch(c)",
    "def a[**P, *T = get(b)](*c, d, **e):\n{1}\n{0}",
    "with (get(a) as b, join(c)):\n{0}",
    "for a in get(b):\n{0}\nelse:\n{1}",
    "class A: a = get(b); c = join(d)",
]


@st.composite
def blocks(draw: st.DrawFn, depth: int = 2) -> str:
    """One or two statements, each on lines of its own, compound ones filled with other blocks."""
    statements: list[str] = []
    for _ in range(draw(st.integers(1, 2))):
        if depth == 0 or draw(st.booleans()):
            statements.append(draw(st.sampled_from(SIMPLE)))
        else:
            inside = [indented(draw(blocks(depth - 1))) for _ in range(2)]
            statements.append(draw(st.sampled_from(COMPOUND)).format(*inside))
    return "\n".join(statements)


def indented(block: str) -> str:
    return "\n".join(f"    {line}" for line in block.split("\n"))


@settings(max_examples=200, deadline=None)
@given(
    blocks(), st.sampled_from(["\n", "\r\n", "\r"]), st.sampled_from(["", "\ufeff"]), st.sampled_from(["", "\n"])
)
def test_pieces_of_any_file_hold_the_calls_of_the_whole(block: str, line_break: str, mark: str, last: str) -> None:
    text = mark + f"{block}{last}".replace("\n", line_break)

    assert calls_in_pieces(text) == calls_in_whole(text)


@settings(max_examples=200, deadline=None)
@given(blocks(), st.sampled_from(["\n", "\r\n", "\r"]))
def test_a_name_stands_at_its_place(block: str, line_break: str) -> None:
    text = block.replace("\n", line_break)

    for tree in trees(text):
        for node in nodes(tree):
            if isinstance(node, cst.Name | cst.SimpleString):
                span = tree.span(node)
                assert text[span.start : span.end] == node.value


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("é = '😀'; b(c)\n", ["b(c)"]),
        ("\ufeffa(b)", ["a(b)"]),
        ("a = (  # b\r\n    c(d)\r\n)\r\n", ["c(d)"]),
        ("if a:\n\tif b:\n\t\tc(\n\td)\n", ["c(\n\td)"]),
        ("class A:\n    class B:\n        é = c(f'{d(e)}')\n", ["c(f'{d(e)}')", "d(e)"]),
        ("class A:\n\t@b(c)\n\tdef d(self):\n\t\t'é'\n\t\treturn (e(f))\n", ["b(c)", "e(f)"]),
        ("@a(b)\nclass C(d(e)):\n    f = 1\n", ["a(b)", "d(e)"]),
    ],
)
def test_a_call_stands_at_its_place(text: str, places: list[str]) -> None:
    assert shown(text, cst.Call) == places


@pytest.mark.parametrize(
    "text",
    [
        "\fa(b)\n",
        "if c:\n    d\n\f    a(b)\n",
        "if c:\n    d\n\\\n    a(b)\n",
        "if c:\n    d\n  \\\n  a(b)\n",
        "try: c\nexcept D : a(b)\n",
        "f'{c!s  }' + a(b)\n",
        "c\r\n\\\r\na(b)\r",
    ],
)
def test_what_libcst_forgets_moves_no_place(text: str) -> None:
    assert shown(text, cst.Call) == ["a(b)"]


@pytest.mark.parametrize(
    ("text", "kind", "places"),
    [
        ("a = ((b))\n", cst.Name, ["a", "b"]),
        ("a = (b, c)\n", cst.Tuple, ["b, c"]),
        ("# a\n@b\n# c\ndef d():  # e\n    f  # g\n", cst.FunctionDef, ["def d():  # e\n    f"]),
        ("class A(B):\n    c\n", cst.ClassDef, ["class A(B):"]),
        ("class A: b\n", cst.ClassDef, ["class A: b"]),
        ("class A:\n    b ; c  # d\n", cst.SimpleStatementLine, ["b ; c"]),
        ("import a as b\n", cst.AsName, ["as b"]),
        ("[a for b in c]\n", cst.CompFor, ["for b in c"]),
    ],
)
def test_a_place_has_nothing_around_it(text: str, kind: type[cst.CSTNode], places: list[str]) -> None:
    assert shown(text, kind) == places


def test_a_member_is_a_statement_like_any_other() -> None:
    (_, tree) = trees("class A:\n    @b\n    def c(self): ...\n")

    (function,) = tree.statements

    assert isinstance(function, cst.FunctionDef)
    assert function.name.value == "c"


@pytest.mark.parametrize(
    "text",
    [
        "a = )",
        "print 'a'",
        "a\0b",
        "'\ud800'",
        "'a' b'c'",
        "a = " + "f(" * 2_000 + ")" * 2_000,
        "a" + ".b()" * 9_000,
    ],
)
def test_what_libcst_does_not_accept_or_could_not_cope_with_has_no_tree(text: str) -> None:
    assert parse(Source("a.py", text), mask(text), whole(text)) is None


def test_a_piece_as_deep_as_is_let_through_has_places() -> None:
    text = "a = " + "f(" * 200 + "b" + ")" * 200 + "\n"

    assert deep(lambda: shown(text, cst.Name))[-1] == "b"


def test_children_come_in_the_order_of_the_source() -> None:
    text = (
        "@a\ndef b[C](d, /, e: f = g, *h, i, **j) -> k: l\n"
        "@m\nclass n[O](p, q=r): s\n"
        "t = u if v else w\n"
        "try: x\nexcept y as z: a\nelse: b\nfinally: c\n"
        "try: x\nexcept* y as z: a\n"
        "match d:\n  case [e, *f] | {'g': h, **i} | J(k, l=m) | n.o if p: q\n"
        "type r[S: t] = u\n"
        "with v as w, x: y\n"
        "a: b = {c: d for e in f if g}\n"
        "{**h}\n"
        "lambda i, *j, k=l: f'{m!r:{n}}{o}'\n"
    )

    for tree in trees(text):
        for node in nodes(tree):
            starts = [tree.span(child).start for child in children(node)]
            assert starts == sorted(starts)


def test_walking_reaches_all_nodes_but_those_of_blanks_comments_and_punctuation() -> None:
    text = "\n".join([*SIMPLE, *(form.format("    pass", "    pass") for form in COMPOUND)])
    module = cst.parse_module(text)

    class Visit(cst.CSTVisitor):
        def on_visit(self, node: cst.CSTNode) -> bool:
            visited.add(node)
            return True

    visited: set[cst.CSTNode] = set()
    module.visit(Visit())
    left_out = {type(node).__name__ for node in visited.difference(walk(module))}

    assert left_out == {
        "AssignEqual", "Asynchronous", "Colon", "Comma", "Comment", "Dot", "EmptyLine", "LeftCurlyBrace",
        "LeftParen", "LeftSquareBracket", "Newline", "ParenthesizedWhitespace", "RightCurlyBrace", "RightParen",
        "RightSquareBracket", "Semicolon", "SimpleWhitespace", "TrailingWhitespace",
    }  # fmt: skip


def test_a_leaf_has_no_children() -> None:
    assert list(children(cst.Name("a"))) == []


@pytest.mark.parametrize(
    ("text", "start", "message"),
    [
        ("a = 1\nb = )\n", 10, "unmatched ')'"),
        ("é = a b\n", 6, "invalid syntax"),
        ("\ufeffa = (\r\nb = 1\r\n", 5, "'(' was never closed"),
        ("a = 1\rb = '\r", 10, "unterminated string literal (detected at line 2)"),
        ("a = 1\n\0\n", 6, "source code string cannot contain null bytes"),
        ("(" * 300, 200, "too many nested parentheses"),
    ],
)
def test_a_syntax_fault_is_told_in_the_words_of_python(text: str, start: int, message: str) -> None:
    fault = syntax_fault(Source("a.py", text))

    assert fault
    assert fault.span.start == start
    assert fault.message == message


def test_a_syntax_fault_reaches_from_where_to_where_python_says() -> None:
    fault = syntax_fault(Source("a.py", "é = 'a'\nprint 'b'\n"))

    assert fault
    assert fault.span == ("a.py", 8, 17)


@pytest.mark.parametrize(
    "text",
    [
        "a = 1\n",
        "type A[B = int] = t'{c}'\n",
        "a = f'{b['c']}'\n",
        "if a:\n    \\\n  b\n",
        "'\\d'\n",
        "a = " + "-" * 20_000 + "1\n",
    ],
)
def test_what_this_python_or_libcst_accepts_is_no_fault(text: str) -> None:
    assert syntax_fault(Source("a.py", text)) is None


@pytest.mark.parametrize("text", ["import {{ name }}\n", "{% if a %}\nb = 1\n{% endif %}\n", "a = <%= b %>\n"])
def test_a_template_is_no_fault(text: str) -> None:
    assert syntax_fault(Source("a.py", text)) is None


def test_a_fault_in_a_text_with_braces_inside_a_string_is_a_fault() -> None:
    assert syntax_fault(Source("a.py", "a = '{{ b }}'\nc = )\n"))
