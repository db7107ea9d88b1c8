"""`poolcheck map` on the fixtures and on small projects."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from poolcheck.cli import main

ROOT = Path(__file__).parents[1]
FIXTURES = ROOT / "fixtures"
INI = "[databases]\nshop = host=10.0.0.7 user=shop\n[pgbouncer]\ndefault_pool_size = 30\nmax_client_conn = 200\n"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What is printed where there is an answer."""
    status = main(["map", "--isolated", *arguments])

    out, err = capsys.readouterr()
    assert (status, err) == (0, "")
    return out


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The line on standard error where there is none."""
    status = main(["map", "--isolated", *arguments])

    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    return err.removeprefix("poolcheck: ").rstrip("\n")


def test_the_shop(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FIXTURES / "shop")

    tree, rest = told(capsys).split("\n\n", 1)

    assert rest.endswith("Too many connections are wanted of pgbouncer and postgres.\n")
    assert (
        tree
        == """\
postgres  database server · accepts 97 of 100 connections  deploy/postgres.yaml:17
│    ! 116 wanted, 97 accepted
│      pgbouncer  2 × 50  = 100
│      worker     2 × 8   =  16
│      together             116
│      accepted   100 − 3 =  97
│      174 during a rollout, 136 once the reserve is in use
├─ ! 16 to 18  worker     2 pods · 8 to 9 processes each · 2 pools  deploy/worker.yaml:1
│       from 2 × 8 to 2 × 9 = 16 to 18 steady and autoscaled, 24 to 27 rollout and peak, 32 to 36
│         worst
└─      ! 100  pgbouncer  2 pods · transaction mode · accepts 400 clients  deploy/pgbouncer.yaml:16
   │    2 × 50 = 100 steady and autoscaled, 150 rollout and peak, 240 worst
   │    ! 784 wanted, 400 accepted
   │      api       6 × 4 × (20 + 10) = 720
   │      worker    2 × 8 × 4         =  64
   │      together                      784
   │      accepted  2 × 200           = 400
   │      1504 at the autoscaler's maximum, 1056 during a rollout, 1896 during a rollout at the
   │        autoscaler's maximum
   ├─ ! 720 or more  api     6 to 12 pods · 4 processes each · 2 pools  deploy/api.yaml:1
   │       6 × 4 × (20 + 10) = 720 or more steady, 960 or more rollout, 1440 or more autoscaled,
   │         1800 or more peak, 2880 or more worst
   └─    ! 64 to 72  worker  2 pods · 8 to 9 processes each · 2 pools  deploy/worker.yaml:1
           from 2 × 8 × 4 to 2 × 9 × 4 = 64 to 72 steady and autoscaled, 96 to 108 rollout and peak,
             128 to 144 worst"""
    )


def test_what_is_mended_fits(capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, str(FIXTURES / "autoscaled-fixed"))

    assert "!" not in out
    assert out.endswith("Everything fits.\n")


def test_a_pooler_in_each_pod_and_one_behind_it(capsys: pytest.CaptureFixture[str]) -> None:
    lines = told(capsys, str(FIXTURES / "two-hops"), "--output-format", "mermaid").splitlines()

    names = [line.partition('["')[2].partition("<br/>")[0] for line in lines if '["' in line]
    assert (names, [line for line in lines if "-->" in line]) == (
        ["api", "pgbouncer of api", "pooler"],
        ['    n0 -->|"10 in each pod"| n1', '    n1 -->|"40"| n2', '    n2 -->|"40"| n3'],
    )


def test_several_forms_go_to_several_places(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    (project / "pgbouncer.ini").write_text(INI)

    assert told(capsys, "--output-format", "html=map.html", "--output-format", "svg=map.svg") == ""

    page, drawn = (project / "map.html").read_text("utf-8"), (project / "map.svg").read_text("utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "<h1>Connections of project</h1>" in page
    assert [each.text for each in ET.fromstring(drawn).iter() if each.get("class") == "name"] == [
        "pgbouncer.ini",
        "10.0.0.7:5432",
    ]


def test_a_configuration_alone_leads_to_an_address_outside(
    capsys: pytest.CaptureFixture[str], project: Path
) -> None:
    (project / "pgbouncer.ini").write_text(INI)

    assert told(capsys).splitlines()[:4] == [
        "10.0.0.7:5432  outside address · its limit is not known · 30 wanted",
        "│    ? not all is known",
        "└─ 30  pgbouncer.ini  session mode · accepts 200 clients · nothing is seen to connect to it",
        "                      pgbouncer.ini:5",
    ]


@pytest.mark.parametrize("form", ["text", "mermaid", "svg", "html"])
def test_where_there_is_nothing_it_is_said_what_was_looked_at(
    capsys: pytest.CaptureFixture[str], form: str
) -> None:
    out = told(capsys, "--output-format", form)

    assert "There is nothing to draw" in out
    if form != "svg":
        assert "No .ini, .yaml, .yml or .py files were found in ." in out


def test_files_that_tell_nothing_are_counted(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    (project / "deploy.yaml").write_text("a: 1\n")
    (project / "app.py").write_text("print()\n")

    assert "\n- 2 files were looked at in ." in told(capsys)


def test_a_file_that_cannot_be_read_is_told_of(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    (project / "pgbouncer.ini").write_text(INI)
    (project / "deploy.yaml").write_text("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api\n")

    assert "- deploy.yaml:4:1 cannot be read: not YAML: " in told(capsys)


def test_no_secret_is_shown(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    (project / "pgbouncer.ini").write_text(INI.replace("user=shop", "user=shop password=hunter2"))
    (project / "app.py").write_text(
        "from sqlalchemy import create_engine\nengine = create_engine('postgresql://u:hunter2@db.example.net/shop')\n"
    )

    for form in ("text", "mermaid", "svg", "html"):
        assert "hunter2" not in told(capsys, "--output-format", form)


def test_a_form_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys, "--output-format", "png").startswith(
        "argument --output-format: 'png' is not FORMAT or FORMAT=FILE with FORMAT one of text, mermaid, svg, html"
    )


def test_a_place_that_cannot_be_written_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys, "--output-format", "html=no/such/map.html") == (
        "no/such/map.html: cannot be written: No such file or directory"
    )
