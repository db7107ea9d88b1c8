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
