from collections.abc import Mapping
from textwrap import dedent

import pytest

from demanded import demanded
from poolcheck.files import Memory
from poolcheck.read.kubernetes.chart_values import read_values
from poolcheck.read.kubernetes.managed import Managed, ManagedPooler
from poolcheck.read.kubernetes.manifest import Manifest
from poolcheck.read.kubernetes.objects import read_manifest
from poolcheck.run import linked
from poolcheck.source import Located, Source
from poolcheck.stated import Stated
from poolcheck.system.whole import System

UMBRELLA = """
    apiVersion: v2
    name: shop
    dependencies:
      - {name: pgbouncer, alias: pooler}
      - {name: postgresql}
"""
POOLER = """
    fullnameOverride: pooler
    replicaCount: 3
    image: {repository: edoburu/pgbouncer, tag: v1.23.1-p2}
    config:
      databases:
        shop: {host: db, port: 5432, pool_size: 60}
      pgbouncer:
        auth_type: scram-sha-256
        pool_mode: transaction
"""
SERVER = """
    fullnameOverride: db
    primary:
      extendedConfiguration: |-
        shared_buffers = 1GB
        max_connections = 100
"""


def read(values: str, path: str = "values.yaml", **files: str) -> list[Managed]:
    """What charts make of a file of values, beside other files."""
    texts = {name.replace("_", "/").replace("Chart", "Chart.yaml"): dedent(text) for name, text in files.items()}
    return [each for fact in read_values(Source(path, dedent(values)), texts.get) for each in fact.managed]


def pooler(values: str, **files: str) -> ManagedPooler:
    [managed] = read(values, **files)
    [found] = managed.poolers
    return found


def lines(found: ManagedPooler, section: str = "pgbouncer") -> dict[str, str | None]:
    """The lines that are told, and None for those that are not."""
    return {
        each.name.value: "".join(part.value for part in each.parts) or (each.value.value if each.value else None)
        for each in found.statements
        if each.section == section
    }


def part(name: str, values: str) -> str:
    """Values under the name of a part."""
    return f"{name}:\n" + "\n".join(f"  {line}" for line in dedent(values).splitlines())


def system(files: Mapping[str, str]) -> System:
    memory = Memory({name: dedent(text).encode() for name, text in files.items()})
    return linked(sorted(files), memory, Stated()).system


def test_the_chart_of_pgbouncer_writes_its_settings_and_databases_as_they_stand() -> None:
    found = pooler(POOLER, Chart="name: pgbouncer")

    assert lines(found, "databases") == {"shop": " host=db port=5432 pool_size=60"}
    assert lines(found).items() >= {"auth_type": "scram-sha-256", "pool_mode": "transaction"}.items()
    assert found.image
    assert found.image.value == "edoburu/pgbouncer:v1.23.1-p2"
    assert (found.names, found.instances.number, found.is_partial) == (("pooler",), 3, True)


def test_a_part_of_the_values_is_for_the_chart_that_is_called_so() -> None:
    values = part("pooler", POOLER) + "\n" + part("postgresql", SERVER) + "\n" + part("other", POOLER)

    names = [each.name.value for each in read(values, Chart=UMBRELLA)]

    assert names == ["pooler", "postgresql"]


@pytest.mark.parametrize("path", ["ci/values.yaml", "environments/prod/values.yaml"])
def test_values_may_lie_below_their_chart(path: str) -> None:
    assert len(read(POOLER, path, Chart="name: pgbouncer")) == 1
    assert read(POOLER, path, Chart="name: shop") == []


def test_without_a_chart_the_form_tells() -> None:
    assert len(read(POOLER, "prod/pooler-values.yaml")) == 1
    assert len(read(part("pooler", POOLER), "prod/pooler-values.yaml")) == 1


@pytest.mark.parametrize(
    "values",
    [
        "config: {pgbouncer: {poolMode: transaction, image: pgbouncer, port: 6432}}",
        "config: {pgbouncer: true}",
        "pgbouncer: {poolMode: transaction, defaultPoolSize: 5, maxClientConn_: 3}",
        "config: {databases: {main: {engine: postgres, host: db}}}",
        "poolers: [{name: rw, size: 3}]",
        "primary: {extendedConfiguration: shared_buffers = 1GB}",
    ],
)
def test_what_has_another_form_is_somebody_elses(values: str) -> None:
    assert read(values) == []


