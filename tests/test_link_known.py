from textwrap import indent

import pytest

from poolcheck.files import Memory
from poolcheck.link.known import Destination, Known, owner_of
from poolcheck.link.network import Origin
from poolcheck.read.compose.services import read_compose
from poolcheck.read.document import Fact, Reader
from poolcheck.read.pgbouncer.config import PgBouncerConfig, Version
from poolcheck.source import Source
from poolcheck.stated import Stated, StatedDatabase, StatedPooler, Versions
from poolcheck.system.poolers import Pooler, Server

NOTHING = Stated()
INI = "[databases]\nshop = host=db user=shop\n[pgbouncer]\nmax_client_conn = 500\n"
CONFIG = f"""---
apiVersion: v1
kind: ConfigMap
metadata: {{name: ini}}
data:
  pgbouncer.ini: |
{indent(INI, "    ")}"""


def workload(name: str, image: str, port: int, *, replicas: int = 1, mount: bool = False) -> str:
    volume = "volumeMounts: [{name: ini, mountPath: /etc/pgbouncer}], " if mount else ""
    return f"""---
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: {name}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      volumes: [{{name: ini, configMap: {{name: ini}}}}]
      containers: [{{name: {name}, image: "{image}", {volume}ports: [{{containerPort: {port}}}]}}]
---
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{selector: {{app: {name}}}, ports: [{{port: {port}}}]}}
"""


POSTGRES = workload("postgres", "postgres:16", 5432)
POOLER = CONFIG + workload("pgbouncer", "edoburu/pgbouncer:v1.23.1-p2", 6432, replicas=2, mount=True)
HERE = Origin("m.yaml")


def known(files: dict[str, str] | str, stated: Stated = NOTHING) -> Known:
    texts = files if isinstance(files, dict) else {"m.yaml": files}
    return Known(tuple(fact for path in texts for fact in read(texts, path)), texts, stated)


def read(texts: dict[str, str], path: str) -> tuple[Fact, ...]:
    """The facts in a file of a project."""
    reading = Reader(Memory({path: text.encode() for path, text in texts.items()})).read(path)
    return reading.facts if reading else ()


def named(destination: Destination | None) -> str | None:
    """The name of the pooler or the server."""
    return destination and destination.found and destination.found.name


def test_servers_and_poolers_are_under_the_names_of_their_services() -> None:
    found = known(POSTGRES + POOLER)

    server, pooler = found.leads_to("postgres", 5432, HERE), found.leads_to("pgbouncer", 6432, HERE)

    assert server
    assert pooler
    assert isinstance(server.found, Server)
    assert isinstance(pooler.found, Pooler)
    assert [reason.text for reason in pooler.because] == ["Service pgbouncer leads to pgbouncer"]
    assert not pooler.in_pod


def test_what_is_neither_server_nor_pooler_is_known_to_be_neither() -> None:
    found = known(workload("pgcat", "ghcr.io/postgresml/pgcat:v1.2.0", 6432))

    destination = found.leads_to("pgcat", 6432, HERE)

    assert destination
    assert destination.found is None
    assert found.leads_to("elsewhere", 6432, HERE) is None


def test_a_container_that_is_reached_is_told_from_others() -> None:
    found = known(POSTGRES + workload("api", "api:1", 80))

    assert {each.name.value: found.is_reached(each.containers[0]) for each in found.network.workloads} == {
        "postgres": True,
        "api": False,
    }


def test_several_servers_behind_one_name_accept_together() -> None:
    [server] = known(workload("postgres", "postgres:16", 5432, replicas=3)).servers

    assert (server.accepts.low, server.accepts.low_sum) == (291, "3 × 100 − 3 × 3")


def test_a_pooler_has_the_pods_of_its_workload_and_the_version_of_its_image() -> None:
    [pooler] = known(POOLER).poolers

    assert (pooler.version, pooler.accepts.low_sum) == ((1, 23, 1), "2 × 500")
    assert pooler.owner
    assert (pooler.owner.kind, pooler.owner.name) == ("StatefulSet", "pgbouncer")


