import pytest

from poolcheck.files import Memory
from poolcheck.read.document import Reader, Reading
from poolcheck.read.fault import ReadFault
from poolcheck.read.text import LARGEST_BYTES
from poolcheck.source import Span

INI = "[pgbouncer]\npool_mode = session\n"
PYTHON = "import psycopg2\nconn = psycopg2.connect('')\n"
MANIFEST = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n"
COMPOSE = "services:\n  pgbouncer: {image: edoburu/pgbouncer}\n"
KUSTOMIZATION = "configMapGenerator: [{name: pgbouncer, files: [pgbouncer.ini]}]\n"


def read(path: str, data: bytes | str) -> Reading | None:
    return Reader(Memory({path: data.encode() if isinstance(data, str) else data})).read(path)


def kinds(path: str, data: bytes | str) -> list[str]:
    """The kinds of the facts in a file."""
    found = read(path, data)
    assert found
    return [type(fact).__name__ for fact in found.facts]


def fault(path: str, data: bytes | str) -> ReadFault:
    """The only fact in a file."""
    found = read(path, data)
    assert found
    [only] = found.facts
    assert isinstance(only, ReadFault)
    return only


@pytest.mark.parametrize(
    ("path", "text", "kind"),
    [
        ("a.ini", INI, "PgBouncerConfig"),
        ("etc/PgBouncer.ini", "", "PgBouncerConfig"),
        ("a.ini", f"; é\n  {INI}", "PgBouncerConfig"),
        ("pgb.conf", INI, "PgBouncerConfig"),
        ("a.yaml", MANIFEST, "Manifest"),
        ("a.YML", MANIFEST, "Manifest"),
        ("-", MANIFEST, "Manifest"),
        ("docker-compose.prod.yml", COMPOSE, "ComposeFile"),
        ("deploy/stack.yaml", f"\ufeff{COMPOSE}", "ComposeFile"),
        ("base/kustomization.yaml", KUSTOMIZATION, "Kustomization"),
        (
            "base/kustomization.yml",
            f"apiVersion: kustomize.config.k8s.io/v1\nkind: Component\n{KUSTOMIZATION}",
            "Kustomization",
        ),
        ("a.py", PYTHON, "PythonModule"),
    ],
)
def test_each_format_has_its_reader(path: str, text: str, kind: str) -> None:
    assert kinds(path, text) == [kind]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("setup.ini", "[metadata]\nname = pgbouncer\n"),
        ("a.conf", "pool_mode = session\n"),
        ("values.yaml", "replicas: 3\n"),
        ("services.yaml", COMPOSE.replace("pgbouncer", "postgres")),
        (
            ".github/workflows/test.yml",
            "jobs:\n  test:\n    services:\n      pgbouncer: {image: edoburu/pgbouncer}\n",
        ),
        ("base/generators.yaml", KUSTOMIZATION),
        ("base/kustomization.yaml", "commonLabels: {app: pgbouncer}\n"),
        ("a.py", "import os\n"),
        ("a.py", ""),
        ("a.yaml", "# apiVersion\n"),
        ("a.txt", PYTHON),
    ],
)
def test_what_holds_nothing_of_interest_is_not_read(path: str, text: str) -> None:
    assert read(path, text) is None


def test_a_file_that_is_gone_is_a_fault_at_its_start() -> None:
    found = Reader(Memory({})).read("gone.py")

    assert found == Reading("gone.py", "", (ReadFault(Span("gone.py", 0, 0), "cannot be read: gone.py"),))


@pytest.mark.parametrize("path", ["a.py", "a.yaml"])
def test_a_byte_that_is_no_text_is_a_fault_at_its_place(path: str) -> None:
    before = f"# é apiVersion kind {PYTHON}"

    assert fault(path, before.encode() + b"\xff\n") == ReadFault(
        Span(path, len(before), len(before) + 1), "byte 0xff is not utf-8"
    )


@pytest.mark.parametrize(
    ("encoding", "message"),
    [
        ("cp1252", "byte 0x81 is not cp1252"),
        ("no-such", "cannot be read: no encoding of text is called 'no-such'"),
        ("hex", "cannot be read: no encoding of text is called 'hex'"),
        ("undefined", "cannot be read: not undefined"),
    ],
)
def test_an_encoding_that_a_file_only_claims_is_a_fault(encoding: str, message: str) -> None:
    assert fault("a.py", f"# coding: {encoding}\n{PYTHON}#".encode() + b"\x81").message == message


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(("text", "kind"), [(MANIFEST, "Manifest"), (COMPOSE, "ComposeFile")])
def test_yaml_in_utf_16_is_of_interest(encoding: str, text: str, kind: str) -> None:
    assert kinds("a.yaml", f"\ufeff{text}".encode(encoding)) == [kind]


def test_a_file_may_be_a_manifest_and_look_like_a_compose_file() -> None:
    assert kinds("a.yaml", f"{MANIFEST}---\n{COMPOSE}") == ["Manifest", "ComposeFile"]


def test_a_compose_file_that_is_no_yaml_has_no_fault() -> None:
    assert kinds("compose.yaml", f"{COMPOSE}  api: [\n") == []


def test_what_is_of_interest_and_too_large_is_a_fault() -> None:
    data = INI.encode() + b"\n" * LARGEST_BYTES

    assert fault("a.ini", data).message == "cannot be read: larger than 32 MiB"


def test_what_is_only_large_is_none() -> None:
    assert read("a.py", b"\n" * (LARGEST_BYTES + 1)) is None


def test_python_modules_are_one_project() -> None:
    reader = Reader(Memory({"a.py": PYTHON.encode(), "b.py": f"import c\n{PYTHON}".encode()}))

    before, _, _ = reader.project, reader.read("a.py"), reader.read("b.py")

    assert before is None
    assert reader.project
    assert {*reader.project.texts} == {"a.py", "b.py"}


def test_a_manifest_in_json_that_is_named_is_read() -> None:
    text = '{"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "Service"}]}'
    found = read("deploy.json", text)

    assert found
    assert [type(fact).__name__ for fact in found.facts] == ["Manifest"]
    assert read("package.json", '{"name": "x"}') is None


def test_an_extended_file_is_read_with_the_one_that_extends_it() -> None:
    files = {
        "compose.yaml": "services: {web: {extends: {file: parts/web.yml, service: base}}}\n",
        "parts/web.yml": "services: {base: {image: shop, env_file: web.env}}\n",
        "parts/web.env": "A=1\n",
    }
    found = Reader(Memory({path: text.encode() for path, text in files.items()})).read("compose.yaml")

    assert found
    assert [fact.span.path for fact in found.facts] == ["compose.yaml", "parts/web.yml"]
