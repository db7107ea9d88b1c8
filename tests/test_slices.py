import ast
import sysconfig
import tokenize
from collections.abc import Iterator
from io import StringIO
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poolcheck.read.python.syntax.slices import MOST_NESTED, MOST_STRAIN, Kind, comments_of, mask, pieces, strain

LIBRARY = Path(sysconfig.get_paths()["stdlib"])
SAMPLE = [path for path in sorted(LIBRARY.glob("*.py"))[::4] if path.stat().st_size < 80_000]


def masked(text: str) -> str:
    return mask(text).text


def cut(text: str) -> list[tuple[str, str, str]]:
    """Each piece: its kind, its name with that of the classes around it, and its code."""
    return [
        (piece.kind.value, f"{piece.scope}.{piece.name}".strip("."), text[piece.start : piece.end])
        for piece in pieces(text, mask(text))
    ]


def is_too_deep(text: str) -> bool:
    return strain(mask(text), 0, len(text)) > MOST_STRAIN


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("x = 1  # of 'y'", "x = 1          "),
        ("x = 'a' + \"b # c\"", "x = ' ' + \"     \""),
        (r"x = 'it\'s' + y", "x = '     ' + y"),
        (r"x = '\\' + y", "x = '  ' + y"),
        ("x = '' + \"\" + y", "x = '' + \"\" + y"),
        ("x = '''a'\nb''' + y", "x = '''    ''' + y"),
        ('x = """\\""""', 'x = """  """'),
        ("x = rb'\\' + b' + y", "x = rb'      ' + y"),
        ("x = 'a\\\nb' + y", "x = '    ' + y"),
        ("x = 1 + \\\n    y", "x = 1 +       y"),
        ("'''#''' # '''", "''' '''      "),
    ],
)
def test_comments_insides_of_strings_and_joined_lines_become_blanks(text: str, code: str) -> None:
    assert masked(text) == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("f'a {b.c(1)} d'", "f'  {b.c(1)}  '"),
        ("f'{a!r:>10}'", "f'{a!r:   }'"),
        ("f'{a:{b}.{c}}'", "f'{a:{b} {c}}'"),
        ("f'{{a}} {b}'", "f'      {b}'"),
        ("f'{{{a}}}'", "f'  {a}  '"),
        ("f'{a:{{b}}}'", "f'{a:{{b}}}'"),
        ("f'{a[1:2]} {dict(b={1: 2})[\"c\"]:d}'", "f'{a[1:2]} {dict(b={1: 2})[\" \"]: }'"),
        ("f'{(lambda: a)()} {a != b}'", "f'{(lambda: a)()} {a != b}'"),
        ("F'''a\n'{b\n}'c'''", "F'''   {b\n}  '''"),
        (r"f'\{a} \N{DASH} {b}'", "f' {a}          {b}'"),
        (r"rf'\N{a} \'{b}' 'c'", "rf'  {a}   {b}' ' '"),
        ("t'{a}' + c('b')", "t'{a}' + c(' ')"),
        ("f'{a}' f'b' rF'{c}'", "f'{a}' f' ' rF'{c}'"),
        ("f'{f'{f'{a}'}'}' + 'b'", "f'{f'{f'{a}'}'}' + ' '"),
        ('f"{a["b"]:c"}"', 'f"{a[" "]:c"}"'),
        ("f'''{a  # }'''\n}'''", "f'''{a        \n}'''"),
    ],
)
def test_the_code_in_the_placeholders_of_f_strings_remains(text: str, code: str) -> None:
    assert masked(text) == code


@pytest.mark.parametrize("text", ["a if'{b}'else c", "print'{b}'", "x = bf'{b}'", "ef'{b}'"])
def test_a_word_that_ends_like_a_prefix_makes_no_f_string(text: str) -> None:
    assert "b}" not in masked(text)


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_every_line_break_is_a_line_feed_and_keeps_its_place(line_break: str) -> None:
    text = line_break.join(["a = 1  # b", "c = '''d", "e'''", "f"])

    code = masked(text)

    assert code.split() == ["a", "=", "1", "c", "=", "'''", "'''", "f"]
    assert code.count("\n") == 2
    assert code.index("f") == text.index("f")


