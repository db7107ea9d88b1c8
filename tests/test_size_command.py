import json
import re
from pathlib import Path
from typing import Any

import pytest

from poolcheck.catalog import installed
from poolcheck.cli import main
from poolcheck.config import Configurations
from poolcheck.discover import discover
from poolcheck.files import Disk
from poolcheck.run import linked
from poolcheck.sizing.present import deployed

FIXTURES = Path(__file__).parent.parent / "fixtures"

SETTINGS = """\
[databases.orders]
hosts = ["db.internal"]
max_connections = 200
cores = 4
"""

SHOP = """\
[databases]
shop = host=db.internal user=app
events = host=db.internal user=app pool_size=40

[pgbouncer]
pool_mode = transaction
default_pool_size = 25
reserve_pool_size = 5
max_client_conn = 500
auth_type = any
"""

POSTGRES = """\
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: postgres}
spec:
  selector: {matchLabels: {app: postgres}}
  template:
    metadata: {labels: {app: postgres}}
    spec:
      containers:
        - name: postgres
          image: postgres:15
          args: [-c, max_connections=120]
          ports: [{containerPort: 5432}]
          resources:
            limits:
              cpu: "6"
---
apiVersion: v1
kind: Service
metadata: {name: postgres}
spec:
  selector: {app: postgres}
  ports: [{port: 5432}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: 3
  selector: {matchLabels: {app: api}}
  strategy: {rollingUpdate: {maxSurge: 1}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
        - name: api
          image: api
          command: [gunicorn, --workers, "2", "shop:app"]
"""

