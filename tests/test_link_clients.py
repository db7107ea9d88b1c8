from collections.abc import Mapping
from textwrap import indent

import pytest

from poolcheck.files import Memory
from poolcheck.link.clients import clients
from poolcheck.link.known import Known
from poolcheck.link.sources import Sources
from poolcheck.read.document import Reader
from poolcheck.stated import Stated, StatedDatabase, StatedPooler, StatedWorkload
from poolcheck.system.clients import Client
from poolcheck.value import text_of

NOTHING = Stated()
INI = "[databases]\nshop = host=db user=shop\n[pgbouncer]\npool_mode = transaction\n"
POOLER = f"""---
apiVersion: v1
kind: ConfigMap
metadata: {{name: ini}}
data:
  pgbouncer.ini: |
{indent(INI, "    ")}---
apiVersion: v1
kind: Pod
metadata: {{name: pgbouncer, labels: {{app: pgbouncer}}}}
spec:
  volumes: [{{name: ini, configMap: {{name: ini}}}}]
  containers:
    - name: pgbouncer
      image: edoburu/pgbouncer:v1.25.1-p0
      volumeMounts: [{{name: ini, mountPath: /etc/pgbouncer}}]
---
apiVersion: v1
kind: Service
metadata: {{name: pgbouncer}}
spec: {{selector: {{app: pgbouncer}}, ports: [{{port: 6432}}]}}
"""
ENGINE = """
import os
from sqlalchemy import create_engine
engine = create_engine(os.environ["DATABASE_URL"], pool_size=5, max_overflow=10)
"""
URL = "postgresql+psycopg2://shop@pgbouncer:6432/shop"


def deployment(
    command: str = "uvicorn db:app --workers 4",
    *,
    name: str = "api",
    replicas: int = 2,
    variables: Mapping[str, str] | None = None,
    more: str = "",
) -> str:
    """A workload whose processes load db.py."""
    words = ", ".join(command.split())
    env = "".join(
        f"            - {{name: {key}, value: '{value}'}}\n"
        for key, value in ({"DATABASE_URL": URL} if variables is None else variables).items()
    )
    return f"""---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      containers:
        - name: main
          image: registry.example/{name}:1
          command: [{words}]
          env:
{env}{more}"""


def linked(files: Mapping[str, str], stated: Stated = NOTHING) -> list[Client]:
    reader = Reader(Memory({path: text.encode() for path, text in files.items()}))
    facts = tuple(fact for path in sorted(files) if (reading := reader.read(path)) for fact in reading.facts)
    assert reader.project
    return list(clients(Known(facts, files, stated), Sources(facts, files, reader.project), stated))


def one(files: Mapping[str, str], stated: Stated = NOTHING) -> Client:
    [client] = linked(files, stated)
    return client


def counted(python: str = ENGINE, manifest: str = "") -> tuple[int, int, int | None, str]:
    """What a client surely opens, the ends of what it may open, and how they come about."""
    found = one({"db.py": python, "m.yaml": POOLER + (manifest or deployment())}).connections
    return found.surely, found.low, found.high, found.low_sum


def test_connections_are_pods_times_processes_times_the_pool() -> None:
    assert counted() == (120, 120, 120, "2 × 4 × (5 + 10)")


def test_a_client_leads_to_the_pooler_that_its_environment_names() -> None:
    client = one({"db.py": ENGINE, "m.yaml": POOLER + deployment()})

    assert client.workload == "api"
    assert client.target
    assert client.target.pooler
    assert client.target.entry
    assert client.target.is_certain
    assert (client.target.pooler.name, client.target.entry.name.value) == ("pgbouncer", "shop")
    assert [reason.text for reason in client.target.because] == [
        "engine connects to pgbouncer",
        "Service pgbouncer leads to pgbouncer",
    ]


WHEN_A_WORKER_STARTS = """
import os
import celery.signals
from celery.signals import worker_process_init
from sqlalchemy import create_engine
from taskiq import TaskiqEvents
from tasks import broker

{decorator}
def start(*_, **__):
    global engine
    engine = create_engine(os.environ["DATABASE_URL"])
"""