def test_a_pooler_beside_other_containers_is_called_by_both_names() -> None:
    sidecar = POOLER.replace("containers: [", 'containers: [{name: web, image: "web:1"}, ')
    sidecar = sidecar.replace("name: pgbouncer}\nspec:\n  replicas", "name: web}\nspec:\n  replicas")

    [pooler] = known(sidecar).poolers

    assert pooler.name == "pgbouncer of web"


def test_where_no_image_tells_the_version_the_stated_one_is_assumed() -> None:
    stated = Stated(target=Versions(pgbouncer="1.22"))
    untagged = POOLER.replace(":v1.23.1-p2", "")

    assert [pooler.version for pooler in known(untagged, stated).poolers] == [(1, 22)]
    assert [pooler.version for pooler in known(POOLER, stated).poolers] == [(1, 23, 1)]
    assert [pooler.version for pooler in known({"p.ini": INI}, stated).poolers] == [(1, 22)]


def test_a_configuration_knows_the_version_that_reads_it() -> None:
    found = known(POOLER)
    [config] = [pooler.config for pooler in found.poolers]
    assert config

    document = found.document(config._replace(version=None))

    assert isinstance(document, PgBouncerConfig)
    assert document.version == (1, 23, 1)


def test_a_configuration_that_two_versions_read_has_none() -> None:
    other = workload("reader", "edoburu/pgbouncer:v1.25.1-p0", 6432, mount=True)
    found = known(POOLER + other)
    config = found.poolers[0].config
    assert config

    document = found.document(config)

    assert len(found.poolers) == 2
    assert isinstance(document, PgBouncerConfig)
    assert document.version is None


def versions(files: dict[str, str]) -> dict[str, Version | None]:
    """The versions of the configurations in the documents of a project, by their paths."""
    found = known(files)
    documents = [found.document(fact) for path in files for fact in read(files, path)]
    return {each.span.path: each.version for each in documents if isinstance(each, PgBouncerConfig)}


PATCH = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: pgbouncer}
spec: {template: {spec: {containers: [{name: pgbouncer, image: "edoburu/pgbouncer:v1.25.1-p0"}]}}}
"""


@pytest.mark.parametrize(
    ("patch", "version"),
    [
        (PATCH, None),
        (PATCH.replace("v1.25.1-p0", "v1.23.1-p3"), (1, 23, 1)),
        (PATCH.replace("edoburu/pgbouncer:v1.25.1-p0", "pgbouncer:dev"), None),
        (PATCH.replace("metadata: {name: pgbouncer}", "metadata: {name: other}"), (1, 23, 1)),
        (PATCH.replace("[{name: pgbouncer", "[{name: metrics"), (1, 23, 1)),
        (PATCH.replace("StatefulSet", "Deployment"), (1, 23, 1)),
        (PATCH.replace(', image: "edoburu/pgbouncer:v1.25.1-p0"', ""), (1, 23, 1)),
    ],
)
def test_a_patch_may_change_the_version(patch: str, version: Version | None) -> None:
    assert versions({"base/m.yaml": POOLER, "overlays/eu/patch.yaml": patch}) == {"base/m.yaml": version}


KUSTOMIZATION = """
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [m.yaml]
configMapGenerator:
  - name: ini
    files: [pgbouncer.ini]
