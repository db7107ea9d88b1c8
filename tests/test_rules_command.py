import json

import pytest

from poolcheck.catalog import installed
from poolcheck.cli import main


def test_all_rules_are_listed_by_group(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["rules"])

    blocks = [block.splitlines() for block in capsys.readouterr().out.strip("\n").split("\n\n")]
    listed = {line.split()[0]: group for group, *rules in blocks for line in rules}
    assert status == 0
    assert listed == {rule.id: rule.group for rule in installed().values()}


def test_a_rule_is_listed_with_its_severity_and_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    main(["rules"])

    [line] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  time-with-unit ")]
    assert line.split(None, 2)[1:] == [
        "error",
        "A time with a unit behind it, where PgBouncer reads a bare number.",
    ]


def test_programs_get_json(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["rules", "--output-format", "json"])

    read = json.loads(capsys.readouterr().out)
    assert (status, read["version"]) == (0, 1)
    assert [rule["id"] for rule in read["rules"] if rule["group"] == "engine"] == [
        "invalid-syntax",
        "unknown-suppression",
        "unreadable-file",
        "unused-suppression",
    ]
    assert read["rules"][0] == {
        "id": "invalid-syntax",
        "group": "engine",
        "severity": "error",
        "since": "0.1",
        "pack": "builtin",
        "summary": "A file, or a part of it, that is not what its format allows.",
        "options": [],
    }
