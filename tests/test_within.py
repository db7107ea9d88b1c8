"""What the folder that a project lies in is called says nothing of its files."""

from pathlib import Path

import pytest

from poolcheck.cli import main
from poolcheck.discover import Extent, extent
from poolcheck.read.kubernetes.stages import stages
from poolcheck.read.python.project.roles import Role, role_of
from poolcheck.within import lying_in

LEAK = (
    "import psycopg2\n\ndef f():\n    conn = psycopg2.connect('dbname=a connect_timeout=3')\n    conn.cursor()\n"
)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder beside the working directory."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    project = tmp_path / "tests" / "staging-area" / "shop"
    project.mkdir(parents=True)
    return project


def test_folders_around_a_project_tell_no_role_and_no_stage() -> None:
    assert (role_of("tests/shop/db.py"), *stages("staging/shop/api.yaml")) == (Role.TEST, "staging")
    with lying_in("tests/shop"):
        assert (role_of("tests/shop/db.py"), role_of("tests/shop/tests/db.py")) == (Role.APPLICATION, Role.TEST)
    with lying_in("staging/shop"):
        assert [*stages("staging/shop/api.yaml"), *stages("staging/shop/prod/api.yaml")] == ["production"]
    assert role_of("tests/shop/db.py") is Role.TEST


def test_a_project_lies_in_what_is_around_all_roots(elsewhere: Path) -> None:
    (elsewhere / "deploy").mkdir()
    (elsewhere / "src").mkdir()
    (elsewhere / "src" / "db.py").touch()

    assert extent([str(elsewhere)]) == Extent(is_whole=True, folder="../tests/staging-area/shop")
    assert extent([str(elsewhere / "deploy"), str(elsewhere / "src")]).folder == "../tests/staging-area/shop"
    assert extent([str(elsewhere / "src" / "db.py")]) == Extent(
        is_whole=False, folder="../tests/staging-area/shop/src"
    )
    assert extent(["."]) == Extent()
    assert extent([]) == Extent()


def test_a_project_lies_in_its_repository(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (elsewhere / ".git").mkdir()
    (elsewhere / "overlays" / "dev").mkdir(parents=True)

    assert extent([str(elsewhere / "overlays" / "dev")]).folder == "../tests/staging-area/shop"
    monkeypatch.chdir(elsewhere)
    assert extent(["overlays/dev"]).folder == ""
    monkeypatch.chdir(elsewhere / "overlays")
    assert extent(["dev"]).folder == ""


def test_what_is_elsewhere_is_judged_as_it_is_at_home(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (elsewhere / "db.py").write_text(LEAK)

    status = main(["check", "--isolated", "--output-format", "concise", str(elsewhere)])

    assert status == 1
    assert "../tests/staging-area/shop/db.py:4:" in capsys.readouterr().out
