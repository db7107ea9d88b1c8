import pytest

from poolcheck.amount import Amount
from poolcheck.link.servers import is_postgres, server_in, stated_server
from poolcheck.read.kubernetes.environment import Objects
from poolcheck.read.kubernetes.manifest import Container, Manifest, Workload
from poolcheck.read.kubernetes.objects import read_manifest
from poolcheck.source import Source
from poolcheck.stated import StatedDatabase
from poolcheck.system.poolers import Server

CONFIG = """---
apiVersion: v1
kind: ConfigMap
metadata: {name: config}
data:
  postgresql.conf: |
    shared_buffers = 1GB
    max_connections = 250   # enough
    superuser_reserved_connections = 5
"""
MOUNT = """
volumeMounts: [{name: config, mountPath: /etc/postgresql}]
args: [-c, config_file=/etc/postgresql/postgresql.conf]
"""


def pod(container: str, image: str = "postgres:16", *objects: str) -> Manifest:
    """A pod of a container with these fields."""
    fields = "".join(f"      {line}\n" for line in container.strip().splitlines())
    text = f"""
apiVersion: v1
kind: Pod
metadata: {{name: postgres}}
spec:
  volumes: [{{name: config, configMap: {{name: config}}}}]
  containers:
    - name: db
      image: {image}
{fields}"""
    facts = read_manifest(Source("m.yaml", text + "".join(objects)))
    return next(fact for fact in facts if isinstance(fact, Manifest))


def server(container: str = "", image: str = "postgres:16", *objects: str) -> Server:
    manifest = pod(container, image, *objects)
    workload: Workload = manifest.workloads[0]
    return server_in(workload, workload.containers[0], Objects([manifest]))


def accepts(container: str = "", image: str = "postgres:16", *objects: str) -> tuple[int, int | None]:
    found: Amount = server(container, image, *objects).accepts
    return found.low, found.high


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("postgres", True),
        ("docker.io/library/postgres:16.4-alpine", True),
        ("registry.example:5000/postgis/postgis:16@sha256:1234", True),
        ("pgvector/pgvector:pg17", True),
        ("bitnami/postgresql:16", True),
        ("prometheuscommunity/postgres-exporter", False),
        ("registry.example/postgres-backup:1", False),
        ("mysql:8", False),
    ],
)
def test_a_server_is_told_by_its_image(image: str, *, expected: bool) -> None:
    container: Container = pod("", image).workloads[0].containers[0]

    assert is_postgres(container) is expected


@pytest.mark.parametrize(
    "container",
    [
        "args: [-c, max_connections=200]",
        "args: [-cmax_connections=200]",
        "args: [--max-connections=200]",
        "args: [--max_connections=200]",
        "args: [-N, '200']",
        "args: [postgres, -c, shared_buffers=1GB, -c, max_connections=200]",
        "command: [postgres, -c, max_connections=200]",
        "command: [docker-entrypoint.sh, postgres, -c, max_connections=200]",
        "command: [sh, -c, exec postgres -c max_connections=200]",
        "args: [-c, max_connections=100, -c, max_connections=200]",
        "args: [-c, max_connections=$(LIMIT)]\nenv: [{name: LIMIT, value: '200'}]",
    ],
)
def test_the_command_line_tells_the_limit(container: str) -> None:
    found = server(container)

    assert (found.accepts.low, found.accepts.high, found.accepts.low_sum) == (197, 197, "200 − 3")
    assert not found.accepts.is_assumed


def test_what_the_server_keeps_back_is_told_too() -> None:
    container = "args: [-c, max_connections=200, -c, superuser_reserved_connections=8, -c, reserved_connections=4]"

    assert accepts(container) == (188, 188)


def test_the_limit_is_at_the_place_it_is_written() -> None:
    found = server("args: [-c, max_connections=200]")

    assert found.place
    assert [reason.text for reason in found.accepts.because if reason.span == found.place] == [
        "max_connections 200"
    ]


def test_a_file_that_the_command_line_names_tells_the_limit() -> None:
    assert accepts(MOUNT, "postgres:16", CONFIG) == (245, 245)
    assert accepts(MOUNT.replace("args: [", "args: [-c, max_connections=80, "), "postgres:16", CONFIG) == (75, 75)


def test_the_limit_in_a_file_is_at_its_own_place() -> None:
    manifest = pod(MOUNT, "postgres:16", CONFIG)
    [workload] = manifest.workloads
    entry = manifest.config_maps[0].data[0]

    found = server_in(workload, workload.containers[0], Objects([manifest]))

    assert entry.block
    assert found.place
    start = entry.block.span.start
    assert entry.block.value[found.place.start - start : found.place.end - start] == "250"


def test_a_file_under_another_name_is_found_by_its_items_and_its_sub_path() -> None:
    container = """
volumeMounts: [{name: config, mountPath: /etc/pg.conf, subPath: postgresql.conf}]
args: [-c, config_file=/etc/pg.conf]
"""
    assert accepts(container, "postgres:16", CONFIG) == (245, 245)