"""
GENERATED = {"base/m.yaml": POOLER.replace(CONFIG, ""), "base/pgbouncer.ini": INI}


def test_a_file_of_which_kustomize_makes_a_config_map_is_the_configuration_of_what_mounts_it() -> None:
    files = {**GENERATED, "base/kustomization.yaml": KUSTOMIZATION}

    [pooler] = known(files).poolers

    assert versions(files) == {"base/pgbouncer.ini": (1, 23, 1)}
    assert (pooler.name, pooler.accepts.low_sum) == ("pgbouncer", "2 × 500")
    assert pooler.config
    assert pooler.config.span.path == "base/pgbouncer.ini"


def test_the_file_of_an_overlay_is_read_by_the_same_version() -> None:
    overlay = KUSTOMIZATION.replace("m.yaml", "../../base").replace(
        "name: ini", "name: ini\n    behavior: replace"
    )
    files = {
        **GENERATED,
        "base/kustomization.yaml": KUSTOMIZATION,
        "overlays/prod/kustomization.yaml": overlay,
        "overlays/prod/pgbouncer.ini": INI.replace("500", "900"),
    }

    assert set(versions(files).values()) == {(1, 23, 1)}
    assert [pooler.config.span.path for pooler in known(files).poolers if pooler.config] == [
        "base/pgbouncer.ini",
        "overlays/prod/pgbouncer.ini",
    ]


@pytest.mark.parametrize(
    ("tag", "written", "version"),
    [("v1.25.1-p0", ":v1.23.1-p2", (1, 25, 1)), ("v1.25.1-p0", "", (1, 25, 1)), ("latest", ":v1.23.1-p2", None)],
)
def test_kustomize_may_change_the_tag(tag: str, written: str, version: Version | None) -> None:
    files = {
        "m.yaml": POOLER.replace(":v1.23.1-p2", written),
        "kustomization.yaml": f"resources: [m.yaml]\nimages: [{{name: edoburu/pgbouncer, newTag: {tag}}}]\n",
    }

    assert versions(files) == {"m.yaml": version}
    assert [pooler.version for pooler in known(files).poolers] == [version]


def test_a_component_as_people_write_it() -> None:
    """The Deployment names no tag, the kustomization.yaml beside it does, and makes the ConfigMap."""
    deployment = """
apiVersion: apps/v1
kind: Deployment
metadata:
  name: pgbouncer
spec:
  selector: {matchLabels: {app: pgbouncer}}
  template:
    metadata: {labels: {app: pgbouncer}}
    spec:
      containers:
        - name: pgbouncer
          image: bitnami/pgbouncer
          ports: [{name: postgres, containerPort: 6432}]
          volumeMounts:
            - name: config
              mountPath: /bitnami/pgbouncer/conf/pgbouncer.ini
              subPath: pgbouncer.ini
      volumes:
        - name: config
          configMap: {name: pgbouncer}
"""
    component = """
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
resources: [deployment.yaml]
configMapGenerator:
  - name: pgbouncer
    files:
      - pgbouncer.ini
images:
  - name: bitnami/pgbouncer
    newTag: 1.24.1
"""
    folder = "k8s/components/pgbouncer"
    files = {
        f"{folder}/deployment.yaml": deployment,
        f"{folder}/kustomization.yaml": component,
        f"{folder}/pgbouncer.ini": INI,
        "k8s/overlays/prod/kustomization.yaml": "components: [../../components/pgbouncer]\n",
    }

    assert versions(files) == {f"{folder}/pgbouncer.ini": (1, 24, 1)}


COMPOSE = """\
services:
  pgbouncer:
    image: edoburu/pgbouncer:v1.23.1-p3
    volumes: [./pgbouncer.ini:/etc/pgbouncer/pgbouncer.ini:ro]
