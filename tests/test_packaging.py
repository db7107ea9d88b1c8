"""What is shipped: the wheel and the source distribution, made as a release makes them."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHIPPED = {".py", ".md", ".typed", ".css", ".js"}


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def in_tree(folder: Path) -> set[str]:
    """The files of a package as they are imported, with `/`."""
    return {path.relative_to(folder.parent).as_posix() for path in folder.rglob("*") if path.suffix in SHIPPED}


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def test_the_wheel_holds_both_packages_and_nothing_else(dist: Path) -> None:
    [wheel] = dist.glob("*.whl")

    assert names_in(wheel) == in_tree(ROOT / "poolcheck") | in_tree(ROOT / "rules" / "poolcheck_rules")


def test_every_rule_is_shipped_with_its_page(dist: Path) -> None:
    [wheel] = dist.glob("*.whl")

    names = names_in(wheel)

    rules = {name for name in names if name.startswith("poolcheck_rules/") and name.count("/") == 2}
    pages = {name.removesuffix(".md") for name in rules if name.endswith(".md")}
    modules = {name.removesuffix(".py") for name in rules if name.endswith(".py")}
    assert pages == {name for name in modules if not name.endswith("/__init__")}


def test_the_wheel_works_without_the_tree(dist: Path, tmp_path: Path) -> None:
    [wheel] = dist.glob("*.whl")
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        str(tmp_path),
        str(wheel),
    ]
    subprocess.run(install, check=True, capture_output=True)
    (tmp_path / "pgbouncer.ini").write_text("[pgbouncer]\nserver_lifetime = 1h\n")
    python = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from poolcheck.cli import main; sys.exit(main())"

    run = subprocess.run(
        [sys.executable, "-I", "-c", python, "check", "pgbouncer.ini"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (run.returncode, run.stderr) == (1, "")
    assert "time-with-unit" in run.stdout


def test_the_source_distribution_holds_what_its_tests_need(dist: Path) -> None:
    [sdist] = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}

    assert {"pyproject.toml", "Makefile", "README.md", "LICENSE", ".pre-commit-hooks.yaml"} <= names
    assert {"tests/test_packaging.py", "fixtures/shop.out", "fixtures/shop/deploy/pgbouncer.yaml"} <= names
