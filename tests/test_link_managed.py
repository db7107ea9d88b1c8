from textwrap import dedent

import pytest

from demanded import demanded
from poolcheck.budget.accounts import Kind, budget
from poolcheck.link.known import Known
from poolcheck.link.link import link
from poolcheck.link.network import Origin
from poolcheck.read.kubernetes.environment import environment
from poolcheck.read.kubernetes.objects import read_manifest
from poolcheck.scale import Situation
from poolcheck.source import Source
from poolcheck.stated import Stated
from poolcheck.system.poolers import Pooler, Server
from poolcheck.system.whole import System
from poolcheck.value import text_of


def system(**files: str) -> System:
    facts = [fact for name, text in files.items() for fact in read_manifest(Source(f"{name}.yaml", dedent(text)))]
    return link(facts, [f"{name}.yaml" for name in files], None, Stated())


def known(**files: str) -> Known:
    facts = [fact for name, text in files.items() for fact in read_manifest(Source(f"{name}.yaml", dedent(text)))]
    return Known(tuple(facts), [], Stated())


def demands(found: System) -> list[tuple[str, str, int, int]]:
    return [(each.pooler, each.database, each.connections.low, each.accepts.low) for each in demanded(found.facts)]


CLUSTER = """
    apiVersion: postgresql.cnpg.io/v1
    kind: Cluster
    metadata: {name: shop, namespace: prod}
    spec: {instances: 3, postgresql: {parameters: {max_connections: "200"}}}
"""
POOLER = """
    apiVersion: postgresql.cnpg.io/v1
    kind: Pooler
    metadata: {name: shop-pooler, namespace: prod}
    spec:
      cluster: {name: shop}
      instances: 3
      type: rw
      pgbouncer: {poolMode: transaction, parameters: {default_pool_size: "40"}}
"""


def test_the_pods_of_a_pooler_share_the_connections_of_the_primary() -> None:
    assert demands(system(cluster=CLUSTER, pooler=POOLER)) == [("shop-pooler", "shop", 120, 197)]


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("", (3, 4, 3, 4, 6)),
        ("deploymentStrategy: {type: Recreate}", (3, 3, 3, 3, 3)),
        ("deploymentStrategy: {rollingUpdate: {maxSurge: 2}}", (3, 5, 3, 5, 6)),
        ("deploymentStrategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 0}}", (3, 3, 3, 3, 6)),
    ],
)
def test_the_pods_of_a_pooler_are_replaced_as_those_of_a_deployment(
    strategy: str, expected: tuple[int, ...]
) -> None:
    """CloudNativePG makes a Deployment with this strategy."""
    found = known(pooler=POOLER.replace("type: rw", f"type: rw\n      {strategy}"))

    [pooler] = [each for each, _ in found.placed]
    assert pooler.replicas
    assert tuple(each.most for each in pooler.replicas.scale) == expected


def test_an_autoscaler_may_add_poolers() -> None:
    autoscaler = """
        apiVersion: autoscaling/v2
        kind: HorizontalPodAutoscaler
        metadata: {name: shop-pooler, namespace: prod}
        spec: {scaleTargetRef: {kind: Pooler, name: shop-pooler}, minReplicas: 2, maxReplicas: 8}
    """

    [pooler] = [each for each, _ in known(pooler=POOLER, hpa=autoscaler).placed]

    assert pooler.replicas
    assert [each.most for each in pooler.replicas.scale] == [2, 3, 8, 10, 16]


def test_the_followers_have_as_many_each() -> None:
    readers = POOLER.replace("type: rw", "type: ro")

    assert demands(system(cluster=CLUSTER, pooler=readers)) == [("shop-pooler", "the followers of shop", 120, 394)]


def test_an_autoscaler_may_change_the_number_of_poolers() -> None:
    scaler = """
        apiVersion: autoscaling/v2
        kind: HorizontalPodAutoscaler
        metadata: {name: shop, namespace: prod}
        spec:
          scaleTargetRef: {apiVersion: postgresql.cnpg.io/v1, kind: Pooler, name: shop-pooler}
          minReplicas: 2
          maxReplicas: 9
    """

    [account] = budget(system(cluster=CLUSTER, pooler=POOLER, scaler=scaler).facts).of("shop", Kind.DATABASE)

    assert (account.wanted(Situation.STEADY).most, account.wanted(Situation.AUTOSCALED).most) == (80, 360)


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("shop-pooler", "shop-pooler"),
        ("shop-pooler.prod", "shop-pooler"),
        ("shop-pooler.prod.svc.cluster.local", "shop-pooler"),
        ("shop-rw.prod.svc", "shop"),
        ("shop-ro", "the followers of shop"),
        ("shop-rw.dev", None),
        ("shop-r", None),
        ("shop", None),
    ],
)
def test_names_of_services_lead_to_what_the_operator_runs(host: str, name: str | None) -> None:
    found = known(cluster=CLUSTER, pooler=POOLER).leads_to(host, 5432, Origin("app.yaml"))

    assert (found.found.name if found and found.found else None) == name


def test_another_port_leads_nowhere() -> None:
    assert known(cluster=CLUSTER).leads_to("shop-rw", 6432, Origin("app.yaml")) is None


def test_a_name_that_two_deployments_have_leads_to_the_one_in_the_file_of_who_asks() -> None:
    found = known(one=CLUSTER.replace("200", "300"), two=CLUSTER)

    assert found.leads_to("shop-rw", 5432, Origin("app.yaml")) is None
    destination = found.leads_to("shop-rw", 5432, Origin("one.yaml"))
    assert destination
    assert isinstance(destination.found, Server)
    assert destination.found.accepts.low == 297