@settings(deadline=None)
@given(st.text(alphabet="fr{}()[]'\"\\#:;=!\n\r\f\ufeff aé😀"))
def test_every_character_of_any_text_keeps_its_offset(text: str) -> None:
    code = masked(text)

    assert len(code) == len(text)
    assert all(character in (before, " ", "\n") for before, character in zip(text, code, strict=True))


@pytest.mark.parametrize(
    "text",
    ["x = 'a\n'", "x = '''a", 'x = "a', "f'{a", "f'{a:b", "f'{a'", "f'}'", "x = 1 \\ + 2", "f'{a:\n}'", "x = a\\"],
)
def test_a_string_or_a_backslash_that_fits_nothing_makes_a_text_unsound(text: str) -> None:
    assert not mask(text).is_sound


@pytest.mark.parametrize("text", ["if a:\n    \\\n  b\n", "\\\na = 1\n", "\fdef f(): pass\n", "if a:\n  \f  b\n"])
def test_indentation_that_is_counted_in_more_than_one_way_makes_a_text_unsound(text: str) -> None:
    assert not mask(text).is_sound


def test_a_form_feed_on_a_line_of_its_own_does_not() -> None:
    assert mask("a = 1\n\f\nb = 2\n").is_sound


@pytest.mark.parametrize(
    ("text", "comments"),
    [
        ("x = 1  # a 'b'\n# c\r\ny", ["# a 'b'", "# c"]),
        ("x = '# a' + '''\n# b\n'''  # c", ["# c"]),
        ("f'# {a  # b\n}'", ["# b"]),
        ("#", ["#"]),
        ("x = 'a\n# b", []),
    ],
)
def test_comments_go_from_the_hash_to_the_end_of_the_line(text: str, comments: list[str]) -> None:
    assert [text[start:end] for start, end in comments_of(text)] == comments


@pytest.mark.parametrize("path", SAMPLE, ids=lambda path: path.name)
def test_comments_are_those_that_the_tokenizer_finds(path: Path) -> None:
    text = path.read_text("utf-8")

    found = [text[start:end] for start, end in comments_of(text)]

    tokens = tokenize.generate_tokens(StringIO(text).readline)
    assert found == [token.string for token in tokens if token.type == tokenize.COMMENT]


def test_a_text_is_cut_into_the_statements_at_its_top() -> None:
    text = (
        "# a\nimport b; b.c()  # d\n\nE = (\n1,\n)\nF: int = 2\nif g:\n    h()\n\n# i\nelse:\n    j()\nk.l = 3\n"
    )

    assert cut(text) == [
        ("statement", "None", "import b; b.c()"),
        ("statement", "E", "E = (\n1,\n)"),
        ("statement", "F", "F: int = 2"),
        ("statement", "None", "if g:\n    h()\n\n# i\nelse:\n    j()"),
        ("statement", "None", "k.l = 3"),
    ]


def test_a_class_is_cut_into_its_header_and_its_members() -> None:
    text = (
        "@a(\n)\nclass B(\n    C,\n):  # d\n    'e'\n    f: int = 1\n\n"
        "    @g\n    # h\n    async def i(self): ...\n\n"
        "    class J:\n        def k(self):\n            pass\n# l\n    if m:\n        n = 1\nO = B\n"
    )

    assert cut(text) == [
        ("header", "B", "@a(\n)\nclass B(\n    C,\n):"),
        ("statement", "B.None", "'e'"),
        ("statement", "B.f", "f: int = 1"),
        ("function", "B.i", "@g\n    # h\n    async def i(self): ..."),
        ("header", "B.J", "class J:"),
        ("function", "B.J.k", "def k(self):\n            pass"),
        ("statement", "B.None", "if m:\n        n = 1"),
        ("statement", "O", "O = B"),
    ]