@pytest.mark.parametrize(
    "container",
    [
        "args: [-c, max_connections=$(LIMIT)]",
        "args: [-c, 'max_connections={{ limit }}']",
        MOUNT.replace("/etc/postgresql/postgresql.conf", "/etc/other.conf"),
        "volumeMounts: [{name: config, mountPath: /etc/postgresql}]",
        "volumeMounts: [{name: config, mountPath: /var/lib/postgresql/data/postgresql.conf}]",
        "command: [/scripts/start.sh]",
        "command: [sh, -c, 'if true; then postgres; fi']",
    ],
)
def test_a_limit_that_may_be_set_out_of_sight_is_not_known(container: str) -> None:
    assert accepts(container, "postgres:16", CONFIG) == (0, None)


def test_without_any_the_limit_is_assumed_to_be_the_default() -> None:
    found = server()

    assert (found.accepts.low, found.accepts.most, found.accepts.ceiling) == (97, 97, None)
    assert [reason.assumption for reason in found.accepts.because if reason.assumption] == [
        "max_connections is left at its default"
    ]


def test_images_that_set_a_limit_themselves_are_not_taken_to_have_the_default() -> None:
    assert accepts("", "bitnami/postgresql:16") == (0, None)
    assert accepts("env: [{name: POSTGRESQL_MAX_CONNECTIONS, value: '300'}]", "bitnami/postgresql:16") == (
        297,
        297,
    )


def test_a_variable_that_the_plain_image_does_not_read_changes_nothing() -> None:
    assert accepts("env: [{name: POSTGRES_MAX_CONNECTIONS, value: '300'}]") == (97, 97)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("10min", 600), ("600000", 600), ("90s", 90), ("1.5h", 5400), ("1 d", 86400), ("0", None), ("soon", None)],
)
def test_the_idle_timeout_counts_milliseconds_unless_it_has_a_unit(written: str, seconds: float | None) -> None:
    found = server(f"args: [-c, 'idle_session_timeout={written}']").idle_session_timeout_s

    assert (found and found.value) == seconds


def test_a_stated_server_has_what_is_stated() -> None:
    found = stated_server("main", StatedDatabase(max_connections=500, reserved=8))

    assert (found.name, found.accepts.low, found.accepts.high, found.place) == ("main", 492, 492, None)


def test_a_stated_server_without_a_limit_has_none_that_is_known() -> None:
    found = stated_server("main", StatedDatabase())

    assert found.accepts.is_open


def test_a_script_that_runs_before_the_first_start_may_alter_the_limit() -> None:
    container = "volumeMounts: [{name: config, mountPath: /docker-entrypoint-initdb.d}]"
    script = """---
apiVersion: v1
kind: ConfigMap
metadata: {name: config}
data:
  limits.sql: |
    CREATE DATABASE shop;
    alter system set max_connections = 300;
"""

    assert accepts(container, "postgres:16", script) == (297, 297)
    assert accepts(f"{container}\nargs: [-c, max_connections=80]", "postgres:16", script) == (77, 77)


def told(container: str = "", image: str = "postgres:16", *objects: str) -> dict[str, str] | None:
    """All that a server is told, by name."""
    settings = server(container, image, *objects).settings
    return None if settings is None else {name: value.value for name, value in settings}


def test_all_that_a_server_is_told() -> None:
    assert told() == {}
    assert told("args: [-c, statement_timeout=60s, -N, '200']") == {
        "statement_timeout": "60s",
        "max_connections": "200",
    }
    assert told(MOUNT, "postgres:16", CONFIG) == {
        "shared_buffers": "1GB",
        "max_connections": "250",
        "superuser_reserved_connections": "5",
        "config_file": "/etc/postgresql/postgresql.conf",
    }
    assert told(MOUNT, "postgres:16", CONFIG.replace("shared_buffers = 1GB", "include_dir = 'conf.d'")) is None


SCRIPTS = "volumeMounts: [{name: config, mountPath: /docker-entrypoint-initdb.d}]"


def scripts(statement: str) -> str:
    """A ConfigMap with a script that runs before the first start."""
    head = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: config}\ndata:\n  a.sql: |\n"
    return f"{head}    {statement};\n"


@pytest.mark.parametrize(
    ("container", "image", "objects"),
    [
        ("", "bitnami/postgresql:16", ()),
        ("", "registry.example/own:1", ()),
        ("volumeMounts: [{name: config, mountPath: /etc/postgresql}]", "postgres:16", ()),
        ("args: [-c, config_file=/etc/postgresql/postgresql.conf]", "postgres:16", ()),
        ("command: [/start.sh]", "postgres:16", ()),
        (SCRIPTS, "postgres:16", ()),
        (SCRIPTS, "postgres:16", (scripts("ALTER ROLE shop IN DATABASE shop SET statement_timeout = '5s'"),)),
        (SCRIPTS, "postgres:16", (scripts("alter database shop set statement_timeout to 5000"),)),
        ("args: [-c, include_dir=/more]", "postgres:16", ()),
    ],
)
def test_a_server_may_be_told_more_than_is_seen(container: str, image: str, objects: tuple[str, ...]) -> None:
    assert told(container, image, *objects) is None


def test_scripts_that_change_no_settings_of_roles() -> None:
    assert told(SCRIPTS, "postgres:16", scripts("CREATE ROLE shop LOGIN")) == {}
    assert told(SCRIPTS, "postgres:16", scripts("ALTER SYSTEM SET statement_timeout = '5s'")) == {
        "statement_timeout": "5s"
    }