"""


def test_a_file_that_a_compose_file_mounts_is_read_by_the_version_of_its_image() -> None:
    files = {"docker/compose.yaml": COMPOSE, "docker/pgbouncer.ini": INI, "pgbouncer.ini": INI}

    assert versions(files) == {"docker/pgbouncer.ini": (1, 23, 1), "pgbouncer.ini": None}
    assert [(pooler.name, pooler.version) for pooler in known(files).poolers] == [
        ("pgbouncer", (1, 23, 1)),
        ("pgbouncer.ini", None),
    ]


@pytest.mark.parametrize(
    ("tag", "version", "own"),
    [
        ("v1.23.1-p3", (1, 23, 1), (1, 23, 1)),
        ("v1.25.1-p0", None, (1, 25, 1)),
        ("latest", None, None),
    ],
)
def test_a_cluster_and_a_compose_file_may_read_one_file(
    tag: str, version: Version | None, own: Version | None
) -> None:
    files = {**GENERATED, "base/kustomization.yaml": KUSTOMIZATION}
    files["base/compose.yaml"] = COMPOSE.replace("v1.23.1-p3", tag)

    assert versions(files) == {"base/pgbouncer.ini": version}
    assert [pooler.version for pooler in known(files).poolers] == [(1, 23, 1), own]


def test_a_configuration_that_nothing_mounts_is_a_pooler_that_is_nowhere_in_the_cluster() -> None:
    found = known({"m.yaml": POSTGRES, "deploy/pgbouncer.ini": INI.replace("host=db", "host=postgres")})

    assert [(pooler.name, origin) for pooler, origin in found.placed] == [("deploy/pgbouncer.ini", None)]


def test_a_stated_server_is_under_its_hosts() -> None:
    stated = Stated(databases={"main": StatedDatabase(hosts=("db.example.com", "10.0.0.7"), max_connections=200)})

    found = known({}, stated)

    assert named(found.leads_to("10.0.0.7", 5432, HERE)) == "main"
    assert found.leads_to("10.0.0.8", 5432, HERE) is None


def test_of_one_host_with_several_ports_a_stated_port_counts() -> None:
    stated = Stated(
        databases={"main": StatedDatabase(hosts=("db.example.com",))},
        poolers={"pool": StatedPooler(hosts=("db.example.com:6432",))},
    )

    found = known({}, stated)

    assert named(found.leads_to("db.example.com", 5432, HERE)) == "main"
    assert named(found.leads_to("db.example.com", 6432, HERE)) == "pool"


def test_what_is_stated_is_believed_over_a_service_of_that_name() -> None:
    stated = Stated(databases={"main": StatedDatabase(hosts=("postgres",), max_connections=500)})

    assert named(known(POSTGRES, stated).leads_to("postgres", 5432, HERE)) == "main"


def test_the_only_stated_pooler_is_the_only_one_that_is_seen() -> None:
    stated = Stated(poolers={"main": StatedPooler(hosts=("pool.example.com",), pool_mode="transaction")})
    blind = POOLER.replace(CONFIG, "")

    found = known(blind, stated)
    outside, inside = found.leads_to("pool.example.com", 6432, HERE), found.leads_to("pgbouncer", 6432, HERE)

    assert [pooler.name for pooler in found.poolers] == ["pgbouncer"]
    assert outside
    assert inside
    assert outside.found is inside.found is found.poolers[0]
    assert found.poolers[0].mode
    assert found.poolers[0].mode.value == "transaction"


def test_of_several_poolers_none_is_taken_for_a_stated_one() -> None:
    stated = Stated(poolers={"main": StatedPooler(hosts=("pool.example.com",))})
    other = workload("reader", "edoburu/pgbouncer:v1.25.1-p0", 6432)

    found = known(POOLER + other, stated)

    assert [pooler.name for pooler in found.poolers] == ["pgbouncer", "reader", "main"]
    assert named(found.leads_to("pool.example.com", 6432, HERE)) == "main"


def test_numbers_of_a_base_are_assumed() -> None:
    files = {"base/m.yaml": POSTGRES + POOLER, "base/kustomization.yaml": "", "prod/kustomization.yaml": ""}

    found = known(files)

    assert [server.accepts.ceiling for server in found.servers] == [None]
    assert [(pooler.accepts.ceiling, pooler.each_accepts.ceiling) for pooler in found.poolers] == [(None, None)]


def test_an_owner_is_known_by_its_stages_and_its_namespace() -> None:
    text = POSTGRES.replace(
        "{name: postgres}\nspec:\n  replicas", "{name: postgres, namespace: data}\nspec:\n  replicas"
    )
    [workload] = known({"prod/m.yaml": text}).network.workloads

    owner = owner_of(workload)

    assert (owner.kind, owner.name, owner.namespace) == ("StatefulSet", "postgres", "data")
    assert owner.stages == {"production"}


@pytest.mark.parametrize(
    ("dockerfile", "limit"),
    [
        ("FROM postgres:16\n", (97, 97)),
        ('FROM postgres:16\nCMD ["postgres", "-c", "max_connections=250"]\n', (247, 247)),
        ("FROM pgvector/pgvector:pg16\nCOPY init.sql /docker-entrypoint-initdb.d/\n", (0, None)),
        ("FROM postgres:16\nCOPY my.conf /etc/postgresql/postgresql.conf\n", (0, None)),
        ("FROM alpine\n", None),
    ],
)
def test_a_server_may_be_built_here(dockerfile: str, limit: tuple[int, int | None] | None) -> None:
    source = Source("compose.yaml", "services:\n  db: {build: ./db}\n")

    found = Known(tuple(read_compose(source)), [source.path], Stated(), {"db/Dockerfile": dockerfile}.get)

    assert [(each.accepts.low, each.accepts.high) for each in found.servers] == ([limit] if limit else [])