def test_what_is_blank_to_unicode_only_is_code() -> None:
    assert [code for _, _, code in cut("a\n\xa0\nb\n\x1c\n")] == ["a", "\xa0", "b", "\x1c"]


def test_a_class_with_its_body_on_the_same_line_stays_whole() -> None:
    assert cut("class A(B): c = 1; d = 2\n") == [("class", "A", "class A(B): c = 1; d = 2")]


def test_classes_inside_of_very_many_classes_stay_whole() -> None:
    text = "".join(f"{' ' * depth}class A{depth}:\n" for depth in range(20)) + " " * 20 + "pass\n"

    kinds = [kind for kind, _, _ in cut(text)]

    assert kinds == [*["header"] * MOST_NESTED, "class"]


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("a = b", "a"),
        ("a = b = c", "a"),
        ("a: b", "a"),
        ("a: b = c", "a"),
        ("a == b", "None"),
        ("a := b", "None"),
        ("a, b = c", "None"),
        ("a[b] = c", "None"),
        ("a(b=c)", "None"),
        ("try: a\nfinally: b", "None"),
        ("lambda: a", "None"),
        ("match: a = b", "match"),
        ("async  def a(): b", "a"),
        ("def a[B](): c", "a"),
        ("class a[B]: c", "a"),
        ("definition = b", "definition"),
    ],
)
def test_a_piece_is_named_after_the_plain_name_that_it_binds_first(statement: str, name: str) -> None:
    ((_, found, _),) = cut(statement)

    assert found == name


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_breaks_and_a_byte_order_mark_do_not_matter(line_break: str, mark: str) -> None:
    text = mark + line_break.join(["class A:", "\tdef b(self):", "\t\tpass", "c = '''", "'''", ""])

    assert [(kind, name) for kind, name, _ in cut(text)] == [
        ("header", "A"),
        ("function", "A.b"),
        ("statement", "c"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "a = (\nb = 1\n",
        "a = 1)\nb = (1\n",
        "  a = 1\nb = 2\n",
        "else:\n    a\n",
        "class A:\n    b = 1\n  c = 2\n",
        "class A:\n    b = 1\n\tc = 2\n",
        "class A:\n \tb = 1\n",
        "class A: b = 1\n    c = 2\n",
        "a = '\n",
    ],
)
def test_a_text_whose_shape_is_in_doubt_is_one_piece(text: str) -> None:
    assert [(piece.kind, piece.start, piece.end) for piece in pieces(text, mask(text))] == [
        (Kind.FILE, 0, len(text))
    ]


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(["a", "(", ")", "'", "\n", "    ", "class A:", "def f():", "@", "else:", "#", ";", "\\"])
    )
)
def test_nothing_but_blanks_and_comments_lies_between_the_pieces_of_any_text(words: list[str]) -> None:
    text = "".join(words)
    code = masked(text)

    ends = [(0, 0), *((piece.start, piece.end) for piece in pieces(text, mask(text))), (len(text), len(text))]

    assert all(end <= start and not code[end:start].strip() for (_, end), (start, _) in pairwise(ends))


@pytest.mark.parametrize("path", SAMPLE, ids=lambda path: path.name)
def test_pieces_begin_where_python_says_that_statements_do(path: Path) -> None:
    text = path.read_text("utf-8")

    lines = [text.count("\n", 0, piece.start) + 1 for piece in pieces(text, mask(text))]

    assert lines == list(dict.fromkeys(first_lines(ast.parse(text))))


def first_lines(scope: ast.Module | ast.ClassDef) -> Iterator[int]:
    for statement in scope.body:
        decorators = getattr(statement, "decorator_list", [])
        yield decorators[0].lineno if decorators else statement.lineno
        if isinstance(statement, ast.ClassDef):
            yield from first_lines(statement)


