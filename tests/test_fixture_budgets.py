"""The budgets of the fixtures: poolcheck's sums are those that were worked out by hand, in the README of each."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from poolcheck.cli import main
from poolcheck.scale import Situation

ROOT = Path(__file__).parents[1]
SECTION = "## The budget, by hand"
HEADER = ["limit", "who", *Situation]
NUMBER = re.compile(r"(?:.* = )?(\d+)")

Row = tuple[str, str]
"""A limit, and who wants something of it, or what is told of all of them."""


def by_hand() -> Iterator[tuple[str, dict[Row, list[int]]]]:
    for readme in sorted(ROOT.glob("fixtures/*/README.md")):
        text = readme.read_text(encoding="utf-8")
        if SECTION in text:
            yield readme.parent.name, table(text.partition(SECTION)[2])


def table(text: str) -> dict[Row, list[int]]:
    """The rows of the table: a number for each situation, behind the sum that it is."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    header, _, *body = rows
    assert header == HEADER
    return {(limit, who): [number(cell) for cell in cells] for limit, who, *cells in body}


def number(cell: str) -> int:
    found = NUMBER.fullmatch(cell)
    assert found, cell
    return int(found[1])


def computed(story: str, capsys: pytest.CaptureFixture[str]) -> dict[Row, list[int]]:
    """What poolcheck computes, of limits of which anything is wanted: the number that is sure to be deployed."""
    assert main(["budget", "--isolated", "--output-format", "json", f"fixtures/{story}"]) == 0
    return {
        row: numbers for limit in json.loads(capsys.readouterr().out)["limits"] for row, numbers in rows(limit)
    }


def rows(limit: dict[str, Any]) -> Iterator[tuple[Row, list[int]]]:
    name = limit["name"]
    for deployment in limit["deployments"]:
        yield (name, "accepts"), [limit["accepts"]["low"]] * len(Situation)
        wanted: dict[str, list[int]] = {}
        for part in deployment["parts"]:
            before = wanted.get(part["name"], [0] * len(Situation))
            wanted[part["name"]] = [*map(sum, zip(before, lows(part["connections"]), strict=True))]
        yield from (((name, who), numbers) for who, numbers in wanted.items())
        yield (name, "together"), lows(deployment["together"])


def lows(scale: dict[str, Any]) -> list[int]:
    return [scale[situation]["low"] for situation in Situation]


TABLES = dict(by_hand())


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_at_least_six_systems_have_a_budget_by_hand_and_so_have_their_mended_twins() -> None:
    broken = [story for story in TABLES if not story.endswith("-fixed")]

    assert len(broken) >= 6
    assert {f"{story}-fixed" for story in broken} == TABLES.keys() - {*broken}


@pytest.mark.parametrize("story", TABLES)
def test_the_sums_are_those_worked_out_by_hand(story: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert computed(story, capsys) == TABLES[story]


@pytest.mark.parametrize("story", TABLES)
def test_what_is_together_by_hand_is_the_sum_of_its_rows(story: str) -> None:
    for limit in {limit for limit, _ in TABLES[story]}:
        rows = [
            row for (of, who), row in TABLES[story].items() if of == limit and who not in {"accepts", "together"}
        ]

        assert [*map(sum, zip(*rows, strict=True))] == TABLES[story][limit, "together"]


@pytest.mark.parametrize("story", [story for story in TABLES if story.endswith("-fixed")])
def test_nothing_is_found_in_a_mended_system(story: str, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["check", "--isolated", f"fixtures/{story}"])

    assert status == 0, capsys.readouterr().out
