"""What a run imports: start-up is part of the product."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PYTHON = {"libcst", "poolcheck.read.python.facts", "poolcheck.read.python.syntax.module"}
YAML = {
    "yaml",
    "poolcheck.read.yaml.nodes",
    "poolcheck.read.kubernetes.objects",
    "poolcheck.read.compose.services",
}
SYSTEM = {"poolcheck.link.link", "poolcheck.read.pgbouncer.config", "poolcheck.system.whole"}
RICH = {"rich"}
HEAVY = {
    *("asyncio", "dataclasses", "email", "importlib.metadata", "inspect", "json", "logging", "multiprocessing"),
    *("pathlib", "pathspec", "shutil", "subprocess", "tempfile", "tomllib", "unittest", "urllib.parse"),
}
"""What a run on one file has no use for."""

PROGRAM = """\
import sys

before = set(sys.modules)
from poolcheck.cli import main

try:
    status = main()
finally:
    sys.stderr.write(" ".join(set(sys.modules) - before))
sys.exit(status)
"""

INI = "[databases]\nshop = host=db\n[pgbouncer]\npool_mode = session\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def imported(*arguments: str) -> set[str]:
    """The modules that a process of its own imports to run poolcheck with these arguments."""
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode < 2, ran.stderr
    return set(ran.stderr.split())


def test_the_version_costs_nothing_but_argparse() -> None:
    modules = imported("--version")

    ours = {name for name in modules if name.partition(".")[0].startswith("poolcheck")}
    assert ours == {
        "poolcheck",
        "poolcheck.cli",
        "poolcheck.command",
        "poolcheck.command.refused",
        "poolcheck.options",
    }
    assert not modules & HEAVY


@pytest.mark.parametrize("found", [True, False], ids=["with a finding", "without"])
@pytest.mark.parametrize("form", ["full", "concise"])
def test_a_run_on_one_ini_imports_what_reads_ini(form: str, found: bool) -> None:
    Path("pgbouncer.ini").write_text(INI + "server_lifetime = 1h\n" * found)

    modules = imported("check", "--output-format", form, "pgbouncer.ini")

    assert "poolcheck.read.pgbouncer.config" in modules
    assert not modules & (PYTHON | YAML | RICH | HEAVY)


def test_a_run_on_one_ini_imports_no_rule_about_anything_else() -> None:
    Path("pgbouncer.ini").write_text(INI)

    modules = imported("check", "pgbouncer.ini")

    groups = {name.split(".")[1] for name in modules if name.startswith("poolcheck_rules.")}
    assert groups == {"pgbouncer", "system"}
    assert not {
        name for name in modules if name.startswith(("poolcheck_rules.system.txmode_", "poolcheck.read.python."))
    }


def test_a_run_on_manifests_does_not_import_what_reads_python() -> None:
    Path("a.yaml").write_text("kind: Service\napiVersion: v1\nmetadata: {name: a}\n")

    modules = imported("check", "a.yaml")

    assert "poolcheck.read.yaml.nodes" in modules
    assert "poolcheck.read.compose.services" not in modules
    assert not modules & (PYTHON | RICH)


def test_a_run_on_a_compose_file_does_not_import_what_reads_manifests() -> None:
    Path("pgbouncer.ini").write_text(INI)
    Path("compose.yaml").write_text(
        "services:\n  pgbouncer:\n    image: edoburu/pgbouncer:1.23.1\n    volumes: [./:/etc/pgbouncer]\n"
    )

    modules = imported("check", ".")

    assert "poolcheck.read.compose.services" in modules
    assert "poolcheck.read.kubernetes.objects" not in modules
    assert not modules & (PYTHON | RICH)


def test_a_run_on_python_does_not_import_what_reads_yaml() -> None:
    Path("a.py").write_text("import psycopg2\nconn = psycopg2.connect('')\n")

    assert not imported("check", "a.py") & (YAML | RICH)


def test_python_without_pools_is_not_parsed() -> None:
    Path("a.py").write_text("import os\n")

    modules = imported("check", "a.py")

    assert not modules & (PYTHON | YAML | RICH | SYSTEM)


def test_only_colour_needs_rich() -> None:
    Path("pgbouncer.ini").write_text(INI + "server_lifetime = 1h\n")

    assert "rich" in imported("check", "--color", "always", "pgbouncer.ini")