@pytest.mark.parametrize(
    "expression",
    [
        "(" * 300 + ")" * 300,
        "f(" * 300 + ")" * 300,
        "{1: " * 300 + "1" + "}" * 300,
        "f'{" * 300 + "1" + "}'" * 300,
        "a" + ".b()" * 3_000,
        "a" + ".b(1, 2)" * 3_000,
        "(a\n" + "    .b()\n" * 3_000 + ")",
        "a" + "[1]" * 3_000,
        "a" + "()" * 3_000,
        "a" + ".b" * 3_000,
        "a + " * 3_000 + "a",
        "a >> " * 3_000 + "a",
        "a << " * 3_000 + "a",
        "a and " * 3_000 + "a",
        "- " * 3_000 + "a",
        "not " * 3_000 + "a",
        "a if b else " * 3_000 + "c",
        "lambda:" * 3_000 + "a",
        "'a' " * 3_000,
    ],
    ids=lambda expression: expression[:12],
)
def test_an_expression_that_libcst_could_not_cope_with_is_too_deep(expression: str) -> None:
    assert is_too_deep(f"x = {expression}\n")


@pytest.mark.parametrize(
    "text",
    [
        "if a: b\n" + "elif a: b\n" * 3_000,
        "match a:\n    case " + "{1: " * 12 + "b" + "}" * 12 + ": c\n",
        "a; del " + "(" * 24 + "b c" + ")" * 24,
        "def f():\n" + ("    a = " + "f(" * 30 + ")" * 30 + "\n") * 3_000,
        "x = {\n" + "    'a': {'b': 1, 'c': [1, 2, d()]},\n" * 10_000 + "}\n",
        "x = a" + " < a" * 100_000 + "\n",
        "if a:\n" + "    b\n" * 100_000,
    ],
    ids=lambda text: text[:12],
)
def test_so_is_a_statement(text: str) -> None:
    assert is_too_deep(text)


@pytest.mark.parametrize(
    "text",
    [
        "x = {\n" + "    'a': {'b': 1, 'c': [1, 2, d()]},\n" * 4_000 + "}\n",
        "x = '''" + "a.b(c)\n" * 100_000 + "'''\n",
        "x = a" + ".b()" * 100 + "\n",
        "x = " + "a + " * 400 + "a\n",
        "x = " + "f(" * 60 + ")" * 60 + "\n",
        "x = (" + "'a'\n" * 200 + ")\n",
        "if a: b\n" + "elif a: b\n" * 400,
        "match a:\n    case {'b': [C(d={'e': f})]}: g\n",
        "def f():\n" + "    self.a.b(c[0], d=e.f('g', h if i else j))\n" * 5_000,
    ],
    ids=lambda text: text[:12],
)
def test_what_people_write_is_not_too_deep(text: str) -> None:
    assert not is_too_deep(text)


@pytest.mark.parametrize("path", SAMPLE, ids=lambda path: path.name)
def test_nothing_in_the_standard_library_is_too_deep(path: Path) -> None:
    text = path.read_text("utf-8")
    code = mask(text)

    assert not any(strain(code, piece.start, piece.end) > MOST_STRAIN for piece in pieces(text, code))


@pytest.mark.parametrize(
    "part",
    [
        "'",
        '"',
        "'''",
        "f'",
        "f'{",
        "f'''{",
        "'\"",
        "\\",
        "\\\n",
        '\\"""',
        "#\n",
        "(",
        ")",
        "{{ ",
        "\f",
        "\r",
        "a\\\n",
        "f'{a:{",
    ],
)
def test_hostile_texts_take_no_more_time_than_others(part: str) -> None:
    """A lexer that starts over at each quote or bracket would not come to an end."""
    text = f'x = """\n"""\n{part * 100_000}'

    assert pieces(text, mask(text))
    assert len(list(comments_of(text))) <= 100_000
