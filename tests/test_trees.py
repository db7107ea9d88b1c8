import sys
import sysconfig
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path

import libcst as cst
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poolcheck.deep import deep
from poolcheck.read.python.syntax.slices import MOST_STRAIN, Kind, mask, pieces, strain, whole
from poolcheck.read.python.syntax.trees import Tree, children, parse, syntax_fault, walk
from poolcheck.source import Source, Span

LIBRARY = Path(sysconfig.get_paths()["stdlib"])
SAMPLE = [path for path in sorted(LIBRARY.glob("*.py"))[2::7] if path.stat().st_size < 60_000]


def trees(text: str) -> list[Tree]:
    source, code = Source("a.py", text), mask(text)
    return [tree for piece in pieces(text, code) if (tree := parse(source, code, piece))]


def nodes(tree: Tree) -> Iterator[cst.CSTNode]:
    return (node for statement in tree.statements for node in walk(statement))


def shown(text: str, kind: type[cst.CSTNode]) -> list[str]:
    """What stands at the places of all nodes of a kind."""
    spans = [tree.span(node) for tree in trees(text) for node in nodes(tree) if isinstance(node, kind)]
    return [text[span.start : span.end] for span in spans]


def everything(tree: Tree) -> Iterator[tuple[str, str | None, Span]]:
    """The kind of each node, what it says by itself, and its place; but not of classes, which are cut."""
    for node in nodes(tree):
        is_added = tree.piece.kind is Kind.HEADER and isinstance(node, cst.SimpleStatementSuite | cst.Pass)
        if not is_added and not isinstance(node, cst.ClassDef | cst.IndentedBlock):
            value = getattr(node, "value", None)
            yield type(node).__name__, value if isinstance(value, str) else None, tree.span(node)


def everything_in_pieces(text: str) -> list[tuple[str, str | None, Span]]:
    return [found for tree in trees(text) for found in everything(tree)]


def everything_in_whole(text: str) -> list[tuple[str, str | None, Span]]:
    tree = parse(Source("a.py", text), mask(text), whole(text))
    assert tree
    return list(everything(tree))


@pytest.mark.parametrize("path", SAMPLE, ids=lambda path: path.name)
def test_pieces_of_the_standard_library_hold_what_the_whole_files_hold(path: Path) -> None:
    text = path.read_text("utf-8")

    assert deep(lambda: everything_in_pieces(text)) == deep(lambda: everything_in_whole(text))


