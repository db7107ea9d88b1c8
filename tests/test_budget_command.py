"""`poolcheck budget` on the shop and on small projects."""

import json
import re
from io import BytesIO, TextIOWrapper
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from poolcheck.cli import main

ROOT = Path(__file__).parents[1]
SHOP = str(ROOT / "fixtures" / "shop")
README = (ROOT / "README.md").read_text(encoding="utf-8")
SITUATIONS = ("steady", "rollout", "autoscaled", "peak", "worst")


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What is printed where there is an answer."""
    status = main(["budget", "--isolated", *arguments])

    out, err = capsys.readouterr()
    assert (status, err) == (0, "")
    return out


def read(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    return json.loads(told(capsys, *arguments, "--output-format", "json"))


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The line on standard error where there is none."""
    status = main(["budget", "--isolated", *arguments])

    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    return err.removeprefix("poolcheck: ").rstrip("\n")


def limit(document: Any, name: str) -> Any:
    """One limit of the document, in its only deployment."""
    [found] = [each for each in document["limits"] if each["name"] == name]
    [deployment] = found["deployments"]
    return {**found, **deployment}


def lows(scale: Any) -> list[int]:
    return [scale[situation]["low"] for situation in SITUATIONS]


def test_the_readme_shows_what_is_printed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(SHOP)
    shown = re.search(r"poolcheck budget (\S+) (\S+)\n\n```text\n(.*?)```", README, re.DOTALL)

    assert shown
    assert told(capsys, shown[1], shown[2]).startswith(shown[3])


