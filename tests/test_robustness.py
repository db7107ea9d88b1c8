"""Whatever is read ends in a finding or in nothing: no crash, no traceback, and soon."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SECONDS = 20
LIMITED = ("sh", "-c", f'ulimit -t {SECONDS} && ulimit -v {2 * 1024**2} && exec "$0" "$@"')
"""A shell that lets a command take so many seconds, and two gigabytes."""

INI = "[pgbouncer]\npool_mode = session ; for now\n"
MANIFEST = (
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: pgbouncer}\ndata:\n  pgbouncer.ini: |\n"
    "    [pgbouncer] unix_socket_dir = /run\n"
)
POOL = "import psycopg2\n"
CONNECT = "psycopg2.connect('host=db')"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(name: str, content: str | bytes) -> None:
    Path(name).write_bytes(content.encode() if isinstance(content, str) else content)


def start(*arguments: str) -> subprocess.Popen[bytes]:
    command = (sys.executable, "-m", "poolcheck", "check", "--isolated", "--quiet", "--output-format", "concise")
    return subprocess.Popen(
        [*LIMITED, *command, *arguments],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def found(*arguments: str) -> list[str]:
    """The lines and rules of what is found, `path:line rule`."""
    process = start(*arguments)
    out, err = process.communicate(timeout=2 * SECONDS)
    assert err == b""
    lines = out.decode().splitlines()
    assert process.returncode == (1 if lines else 0)
    return [f"{place.rsplit(':', 2)[0]} {rule}" for place, _, rule in (line.split(" ")[:3] for line in lines)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("# psycopg2\n" * 1000, []),
        (f"{POOL}x = '", ["2 invalid-syntax"]),
        (f"{POOL}x = {CONNECT} y\n", ["2 invalid-syntax"]),
        (f"{POOL}x = {CONNECT}\n\f\n", ["2 connect-timeout-missing"]),
        (f"{POOL}x = {CONNECT}\nx = {'(' * 10_000}{')' * 10_000}\n", ["2 connect-timeout-missing"]),
        (f"{POOL}x = {'f(' * 60}{CONNECT}{')' * 60}\n", ["2 connect-timeout-missing"]),
        (f"{POOL}x = {CONNECT}{'.a()' * 300}\n", ["2 connect-timeout-missing"]),
        (f"{POOL}x = {CONNECT}{'.a()' * 3_000}\n", []),
        (f"{POOL}x = {'-' * 20_000}{CONNECT}\n", []),
        (f"{POOL}x = {'a if b else ' * 3_000}{CONNECT}\n", []),
        (f"{POOL}x = {'lambda: ' * 5_000}{CONNECT}\n", []),
        (f"{POOL}if a: b\n" + f"elif a: {CONNECT}\n" * 10_000, []),
        (
            POOL + "".join(f"{' ' * depth}if a:\n" for depth in range(95)) + f"{' ' * 95}{CONNECT}\n",
            ["97 connect-timeout-missing"],
        ),
        (POOL + "".join(f"{' ' * depth}if a:\n" for depth in range(2_000)), []),
        (POOL + "x = {\n" + f"    'a': ({CONNECT}, [1, 2]),\n" * 20_000 + "}\n", []),
        (POOL + "def f(): pass\n" * 50_000 + f"x = {CONNECT}\n", ["50002 connect-timeout-missing"]),
        (POOL + "f'{" * 5_000, ["2 invalid-syntax"]),
        (f"{POOL}x = 9{'9' * 1_000_000}\n", []),
        (f"{POOL}x = 2 ** 2 ** 2 ** 99\ny = psycopg2.connect('h', connect_timeout=x)\n", []),
        (f"{POOL}x = 'a' * 10 ** 10\ny = psycopg2.connect(x, connect_timeout=9)\n", []),
    ],
    ids=lambda value: value[16:40] if isinstance(value, str) else None,
)
def test_python(text: str, expected: list[str]) -> None:
    put("a.py", text)

    assert found(".") == [f"a.py:{each}" for each in expected]


ENGINE = "from sqlalchemy import create_engine\nimport os\n"
FUNCTION = """
SIZE{0} = int(os.getenv("SIZE{0}", "1"))
def make{0}(size=SIZE{0}):
    url = "postgresql://db/orders"
    if size > 5:
        url = url + "?a=b"
    return create_engine(url, pool_size=size, max_overflow=SIZE{0})
class Model{0}:
    def make(self):
        return make{0}({0})
"""
IN_A_CIRCLE = """
def f(n):
    if n > 3:
        return g(n - 1)
    return g(n)
def g(n):
    return f(n - 1) + g(n) + f(f(n))
def h(n):
    h(h(n + 1))
    return create_engine("postgresql://db", pool_size=n)
use(f(9), max_overflow=g(1))
h(f(1))
"""
OF_ITSELF = """
class A(A):
    size = 5
class B(C):
    size = B.size
class C(B): pass
class D(D.E):
    class E(D):
        size = 1
class P:
    def __init__(self, other=None):
        self.size = self.size
        self.other = P(self.other).other
    def make(self):
        use(self.size, max_overflow=self.other)
