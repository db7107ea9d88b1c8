from textwrap import dedent

import pytest

from poolcheck.read.kubernetes.managed import Managed, ManagedPooler, ManagedServer
from poolcheck.read.kubernetes.manifest import Manifest
from poolcheck.read.kubernetes.objects import read_manifest
from poolcheck.read.yaml.scalars import ScalarKind
from poolcheck.source import Located, Source
from poolcheck.value import Unknown


def read(text: str) -> Managed:
    [manifest] = (fact for fact in read_manifest(Source("db.yaml", dedent(text))) if isinstance(fact, Manifest))
    [found] = manifest.managed
    return found


def pooler(text: str) -> ManagedPooler:
    [found] = read(text).poolers
    return found


def server(text: str) -> ManagedServer:
    found = read(text).server
    assert found
    return found


def lines(found: ManagedPooler, section: str = "pgbouncer") -> dict[str, str | None]:
    return {
        each.name.value: each.value and each.value.value for each in found.statements if each.section == section
    }


POOLER = """
    apiVersion: postgresql.cnpg.io/v1
    kind: Pooler
    metadata: {name: shop-pooler, namespace: prod}
    spec:
      cluster: {name: shop}
      instances: 3
      type: ro
      pgbouncer:
        poolMode: transaction
        parameters: {max_client_conn: "1000", ignore_startup_parameters: search_path, auth_type: md5}
"""


def test_a_pooler_of_cloudnative_pgs_leads_to_the_service_of_its_role() -> None:
    found = pooler(POOLER)

    assert found.names == ("shop-pooler",)
    assert found.instances.number == 3
    assert lines(found, "databases") == {"*": "host=shop-ro"}
    assert (
        lines(found).items()
        >= {
            "pool_mode": "transaction",
            "max_client_conn": "1000",
            "ignore_startup_parameters": "extra_float_digits,options,search_path",
            "auth_type": "md5",
            "listen_port": "5432",
            "auth_file": None,
        }.items()
    )


def test_a_pooler_of_cloudnative_pgs_has_defaults() -> None:
    found = pooler(
        "apiVersion: postgresql.cnpg.io/v1\nkind: Pooler\nmetadata: {name: p}\nspec: {cluster: {name: shop}}\n"
    )

    assert (found.instances.number, found.instances.by_default) == (1, True)
    assert lines(found, "databases") == {"*": "host=shop-rw"}
    assert (lines(found)["pool_mode"], lines(found)["auth_type"]) == ("session", "hba")


@pytest.mark.parametrize(
    ("spec", "image"),
    [
        (
            "pgbouncer: {image: 'ghcr.io/cloudnative-pg/pgbouncer:1.22.0'}",
            "ghcr.io/cloudnative-pg/pgbouncer:1.22.0",
        ),
        ("template: {spec: {containers: [{name: x, image: y}, {name: pgbouncer, image: z}]}}", "z"),
        ("type: rw", None),
    ],
)
def test_a_pooler_of_cloudnative_pgs_may_name_its_image(spec: str, image: str | None) -> None:
    text = "apiVersion: postgresql.cnpg.io/v1\nkind: Pooler\nmetadata: {name: p}\nspec:\n  cluster: {name: c}\n"

    found = pooler(f"{text}  {spec}\n")

    assert (found.image and found.image.value) == image


@pytest.mark.parametrize(
    "spec", ["{cluster: {name: '{{ .Release.Name }}'}}", "{cluster: {name: c}, type: odd}", "{}"]
)
def test_a_pooler_that_leads_nobody_knows_where_is_none(spec: str) -> None:
    assert read(f"apiVersion: postgresql.cnpg.io/v1\nkind: Pooler\nspec: {spec}\n").poolers == ()


def test_a_cluster_of_cloudnative_pgs_has_a_primary_and_followers() -> None:
    found = server("""
        apiVersion: postgresql.cnpg.io/v1
        kind: Cluster
        metadata: {name: shop}
        spec: {instances: 3, postgresql: {parameters: {max_connections: "200"}}}
    """)

    assert (found.names, found.followers) == (("shop-rw",), ("shop-ro",))
    assert isinstance(found.max_connections, Located)
    assert (found.max_connections.value, found.instances.number) == ("200", 3)