@pytest.mark.parametrize(
    ("decorator", "launchers"),
    [
        ("@worker_process_init.connect", ["celery"]),
        ("@celery.signals.worker_init.connect(weak=False)", ["celery"]),
        ("@broker.on_event(TaskiqEvents.WORKER_STARTUP)", ["taskiq"]),
        ("@broker.on_event(TaskiqEvents.CLIENT_STARTUP)", ["web", "celery", "taskiq", "beat"]),
        ("@something.connect", ["web", "celery", "taskiq", "beat"]),
    ],
)
def test_what_is_made_when_a_worker_starts_is_made_by_nothing_else(decorator: str, launchers: list[str]) -> None:
    commands = {
        "web": "uvicorn db:app",
        "celery": "celery -A db worker -c 2",
        "taskiq": "taskiq worker db:broker",
        "beat": "celery -A db beat",
    }
    manifest = "".join(deployment(command, name=name) for name, command in commands.items())

    found = linked({"db.py": WHEN_A_WORKER_STARTS.format(decorator=decorator), "m.yaml": POOLER + manifest})

    assert [client.workload for client in found] == launchers


def test_each_workload_makes_the_pool_in_an_environment_of_its_own() -> None:
    python = ENGINE.replace("pool_size=5", 'pool_size=int(os.environ.get("SIZE", "5"))')
    big = deployment(name="big", variables={"DATABASE_URL": URL, "SIZE": "20"})

    found = linked({"db.py": python, "m.yaml": POOLER + deployment() + big})

    assert [(client.workload, client.connections.low_sum) for client in found] == [
        ("api", "2 × 4 × (5 + 10)"),
        ("big", "2 × 4 × (20 + 10)"),
    ]


@pytest.mark.parametrize(
    ("command", "surely"),
    [
        ("uvicorn db:app --workers 4", 120),
        ("gunicorn -w 4 -k uvicorn.workers.UvicornWorker db:app", 120),
        ("gunicorn -w 4 --threads 20 db:app", 120),
        ("gunicorn -w 4 --threads 8 db:app", 64),
        ("gunicorn -w 4 db:app", 8),
        ("celery -A db worker -c 4", 8),
    ],
)
def test_a_process_surely_opens_no_more_than_its_threads_need(command: str, surely: int) -> None:
    found = one({"db.py": ENGINE, "m.yaml": POOLER + deployment(command)}).connections

    assert (found.surely, found.low) == (surely, 120)
    assert any(reason.assumption == "each process fills engine" for reason in found.because) is (surely < 120)


def test_of_a_script_nobody_knows_how_much_it_does_at_once() -> None:
    assert counted(manifest=deployment("python db.py"))[:3] == (2, 30, None)


@pytest.mark.parametrize(
    ("python", "surely"),
    [
        (
            'from psycopg2.pool import SimpleConnectionPool\npool = SimpleConnectionPool(3, 9, host="pgbouncer")',
            24,
        ),
        ('from psycopg_pool import ConnectionPool\npool = ConnectionPool("host=pgbouncer", max_size=9)', 32),
        ('import asyncpg\npool = asyncpg.create_pool("postgres://pgbouncer", max_size=20)', 80),
    ],
)
def test_some_pools_open_connections_by_themselves(python: str, surely: int) -> None:
    assert counted(python, deployment("gunicorn -w 4 db:app"))[0] == surely


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("gunicorn -w 4 db:app", (8, 8, 8)),
        ("gunicorn -w 4 --threads 5 db:app", (40, 40, 40)),
        ("uvicorn db:app --workers 4", (0, 0, None)),
        ("python db.py", (0, 2, None)),
    ],
)
@pytest.mark.parametrize("sizes", ["poolclass=NullPool", "max_overflow=-1"])
def test_of_a_pool_without_a_limit_each_thread_has_a_connection(
    command: str, expected: tuple[int, int, int | None], sizes: str
) -> None:
    python = ENGINE.replace("pool_size=5, max_overflow=10", sizes)
    python = python.replace("import create_engine", "import NullPool, create_engine")

    assert counted(python, deployment(command))[:3] == expected


def test_a_pool_that_a_function_makes_is_assumed_to_be_made_once() -> None:
    python = ENGINE.replace("engine = create_engine", "def get_engine():\n    return create_engine")

    found = one({"db.py": python, "m.yaml": POOLER + deployment()}).connections

    assert (found.surely, found.low, found.low_sum) == (0, 120, "2 × 4 × (5 + 10)")
    assert "get_engine() makes one in each process" in [reason.assumption for reason in found.because]


def test_a_pool_that_is_made_at_the_start_is_certain() -> None:
    python = ENGINE.replace("engine = create_engine", "def create_app():\n    return create_engine")

    assert counted(python)[0] == 120