def test_templates_and_manifests_are_no_values() -> None:
    assert read(POOLER, "chart/templates/values.yaml") == []
    assert read("apiVersion: v1\n" + dedent(POOLER)) == []


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("300", "300"),
        ("'300'", "300"),
        ("1000000", None),
        ("'1000000'", "1000000"),
        ("'{{ .Values.x }}'", None),
        ("${CLIENTS}", None),
        ("ENC[AES256_GCM,data:abc]", None),
        ("[1]", None),
        ("0777", None),
        ("yes", None),
        ("true", "true"),
    ],
    ids=[
        "a number",
        "a text",
        "what Go writes 1e+06",
        "quoted",
        "Helm's",
        "envsubst's",
        "SOPS's",
        "a list",
        "in base 8",
        "true",
        "itself",
    ],
)
def test_a_value_is_told_where_the_template_prints_it_as_it_stands(written: str, told: str | None) -> None:
    values = f"config:\n  pgbouncer:\n    pool_mode: session\n    max_client_conn: {written}\n"

    assert lines(pooler(values))["max_client_conn"] == told


AIRFLOW = """
    executor: CeleryExecutor
    pgbouncer:
      enabled: true
      maxClientConn: 100
      metadataPoolSize: 10
      resultBackendPoolSize: 5
      extraIni: |
        server_lifetime = 600
"""


def test_airflows_pooler_has_a_pool_for_each_of_its_databases() -> None:
    found = pooler(AIRFLOW, Chart="{name: platform, dependencies: []}\n".replace("platform", "airflow"))

    assert lines(found, "databases") == {
        "${VALUE}-metadata": "host=${VALUE} pool_size=10",
        "${VALUE}-result-backend": "host=${VALUE} pool_size=5",
    }
    assert lines(found) == {"pool_mode": "transaction", "max_client_conn": "100", "server_lifetime": "600"}


def test_airflow_runs_no_pooler_that_is_off_or_configured_elsewhere() -> None:
    assert read(AIRFLOW.replace("true", "false")) == []
    assert read(AIRFLOW.replace("enabled: true", "configSecretName: own")) == []


def test_the_other_chart_of_airflows_has_names_of_its_own() -> None:
    found = pooler("pgbouncer: {enabled: true, maxClientConnections: 1000, poolSize: 20, authType: md5}")

    assert lines(found) == {
        "pool_mode": "transaction",
        "auth_type": "md5",
        "max_client_conn": "1000",
        "default_pool_size": "20",
    }


def test_the_chart_of_cradlepoints_has_limits_of_its_own() -> None:
    found = pooler(
        "poolMode: session\nconnectionLimits: {maxClientConn: 200, defaultPoolSize: 20}\n"
        "databases: {shop: {host: db, dbname: shop}}\n",
        Chart="name: pgbouncer",
    )

    assert lines(found) == {"pool_mode": "session", "max_client_conn": "200", "default_pool_size": "20"}
    assert lines(found, "databases") == {"shop": " host=db dbname=shop"}


def test_a_cluster_of_cloudnative_pgs_has_poolers_in_front_of_it() -> None:
    [managed] = read(
        """
        fullnameOverride: shop
        cluster: {instances: 3, postgresql: {parameters: {max_connections: "200"}}}
        poolers:
          - {name: rw, type: rw, poolMode: transaction, instances: 2, parameters: {default_pool_size: "25"}}
        """
    )
    [found] = managed.poolers

    assert managed.server
    assert managed.server.names == ("shop-rw",)
    assert isinstance(managed.server.max_connections, Located)
    assert found.names == ("shop-pooler-rw",)
    assert lines(found, "databases") == {"*": "host=shop-rw"}
    assert lines(found).items() >= {"pool_mode": "transaction", "default_pool_size": "25"}.items()