@pytest.mark.parametrize("api", ["cluster.x-k8s.io/v1beta1", "kafka.strimzi.io/v1beta2"])
def test_the_clusters_of_others_are_none_of_ours(api: str) -> None:
    assert not [*read_manifest(Source("c.yaml", f"apiVersion: {api}\nkind: Cluster\nmetadata: {{name: c}}\n"))]


def test_a_number_that_a_template_fills_in_is_not_known() -> None:
    found = server("""
        apiVersion: postgresql.cnpg.io/v1
        kind: Cluster
        metadata: {name: shop}
        spec: {postgresql: {parameters: {max_connections: "${LIMIT}"}}}
    """)

    assert isinstance(found.max_connections, Unknown)


ZALANDO = """
    apiVersion: acid.zalan.do/v1
    kind: postgresql
    metadata: {name: acid-shop}
    spec:
      numberOfInstances: 2
"""


@pytest.mark.parametrize(
    ("spec", "names"),
    [
        ("enableConnectionPooler: true", ["acid-shop-pooler"]),
        ("connectionPooler: {mode: session}", ["acid-shop-pooler"]),
        ("enableReplicaConnectionPooler: true", ["acid-shop-pooler-repl"]),
        (
            "enableConnectionPooler: true\n      enableReplicaConnectionPooler: true",
            ["acid-shop-pooler", "acid-shop-pooler-repl"],
        ),
        ("enableConnectionPooler: false\n      connectionPooler: {mode: session}", []),
        ("teamId: acid", []),
    ],
)
def test_zalandos_has_the_poolers_that_are_enabled(spec: str, names: list[str]) -> None:
    assert [name for each in read(f"{ZALANDO}      {spec}\n").poolers for name in each.names] == names


@pytest.mark.parametrize(
    ("section", "sizes"),
    [
        ("{}", ("15", "7", "30")),
        ("{numberOfInstances: 4, maxDBConnections: 200}", ("25", "12", "50")),
        ("{numberOfInstances: 3}", ("10", "5", "20")),
        ("{numberOfInstances: 2, maxDBConnections: 1}", (None, "0", None)),
        ("{numberOfInstances: 2, maxDBConnections: 3}", (None, "0", "1")),
        ("{maxDBConnections: '{{ x }}'}", (None, None, None)),
    ],
)
def test_zalandos_divides_the_connections_among_the_pods(section: str, sizes: tuple[str | None, ...]) -> None:
    found = lines(pooler(f"{ZALANDO}      connectionPooler: {section}\n"))

    assert (found["default_pool_size"], found["reserve_pool_size"], found["max_db_connections"]) == sizes
    assert (found["max_client_conn"], found["pool_mode"]) == ("10000", "transaction")


def test_the_limit_of_zalandos_depends_on_the_memory_of_the_pod() -> None:
    assert server(ZALANDO).default is None


CRUNCHY = """
    apiVersion: postgres-operator.crunchydata.com/v1beta1
    kind: PostgresCluster
    metadata: {name: hippo}
    spec:
      instances: [{name: one, replicas: 2}]
      patroni: {dynamicConfiguration: {postgresql: {parameters: {max_connections: 120}}}}
      proxy:
        pgBouncer:
          replicas: 2
          port: 6000
"""


def test_crunchys_has_a_pooler_where_there_is_a_section_for_it() -> None:
    found = pooler(CRUNCHY)

    assert (found.names, found.port, found.instances.number) == (("hippo-pgbouncer",), 6000, 2)
    assert lines(found, "databases") == {"*": "host=hippo-primary port=5432"}
    assert not found.is_partial
    assert not read(CRUNCHY.partition("      proxy:")[0]).poolers