P(P(P()))
use(A.size, max_overflow=B().size, pool_recycle=D.E.size, pool_timeout=C().nothing)
"""


def lines(template: str, count: int) -> str:
    return "".join(map(template.format, range(count)))


@pytest.mark.parametrize(
    "text",
    [
        lines(FUNCTION, 1_000),
        lines("a{0} = b{0}\n", 50_000) + "use(a9)\n",
        f"SIZE = {'(' * 2_000}5{')' * 2_000}\nuse(SIZE)\n",
        f"SIZE = {'f(' * 150}5{')' * 150}\nuse(SIZE)\n",
        f"SIZE = x{'[0]' * 1_500}\nuse(SIZE)\n",
        f"SIZE = x{'.a' * 3_000}\nuse(SIZE)\n",
        f"URL = 'a'{' + b' * 3_000}\nuse(URL)\n",
        f"URL = f'{{{'+'.join('x' * 3_000)}}}'\nuse(URL)\n",
        f"SIZE = {lines('{0} if a == {0} else ', 2_000)}5\nuse(SIZE)\n",
        f"use({' or '.join(f'os.getenv({each!r})' for each in 'abc' * 200)})\n",
        "def f(a):\n" + "".join(f"{' ' * at}if a:\n" for at in range(1, 2_000)) + f"{' ' * 2_000}use(5)\n",
        "def f(a):\n x = 1\n"
        + "".join(f"{' ' * at}try:\n" for at in range(1, 95))
        + f"{' ' * 95}x = x + 1\n"
        + "".join(f"{' ' * at}except E:\n{' ' * at} x = {at}\n" for at in range(94, 0, -1))
        + " use(x)\n",
        "def f(a):\n" + lines("    if a == {0}:\n        return {0}\n", 2_000) + "    return 5\nuse(f(x))\n",
        "def f(a):\n    x = 0\n" + lines("    if a == {0}:\n        x = x + {0}\n", 2_000) + "    use(x)\n",
        "D = {\n" + lines("    'key{0}': ['some text', {0}],\n", 150_000) + "}\nuse(D['key5'][1])\n",
        "D = {}\n" + lines("D['key{0}'] = {0}\n", 3_000) + "create_engine('x', **D)\n",
        "D = {}\n" + lines("if a{0}:\n    D.update(b{0}=1)\n", 1_000) + "create_engine('x', **D)\n",
        "D = {\n" + lines("    'key{0}': create_engine('postgresql://db', pool_size={0}),\n", 3_000) + "}\n",
        "a0 = 1\n" + "".join(f"a{at + 1} = a{at} + 1\n" for at in range(10_000)) + "use(a10000)\nuse(a9)\n",
        "def f0(): return 1\n"
        + "".join(f"def f{at + 1}(): return f{at}() + f{at}()\n" for at in range(2_000))
        + "use(f2000())\nuse(f20())\n",
        "class K0:\n    def __init__(self, a):\n        self.a = a\n"
        + "".join(f"class K{at + 1}(K{at}): pass\n" for at in range(500))
        + "use(K500(5).a)\n",
        "url = 'x'\n" + lines("url = os.getenv('A{0}', url)\n", 3_000) + "use(url)\n",
        "def make(size): return create_engine('postgresql://db', pool_size=size)\n" + lines("make({0})\n", 20_000),
        f"create_engine('{'x' * 5_000_000}')\n",
        IN_A_CIRCLE,
        OF_ITSELF,
    ],
    ids=lambda text: repr(text[:24]),
)
def test_values_that_are_made_in_many_steps(text: str) -> None:
    put("a.py", ENGINE + text.replace("use(", "create_engine('postgresql://db', pool_size="))

    assert {each.split(" ")[1] for each in found(".")} <= {"invalid-syntax", "unbounded-pool"}


def test_modules_that_import_everything_from_each_other() -> None:
    for name, others in {"a": "bc", "b": "ac", "c": "abc", "__init__": "a"}.items():
        put(f"{name}.py", "".join(f"from {each} import *\n" for each in others))
    put("db.py", f"{ENGINE}from a import *\nfrom b import *\ncreate_engine('postgresql://db', pool_size=SIZE)\n")

    assert found(".") == []


ALIASES = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 40))
MERGES = "m0: &m0 {k: v}\n" + "".join(f"m{n}: &m{n} {{<<: [*m{n - 1}, *m{n - 1}]}}\n" for n in range(1, 40))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# apiVersion kind\n" * 1000, []),
        (f"{MANIFEST}    pool_mode = session ; a\n", ["7 inline-comment"]),
        (f"{MANIFEST}a: {'[' * 10_000}{']' * 10_000}\n", ["7 invalid-syntax"]),
        (f"{MANIFEST}a: {'{a: ' * 10_000}\n", ["7 invalid-syntax"]),
        (f"{MANIFEST}a:\n  {'- ' * 10_000}a\n", ["8 invalid-syntax"]),
        (MANIFEST + "x: " + "{{ " * 100_000, []),
        (f"{MANIFEST}{ALIASES}", []),
        (f"{MANIFEST}labels: *a39\n---\n{MANIFEST}", ["7 invalid-syntax"]),
        (f"apiVersion: v1\nkind: Pod\n{ALIASES}spec: {{containers: *a39}}\n", []),
        (f"apiVersion: v1\nkind: Pod\n{MERGES}spec: *m39\nmetadata: *m38\n", ["1 invalid-syntax"]),
        ("apiVersion: v1\nkind: Pod\nspec: &a {<<: *a, containers: [*a]}\nmetadata: *a\n", ["1 invalid-syntax"]),
        ("apiVersion: v1\nkind: List\nitems: &a [*a, *a]\n", []),
        (f"{MANIFEST}---\n" * 3_000, []),
        (f"{MANIFEST}b:\n\ta: 1\n", ["8 invalid-syntax"]),
        (f"{MANIFEST}b: \0\n", ["7 invalid-syntax"]),
    ],
    ids=lambda value: value[-24:] if isinstance(value, str) else None,
)
def test_yaml(text: str, expected: list[str]) -> None:
    put("a.yaml", text)

    assert [each for each in found(".") if "invalid-syntax" in each or "inline" in each] == [
        f"a.yaml:{each}" for each in expected
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", ["1 bad-section-name"]),
        (b"; nothing\n# but comments\n", ["1 bad-section-name"]),
        (INI.encode() + b"; \xff\xfe\0\n", ["2 inline-comment"]),
        (INI.replace("\n", "\r\n").encode(), ["2 inline-comment"]),
        (b"[pgbouncer]\npidfile = " + b"x" * 1_000_000, []),
        (b"[pgbouncer]\n" + b"# a\n" * 200_000 + b"pool_mode = session ; b\n", ["200002 inline-comment"]),
        (b"%include pgbouncer.ini\n" + INI.encode(), ["1 include-problems", "3 inline-comment"]),
    ],
    ids=lambda value: repr(value[:24]) if isinstance(value, bytes) else None,
)
def test_pgbouncer_ini(text: bytes, expected: list[str]) -> None:
    put("pgbouncer.ini", text)

    assert found(".") == [f"pgbouncer.ini:{each}" for each in expected]


@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("mark", "encoding"),
    [("", "utf-8"), ("\ufeff", "utf-8"), ("\ufeff", "utf-16-le"), ("\ufeff", "utf-16-be")],
)
def test_line_breaks_byte_order_marks_and_encodings_do_not_matter(
    line_break: str, mark: str, encoding: str
) -> None:
    manifest = f"{mark}# é\n{MANIFEST}    pool_mode = session ; a\n".replace("\n", line_break)
    module = f"{mark}# é\n{POOL}x = {CONNECT}\n".replace("\n", line_break)
    put("a.yaml", manifest.encode(encoding))
    put("b.py", module)

    assert found(".") == ["a.yaml:8 inline-comment", "b.py:3 connect-timeout-missing"]


def test_line_breaks_may_be_mixed() -> None:
    put("a.py", f"{POOL}a = 1\r\nx = {CONNECT}\r\n")
    put("a.yaml", f"{MANIFEST}    pool_mode = session ; a\r\n")
    put("pgbouncer.ini", "[pgbouncer]\r\npool_mode = session ; a\n")

    assert found(".") == [
        "a.py:3 connect-timeout-missing",
        "a.yaml:7 inline-comment",
        "pgbouncer.ini:2 inline-comment",
    ]


@pytest.mark.parametrize("name", ["a.py", "a.yaml"])
def test_what_is_no_text_does_not_hide_the_rest(name: str) -> None:
    put(name, f"# apiVersion kind {POOL}".encode() + b"\xff\n")
    put("pgbouncer.ini", INI)

    assert found(".") == [f"{name}:2 unreadable-file", "pgbouncer.ini:2 inline-comment"]


@pytest.mark.parametrize("name", ["a.py", "a.yaml", "pgbouncer.ini"])
def test_a_hundred_megabytes_are_not_read(name: str) -> None:
    put(name, f"# apiVersion kind {POOL}{INI}".encode() + b"# a comment among very many\n" * 3_700_000)

    assert found(".") == [f"{name}:1 unreadable-file"]


def test_a_hundred_megabytes_of_something_else_are_nothing() -> None:
    put("a.py", b"# a comment among very many\n" * 3_700_000)

    assert found(".") == []


def test_links_and_pipes_are_neither_followed_nor_waited_for(folder: Path) -> None:
    put("pgbouncer.ini", INI)
    (folder / "back").symlink_to(folder, target_is_directory=True)
    (folder / "gone.yaml").symlink_to("nowhere.yaml")
    (folder / "folder.py").mkdir()
    os.mkfifo("pipe.yaml")

    assert found(".") == ["pgbouncer.ini:2 inline-comment"]


def test_files_may_go_away_while_they_are_read() -> None:
    names = [f"{number:03}.ini" for number in range(400)]
    for name in names:
        put(name, INI)

    process = start(".")
    for name in reversed(names):
        Path(name).unlink()
    out, err = process.communicate(timeout=SECONDS)

    assert err == b""
    assert process.returncode == (1 if out else 0)
    assert all(b" inline-comment " in line or b" unreadable-file " in line for line in out.splitlines())