SIMPLE = [
    "import x; x.get(y)",
    "from a import (\n    b as c,  # d\n    get,\n)",
    "a = b = get(c)[d.join(e)]",
    "a: get(b) = join(c)",
    "*a, b = get(c), *join(d)",
    "a[b : get(c), ...] @= join(d)",
    "f'{a.get(b)!r:>{c.join(d)}} {{get(e)}}' 'get(f)'",
    'f"é {d["k"].get(f"{join(a)}")} 😀"',
    "f'''{\n    get(a)\n:>{join(b)}}''' rf'\\{c.d}' f'{e=}' f'{{'",
    "'''\nget(a)\n    '''.join(b)",
    "b'get(a)' rb'\\\\' + br'\"' + '\\\n' + get(b)",
    "a = (\nget(b),\n)  # get(c) 'd",
    "a = {  # {\n    'b': get(c), **d\n}",
    "a = lambda b=get(c), /, *d, e, **f: join(b)",
    "[get(a) async for b, *c in d if await join(e) for f in g]",
    "if (a := get(b)): join(a); patch(a)",
    "if a: get(b)\nelif join(c): d\nelse: patch(e);",
    "while a: get(b); join(c)\nelse: d",
    "try: get(a)\nexcept* B as c: join(d)\nfinally: patch(e)",
    "def a(b, /, c=get(d), *, e: f = join(g)) -> h: return patch(i)",
    "class A: b = get(c); d = join(e)",
    "@a.get(b)\nclass C(d): pass",
    "async def a(): await get(b)",
    "a = b \\\n    .get(c)",
    "a = get(b) if \\\n  c else d; \\\n  join(e)",
    "assert get(a), join(b)\nraise get(c) from d",
    "del a[get(b)], c",
    "match = get(a)\nmatch[b].case(type)\nprint (match)",
    "é = 'é😀'.join(ü)",
    "from a import get",
    "type A[B] = get(c)",
    "# get(a) '''\n\n\f\npass",
]
COMPOUND = [
    "if TYPE_CHECKING:\n{0}\nelse:\n{1}",
    "try:\n{0}\nexcept ImportError :\n{1}\nfinally:\n{0}",
    "@a.get(b)\n# c\n@d\ndef e(f=get(g)) -> join(h):\n{0}\n\n{1}",
    "async def a():\n{0}\n    async with b.connect() as c, await d.get(e):\n        pass\n{1}",
    "class A(B, c=get(d)):\n{0}\n\n{1}",
    "class A:\n    '''b\nc'''\n{0}\n# d\n  # e\n{1}\n    f: get(g)",
    "@a.patch('b')\nclass C[D: get(e)]:\n{0}\n    # get(f)\n{1}\n",
    "match get(a):\n    case {{'b': [c, *d]}} if join(c): pass\n    case A(b=c.D) | None | -1 as e: patch(c)",
    "def a[**P, *T = get(b)](*c, d, **e):\n{1}\n{0}",
    "with (get(a) as b, join(c)):\n{0}",
    "for a in get(b):\n{0}\nelse:\n{1}",
    "async def a():\n    async for b in get(c):\n        yield (await d)\n{0}",
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
def test_pieces_of_any_file_hold_what_the_whole_holds(block: str, line_break: str, mark: str, last: str) -> None:
    text = mark + f"{block}{last}".replace("\n", line_break)

    assert everything_in_pieces(text) == everything_in_whole(text)


@settings(max_examples=200, deadline=None)
@given(blocks(), st.sampled_from(["\n", "\r\n", "\r"]))
def test_a_name_stands_at_its_place_and_is_code(block: str, line_break: str) -> None:
    text = block.replace("\n", line_break)
    code = mask(text).text

    for tree in trees(text):
        for node in nodes(tree):
            if isinstance(node, cst.Name):
                span = tree.span(node)
                assert text[span.start : span.end] == code[span.start : span.end] == node.value


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


@pytest.mark.parametrize(
    ("opening", "middle", "closing"),
    [
        ("(", "a", ")"),
        ("f(", "", ")"),
        ("f(*a, b=", "c", ")"),
        ("[", "", "]"),
        ("(", "a", ",)"),
        ("{1: ", "a", "}"),
        ("a[", "0", "]"),
        ("f'{", "a", "}'"),
        ("f(a for a in ", "b", ")"),
        ("(a if b else ", "c", ")"),
        ("-(not a.b[c](", "d", "))"),
        ("- ", "a", ""),
        ("not ", "a", ""),
        ("lambda a=", "1", ": b"),
        ("lambda: ", "a", ""),
        ("a if b else ", "c", ""),
        ("a + ", "a", ""),
        ("a << ", "a", ""),
        ("a ** -", "a", ""),
        ("", "a", ".b(c)"),
        ("", "a", "[1]"),
        ("'a' ", "'b'", ""),
    ],
)
def test_the_deepest_that_is_let_through_has_places(opening: str, middle: str, closing: str) -> None:
    def text(depth: int) -> str:
        return f"x = {opening * depth}{middle}{closing * depth}\n"

    def is_refused(depth: int) -> bool:
        return strain(mask(text(depth)), 0, len(text(depth))) > MOST_STRAIN

    deepest = bisect_left(range(2_000), x=True, key=is_refused) - 1

    assert 50 < deepest < 1_999
    found = deep(lambda: shown(text(deepest), cst.Assign))
    # Python 3.12 lets nothing recurse as deep as other versions do.
    assert found == [text(deepest).strip()] or (sys.version_info[:2] == (3, 12) and not found)


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
    walked = {*walk(module)}
    left_out = {type(node).__name__ for node in visited - walked}

    assert left_out == {
        "Add", "AssignEqual", "Asynchronous", "BitOr", "Colon", "Comma", "Comment", "Dot", "EmptyLine",
        "LeftCurlyBrace", "LeftParen", "LeftSquareBracket", "MatrixMultiplyAssign", "Minus", "Newline",
        "ParamSlash", "ParenthesizedWhitespace", "RightCurlyBrace", "RightParen", "RightSquareBracket",
        "Semicolon", "SimpleWhitespace", "TrailingWhitespace",
    }  # fmt: skip
    assert walked < visited


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