def test_crunchys_settings_and_databases_take_the_place_of_the_operators() -> None:
    config = """\
          config:
            global: {ignore_startup_parameters: search_path, default_pool_size: "9"}
            databases: {shop: host=hippo-primary}
            users: {app: pool_mode=session}
            files: [{configMap: {name: more}}]
    """
    found = pooler(CRUNCHY + config)

    assert lines(found)["ignore_startup_parameters"] == "search_path"
    assert (lines(found, "databases"), lines(found, "users")) == (
        {"shop": "host=hippo-primary"},
        {"app": "pool_mode=session"},
    )
    assert found.is_partial


def test_perconas_is_crunchys_under_another_name() -> None:
    text = CRUNCHY.replace("postgres-operator.crunchydata.com/v1beta1", "pgv2.percona.com/v2").replace(
        "PostgresCluster", "PerconaPGCluster"
    )

    assert pooler(text).names == ("hippo-pgbouncer",)
    found = server(text).max_connections
    assert isinstance(found, Located)
    assert found.value == "120"


def test_stackgres_has_a_pooler_beside_each_server_unless_it_is_off() -> None:
    text = """
        apiVersion: stackgres.io/v1
        kind: SGCluster
        metadata: {name: stack}
        spec: {instances: 2, configurations: {sgPostgresConfig: a, sgPoolingConfig: b}, pods: {SWITCH: x}}
    """
    found = read(text)
    off = read(text.replace("SWITCH: x", "disableConnectionPooling: true"))

    assert [each.names for each in found.poolers] == [("stack", "stack-primary")]
    assert [each.value for each in found.uses] == ["a", "b"]
    assert found.server
    assert found.server.port == 5433
    assert (off.poolers, off.server and off.server.port) == ((), 5432)


@pytest.mark.parametrize("ini", ["pgbouncer: {pool_mode: transaction}", "pool_mode: transaction"])
def test_the_settings_of_stackgres_stand_in_sections_or_in_none(ini: str) -> None:
    found = read(f"""
        apiVersion: stackgres.io/v1
        kind: SGPoolingConfig
        metadata: {{name: b}}
        spec:
          pgBouncer:
            pgbouncer.ini:
              {ini}
    """)

    assert [(each.section, each.name.value, each.value and each.value.value) for each in found.statements] == [
        ("pgbouncer", "pool_mode", "transaction")
    ]


@pytest.mark.parametrize(
    ("head", "spec", "field"),
    [
        (
            "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster",
            "{postgresql: {parameters: {a: 1, b: x}}}",
            "spec.postgresql.parameters",
        ),
        (
            "apiVersion: postgresql.cnpg.io/v1\nkind: Pooler",
            "{pgbouncer: {parameters: {a: 1, b: x}}}",
            "spec.pgbouncer.parameters",
        ),
        (
            "apiVersion: pgv2.percona.com/v2\nkind: PerconaPGCluster",
            "{proxy: {pgBouncer: {config: {users: {a: 1, b: x}}}}}",
            "spec.proxy.pgBouncer.config.users",
        ),
        (
            "apiVersion: stackgres.io/v1\nkind: SGPostgresConfig",
            "{postgresql.conf: {a: 1, b: x}}",
            "spec.postgresql.conf",
        ),
    ],
)
def test_what_is_handed_on_as_it_is_is_told(head: str, spec: str, field: str) -> None:
    found = read(f"{head}\nmetadata: {{name: shop}}\nspec: {spec}\n").parameters

    assert [(each.field, each.name.value, each.value.value, each.kind) for each in found] == [
        (field, "a", "1", ScalarKind.INTEGER),
        (field, "b", "x", ScalarKind.STRING),
    ]


def test_what_is_filled_in_is_not_handed_on_as_it_is() -> None:
    spec = "{postgresql: {parameters: {a: '{{ x }}', b: , c: '${X}'}}}"
    found = read(f"apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {{name: a}}\nspec: {spec}\n")

    assert found.parameters == ()


def test_a_pooler_of_cloudnative_pgs_has_no_settings_that_are_refused() -> None:
    found = lines(pooler(POOLER.replace("max_client_conn", "transaction_timeout")))

    assert "transaction_timeout" not in found
