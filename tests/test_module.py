import re
from collections.abc import Mapping

import libcst as cst
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poolcheck.files import Memory
from poolcheck.read.python.syntax import module as project_module
from poolcheck.read.python.syntax.module import Module, Project
from poolcheck.read.python.syntax.slices import Kind, Piece
from poolcheck.source import Source


class Counted(Memory):
    """Files that remember what was read."""

    def __init__(self, texts: Mapping[str, bytes]) -> None:
        super().__init__(texts)
        self.read_paths: list[str] = []

    def read(self, path: str) -> bytes:
        self.read_paths.append(path)
        return super().read(path)


def project(texts: Mapping[str, str]) -> Project:
    return Project(Memory({path: text.encode() for path, text in texts.items()}))


def module(text: str) -> Module:
    return Module(Source("a.py", text), project({}))


def found(dotted: str, importer: str, *paths: str) -> tuple[str, str] | None:
    """The path of the module that a name leads to, and the rest of the name."""
    target = project(dict.fromkeys(paths, "")).find(dotted, importer)
    return target and (target[0].path, target[1])


def code(text: str, pieces: list[Piece]) -> list[str]:
    return [text[piece.start : piece.end] for piece in pieces]


@pytest.mark.parametrize(
    ("dotted", "importer", "path", "rest"),
    [
        ("db", "main.py", "db.py", ""),
        ("db.engine", "main.py", "db.py", "engine"),
        ("shop.db.engine", "shop/api/main.py", "shop/db.py", "engine"),
        ("shop.db", "shop/api/main.py", "shop/db/__init__.py", ""),
        ("shop.Engine.pool", "shop/main.py", "shop/__init__.py", "Engine.pool"),
        ("src.db", "a/b/c/main.py", "a/src/db.py", ""),
        (".db", "shop/api/main.py", "shop/api/db.py", ""),
        ("..db.engine", "shop/api/main.py", "shop/db.py", "engine"),
        (".engine", "shop/main.py", "shop/__init__.py", "engine"),
        ("..", "shop/api/main.py", "shop/__init__.py", ""),
        ("....db", "shop/main.py", "../../db.py", ""),
    ],
)
def test_a_name_leads_to_a_module_and_to_something_in_it(dotted: str, importer: str, path: str, rest: str) -> None:
    assert found(dotted, importer, path) == (path, rest)


@pytest.mark.parametrize(
    ("dotted", "importer", "path"),
    [
        ("db", "shop/main.py", "shop/api/db.py"),
        (".db", "shop/main.py", "db.py"),
        ("sqlalchemy.pool", "main.py", "pool.py"),
        ("", "main.py", "main.py"),
    ],
)
def test_a_name_that_leads_nowhere_finds_nothing(dotted: str, importer: str, path: str) -> None:
    assert found(dotted, importer, path) is None


def test_in_a_package_a_module_called_like_the_package_is_not_meant() -> None:
    paths = ("app/__init__.py", "app/core/__init__.py", "app/core/app.py", "app/core/config.py")

    assert found("app.core.config.SIZE", "app/core/db.py", *paths) == ("app/core/config.py", "SIZE")
    assert found("app.SIZE", "app/core/db.py", *paths) == ("app/__init__.py", "SIZE")


def test_a_module_of_the_folder_that_a_program_is_started_in_is_nearer_than_others() -> None:
    paths = ("config.py", "app/__init__.py", "worker/config.py", "worker/app.py")

    assert found("config.SIZE", "worker/main.py", *paths) == ("worker/config.py", "SIZE")
    assert found("app.SIZE", "worker/main.py", *paths) == ("worker/app.py", "SIZE")


def test_a_module_of_a_package_is_found_where_a_program_is_started_in_the_package() -> None:
    assert found("config.SIZE", "app/db.py", "app/__init__.py", "app/config.py") == ("app/config.py", "SIZE")


def test_the_nearest_module_and_the_longest_name_win() -> None:
    paths = ("db.py", "shop/db.py", "shop/db/pool.py")

    assert found("db", "shop/main.py", *paths) == ("shop/db.py", "")
    assert found("db.pool.size", "shop/main.py", *paths) == ("shop/db/pool.py", "size")


def test_what_is_no_text_is_no_module() -> None:
    files = Memory({"a.py": b"\xff", "b.py": b"# coding: no-such\n", "c.py": b"# coding: undefined\n"})

    assert [Project(files).module(path) for path in ("a.py", "b.py", "c.py", "d.py")] == [None] * 4


def test_a_module_is_read_once_and_by_nobody_who_does_not_ask() -> None:
    files = Counted({"db.py": b"", "other.py": b""})
    modules = Project(files)

    assert modules.find("db.a", "x.py") == modules.find("db.a", "y.py")
    assert modules.find("db.b", "x.py")
    assert files.read_paths == ["db.py"]


PACKAGES = {
    "packages/core/src/shop/db.py": "SessionLocal = 1",
    "packages/web/src/web/app.py": "",
    "packages/copy/src/twice/a.py": "",
    "packages/other/src/twice/b.py": "",
    "src/top/a.py": "",
}