@pytest.mark.parametrize(
    ("path", "python"),
    [
        ("tests/db.py", ENGINE),
        ("db.py", ENGINE.replace("pool_size=5, max_overflow=10", "poolclass=NullPool")),
        ("db.py", "import os, psycopg2\nconn = psycopg2.connect(os.environ['DATABASE_URL'])\n"),
    ],
)
def test_tests_and_what_is_no_pool_of_a_size_count_for_nothing(path: str, python: str) -> None:
    python = python.replace("import create_engine", "import NullPool, create_engine")

    found = one({path: python, "m.yaml": POOLER + deployment()}).connections

    assert (found.low, found.most, found.is_open) == (0, 0, True)


def test_every_container_of_a_pod_makes_its_own() -> None:
    second = f"""        - name: second
          image: registry.example/api:1
          command: [celery, -A, db, worker, -c, "1"]
          env: [{{name: DATABASE_URL, value: "{URL}"}}]
"""
    found = linked({"db.py": ENGINE, "m.yaml": POOLER + deployment(more=second)})

    assert [client.connections.low for client in found] == [120, 30]
    assert found[0].runs.name != found[1].runs.name


def test_pools_under_one_name_are_a_choice() -> None:
    python = f"{ENGINE}if os.environ.get('BIG'):\n    engine = create_engine(os.environ['DATABASE_URL'])\n"

    one, other = linked({"db.py": python, "m.yaml": POOLER + deployment()})

    assert one.drawn.choice == other.drawn.choice


def test_a_patch_starts_nothing() -> None:
    patch = deployment().replace("          image: registry.example/api:1\n", "")

    [client] = linked({"db.py": ENGINE, "m.yaml": POOLER + patch})

    assert (client.workload, client.connections.is_open) == (None, True)


def test_a_module_that_no_workload_loads_is_a_client_without_a_number() -> None:
    python = ENGINE.replace('os.environ["DATABASE_URL"]', f'"{URL}"')

    client = one({"db.py": python, "m.yaml": POOLER})

    assert (client.workload, client.connections.most, client.connections.is_open) == (None, 0, True)
    assert client.target
    assert client.target.is_certain


def test_a_variable_that_nothing_sets_leads_nowhere() -> None:
    assert one({"db.py": ENGINE, "m.yaml": POOLER + deployment(variables={})}).target is None


def test_a_default_leads_where_it_would_if_nothing_else_is_set() -> None:
    python = ENGINE.replace('os.environ["DATABASE_URL"]', f'os.environ.get("DATABASE_URL", "{URL}")')

    client = one({"db.py": python, "m.yaml": POOLER})

    assert client.target
    assert client.target.pooler
    assert not client.target.is_certain
    assert [reason.assumption for reason in client.target.because] == ["engine is left at its default address", ""]


def test_a_default_counts_for_nothing_where_the_environment_is_known() -> None:
    python = ENGINE.replace('os.environ["DATABASE_URL"]', f'os.environ.get("DATABASE_URL", "{URL}")')
    variables = {"DATABASE_URL": "postgresql://shop@db.example.com/shop"}

    assert one({"db.py": python, "m.yaml": POOLER + deployment(variables=variables)}).target is None


def test_a_name_that_leads_to_something_else_is_no_pooler_whatever_it_is_called() -> None:
    other = POOLER.replace("image: edoburu/pgbouncer:v1.25.1-p0", "image: registry.example/haproxy:3")
    other = other.replace("pgbouncer.ini: |", "notes: |").replace("[pgbouncer]", "[other]")

    assert one({"db.py": ENGINE, "m.yaml": other + deployment()}).target is None


def test_other_databases_lead_nowhere() -> None:
    variables = {"DATABASE_URL": "mysql+pymysql://shop@pgbouncer:6432/shop"}

    assert one({"db.py": ENGINE, "m.yaml": POOLER + deployment(variables=variables)}).target is None


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("db.example.com:6432", "poolers listen on port 6432"),
        ("db.example.com:6543", "poolers listen on port 6543"),
        ("pgbouncer.example.com", "pgbouncer.example.com seems to be a pooler"),
        ("shop-pooler.example.com:5432", "shop-pooler.example.com seems to be a pooler"),
        ("shop-pooler.eu.aws.neon.tech", "shop-pooler.eu.aws.neon.tech is Neon's PgBouncer"),
    ],
)
def test_a_port_or_a_name_suggests_a_pooler(address: str, text: str) -> None:
    client = one({"db.py": ENGINE.replace('os.environ["DATABASE_URL"]', f'"postgresql://shop@{address}/shop"')})

    assert client.target
    assert not client.target.is_certain
    assert [reason.text for reason in client.target.because] == [text]