def test_a_servers_limit_is_exactly_where_it_is_written() -> None:
    text = dedent(SERVER)

    [managed] = read(SERVER, Chart="name: postgresql")

    limit = managed.server and managed.server.max_connections
    assert isinstance(limit, Located)
    assert (limit.value, text[limit.span.start : limit.span.end]) == ("100", "100")


def test_a_server_behind_pgpool_has_its_limit_in_the_values() -> None:
    [managed] = read("fullnameOverride: db\npgpool: {replicaCount: 2}\npostgresql: {maxConnections: 300}\n")

    assert managed.server
    assert managed.server.names == ("db-postgresql",)
    assert isinstance(managed.server.max_connections, Located)


def test_what_the_pools_of_a_chart_want_is_counted_on_an_assumption() -> None:
    values = part("pooler", POOLER) + "\n" + part("postgresql", SERVER)

    [demand] = demanded(system({"chart/Chart.yaml": UMBRELLA, "chart/values.yaml": values}).facts)

    assert (demand.connections.low, demand.connections.surely) == (180, 0)
    assert (demand.accepts.low, demand.accepts.surely) == (97, 0)


def test_of_values_that_are_laid_over_others_the_unset_limits_are_not_known() -> None:
    values = part("pooler", POOLER) + "\n" + part("postgresql", SERVER)

    [demand] = demanded(system({"chart/Chart.yaml": UMBRELLA, "chart/values-prod.yaml": values}).facts)

    assert demand.connections.low == 0


def test_null_takes_a_setting_away() -> None:
    values = "config:\n  pgbouncer:\n    pool_mode: session\n    auth_type: null\n"

    assert lines(pooler(values)) == {"pool_mode": "session"}


def test_a_limit_may_stand_in_the_environment_of_the_image() -> None:
    [managed] = read("primary: {extraEnvVars: [{name: POSTGRESQL_MAX_CONNECTIONS, value: '200'}]}")

    assert managed.server
    assert isinstance(managed.server.max_connections, Located)
    assert managed.server.max_connections.value == "200"


def release(chart: str, values: str, **spec: str) -> str:
    """A HelmRelease of Flux's."""
    written = "".join(f"  {key}: {value}\n" for key, value in spec.items())
    return (
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: shop, namespace: prod}\n"
        f"spec:\n  chart: {{spec: {{chart: {chart}}}}}\n{written}  values:\n"
        + "".join(f"    {line}\n" for line in dedent(values).splitlines())
    )


def released(text: str) -> Managed:
    [manifest] = (fact for fact in read_manifest(Source("release.yaml", text)) if isinstance(fact, Manifest))
    [managed] = manifest.managed
    return managed


NAMELESS = POOLER.replace("    fullnameOverride: pooler\n", "")


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ({}, "shop-pgbouncer"),
        ({"releaseName": "pgbouncer"}, "pgbouncer"),
        ({"targetNamespace": "data"}, "data-shop-pgbouncer"),
    ],
    ids=["of its own", "of the release", "of its namespace"],
)
def test_a_release_of_flux_names_what_its_chart_makes(spec: dict[str, str], name: str) -> None:
    [found] = released(release("pgbouncer", NAMELESS, **spec)).poolers

    assert found.names == (name,)
    assert lines(found)["pool_mode"] == "transaction"


def test_a_release_may_say_the_name_itself() -> None:
    [found] = released(release("pgbouncer", POOLER)).poolers

    assert found.names == ("pooler",)


def test_a_release_of_another_chart_makes_nothing_that_is_known() -> None:
    found = released(release("app-template", POOLER))

    assert (found.server, found.poolers) == (None, ())


def test_a_release_of_a_server_has_its_limit() -> None:
    found = released(release("postgresql", SERVER.replace("    fullnameOverride: db\n", "")))

    assert found.server
    assert found.server.names == ("shop-postgresql", "shop-postgresql-primary")


def test_nothing_is_made_of_a_part_that_is_off() -> None:
    values = "pooler:\n  enabled: false\n" + part("x", POOLER).partition("\n")[2]

    assert read(values, Chart=UMBRELLA) == []
    assert len(read(values.replace("false", "true"), Chart=UMBRELLA)) == 1
