import pytest

from poolcheck.link.purposes import is_apart, is_of_superuser, runs_once
from poolcheck.read.kubernetes.manifest import Manifest, Workload
from poolcheck.read.kubernetes.objects import read_manifest
from poolcheck.source import Source

POD = """
apiVersion: apps/v1
kind: {kind}
metadata: {{name: {name}}}
spec:
  template:
    spec:
      containers: [{{name: main, image: "{image}", command: {command}}}]
      initContainers: [{{name: before, image: x}}, {{name: beside, image: x, restartPolicy: Always}}]
"""


def workload(
    name: str = "web",
    image: str = "registry.example/shop:1",
    command: str = "[run]",
    kind: str = "Deployment",
    path: str = "k8s.yaml",
) -> Workload:
    text = POD.format(kind=kind, name=name, image=image, command=command)
    if kind == "Job":
        text = text.replace("apps/v1", "batch/v1")
    [found] = [fact for fact in read_manifest(Source(path, text)) if isinstance(fact, Manifest)]
    return found.workloads[0]


def apart(own: Workload, by: str = "DATABASE_URL") -> bool:
    return is_apart(own, own.containers[0], by)


@pytest.mark.parametrize(
    "name",
    [
        "migrate",
        "shop-migrations",
        "db-backup",
        "pgadmin",
        "listener",
        "order-notifier",
        "debezium",
        "seed-data",
        "pg-init",
    ],
)
def test_a_workloads_name_may_tell_its_reason(name: str) -> None:
    assert apart(workload(name))


@pytest.mark.parametrize(
    "variable",
    [
        "DIRECT_URL",
        "DATABASE_DIRECT_URL",
        "DATABASE_URL_UNPOOLED",
        "ADMIN_DB_HOST",
        "MIGRATION_DATABASE_URL",
        "LISTEN_DSN",
    ],
)
def test_a_variables_name_may_tell_it(variable: str) -> None:
    assert apart(workload(), variable)


@pytest.mark.parametrize(
    "image", ["dpage/pgadmin4:8", "debezium/connect:2", "prom/postgres-exporter", "x/db-backup"]
)
def test_an_image_may_tell_it(image: str) -> None:
    assert apart(workload(image=image))


@pytest.mark.parametrize(
    "command", ["[alembic, upgrade, head]", "[python, manage.py, migrate]", "[psql, -f, x.sql]"]
)
def test_a_command_may_tell_it(command: str) -> None:
    assert apart(workload(command=command))


@pytest.mark.parametrize(
    "name",
    [
        "web",
        "api",
        "worker",
        "billing",
        "client",
        "wallet",
        "checkout",
        "jobsworth",
        "queries",
        "cliff",
        "initech",
    ],
)
def test_ordinary_names_tell_nothing(name: str) -> None:
    own = workload(name, command='["sh", "-c", "wait-for-it db:5432 && exec uvicorn shop:app"]')

    assert not apart(own)


def test_stages_of_development_and_jobs_matter_to_nobody() -> None:
    assert apart(workload(path="k8s/dev/web.yaml"))
    assert apart(workload(kind="Job"))
    assert not apart(workload(path="k8s/production/web.yaml"))


def test_what_comes_before_the_others_runs_once() -> None:
    own = workload()
    before, beside = own.init_containers

    assert runs_once(own, before)
    assert not runs_once(own, beside)
    assert not runs_once(own, own.containers[0])


@pytest.mark.parametrize(
    ("user", "is_one"), [("postgres", True), ("shop_owner", True), ("shop", False), (None, False)]
)
def test_superusers_are_told_by_their_names(user: str | None, is_one: bool) -> None:
    assert is_of_superuser(user) is is_one