@pytest.mark.parametrize("address", ["db.example.com", "db.example.com:5432", "localhost"])
def test_nothing_suggests_a_pooler_at_other_addresses(address: str) -> None:
    client = one({"db.py": ENGINE.replace('os.environ["DATABASE_URL"]', f'"postgresql://shop@{address}/shop"')})

    assert client.target is None


def test_the_only_pooler_of_a_project_is_the_one_that_is_suggested() -> None:
    python = ENGINE.replace('os.environ["DATABASE_URL"]', '"postgresql://shop@db.example.com:6432/shop"')

    alone = one({"db.py": python, "pgbouncer.ini": INI}).target
    among = one({"db.py": python, "a/pgbouncer.ini": INI, "b/pgbouncer.ini": INI}).target

    assert alone
    assert alone.pooler
    assert (alone.pooler.name, [reason.assumption for reason in alone.because]) == (
        "pgbouncer.ini",
        ["db.example.com leads to pgbouncer.ini"],
    )
    assert among
    assert (among.pooler, len(among.among)) == (None, 2)


def test_a_pooler_in_the_same_pod_is_reached_from_within() -> None:
    sidecar = """        - name: pgbouncer
          image: edoburu/pgbouncer:v1.25.1-p0
          ports: [{containerPort: 6432}]
"""
    variables = {"DATABASE_URL": "postgresql+psycopg2://shop@localhost:6432/shop"}

    client = one({"db.py": ENGINE, "m.yaml": deployment(variables=variables, more=sidecar)})

    assert client.target
    assert client.target.in_pod
    assert client.target.pooler
    assert (client.target.pooler.name, client.in_pod.low_sum) == ("pgbouncer of api", "4 × (5 + 10)")


def test_behind_a_name_with_a_domain_namespaces_may_meet() -> None:
    manifest = deployment().replace("metadata: {name: api}", "metadata: {name: api, namespace: shop}")
    python = ENGINE.replace('os.environ["DATABASE_URL"]', '"postgresql://shop@pgbouncer.data.svc:6432/shop"')

    short, long = (one({"db.py": text, "m.yaml": POOLER + manifest}) for text in (ENGINE, python))

    assert (short.drawn.lead.is_qualified, long.drawn.lead.is_qualified) == (False, True)


def test_a_stated_server_is_reached_under_its_hosts() -> None:
    stated = Stated(databases={"main": StatedDatabase(hosts=("db.example.com",))})
    variables = {"DATABASE_URL": "postgresql://shop@db.example.com/shop"}

    client = one({"db.py": ENGINE, "m.yaml": deployment(variables=variables)}, stated)

    assert client.target
    assert client.target.server
    assert client.target.server.name == "main"


def test_a_stated_pooler_is_reached_under_its_hosts() -> None:
    stated = Stated(poolers={"main": StatedPooler(hosts=("db.example.com",), pool_mode="transaction")})
    variables = {"DATABASE_URL": "postgresql://shop@db.example.com:5432/shop"}

    client = one({"db.py": ENGINE, "m.yaml": deployment(variables=variables)}, stated)

    assert client.target
    assert client.target.pooler
    assert (client.target.pooler.name, client.target.is_certain) == ("main", True)


def test_what_is_stated_of_a_workload_is_believed_over_its_command() -> None:
    stated = Stated(workloads={"api": StatedWorkload(source=("lib",), replicas=3, processes=5)})
    files = {"lib/db.py": ENGINE, "m.yaml": POOLER + deployment("/entrypoint.sh")}

    assert one(files, stated).connections.low_sum == "3 × 5 × (5 + 10)"


def test_a_workload_that_no_manifest_shows_may_be_stated_whole() -> None:
    stated = Stated(workloads={"batch": StatedWorkload(source=("lib",), replicas=3, processes=5)})
    python = ENGINE.replace('os.environ["DATABASE_URL"]', '"postgresql://shop@db.example.com:6432/shop"')

    client = one({"lib/db.py": python}, stated)

    assert (client.workload, client.connections.low_sum) == ("batch", "3 × 5 × (5 + 10)")


