"""`poolcheck why` on the shop and on small projects."""

import json
import re
from pathlib import Path

import pytest

from poolcheck.cli import main

ROOT = Path(__file__).parents[1]
SHOP = ROOT / "fixtures" / "shop"
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def in_the_shop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(SHOP)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What is printed where there is an answer."""
    status = main(["why", "--isolated", *arguments])

    out, err = capsys.readouterr()
    assert (status, err) == (0, "")
    return out


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The line on standard error where there is none."""
    status = main(["why", "--isolated", *arguments])

    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert err.startswith("poolcheck: ")
    assert err.count("\n") == 1
    return err.removeprefix("poolcheck: ").rstrip("\n")


def test_a_value_is_followed_through_a_call_a_settings_class_a_variable_and_a_manifest(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown = re.search(r"poolcheck why (\S+)\n\n```text\n(.*?)```", README, re.DOTALL)

    assert shown
    assert told(capsys, shown[1]) == shown[2]


def test_a_manifest_tells_which_pools_a_variable_of_it_reaches(capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, "deploy/api.yaml:35")

    assert out.startswith("pool_size of engine in api: 20\n")
    assert "connections of engine in api: 720 (6 × 4 × (20 + 10)) to 1440 (12 × 4 × (20 + 10))\n" in out
    assert "SHOP_POOL_SIZE of api: 20\n" in out


def test_a_configuration_tells_what_its_settings_come_to(capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, "deploy/pgbouncer.yaml:16")

    assert "max_client_conn of [pgbouncer]: 200\n" in out
    assert "client connections accepted of pgbouncer: 400 (2 × 200)\n" in out


def test_json_has_the_same_places(capsys: pytest.CaptureFixture[str]) -> None:
    answer = json.loads(told(capsys, "services/api/shop/db.py:11", "--output-format", "json"))

    [value] = answer["values"]
    assert (answer["version"], answer["path"], answer["line"]) == (1, "services/api/shop/db.py", 11)
    assert (value["name"], value["of"], value["text"], value["values"]) == (
        "pool_size",
        "engine in api",
        "20",
        [20],
    )
    assert [(step["path"].rpartition("/")[2], step["start"]["line"], step["note"]) for step in value["steps"]] == [
        ("db.py", 9, ""),
        ("db.py", 11, ""),
        ("settings.py", 24, ""),
        ("settings.py", 13, "reads SHOP_POOL_SIZE"),
        ("api.yaml", 26, ""),
        ("api.yaml", 35, ""),
    ]


def test_a_column_may_stand_behind_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "deploy/pgbouncer.yaml:16:23") == told(capsys, "deploy/pgbouncer.yaml:16")


def test_without_the_manifests_it_says_on_which_variable_a_value_depends(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = told(capsys, "services/api/shop/db.py:11", "services")

    assert out.startswith("pool_size of engine: 5, unless SHOP_POOL_SIZE is set\n")


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize(
    "place", ["services/api/shop/health.py:18", "deploy/api.yaml:24", "worker.py:3", "worker.py:4"]
)
def test_secrets_are_not_shown(
    place: str, form: str, project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "worker.py").write_text(
        "import psycopg2\nPASSWORD = 'hunter2'\n"
        "psycopg2.connect(host='db', password=PASSWORD)\npsycopg2.connect('postgresql://u:hunter2@db/x')\n"
    )
    if place.startswith(("services", "deploy")):
        monkeypatch.chdir(SHOP)

    out = told(capsys, place, "--output-format", form)

    assert "hunter2" not in out
    assert "*" in out


def test_of_a_text_with_a_secret_in_it_the_rest_is_shown(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "a.py").write_text(
        "import psycopg2\npsycopg2.connect('postgresql://u:hunter2@db/x?sslmode=require')\n"
    )

    text = told(capsys, "a.py:2")
    [value] = json.loads(told(capsys, "a.py:2", "--output-format", "json"))["values"]

    assert text.startswith("dsn of connect(): postgresql://u:*******@db/x?sslmode=require\n")
    assert (value["text"], value["values"]) == ("postgresql://u:*******@db/x?sslmode=require", None)


@pytest.mark.parametrize(
    ("place", "why"),
    [
        (
            "services/api/shop/settings.py:15",
            "services/api/shop/settings.py:15 holds no value that is known; lines near by that do: 11, 12, 13, 14",
        ),
        ("services/api/shop/models.py:5", "services/api/shop/models.py:5 holds no value that is known"),
        ("services/api/shop/db.py:999", "services/api/shop/db.py has only 23 lines"),
        ("services/api/shop/db.py:0", "'services/api/shop/db.py:0' is not FILE:LINE, such as app/db.py:12"),
        ("services/api/shop/db.py:x", "'services/api/shop/db.py:x' is not FILE:LINE, such as app/db.py:12"),
        ("services/api/shop/db.py", "'services/api/shop/db.py' is not FILE:LINE, such as app/db.py:12"),
        ("services/api:1", "services/api is a folder"),
        ("deploy", "'deploy' is not FILE:LINE, such as app/db.py:12"),
        ("nowhere.py:3", "nowhere.py: no such file"),
        ("README.md:1", "README.md holds nothing that poolcheck reads"),
    ],
)
def test_where_there_is_no_answer_it_says_why(place: str, why: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys, place).startswith(why)


def test_a_project_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys, "services/api/shop/db.py:11", "nowhere") == "nowhere: no such file or folder"


def test_what_cannot_be_known_is_said_to_be_unknown(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "db.py").write_text(
        "from sqlalchemy import create_engine\nfrom elsewhere import size, host\n"
        "engine = create_engine(f'postgresql://{host}/x', pool_size=size)\n"
    )

    out = told(capsys, "db.py:3")

    assert "pool_size of engine: not known\n" in out
    assert "url of engine: postgresql://…/x\n" in out


def test_one_of_several_values_is_told_with_each_place(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "db.py").write_text(
        "from sqlalchemy import create_engine\nfrom elsewhere import is_big\nSIZE = 50 if is_big else 5\n"
        "engine = create_engine('postgresql://db/x', pool_size=SIZE)\n"
    )

    out = told(capsys, "db.py:4")

    assert "pool_size of engine: 50 or 5\n" in out
    assert "  db.py:3:8   SIZE = 50 if is_big else 5\n" in out


def test_a_value_that_callers_give_is_followed_to_them(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "db.py").write_text(
        "from sqlalchemy import create_engine\n\ndef make(size):\n"
        "    return create_engine('postgresql://db/x', pool_size=size)\n"
    )
    (project / "main.py").write_text("from db import make\nengine = make(7)\n")

    out = told(capsys, "db.py:4")

    assert "pool_size of create_engine(): 7\n" in out
    assert "  main.py:2:15  engine = make(7)\n" in out
