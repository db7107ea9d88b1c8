from textwrap import indent

from poolcheck.files import Memory
from poolcheck.link.known import Destination, Known, owner_of
from poolcheck.link.network import Origin
from poolcheck.read.document import Reader
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.stated import Stated, StatedDatabase, StatedPooler, Versions
from poolcheck.system import Pooler, Server

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
    reader = Reader(Memory({path: text.encode() for path, text in texts.items()}))
    facts = tuple(fact for path in texts if (reading := reader.read(path)) for fact in reading.facts)
    return Known(facts, texts, stated)


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

    assert (server.accepts.low, server.accepts.low_sum) == (291, "3 × (100 − 3)")


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