def test_numbers_of_a_base_are_assumed() -> None:
    files = {
        "db.py": ENGINE,
        "base/m.yaml": POOLER + deployment(),
        "base/kustomization.yaml": "",
        "prod/kustomization.yaml": "",
    }

    found = one(files).connections

    assert (found.surely, found.low) == (0, 120)
    assert "no overlay changes base" in [reason.assumption for reason in found.because]


def test_the_console_of_a_pooler_has_no_server_connections() -> None:
    variables = {"DATABASE_URL": "postgresql+psycopg2://admin@pgbouncer:6432/pgbouncer"}

    assert one({"db.py": ENGINE, "m.yaml": POOLER + deployment(variables=variables)}).target is None


@pytest.mark.parametrize(
    ("variables", "setting", "options"),
    [
        ({"PGOPTIONS": "-c jit=off"}, "", "-c jit=off"),
        ({}, 'os.environ["PGOPTIONS"] = "-c jit=off"\n', "-c jit=off"),
        ({}, "", None),
    ],
)
def test_options_come_with_the_environment(variables: dict[str, str], setting: str, options: str | None) -> None:
    manifest = POOLER + deployment(variables={"DATABASE_URL": URL, **variables})

    found = one({"db.py": f"{ENGINE}{setting}", "m.yaml": manifest}).pgoptions

    assert (found and text_of(found)) == options


COMPOSE = f"""\
services:
  db: {{image: postgres:16}}
  pgbouncer:
    image: edoburu/pgbouncer:v1.25.1-p0
    volumes: [./pgbouncer.ini:/etc/pgbouncer/pgbouncer.ini:ro]
  api:
    build: ./api
    command: uvicorn db:app --workers 4
    environment: {{DATABASE_URL: "{URL}"}}
    deploy: {{replicas: 3}}
  jobs:
    build: ./api
    environment: [DATABASE_URL]
"""
COMPOSED = {"compose.yaml": COMPOSE, "pgbouncer.ini": INI, "api/db.py": ENGINE}


def test_the_pools_of_a_compose_service_lead_to_the_pooler_beside_it() -> None:
    [client] = (each for each in linked(COMPOSED) if each.workload == "api")

    assert (client.connections.low, client.connections.high) == (12 * 15, 12 * 15)
    assert client.target
    assert client.target.pooler
    assert (client.target.name, client.target.is_certain) == ("pgbouncer", True)
    assert [reason.text for reason in client.connections.because][:2] == [
        "3 containers of api",
        "uvicorn --workers 4",
    ]


def test_what_only_a_default_tells_leads_there_for_no_certain() -> None:
    text = COMPOSE.replace(f'DATABASE_URL: "{URL}"', f'DATABASE_URL: "${{DATABASE_URL:-{URL}}}"')

    [client] = (each for each in linked({**COMPOSED, "compose.yaml": text}) if each.workload == "api")

    assert client.target
    assert (client.target.name, client.target.is_certain) == ("pgbouncer", False)


def test_what_dotenv_tells_is_as_certain_as_what_the_file_tells() -> None:
    text = COMPOSE.replace(f'DATABASE_URL: "{URL}"', "DATABASE_URL: '${DATABASE_URL:-}'")
    files = {**COMPOSED, "compose.yaml": text, ".env": f"DATABASE_URL={URL}\n"}

    [client] = (each for each in linked(files) if each.workload == "api")

    assert client.target
    assert client.target.is_certain


def test_processes_that_only_a_default_tells_are_an_assumption() -> None:
    text = COMPOSE.replace("--workers 4", "--workers ${WORKERS:-4}")

    [client] = (each for each in linked({**COMPOSED, "compose.yaml": text}) if each.workload == "api")

    assert (client.connections.surely, client.connections.low) == (0, 180)
    assert client.connections.is_assumed


def test_a_service_without_a_command_runs_that_of_its_dockerfile() -> None:
    files = {**COMPOSED, "api/Dockerfile": 'FROM python\nENV X=1\nCMD ["gunicorn", "-w", "2", "db:app"]\n'}
    files["compose.yaml"] = COMPOSE.replace("[DATABASE_URL]", f"[DATABASE_URL={URL}]")

    [client] = (each for each in linked(files) if each.workload == "jobs")

    assert (client.connections.surely, client.connections.high) == (2, 30)


def test_of_two_modules_of_one_name_the_one_in_the_folder_that_is_built_is_loaded() -> None:
    files = {**COMPOSED, "other/db.py": ENGINE.replace("pool_size=5", "pool_size=50")}

    [client] = (each for each in linked(files) if each.workload == "api")

    assert client.pool.span.path == "api/db.py"
