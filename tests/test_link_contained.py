"""The containers that run PgBouncer, with all that they are given."""

from textwrap import dedent

import pytest

from poolcheck.files import Memory
from poolcheck.link.link import link
from poolcheck.read.document import Reader
from poolcheck.read.kubernetes.pooler_images import Family
from poolcheck.source import Located
from poolcheck.stated import Stated
from poolcheck.system.containers import PoolerContainer
from poolcheck.value import Unknown

INI = "[databases]\nshop = host=db\n[pgbouncer]\nlisten_port = 6432\n"
POD = """
    apiVersion: v1
    kind: Pod
    metadata: {name: pooler, labels: {app: pooler}}
    spec:
      volumes:
        - {name: ini, configMap: {name: ini}}
        - {name: made, emptyDir: {}}
        - {name: hidden, secret: {secretName: x}}
      containers:
        - name: pooler
          image: edoburu/pgbouncer:v1.25.1-p0
          env: [{name: DB_HOST, value: db}]
"""
CONFIG_MAP = """
    ---
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: ini}
    data:
      pgbouncer.ini: |
        [databases]
        shop = host=db
        [pgbouncer]
        listen_port = 6432
"""
SERVICE = """
    ---
    apiVersion: v1
    kind: Service
    metadata: {name: %s}
    spec: {selector: {app: pooler}, ports: [{port: 5432}]}
"""


def contained(files: dict[str, str]) -> tuple[PoolerContainer, ...]:
    reader = Reader(Memory({path: text.encode() for path, text in files.items()}))
    read = [reading for path in files if (reading := reader.read(path))]
    return link([fact for each in read for fact in each.facts], files, None, Stated()).contained


def of_pod(*texts: str) -> PoolerContainer:
    [found] = contained({"pod.yaml": "".join(map(dedent, texts))})
    return found


def test_a_container_of_a_manifest_with_its_image_and_environment() -> None:
    found = of_pod(POD, SERVICE % "front")

    assert found.image == (Family.EDOBURU, (1, 25, 1))
    assert found.runs_script
    assert "DB_HOST" in found.environment.variables
    assert found.pooler is not None
    assert [each.name.value for each in found.services] == ["front"]
    assert found.composed is None


def test_a_service_that_leads_to_others_too_is_left_out() -> None:
    other = POD.replace("name: pooler, labels", "name: other, labels").replace(
        "edoburu/pgbouncer:v1.25.1-p0", "x:1"
    )
    [found] = contained({"pod.yaml": "---".join([dedent(POD), dedent(other)]) + dedent(SERVICE % "front")})

    assert found.services == ()


@pytest.mark.parametrize(
    ("mount", "brought"),
    [
        ("{name: ini, mountPath: /etc/pgbouncer}", [("/etc/pgbouncer/pgbouncer.ini", True)]),
        ("{name: ini, mountPath: /a.ini, subPath: pgbouncer.ini}", [("/a.ini", True)]),
        ("{name: hidden, mountPath: /x/pgbouncer.ini, subPath: y}", [("/x/pgbouncer.ini", False)]),
        ("{name: hidden, mountPath: /x}", []),
        ("{name: made, mountPath: /etc/pgbouncer/pgbouncer.ini, subPath: y}", []),
    ],
)
def test_the_files_that_mounts_bring(mount: str, brought: list[tuple[str, bool]]) -> None:
    pod = POD.rstrip() + f"\n          volumeMounts: [{mount}]\n"

    found = of_pod(pod, CONFIG_MAP).brought

    assert [(each.place, each.config is not None) for each in found] == brought


def test_an_image_of_which_a_kustomization_makes_another() -> None:
    kustomization = (
        "resources: [pod.yaml]\nimages: [{name: edoburu/pgbouncer, newName: bitnami/pgbouncer, newTag: 1.22.1}]"
    )

    [found] = contained({"pod.yaml": dedent(POD), "kustomization.yaml": kustomization})

    assert found.image == (Family.BITNAMI, (1, 22, 1))


COMPOSE = """
    services:
      pooler:
        image: bitnami/pgbouncer:1.22.1
        ports: ["5433:5432", "127.0.0.1:6432:6432/tcp", {target: 9127}, "${PORT}", "${A:-1}:${B:-2}"]
        ulimits: {nofile: {soft: 1024, hard: 2048}}
        volumes:
          - ./conf:/bitnami/pgbouncer/conf
          - ./pgbouncer.ini:/etc/pgbouncer.d/pgbouncer.ini:ro
          - {type: bind, source: ./pgbouncer.ini, target: /other/pgbouncer.ini, read_only: true}
"""


def test_a_compose_service_with_its_files_ports_and_limits() -> None:
    [found] = contained({"compose.yaml": dedent(COMPOSE), "conf/pgbouncer.ini": INI, "pgbouncer.ini": INI})

    assert found.image == (Family.BITNAMI, (1, 22, 1))
    assert [(each.place, each.is_read_only) for each in found.brought] == [
        ("/bitnami/pgbouncer/conf/pgbouncer.ini", False),
        ("/etc/pgbouncer.d/pgbouncer.ini", True),
        ("/other/pgbouncer.ini", True),
    ]
    assert all(each.config for each in found.brought)
    assert found.composed is not None
    ports = [each.value if isinstance(each, Located) else type(each) for each in found.composed.ports]
    assert ports == [5432, 6432, 9127, Unknown, 2]
    assert found.composed.open_files is not None
    assert found.composed.open_files.value == 1024


def test_what_is_built_here_has_no_known_image() -> None:
    built = dedent(COMPOSE).replace("    image:", "    build: .\n    image:")

    [found] = contained({"compose.yaml": built, "conf/pgbouncer.ini": INI})

    assert found.image is None
    assert not found.runs_script
