"""Whole systems, and what poolcheck says about them. `make golden` writes the `.out` files anew."""

from pathlib import Path

import pytest

from poolcheck.cli import main

ROOT = Path(__file__).parents[1]
STORIES = sorted(path.stem for path in (ROOT / "fixtures").glob("*.out"))


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_every_fixture_has_its_output() -> None:
    folders = sorted(path.name for path in (ROOT / "fixtures").iterdir() if path.is_dir())

    assert folders == STORIES


@pytest.mark.parametrize("story", STORIES)
def test_a_story_is_told_as_it_was(story: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", "--isolated", f"fixtures/{story}"])

    assert capsys.readouterr().out == (ROOT / "fixtures" / f"{story}.out").read_text(encoding="utf-8")


def test_the_shop_has_faults_and_one_of_them_is_quoted_from_three_files(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status = main(["check", "--isolated", "--select", "client-connections-exceed-pooler", "fixtures/shop"])

    told = capsys.readouterr().out
    assert status == 1
    assert "2 × 200 = 400 client connections, api and worker may open 6 × 4 × (20 + 10) + 2 × 8 × 4 = 784" in told
    assert told.count("fixtures/shop/deploy/pgbouncer.yaml:") == 1
    assert told.count("fixtures/shop/deploy/api.yaml:") == 1
    assert told.count("fixtures/shop/deploy/worker.yaml:") == 1


def test_nothing_is_found_in_the_mended_shop(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["check", "--isolated", "--min-severity", "info", "fixtures/shop-fixed"])

    assert (status, capsys.readouterr().out) == (0, "No problems found in 15 files.\n")
