from textwrap import indent

from demanded import Demanded, demanded
from poolcheck.files import Memory
from poolcheck.link.demands import demands
from poolcheck.link.facts_of import facts_of
from poolcheck.link.known import Known
from poolcheck.read.document import Reader
from poolcheck.stated import Stated, StatedDatabase

NOTHING = Stated()


def postgres(name: str = "postgres", namespace: str = "") -> str:
    place = namespace and f", namespace: {namespace}"
    return f"""---
apiVersion: v1
kind: Pod
metadata: {{name: {name}, labels: {{app: {name}}}{place}}}
spec: {{containers: [{{name: db, image: "postgres:16", ports: [{{containerPort: 5432}}]}}]}}
---
apiVersion: v1
kind: Service
metadata: {{name: {name}{place}}}
spec: {{selector: {{app: {name}}}, ports: [{{port: 5432}}]}}
"""


def pooler(databases: str, namespace: str = "") -> str:
    place = namespace and f", namespace: {namespace}"
    ini = f"[databases]\n{databases}\n[pgbouncer]\nmax_client_conn = 500\n"
    return f"""---
apiVersion: v1
kind: ConfigMap
metadata: {{name: ini{place}}}
data:
  pgbouncer.ini: |
{indent(ini, "    ")}---
apiVersion: v1
kind: Pod
metadata: {{name: pgbouncer{place}}}
spec:
  volumes: [{{name: ini, configMap: {{name: ini}}}}]
  containers:
    - name: pgbouncer
      image: edoburu/pgbouncer:v1.25.1-p0
      volumeMounts: [{{name: ini, mountPath: /etc/pgbouncer}}]
"""


def found(files: dict[str, str] | str, stated: Stated = NOTHING) -> list[Demanded]:
    texts = files if isinstance(files, dict) else {"m.yaml": files}
    reader = Reader(Memory({path: text.encode() for path, text in texts.items()}))
    facts = tuple(fact for path in texts if (reading := reader.read(path)) for fact in reading.facts)
    known = Known(facts, texts, stated)
    return demanded(facts_of(known, [], [*demands(known)]))


def drawn(demands: list[Demanded]) -> list[tuple[str, str, str]]:
    """Who wants how much from whom."""
    return [(demand.pooler, demand.connections.low_sum, demand.database) for demand in demands]


def test_the_databases_of_a_pooler_want_connections_from_where_their_hosts_lead() -> None:
    databases = "shop = host=postgres user=shop\naudit = host=archive user=audit pool_size=5\nelse = host=10.0.0.7"

    assert drawn(found(postgres() + postgres("archive") + pooler(databases))) == [
        ("pgbouncer", "20", "postgres"),
        ("pgbouncer", "5", "archive"),
    ]


def test_databases_on_one_server_add_up() -> None:
    databases = "shop = host=postgres user=shop\naudit = host=postgres user=audit pool_size=5"

    assert drawn(found(postgres() + pooler(databases))) == [("pgbouncer", "20 + 5", "postgres")]


def test_an_entry_that_a_later_one_replaces_does_not_count() -> None:
    databases = "shop = host=postgres user=shop\nshop = host=postgres user=shop pool_size=5"

    assert drawn(found(postgres() + pooler(databases))) == [("pgbouncer", "5", "postgres")]


def test_another_port_leads_elsewhere() -> None:
    assert found(postgres() + pooler("shop = host=postgres port=5433 user=shop")) == []
    assert found(postgres() + pooler("shop = host=postgres port=${PORT} user=shop")) == []
    assert len(found(postgres() + pooler("shop = host=postgres port=5432 user=shop"))) == 1


def test_an_entry_without_a_host_leads_nowhere() -> None:
    assert found(postgres() + pooler("shop = user=shop")) == []


def test_a_server_in_another_namespace_is_reached_by_its_whole_name_only() -> None:
    there = postgres(namespace="data")

    assert found(there + pooler("shop = host=postgres user=shop", "shop")) == []
    [demand] = found(there + pooler("shop = host=postgres.data.svc user=shop", "shop"))
    assert demand.owner.namespace is None


def test_a_server_behind_a_short_name_is_that_of_the_namespace() -> None:
    [demand] = found(postgres() + pooler("shop = host=postgres user=shop", "shop"))

    assert demand.owner.namespace == "shop"


def test_a_configuration_that_nothing_mounts_wants_nothing_from_a_server_of_the_cluster() -> None:
    ini = "[databases]\nshop = host=postgres user=shop\n[pgbouncer]\nmax_client_conn = 500\n"

    assert found({"m.yaml": postgres(), "pgbouncer.ini": ini}) == []


def test_a_stated_server_is_found_by_any_configuration() -> None:
    stated = Stated(databases={"main": StatedDatabase(hosts=("db.example.com",), max_connections=200)})
    ini = "[databases]\nshop = host=db.example.com user=shop\n[pgbouncer]\nmax_client_conn = 500\n"

    assert drawn(found({"pgbouncer.ini": ini}, stated)) == [("pgbouncer.ini", "20", "main")]
