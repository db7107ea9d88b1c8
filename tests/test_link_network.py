import pytest

from poolcheck.link.network import Network, Origin, Place, running
from poolcheck.read.kubernetes.manifest import Manifest
from poolcheck.read.kubernetes.objects import read_manifest
from poolcheck.source import Source

POOLER = """---
apiVersion: apps/v1
kind: Deployment
metadata: {name: pgbouncer%s}
spec:
  selector: {matchLabels: {app: pgbouncer}}
  template:
    metadata: {labels: {app: pgbouncer, tier: data}}
    spec:
      containers:
        - {name: pgbouncer, image: "edoburu/pgbouncer:v1.25.1-p0", ports: [{containerPort: 6432, name: sql}]}
"""
SERVICE = """---
apiVersion: v1
kind: Service
metadata: {name: db%s}
spec:
  selector: {app: pgbouncer}
  ports: [%s]
"""
PORT = "{port: 5432, targetPort: 6432}"
WEB = """---
apiVersion: v1
kind: Pod
metadata: {name: web%s}
spec:
  containers:
    - {name: web, image: web}
    - {name: sidecar, image: "edoburu/pgbouncer:v1.25.1-p0", ports: [{containerPort: 6432}]}
  initContainers:
    - {name: migrate, image: web}
    - {name: proxy, image: proxy, restartPolicy: Always, ports: [{containerPort: 7432}]}
"""


def network(**files: str) -> Network:
    """A network of these files; `k8s__db` is k8s/db.yaml."""
    sources = [Source(f"{name.replace('__', '/')}.yaml", text) for name, text in files.items()]
    facts = [fact for source in sources for fact in read_manifest(source)]
    return Network(fact for fact in facts if isinstance(fact, Manifest))


def origin(network: Network, name: str = "web") -> Origin:
    """Where a workload connects from."""
    workload = next(each for each in network.workloads if each.name.value == name)
    return Origin(workload.span.path, workload)


def reached(place: Place | None) -> tuple[str, str, str] | None:
    """The file, the workload and the container."""
    return place and (place.workload.span.path, place.workload.name.value, place.container.name.value)


def test_a_service_leads_to_the_container_behind_its_port() -> None:
    found = network(all=POOLER % "" + SERVICE % ("", PORT) + WEB % "")

    place = found.place("db", 5432, origin(found))

    assert reached(place) == ("all.yaml", "pgbouncer", "pgbouncer")
    assert place
    assert place.service


@pytest.mark.parametrize(
    ("ports", "port", "expected"),
    [
        ("{port: 5432, targetPort: 6432}", 5432, True),
        ("{port: 5432, targetPort: sql}", 5432, True),
        ("{port: 6432}", 6432, True),
        ("{port: 9127, targetPort: 9127}, {name: sql, port: 5432, targetPort: 6432}", 5432, True),
        ("{port: 5432, targetPort: 6432}", 6432, False),
    ],
)
def test_a_port_that_a_service_does_not_have_leads_nowhere(ports: str, port: int, *, expected: bool) -> None:
    found = network(all=POOLER % "" + SERVICE % ("", ports) + WEB % "")

    assert (found.place("db", port, origin(found)) is not None) is expected


def test_a_name_that_no_service_has_leads_nowhere() -> None:
    found = network(all=POOLER % "" + SERVICE % ("", PORT) + WEB % "")

    assert found.place("pgbouncer", 5432, origin(found)) is None


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("db", False),
        ("db.data", True),
        ("db.data.svc", True),
        ("db.data.svc.cluster.local", True),
        ("db.other", False),
        ("db.data.example.com", False),
    ],
)
def test_a_name_is_looked_up_in_the_namespace_of_whoever_asks_or_that_it_names(
    host: str, *, expected: bool
) -> None:
    own, there = ", namespace: shop", ", namespace: data"
    found = network(all=POOLER % there + SERVICE % (there, PORT) + WEB % own)

    assert (found.place(host, 5432, origin(found)) is not None) is expected


def test_a_namespace_that_is_left_out_may_be_any() -> None:
    found = network(all=POOLER % "" + SERVICE % ("", PORT) + WEB % ", namespace: shop")

    assert found.place("db", 5432, origin(found)) is not None
    assert found.place("db.data.svc", 5432, origin(found)) is not None


def test_of_several_services_the_one_in_the_same_file_or_folder_counts() -> None:
    here = POOLER % "" + SERVICE % ("", PORT)
    found = network(a__web=WEB % "", a__db=here, b__db=here)
    same = network(a__web=WEB % "" + here, a__db=here)

    assert reached(found.place("db", 5432, origin(found))) == ("a/db.yaml", "pgbouncer", "pgbouncer")
    assert reached(same.place("db", 5432, origin(same))) == ("a/web.yaml", "pgbouncer", "pgbouncer")


def test_where_two_services_are_as_near_none_counts() -> None:
    here = POOLER % "" + SERVICE % ("", PORT)
    found = network(web=WEB % "", a__db=here, b__db=here)

    assert found.place("db", 5432, origin(found)) is None


def test_what_is_of_another_stage_does_not_count() -> None:
    here = POOLER % "" + SERVICE % ("", PORT)
    found = network(prod__web__pod=WEB % "", prod__data__db=here, staging__data__db=here)
    apart = network(prod__web=WEB % "", staging__db=here)

    assert reached(found.place("db", 5432, origin(found))) == ("prod/data/db.yaml", "pgbouncer", "pgbouncer")
    assert apart.place("db", 5432, origin(apart)) is None


def test_a_service_in_front_of_two_workloads_is_not_told() -> None:
    blue, green = (POOLER % "").replace("{name: pgbouncer}", "{name: blue}"), POOLER % ""
    found = network(all=blue + green + SERVICE % ("", PORT) + WEB % "")

    assert found.place("db", 5432, origin(found)) is None


def test_a_service_without_a_selector_leads_nowhere() -> None:
    outside = SERVICE % ("", PORT)
    found = network(all=POOLER % "" + outside.replace("  selector: {app: pgbouncer}\n", "") + WEB % "")

    assert found.place("db", 5432, origin(found)) is None


def test_the_only_container_needs_not_name_its_ports() -> None:
    found = network(
        all=(POOLER % "").replace(", ports: [{containerPort: 6432, name: sql}]", "") + SERVICE % ("", PORT)
    )

    assert reached(found.place("db", 5432, Origin("all.yaml"))) == ("all.yaml", "pgbouncer", "pgbouncer")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_a_local_name_leads_to_the_container_of_the_same_pod_that_listens(host: str) -> None:
    found = network(all=WEB % "")

    place = found.place(host, 6432, origin(found))

    assert reached(place) == ("all.yaml", "web", "sidecar")
    assert place
    assert place.service is None
    assert found.place(host, 5432, origin(found)) is None
    assert found.place(host, 6432, Origin("all.yaml")) is None


def test_what_runs_are_containers_and_sidecars_that_start_before_them() -> None:
    [web] = network(all=WEB % "").workloads

    assert [each.name.value for each in running(web)] == ["web", "sidecar", "proxy"]
