import pytest

from poolcheck.link.mysql_servers import is_mysql, mysql_server_in
from poolcheck.read.kubernetes.environment import Objects
from poolcheck.read.kubernetes.manifest import Manifest
from poolcheck.read.kubernetes.objects import read_manifest
from poolcheck.source import Source
from poolcheck.system.poolers import Server

CONFIG = """---
apiVersion: v1
kind: ConfigMap
metadata: {name: config}
data:
  my.cnf: |
    [client]
    max_connections = 7
    [mysqld]
    max-connections = 400   # enough
"""


def server(fields: str = "", image: str = "mysql:8.4", *objects: str) -> Server:
    text = f"""
apiVersion: v1
kind: Pod
metadata: {{name: db}}
spec:
  volumes: [{{name: config, configMap: {{name: config}}}}]
  containers:
    - {{name: db, image: {image}, {fields}}}
"""
    facts = read_manifest(Source("m.yaml", text + "".join(objects)))
    manifest = next(fact for fact in facts if isinstance(fact, Manifest))
    [workload] = manifest.workloads
    assert is_mysql(workload.containers[0])
    return mysql_server_in(workload, workload.containers[0], Objects([manifest]))


@pytest.mark.parametrize(
    ("fields", "image", "limit"),
    [
        ("args: [--max-connections=300]", "mysql:8.4", 300),
        ("args: [--max_connections=300, --max_connections=310]", "mariadb:11", 310),
        ("command: [mysqld, --max-connections=300]", "percona:8", 300),
        ("env: [{name: MYSQL_EXTRA_FLAGS, value: '--x=1 --max-connections=320'}]", "bitnami/mysql", 320),
        ("env: [{name: MARIADB_EXTRA_FLAGS, value: '--max_connections=330'}]", "bitnami/mariadb", 330),
        ("volumeMounts: [{name: config, mountPath: /etc/mysql/conf.d}]", "mysql:8.4", 400),
        ("volumeMounts: [{name: config, mountPath: /etc/my.cnf, subPath: my.cnf}]", "mysql:8.4", 400),
        (
            "args: [--max-connections=300], volumeMounts: [{name: config, mountPath: /etc/mysql/conf.d}]",
            "mysql:8.4",
            300,
        ),
    ],
)
def test_the_limit_is_where_the_server_takes_it_from(fields: str, image: str, limit: int) -> None:
    found = server(fields, image, CONFIG)

    assert (found.accepts.low, found.accepts.high) == (limit, limit)
    assert not found.accepts.is_assumed


def test_without_any_the_limit_is_assumed_to_be_the_default() -> None:
    found = server()

    assert (found.accepts.low, found.accepts.ceiling) == (151, None)


@pytest.mark.parametrize(
    "fields",
    [
        "volumeMounts: [{name: other, mountPath: /etc/mysql/conf.d}]",
        "command: [/start.sh]",
        "args: ['--max-connections={{ x }}']",
        "env: [{name: MYSQL_EXTRA_FLAGS, valueFrom: {secretKeyRef: {name: a, key: b}}}]",
    ],
)
def test_a_limit_that_may_be_set_out_of_sight_is_not_known(fields: str) -> None:
    assert (server(fields).accepts.low, server(fields).accepts.high) == (0, None)