@pytest.mark.parametrize(
    ("dotted", "path"),
    [
        ("shop.db.SessionLocal", "packages/core/src/shop/db.py"),
        ("top.a", "src/top/a.py"),
        ("twice.a", None),
        ("db", None),
    ],
)
def test_a_package_is_found_in_the_src_folder_of_another(dotted: str, path: str | None) -> None:
    files = Memory({each: text.encode() for each, text in PACKAGES.items()})

    target = Project(files, [*PACKAGES]).find(dotted, "packages/web/src/web/app.py")

    assert (target and target[0].path) == path


def test_a_text_that_is_added_is_the_module_that_others_find() -> None:
    modules = project({"db.py": "old"})

    added = modules.add(Source("db.py", "new"))

    assert modules.find("db", "main.py") == (added, "")
    assert modules.texts == {"db.py": "new"}


TEXT = """\
import a
class B:
    c = d
    def e(self): f()
    class G:
        h = i
j = B.c; k = d
def l():
    import m as a
    return a.n
"""


def test_members_are_those_directly_inside() -> None:
    parts = module(TEXT)

    assert [piece.name for piece in parts.members("")] == [None, "B", "j", "l"]
    assert [piece.name for piece in parts.members("B")] == ["c", "e", "G"]
    assert [piece.name for piece in parts.members("B.G")] == ["h"]
    assert not parts.members("G")


def test_classes_are_found_by_the_classes_around_them() -> None:
    text = f"{TEXT}class B: pass\n"
    parts = module(text)

    assert code(text, [*parts.classes("B")]) == ["class B:", "class B: pass"]
    assert code(text, [*parts.classes("B.G")]) == ["class G:"]
    assert not parts.classes("G")


def test_a_name_is_what_its_function_imports_or_else_what_the_module_does() -> None:
    parts = module(TEXT)
    function = parts.pieces[-1]

    assert parts.imported("a") == "a"
    assert parts.imported("a", function) == "m"
    assert parts.imported("a", parts.pieces[0]) == "a"
    assert parts.imported("m", function) is None


def test_pieces_are_found_by_what_their_code_mentions() -> None:
    text = "a = 'd'\nb = d  # c\n\n# d\ne(f'{d}')\nd\n"

    mentioning = [*module(text).mentioning(re.compile(r"\bd\b"))]

    assert code(text, mentioning) == ["b = d", "e(f'{d}')", "d"]


@given(
    st.lists(st.sampled_from(["a", "b", "ab", "(a,\nb)", "'a'", "class a:\n b\n a", "#a"])).map("\n".join),
    st.sampled_from(["a", r"\ba\b", r"b\s+a", "a|b", "", r"\s", r"a\nb", "^a"]).map(re.compile),
)
def test_no_piece_that_mentions_it_is_missed(text: str, pattern: re.Pattern[str]) -> None:
    parts = module(text)

    expected = [each for each in parts.pieces if pattern.search(parts.masked.text, each.start, each.end)]
    assert [*parts.mentioning(pattern)] == expected


def test_a_piece_is_parsed_once_and_not_before_it_is_asked_for() -> None:
    parts = module("a = 1\nb = c d\n")
    [(tree, statement)] = parts.statements(parts.pieces[0])

    assert isinstance(statement, cst.SimpleStatementLine)
    assert parts.tree(parts.pieces[0]) is tree
    assert not parts.is_in_doubt


@pytest.mark.parametrize("text", ["a = 1\nb = c d\n", "a = '\n", "if a:\n  \\\n b\n"])
def test_what_cannot_be_cut_or_parsed_puts_a_module_in_doubt(text: str) -> None:
    parts = module(text)

    statements = [each for piece in parts.pieces for each in parts.statements(piece)]

    assert parts.is_in_doubt
    assert len(statements) < 3


def test_what_only_others_asked_for_is_no_doubt_of_a_module() -> None:
    parts = module("def f():\n    print 1\nx = 1\n")
    assert parts.tree(parts.pieces[0]) is None

    parts.forget_refused()

    assert not parts.is_in_doubt


def test_trees_are_forgotten_where_they_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project_module, "MOST_PARSED", 20)
    modules = project({})
    one = modules.add(Source("a.py", "a = b\n"))
    first = one.tree(one.pieces[0])

    modules.forget()
    assert one.tree(one.pieces[0]) is first

    other = modules.add(Source("b.py", "c = 'a long text, as texts go'\n"))
    other.tree(other.pieces[0])
    modules.forget()

    again = one.tree(one.pieces[0])
    assert again is not first
    assert again
    assert first
    assert [again.span(node) for node in again.statements] == [first.span(node) for node in first.statements]


def test_a_module_that_forgot_says_the_same() -> None:
    parts = module(TEXT)
    function = next(piece for piece in parts.pieces if piece.kind is Kind.FUNCTION and not piece.scope)
    before = (parts.pieces, parts.masked, parts.members("B"), parts.classes("B.G"), parts.imported("a", function))

    parts.forget()

    after = (parts.pieces, parts.masked, parts.members("B"), parts.classes("B.G"), parts.imported("a", function))
    assert after == before