def test_each_limit_has_what_it_accepts_and_what_is_wanted_in_every_situation(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = read(capsys, SHOP)

    postgres, pgbouncer = limit(found, "postgres"), limit(found, "pgbouncer")
    assert (postgres["has"]["low"], postgres["kept_back"]["low"], postgres["accepts"]["low"]) == (100, 3, 97)
    # api: 6 pods (8 at a rollout, 12 autoscaled, 15 then, 24 at worst) × 4 × 30; worker: 2 (3, 2, 3, 4) × 8 × 4.
    assert lows(pgbouncer["together"]) == [784, 1056, 1504, 1896, 3008]
    # pgbouncer: 2 pods (3 at a rollout, 4 at worst) × 50, at worst with a reserve of 10; worker: 2 (3, 4) × 8.
    assert lows(postgres["together"]) == [116, 174, 116, 174, 272]
    assert postgres["over"]["severity"] == "error"
    assert postgres["over"]["by"] == 19
    assert pgbouncer["accepts"]["sum"] == "2 × 200"


def test_the_text_marks_what_is_too_much_with_a_sign_and_says_what_is_left(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = told(capsys, SHOP).splitlines()

    assert lines[1] == "  accepts 97 connections of 100, 3 kept back"
    assert lines[2].split() == [*SITUATIONS, "as", "deployed", "where"]
    assert lines[3].split()[:2] == ["pgbouncer", "100"]
    assert "116 to 118!" in lines[5]
    assert lines[6].split() == ["left", "−21!", "−80!", "−21!", "−80!", "−179!"]
    assert lines[7].startswith("  error: postgres accepts 100 − 3 = 97 connections, pgbouncer and worker may open")


def test_markdown_has_the_same_tables(capsys: pytest.CaptureFixture[str]) -> None:
    lines = told(capsys, SHOP, "--output-format", "markdown").splitlines()

    assert lines[0] == "# Connection budget"
    assert "| left | **−21** | **−80** | **−21** | **−80** | **−179** |  |  |" in lines


def test_other_numbers_can_be_tried(capsys: pytest.CaptureFixture[str]) -> None:
    found = read(
        capsys,
        SHOP,
        *("--set", "api.replicas=2", "--set", "pgbouncer.default_pool_size=20"),
        *("--set", "pgbouncer.max_client_conn=500", "--set", "postgres.max_connections=200"),
        *("--set", "api.pool_size=5", "--set", "worker.processes=1"),
    )

    postgres, pgbouncer = limit(found, "postgres"), limit(found, "pgbouncer")
    assert pgbouncer["accepts"]["low"] == 1000
    # 2 × 4 × (5 + 10) + 2 × 1 × 4
    assert pgbouncer["together"]["steady"]["low"] == 120 + 8
    assert postgres["accepts"]["low"] == 197
    assert postgres["together"]["steady"]["low"] == 40 + 2
    assert (postgres["over"], pgbouncer["over"]) == (None, None)


def test_the_largest_number_that_fits_is_told_for_each_limit(capsys: pytest.CaptureFixture[str]) -> None:
    lines = told(capsys, SHOP, "--solve", "api.replicas").splitlines()

    assert lines == [
        "api.replicas",
        "                      steady  rollout  autoscaled  peak",
        "  pgbouncer (pooler)  ≤ 2 ?   ≤ 1 ?    ≤ 2 ?       ≤ 1 ?",
        "",
        "The largest that fits everywhere is 1: more is too much for pgbouncer (rollout).",
        "Where a number has a question mark, more may be wanted than is known.",
    ]


def test_a_number_that_limits_has_a_smallest_value(capsys: pytest.CaptureFixture[str]) -> None:
    found = read(capsys, SHOP, "--solve", "postgres.max_connections")["limits"]

    assert {each["situation"]: (each["least"], each["most"]) for each in found} == {
        "steady": (121, None),
        "rollout": (180, None),
        "autoscaled": (121, None),
        "peak": (180, None),
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "apii.replicas=3"], "nothing is called 'apii'; did you mean 'api'?"),
        (["--set", "api.replica=3"], "api has no number 'replica' that can be set; did you mean 'replicas'?"),
        (
            ["--set", "api.replicas=many"],
            "--set api.replicas=many: it is NAME.WHAT=NUMBER, such as web.replicas=40",
        ),
        (["--set", "replicas=3"], "'replicas' is not NAME.WHAT, such as web.replicas"),
        (["--solve", "api"], "'api' is not NAME.WHAT, such as web.replicas"),
        (["--facts", "no/where.json"], "no/where.json: cannot be written: No such file or directory"),
    ],
)
def test_what_cannot_be_set_is_refused(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(capsys, SHOP, *arguments) == message


def test_facts_are_written_and_read_again(capsys: pytest.CaptureFixture[str]) -> None:
    whole = read(capsys, SHOP, "--facts", "shop.json", "--project", "shop")

    again = read(capsys, "shop.json")

    assert [lows(each["deployments"][0]["together"]) for each in again["limits"]] == [
        lows(each["deployments"][0]["together"]) for each in whole["limits"]
    ]
    assert again["limits"][0]["place"].startswith("shop/")
    assert again["limits"][0]["place"].endswith("deploy/postgres.yaml:17:24")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"kind": "poolcheck facts", "version": 2}', "its version is 2, and this poolcheck knows version 1"),
        ('{"kind": "poolcheck facts", "version": 1}', '"project" is no name'),
        (
            '{"kind": "poolcheck facts", "version": 1, "project": "a", "databases": [{}]}',
            "databases[0] does not say its id",
        ),
        ('{"kind": "poolcheck facts", "version": 1, "project": "a", "poolers": 3}', "poolers is 3"),
        ('{"kind": "poolcheck facts",', "not JSON: "),
    ],
)
def test_facts_that_are_none_are_refused(text: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("facts.json").write_text(text)

    assert refused(capsys, "facts.json").startswith(f"facts.json: {message}")


SERVICE = """\
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: api, namespace: NAME}
    spec:
      replicas: 3
      selector: {matchLabels: {app: api}}
      template:
        metadata: {labels: {app: api}}
        spec:
          containers:
            - name: api
              image: registry.example/NAME:1
              command: ["uvicorn", "NAME.main:app", "--workers", "2"]
    """
ENGINE = """\
    from sqlalchemy import create_engine
    engine = create_engine("postgresql://u@postgres.data.svc:5432/app", pool_size=10, max_overflow=0)
    """
DATABASE = """\
    apiVersion: apps/v1
    kind: StatefulSet
    metadata: {name: postgres, namespace: data}
    spec:
      selector: {matchLabels: {app: postgres}}
      template:
        metadata: {labels: {app: postgres}}
        spec: {containers: [{name: db, image: "postgres:16", args: ["-c", "max_connections=100"]}]}
    ---
    apiVersion: v1
    kind: Service
    metadata: {name: postgres, namespace: data}
    spec: {selector: {app: postgres}, ports: [{port: 5432}]}
    """


def written(folder: str, **files: str) -> None:
    for name, text in files.items():
        path = Path(folder, name.replace("__", "/").replace("_yaml", ".yaml").replace("_py", ".py"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))


def test_services_of_several_repositories_that_share_a_database_have_one_budget(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("orders", "search"):
        written(name, deploy_yaml=SERVICE.replace("NAME", name), **{f"{name}__main_py": ENGINE})
        told(capsys, name, "--facts", f"{name}.json", "--project", name)
    written("platform", postgres_yaml=DATABASE)

    found = read(capsys, "orders.json", "platform", "search.json")

    postgres = limit(found, "postgres")
    assert [part["name"] for part in postgres["parts"]] == ["orders/api", "search/api"]
    assert postgres["together"]["steady"]["low"] == 2 * (3 * 2 * 10)
    told_of_both = "orders/api and search/api may open 3 × 2 × 10 + 3 × 2 × 10 = 120"
    assert postgres["over"]["message"] == f"postgres accepts 100 − 3 = 97 connections, {told_of_both}"
    assert found["unknown"] == []


def test_a_database_that_nobody_shows_is_counted_by_its_address(capsys: pytest.CaptureFixture[str]) -> None:
    written("orders", deploy_yaml=SERVICE.replace("NAME", "orders"), orders__main_py=ENGINE)

    found = read(capsys, "orders")

    [outside] = found["limits"]
    assert (outside["kind"], outside["name"]) == ("outside", "postgres.data.svc:5432")
    assert outside["deployments"][0]["together"]["steady"]["low"] == 60
    assert [each["why"] for each in found["unknown"]] == ["what postgres.data.svc is, is not seen"]


def test_where_nothing_is_found_it_is_said_what_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    Path("notes.txt").write_text("nothing")

    assert told(capsys).startswith(
        "There is nothing to count: no pooler, no database and no client pool was found"
    )
    assert "There is nothing to count" in told(capsys, "--output-format", "markdown")
    assert read(capsys)["limits"] == []


def test_a_configuration_alone_has_a_budget_too(capsys: pytest.CaptureFixture[str]) -> None:
    Path("pgbouncer.ini").write_text(
        "[databases]\nshop = host=10.0.0.7 user=shop\n[pgbouncer]\ndefault_pool_size = 30\nmax_client_conn = 200\n"
    )

    found = read(capsys)

    assert {each["name"]: each["accepts"]["low"] for each in found["limits"]} == {
        "pgbouncer.ini": 200,
        "10.0.0.7:5432": 0,
    }


def test_a_stream_of_manifests_counts_with_the_source(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    written("orders", orders__main_py=ENGINE)
    stream = dedent(SERVICE.replace("NAME", "orders")) + "---\n" + dedent(DATABASE)
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(stream.encode())))

    postgres = limit(read(capsys, "orders", "-"), "postgres")

    assert (postgres["place"], postgres["together"]["steady"]["low"]) == ("-:22", 60)


def test_no_secret_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    written(
        "orders",
        deploy_yaml=SERVICE.replace("NAME", "orders"),
        orders__main_py=ENGINE.replace("u@postgres", "u:hunter2@postgres"),
    )

    for form in ("text", "json", "markdown"):
        assert "hunter2" not in told(capsys, "orders", "--output-format", form, "--facts", "facts.json")
    assert "hunter2" not in Path("facts.json").read_text()
