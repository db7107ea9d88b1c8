import pytest

from poolcheck.link.link import link
from poolcheck.read.compose.services import read_compose
from poolcheck.read.document import Fact
from poolcheck.read.kubernetes.objects import read_manifest
from poolcheck.source import Source
from poolcheck.stated import Stated
from poolcheck.system.containers import ServerContainer

POD = """
apiVersion: v1
kind: ConfigMap
metadata: {name: config}
data:
  postgresql.conf: |
    max_connections = 50
    max_connections = 300
---
apiVersion: v1
kind: ConfigMap
metadata: {name: scripts}
data: {a.sql: "ALTER SYSTEM SET max_connections = 60;"}
---
apiVersion: v1
kind: Pod
metadata: {name: database}
spec:
  volumes:
    - {name: config, configMap: {name: config}}
    - {name: scripts, configMap: {name: scripts}}
  containers:
    - name: postgres
      image: postgres:16
      args: ARGS
      volumeMounts:
        - {name: config, mountPath: /etc/postgresql}
        - {name: scripts, mountPath: /docker-entrypoint-initdb.d}
"""


def only(*facts: Fact) -> ServerContainer:
    [found] = link(facts, ["m.yaml"], None, Stated()).server_containers
    return found


def in_pod(args: str) -> ServerContainer:
    return only(*read_manifest(Source("m.yaml", POD.replace("ARGS", args))))


def limits(found: ServerContainer) -> list[tuple[str, str]]:
    return [(each.by, each.value.value) for each in found.limits]


def test_the_strongest_limit_comes_first() -> None:
    found = in_pod("[-c, config_file=/etc/postgresql/postgresql.conf, -c, max_connections=70, -N, '80']")

    assert limits(found) == [
        ("the command line", "80"),
        ("the command line", "70"),
        ("ALTER SYSTEM", "60"),
        ("/etc/postgresql/postgresql.conf", "300"),
    ]


def test_a_file_that_nothing_names_tells_no_limit() -> None:
    assert limits(in_pod("[-c, shared_buffers=1GB]")) == [("ALTER SYSTEM", "60")]


def test_the_files_of_a_whole_volume_are_seen() -> None:
    assert [each.value for each in in_pod("[]").configurations] == ["/etc/postgresql/postgresql.conf"]


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ("[]", False),
        ("[-c, max_connections=200]", False),
        ("[postgres, -c, max_connections=200]", False),
        ("[bash, -c, cp /etc/postgresql/postgresql.conf /var && exec postgres]", True),
        ("[patroni, /etc/patroni.yml]", True),
    ],
)
def test_a_program_before_the_server_may_do_what_it_likes(args: str, *, expected: bool) -> None:
    assert in_pod(args).is_out_of_sight is expected


def test_a_service_brings_files_and_is_built() -> None:
    text = """
services:
  database:
    image: postgres:16
    build: .
    volumes: ["./my.conf:/etc/postgresql/postgresql.conf:ro", "./pg_hba.conf:/etc/postgresql/pg_hba.conf"]
"""
    found = only(*read_compose(Source("compose.yaml", text)))

    assert [each.value for each in found.configurations] == ["/etc/postgresql/postgresql.conf"]
    assert found.is_built