API = """\
import psycopg_pool

pool = psycopg_pool.ConnectionPool("postgresql://app@postgres/shop", min_size=1, max_size=20)


def app(environ, start_response):
    with pool.connection() as conn:
        conn.execute("select 1")
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def printed(capsys: pytest.CaptureFixture[str], *options: str) -> list[str]:
    status = main(["size", *options])
    captured = capsys.readouterr()
    assert status == 0, captured.err
    return captured.out.splitlines()


def document(capsys: pytest.CaptureFixture[str], *options: str) -> Any:
    return json.loads("\n".join(printed(capsys, *options, "--output-format", "json")))


def refused(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    assert main(["size", *options]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


def test_the_cores_of_a_server_are_enough(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, "--cores", "8", "--storage", "cached") == [
        "16 active connections that the server can put to work",
        "  (cores × 2) + effective spindles",
        "  (8 × 2) + 0",
        "    cores 8               --cores",
        "    effective spindles 0  --storage cached, which reads from none",
        "  PostgreSQL wiki, Number Of Database Connections: How to Find the Optimal Database Connection Pool Size",
        "  https://wiki.postgresql.org/wiki/Number_Of_Database_Connections",
        "  note: a number to start from, and to adjust in small steps under the real load: it was measured before"
        " PostgreSQL 9.2, and not with SSDs",
        "  note: cores are those of the processor; a second thread of a core (most vCPUs are one) does not count",
        "",
        "16 connections to the server: what the server can put to work;"
        " whether the load needs so many is not known",
    ]


def test_a_load_is_sized_with_its_waits(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(
        capsys,
        *("--transactions-per-second", "1000", "--transaction-time", "12ms", "--wait-time", "10ms"),
        *("--instances", "4", "--processes", "2", "--poolers", "2"),
    )

    assert "12 connections that the load keeps busy, on average" in lines
    assert "  1000/s × 12 ms" in lines
    assert "  L = 12 / 2 pools = 6, W = 12 ms, wait = 10 ms, share = 1 %: c = 10, 2 × 10 = 20" in lines
    assert (
        lines[-7:]
        == [
            "                       recommended",
            "  application",
            "    pool of a process   at least 4  for 1.5 busy on average, its part of the load",
            "  pooler",
            "    default_pool_size           10  20 / 2 pools, rounded down",
            "    max_client_conn    at least 32  8 × 4, all of which one process may have to take",
            "  server",
            "    max_connections    at least 23  2 × 10 + 3 kept back",
        ][-7:]
    )


def test_times_may_be_in_any_unit(capsys: pytest.CaptureFixture[str]) -> None:
    results = {
        document(capsys, "--queries-per-second", "100", "--query-time", time)["servers"][0]["connections"]
        for time in ("50ms", "50000us", "0.05s", "50 ms", ".05s", "50000µs")
    }

    assert results == {5 + 3}


def test_transactions_that_are_idle_keep_more_connections(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, "--cores", "4", "--transaction-time", "50ms", "--query-time", "5ms")

    assert "  4 × (1 + 45 ms / 5 ms)" in lines
    assert lines[-1].startswith("40 connections to the server")


def test_a_load_that_is_too_much_for_the_server_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, "--cores", "2", "--queries-per-second", "1000", "--query-time", "12ms")

    assert any(
        line.startswith("5 connections to the server: what the server can put to work, of 16") for line in lines
    )
    assert any("the load keeps 12 connections busy, and the server can put 5 to work" in line for line in lines)
    assert any("queries keep 12 processes at work on 2 cores" in line for line in lines)


def test_threads_that_hold_two_connections_need_a_pool_that_they_cannot_lock(
    capsys: pytest.CaptureFixture[str],
) -> None:
    [server] = document(capsys, "--cores", "8", "--instances", "2", "--threads", "10", "--held", "2")["servers"]

    assert server["formulas"][-1]["source"]["section"] == "Pool-locking"
    assert server["settings"][0]["recommended"] == 11


def test_the_document_has_every_number_with_what_says_it(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "--cores", "8", "--spindles", "4", "--instances", "5", "--reserve", "7")

    assert found["version"] == 1
    [server] = found["servers"]
    [formula] = server["formulas"]
    assert (formula["result"], formula["numbers"]) == (20, "(8 × 2) + 4")
    assert formula["given"][1] == {
        "name": "effective spindles",
        "value": 4,
        "unit": None,
        "because": [{"text": "--spindles", "place": None}],
    }
    assert formula["source"]["url"] == "https://wiki.postgresql.org/wiki/Number_Of_Database_Connections"
    assert server["connections"] == 20
    assert [
        (each["of"], each["name"], each["recommended"], each["is_at_least"]) for each in server["settings"]
    ] == [
        ("application", "pool of a process", 4, False),
        ("server", "max_connections", 27, True),
    ]
    assert server["settings"][1]["sum"] == "5 × 4 + 7 kept back"


def test_what_a_project_has_is_beside_what_is_recommended(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "poolcheck.toml").write_text(SETTINGS)
    (place / "pgbouncer.ini").write_text(SHOP)

    lines = printed(capsys)

    assert lines[0] == "orders  poolcheck.toml:3"
    assert "    cores 4               cores 4 as configured (poolcheck.toml:4)" in lines
    assert lines[lines.index("  pgbouncer.ini") - 1 :] == [
        "                         now  recommended",
        "  pgbouncer.ini",
        "    default_pool_size     25            4  9 / 2 pools, rounded down  pgbouncer.ini:7",
        "    pool_size of events   40            4  9 / 2 pools, rounded down  pgbouncer.ini:3",
        "  orders",
        "    max_connections      200  at least 21"
        "  1 × (4 + 5 in reserve) + 1 × (4 + 5 in reserve) + 3 kept back  poolcheck.toml:3",
        "  note: as it is, 65 connections may be open, and 200 are accepted",
    ]


def test_what_is_told_wins_over_the_files(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "poolcheck.toml").write_text(SETTINGS)
    (place / "pgbouncer.ini").write_text(SHOP)

    found = document(capsys, ".", "--cores", "16", "--poolers", "4", "--reserve", "10", "--pools", "1")

    [server] = found["servers"]
    assert server["connections"] == 33
    recommended = {each["name"]: each["recommended"] for each in server["settings"]}
    assert recommended["default_pool_size"] == 33 // 8
    assert recommended["max_connections"] == 2 * 4 * (4 + 5) + 10


def test_a_cpu_limit_tells_the_cores_and_manifests_the_processes(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "deploy.yaml").write_text(POSTGRES)
    (place / "poolcheck.toml").write_text('[workloads.api]\nsource = ["."]\n')
    (place / "shop.py").write_text(API)

    [server] = document(capsys)["servers"]

    [formula] = server["formulas"]
    assert formula["given"][0]["because"] == [
        {"text": "CPU limit 6", "place": {"path": "deploy.yaml", "line": 16, "column": 20}}
    ]
    pool, limit = server["settings"]
    assert (pool["of"], pool["name"], pool["recommended"]) == ("api", "pool: max_size", 13 // 6)
    assert (pool["now"]["high"], pool["place"]["path"]) == (20, "shop.py")
    assert limit["now"]["high"] == 120
    assert limit["recommended"] == (3 + 1) * 2 * 2 + 3


def test_a_cpu_request_tells_the_cores_where_nothing_limits_them(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "deploy.yaml").write_text(POSTGRES.replace("limits:", "requests:").replace('"6"', "1500m"))

    assert "    cores 1.5             CPU request 1500m, and no limit (deploy.yaml:16)" in printed(capsys)


def test_poolers_behind_poolers_are_shown_on_the_way_to_the_server(capsys: pytest.CaptureFixture[str]) -> None:
    [server] = document(capsys, str(FIXTURES / "two-hops"), "--isolated", "--cores", "8")["servers"]

    assert [(each["of"], each["name"]) for each in server["settings"]] == [
        ("api", "app.state.pool: max_size"),
        ("pgbouncer of api", "max_client_conn"),
        ("pgbouncer of api", "default_pool_size"),
        ("pooler", "default_pool_size"),
        ("pooler", "max_client_conn"),
        ("postgres", "max_connections"),
    ]


def test_servers_of_which_too_little_is_known_are_named(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "poolcheck.toml").write_text(SETTINGS + '\n[databases.audit]\nhosts = ["audit"]\n')

    lines = printed(capsys)

    assert lines[-2:] == ["audit  poolcheck.toml:6", "  neither its cores nor its load are known"]


def test_without_anything_it_is_said_what_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    told = refused(capsys)

    assert "no database server is seen in ." in told
    assert "--cores 8" in told
    assert "[tool.poolcheck.databases.NAME]" in told
    assert "SHOW STATS" in told


def test_what_is_about_one_server_does_not_go_with_two(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "poolcheck.toml").write_text(SETTINGS + '\n[databases.audit]\nhosts = ["audit"]\n')

    assert refused(capsys, ".", "--cores", "8") == (
        "poolcheck: --cores is about one database server; --database says which: orders, audit\n"
    )
    assert printed(capsys, ".", "--cores", "8", "--database", "audit")[0] == "audit  poolcheck.toml:6"
    assert "is called 'shop'; there are: orders, audit" in refused(capsys, ".", "--database", "shop")
    assert "and there is none" in refused(capsys, ".", "--database", "orders", "--instances", "2")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("--cores many", "'many' is not a number above 0"),
        ("--cores 0", "'0' is not a number above 0"),
        ("--cores nan", "'nan' is not a number above 0"),
        ("--cores -3", "--cores"),
        ("--instances 2.5", "'2.5' is not a number from 1"),
        ("--query-time 5", "'5' is not a time with its unit, us, ms, s or min, such as 5ms"),
        ("--query-time fast", "'fast' is not a time with its unit, us, ms, s or min;"),
        ("--query-time 0ms", "'0ms' is no time at all"),
        ("--query-time 99999999s", "longer than"),
        ("--wait-percentile 100", "is not between 0 and 100"),
        ("--storage tape", "invalid choice: 'tape'"),
        ("--cores 8 --storage ssd --spindles 2", "one of them is enough"),
        ("--transactions-per-second 5", "needs --transaction-time"),
        ("--queries-per-second 5", "needs --query-time"),
        ("--queries-per-second 5 --transaction-time 1s", "goes with --transactions-per-second"),
        ("--queries-per-second 5 --transactions-per-second 5", "one of them is enough"),
        ("--cores 8 --wait-time 1ms", "needs a load"),
        ("--transaction-time 5ms --query-time 6ms", "longer than --transaction-time"),
        ("--queries-per-second 1000000 --query-time 1000s", "PostgreSQL has at most 262143"),
        ("--cores 8 --held 2", "--held needs --threads"),
        ("--cores 8 --threads 2", "--threads needs --instances or --processes"),
        ("--cores 8 --pools 2", "--pools needs --poolers"),
        ("--cores 8 --max-connections 3", "leaves nothing, with 3 kept back"),
        ("--cores 8 --database orders", "--database needs the PATH"),
        ("--query-time 5ms", "neither the cores nor the load of the server are known"),
        ("nowhere", "nowhere: no such file or folder"),
    ],
)
def test_what_cannot_be_is_refused(options: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert told in refused(capsys, *options.split())


def test_the_page_shows_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    page = (FIXTURES.parent / "docs" / "size.md").read_text()
    [(command, shown)] = re.findall(
        r"^    poolcheck size (.*)\n\n```text\n(.*?)```$", page, re.MULTILINE | re.DOTALL
    )

    assert printed(capsys, *command.split()) == shown.splitlines()


@pytest.mark.parametrize("story", ["shop", "two-hops", "bypass", "hidden-pool", "autoscaled", "five-replicas"])
def test_the_pools_of_a_story_have_together_what_its_budget_says(
    story: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(FIXTURES / story)
    paths = sorted(discover(["."], exclude=(), beneath="."))
    stated = Configurations(installed()).in_folder("").stated

    facts = linked(paths, Disk(), stated).system.facts

    for _, found in deployed(facts):
        together = [pool.open_now for pool in found.pools]
        assert found.may_open
        assert sum(each.most for each in together if each) == found.may_open.most