@pytest.mark.parametrize(
    ("limit", "accepted"),
    [("'10'", (97, 97)), ("'25'", (22, 22)), ("'300'", (297, 297)), ("", (97, None)), ("'{{ x }}'", (0, None))],
)
def test_what_zalandos_accepts_passes_through_patroni(limit: str, accepted: tuple[int, int | None]) -> None:
    text = f"""
        apiVersion: acid.zalan.do/v1
        kind: postgresql
        metadata: {{name: acid-shop}}
        spec: {{numberOfInstances: 2, postgresql: {{parameters: {{max_connections: {limit}}}}}}}
    """

    server = next(each for each in system(db=text).servers if each.name == "acid-shop")

    assert (server.accepts.low, server.accepts.high) == accepted


def test_zalandos_pooler_and_that_of_the_replicas_have_a_configuration_each() -> None:
    text = """
        apiVersion: acid.zalan.do/v1
        kind: postgresql
        metadata: {name: acid-shop}
        spec:
          numberOfInstances: 2
          enableConnectionPooler: true
          enableReplicaConnectionPooler: true
    """

    found = system(db=text)

    assert [(pooler.name, len(pooler.config.databases)) for pooler in found.poolers if pooler.config] == [
        ("acid-shop-pooler", 1),
        ("acid-shop-pooler-repl", 1),
    ]
    assert demands(found) == [
        ("acid-shop-pooler", "acid-shop", 44, 97),
        ("acid-shop-pooler-repl", "the followers of acid-shop", 44, 97),
    ]


STACK = """
    apiVersion: stackgres.io/v1
    kind: SGCluster
    metadata: {name: stack}
    spec: {instances: 2, configurations: {sgPostgresConfig: a, sgPoolingConfig: b}}
    ---
    apiVersion: stackgres.io/v1
    kind: SGPostgresConfig
    metadata: {name: a}
    spec: {postgresql.conf: {max_connections: '150'}}
    ---
    apiVersion: stackgres.io/v1
    kind: SGPoolingConfig
    metadata: {name: b}
    spec: {pgBouncer: {pgbouncer.ini: {pgbouncer: {default_pool_size: 60}}}}
"""


def test_a_cluster_of_stackgres_uses_the_settings_of_other_objects() -> None:
    found = known(stack=STACK)
    pooler, server = (found.leads_to("stack", port, Origin("app.yaml")) for port in (5432, 5433))

    assert demands(system(stack=STACK)) == [("the pooler of stack", "stack", 60, 142)]
    assert pooler
    assert isinstance(pooler.found, Pooler)
    assert (pooler.found.accepts.low, pooler.found.processes.low) == (1000, 1)
    assert server
    assert isinstance(server.found, Server)


def test_a_cluster_of_stackgres_has_defaults_of_its_own() -> None:
    text = STACK.partition("    ---")[0].replace(", configurations: {sgPostgresConfig: a, sgPoolingConfig: b}", "")

    assert demands(system(stack=text)) == [("the pooler of stack", "stack", 1000, 92)]


@pytest.mark.parametrize(
    ("secret", "key", "name"),
    [
        ("shop-app", "uri", "shop"),
        ("shop-app", "host", "shop"),
        ("hippo-pguser-app", "uri", "hippo"),
        ("hippo-pguser-app", "pgbouncer-uri", "hippo-pgbouncer"),
        ("hippo-pguser-app", "pgbouncer-host", "hippo-pgbouncer"),
    ],
)
def test_the_secrets_that_operators_make_say_where_they_lead(secret: str, key: str, name: str) -> None:
    hippo = """
        apiVersion: postgres-operator.crunchydata.com/v1beta1
        kind: PostgresCluster
        metadata: {name: hippo}
        spec: {instances: [{replicas: 1}], proxy: {pgBouncer: {replicas: 1}}}
    """
    app = f"""
        apiVersion: v1
        kind: Pod
        metadata: {{name: api}}
        spec:
          containers:
          - name: api
            image: api
            env: [{{name: X, valueFrom: {{secretKeyRef: {{name: {secret}, key: {key}}}}}}}]
    """
    found = known(cluster=CLUSTER, hippo=hippo, app=app)
    [workload] = found.network.workloads

    value = environment(workload, workload.containers[0], found.objects).get("X")

    assert value
    host = text_of(value).rpartition("@")[2].partition(":")[0] if key.endswith("uri") else text_of(value)
    destination = found.leads_to(host, 5432, Origin("app.yaml", workload))
    assert destination
    assert destination.found
    assert destination.found.name == name


@pytest.mark.parametrize(
    "told",
    [
        """
        apiVersion: acid.zalan.do/v1
        kind: OperatorConfiguration
        metadata: {name: postgres-operator}
        configuration: {connection_pooler: {connection_pooler_max_db_connections: 10}}
        """,
        """
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: postgres-operator}
        data: {connection_pooler_max_db_connections: "10"}
        """,
    ],
)
def test_where_zalandos_is_told_other_defaults_its_own_are_not_assumed(told: str) -> None:
    text = """
        apiVersion: acid.zalan.do/v1
        kind: postgresql
        metadata: {name: acid-shop}
        spec: {numberOfInstances: 2, connectionPooler: {mode: session}}
    """

    pooler = next(each for each in system(db=text, operator=told).poolers)

    assert pooler.config
    assert pooler.config.effective_integer("default_pool_size") is None
    assert pooler.processes.high is None
    assert pooler.mode
    assert pooler.mode.value == "session"
