"""One account for each environment: what an overlay makes of a base counts there and nowhere else."""

from collections.abc import Mapping
from textwrap import dedent, indent

import pytest

from poolcheck.budget.accounts import Account, budget
from poolcheck.budget.facts import Facts
from poolcheck.budget.told import message
from poolcheck.budget.verdicts import verdicts
from poolcheck.budget.what_if import knob, rooms
from poolcheck.files import Memory
from poolcheck.report.rooms import described
from poolcheck.run import linked
from poolcheck.scale import Situation
from poolcheck.stated import Stated, StatedDatabase

APP = """\
import os
from sqlalchemy import create_engine
engine = create_engine(os.environ["URL"], pool_size=int(os.environ.get("SIZE", "5")), max_overflow=0)
"""
POSTGRES = """\
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: postgres}
spec:
  replicas: 1
  selector: {matchLabels: {app: postgres}}
  template:
    metadata: {labels: {app: postgres}}
    spec: {containers: [{name: postgres, image: "postgres:16", args: [-c, max_connections=100]}]}
---
apiVersion: v1
kind: Service
metadata: {name: postgres}
spec: {selector: {app: postgres}, ports: [{port: 5432}]}
"""
AUTOSCALER = """\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: api}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: api}
  minReplicas: 2
  maxReplicas: 4
"""
BASE = "resources: [api.yaml, postgres.yaml]\n"
ON_TOP = "resources: [../../base]\n"

Numbers = dict[tuple[str, str], tuple[int, int | None, int]]
"""What is accepted, and wanted at least and at most, by limit and stages."""


def deployment(name: str = "api", more: str = "", replicas: int = 2, host: str = "postgres") -> str:
    return f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      containers:
        - name: {name}
          image: shop/{name}
          command: [python, {name}/main.py]
          env: [{{name: URL, value: "postgresql://app@{host}:5432/shop"}}]
          {more}
"""


def patch(spec: str, kind: str = "Deployment", name: str = "api") -> str:
    return f"apiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec:\n{indent(dedent(spec), '  ')}"


def overlaid(staging: str = "", production: str = "", **more: str) -> dict[str, str]:
    """A base and two overlays with these lines more, and files of the overlay for production."""
    return {
        "api/main.py": APP,
        "base/kustomization.yaml": BASE,
        "base/api.yaml": deployment(),
        "base/postgres.yaml": POSTGRES,
        "overlays/staging/kustomization.yaml": ON_TOP + staging,
        "overlays/production/kustomization.yaml": ON_TOP + production,
        **{f"overlays/production/{name}.yaml": text for name, text in more.items()},
    }


def facts(files: Mapping[str, str], stated: Stated = Stated()) -> Facts:  # noqa: B008
    texts = {path: text.encode() for path, text in files.items()}
    return linked(sorted(texts), Memory(texts), stated).system.facts


def accounts(files: Mapping[str, str]) -> list[Account]:
    return [*budget(facts(files)).accounts]


def numbers(files: Mapping[str, str]) -> Numbers:
    found: Numbers = {}
    for each in accounts(files):
        wanted = each.wanted(Situation.STEADY)
        key = each.limit.name, " ".join(sorted(each.stages))
        assert key not in found
        found[key] = wanted.low, wanted.high, each.limit.accepts.low
    return found


def test_each_overlay_has_its_own_number_of_pods() -> None:
    found = numbers(overlaid("replicas: [{name: api, count: 3}]\n", "replicas: [{name: api, count: 30}]\n"))

    assert found == {("postgres", "staging"): (15, 15, 97), ("postgres", "production"): (150, 150, 97)}


def test_a_patch_changes_pods_variables_and_settings_of_its_overlay() -> None:
    of_api = patch("""\
        replicas: 12
        template: {spec: {containers: [{name: api, env: [{name: SIZE, value: "10"}]}]}}
        """)
    args = "template: {spec: {containers: [{name: postgres, args: [-c, max_connections=400]}]}}\n"
    of_postgres = patch(args, "StatefulSet", "postgres")

    found = numbers(overlaid("", "patches: [{path: more.yaml}, {path: db.yaml}]\n", more=of_api, db=of_postgres))

    assert found == {("postgres", "staging"): (10, 10, 97), ("postgres", "production"): (120, 120, 397)}


@pytest.mark.parametrize(
    "lines",
    [
        "patchesStrategicMerge: [more.yaml]\n",
        "patches:\n  - target: {kind: Deployment, name: api}\n    patch: |-\n"
        "      - {op: replace, path: /spec/replicas, value: 7}\n",
        "patches:\n  - patch: |-\n      apiVersion: apps/v1\n      kind: Deployment\n      metadata:\n"
        "        name: api\n      spec: {replicas: 7}\n",
    ],
)
def test_all_ways_to_patch_a_number_of_pods_are_the_same(lines: str) -> None:
    found = numbers(overlaid("", lines, more=patch("replicas: 7\n")))

    assert found == {("postgres", "staging"): (10, 10, 97), ("postgres", "production"): (35, 35, 97)}


def test_an_autoscaler_is_patched_too() -> None:
    more = patch("maxReplicas: 20\n", "HorizontalPodAutoscaler").replace("apps/v1", "autoscaling/v2")
    files = overlaid("", "patches: [{path: more.yaml}]\n", more=more)
    files |= {
        "base/kustomization.yaml": "resources: [api.yaml, postgres.yaml, hpa.yaml]\n",
        "base/hpa.yaml": AUTOSCALER,
    }

    found = {" ".join(each.stages): each.wanted(Situation.AUTOSCALED).high for each in accounts(files)}

    assert found == {"staging": 20, "production": 100}


@pytest.mark.parametrize(
    ("operation", "number"),
    [
        ("{op: add, path: /spec/template/spec/containers/0/env/-, value: {name: SIZE, value: '8'}}", 16),
        ("{op: add, path: /spec/template/spec/containers/0/env/0, value: {name: SIZE, value: '8'}}", 12),
        ("{op: replace, path: /spec/template/spec/containers/0/env/1/value, value: '9'}", 18),
        ("{op: replace, path: /spec/template/spec/containers/0/command, value: [sleep, '1']}", 0),
        ("{op: replace, path: /spec/template/spec/containers/0/resources, value: {limits: {cpu: '2'}}}", 12),
        ("{op: replace, path: /spec/replicas, value: 7}", 42),
    ],
)
def test_a_json_patch_puts_what_it_says_where_it_says(operation: str, number: int) -> None:
    lines = f"patches:\n  - target: {{kind: Deployment}}\n    patch: |-\n      - {operation}\n"
    files = overlaid("", lines)
    files["base/api.yaml"] = files["base/api.yaml"].replace('shop"}]', "shop\"}, {name: SIZE, value: '6'}]")

    found = accounts(files)

    wanted = {" ".join(each.stages): each.wanted(Situation.STEADY).high for each in found}
    assert wanted == ({"": 12} if number == 12 else {"staging": 12, "production": number})
    assert not any("changes nothing else" in text for text in assumptions(found))


def assumptions(found: list[Account]) -> set[str]:
    return {reason.assumption for each in found for reason in each.wanted(Situation.STEADY).because}


@pytest.mark.parametrize(
    "operation",
    [
        "{op: remove, path: /spec/template/spec/containers/0/env/0}",
        "{op: add, path: /spec/template/spec/containers/0/envFrom/0, value: {configMapRef: {name: a}}}",
        "{op: add, path: /spec/template/spec/containers/-, value: {name: b, image: b}}",
        "{op: replace, path: /spec/strategy, value: {type: Recreate}}",
    ],
)
def test_what_a_json_patch_does_else_is_assumed_not_to_count(operation: str) -> None:
    lines = f"patches:\n  - target: {{kind: Deployment, name: api}}\n    patch: |-\n      - {operation}\n"

    found = accounts(overlaid("", lines))

    assert "overlays/production changes nothing else" in assumptions(found)


def test_a_json_patch_in_a_file_may_change_an_autoscaler() -> None:
    target = "{kind: HorizontalPodAutoscaler, name: api}"
    files = overlaid("", f"patches: [{{path: more.yaml, target: {target}}}]\n")
    files |= {
        "base/kustomization.yaml": "resources: [api.yaml, postgres.yaml, hpa.yaml]\n",
        "base/hpa.yaml": AUTOSCALER,
        "overlays/production/more.yaml": "- {op: replace, path: /spec/maxReplicas, value: 6}\n",
    }

    found = {" ".join(each.stages): each.wanted(Situation.AUTOSCALED).high for each in accounts(files)}

    assert found == {"staging": 20, "production": 30}


@pytest.mark.parametrize(("behavior", "size"), [("merge", 30), ("replace", 30)])
def test_a_config_map_is_made_anew_in_an_overlay(behavior: str, size: int) -> None:
    made = f"configMapGenerator: [{{name: api, behavior: {behavior}, literals: [SIZE={size}]}}]\n"
    files = overlaid("", made) | {
        "base/kustomization.yaml": BASE + "configMapGenerator: [{name: api, literals: [SIZE=4, LOG=info]}]\n",
        "base/api.yaml": deployment(more="envFrom: [{configMapRef: {name: api}}]"),
    }

    found = numbers(files)

    assert found == {("postgres", "staging"): (8, 8, 97), ("postgres", "production"): (60, 60, 97)}


def test_a_pooler_has_the_settings_of_its_overlay() -> None:
    pooler = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: pgbouncer}
spec:
  replicas: 2
  selector: {matchLabels: {app: pgbouncer}}
  template:
    metadata: {labels: {app: pgbouncer}}
    spec:
      containers:
        - name: pgbouncer
          image: edoburu/pgbouncer:v1.24.1-p1
          ports: [{containerPort: 5432}]
          envFrom: [{configMapRef: {name: pgbouncer}}]
---
apiVersion: v1
kind: Service
metadata: {name: pgbouncer}
spec: {selector: {app: pgbouncer}, ports: [{port: 5432}]}
"""
    of_base = "DB_HOST=postgres, DB_USER=app, DB_NAME=shop, POOL_MODE=transaction, DEFAULT_POOL_SIZE=10"
    made = "configMapGenerator: [{name: pgbouncer, behavior: merge, literals: [DEFAULT_POOL_SIZE=60]}]\n"
    files = overlaid("", made) | {
        "base/kustomization.yaml": "resources: [api.yaml, postgres.yaml, pooler.yaml]\n"
        f"configMapGenerator: [{{name: pgbouncer, literals: [{of_base}]}}]\n",
        "base/api.yaml": deployment(host="pgbouncer"),
        "base/pooler.yaml": pooler,
    }

    found = {key: (low, high) for key, (low, high, _) in numbers(files).items()}

    assert found == {
        ("postgres", "staging"): (20, 20),
        ("postgres", "production"): (120, 120),
        ("pgbouncer", "staging"): (10, 10),
        ("pgbouncer", "production"): (10, 10),
    }


def test_what_only_one_overlay_builds_is_only_there() -> None:
    files = overlaid("", "", worker=deployment("worker", replicas=6)) | {
        "overlays/production/kustomization.yaml": "namespace: shop\nresources: [../../base, worker.yaml]\n",
        "overlays/staging/kustomization.yaml": f"namespace: staging\n{ON_TOP}",
        "worker/main.py": APP,
    }

    assert numbers(files) == {("postgres", "staging"): (10, 10, 97), ("postgres", "production"): (40, 40, 97)}


def test_two_stacks_with_the_same_names_are_apart() -> None:
    files: dict[str, str] = {}
    for stack, pods in (("a", 3), ("b", 4)):
        files |= {f"apps/{stack}/{path}": text for path, text in overlaid().items()}
        lines = f"replicas: [{{name: api, count: {pods}}}]\n"
        files[f"apps/{stack}/overlays/production/kustomization.yaml"] = ON_TOP + lines

    found = {(each.limit.id, each.wanted(Situation.STEADY).high) for each in accounts(files)}

    assert sorted(number for _, number in found if number) == [10, 10, 15, 20]
    assert len({own for own, _ in found}) == 4


def test_overlays_whose_folders_name_no_stage_are_told_apart_by_their_folders() -> None:
    files = overlaid("replicas: [{name: api, count: 3}]\n", "replicas: [{name: api, count: 9}]\n")
    files = {
        path.replace("overlays/staging", "deploy/eu1").replace("overlays/production", "deploy/us1"): text
        for path, text in files.items()
    }

    assert numbers(files) == {("postgres", "eu1"): (15, 15, 97), ("postgres", "us1"): (45, 45, 97)}


def test_a_patch_that_no_kustomization_names_changes_nothing() -> None:
    found = numbers(overlaid(more=patch("replicas: 50\n")))

    assert found == {("postgres", ""): (10, 10, 97)}


def test_a_service_has_the_name_that_an_overlay_gives_it() -> None:
    url = "{op: replace, path: /spec/template/spec/containers/0/env/0/value, value: 'postgresql://app@p-postgres/shop'}"
    lines = (
        f"namePrefix: p-\npatches:\n  - target: {{kind: Deployment, name: api}}\n    patch: |-\n      - {url}\n"
    )

    assert numbers(overlaid("namePrefix: s-\n", lines)).keys() == {
        ("postgres", "staging"),
        ("postgres", "production"),
    }


def test_overlays_that_differ_in_nothing_but_names_are_one() -> None:
    same, larger = "namespace: %s\n", "namespace: c\nreplicas: [{name: api, count: 9}]\n"

    alike = numbers(overlaid(same % "a", same % "b"))
    others = {"overlays/large/kustomization.yaml": ON_TOP + larger}
    apart = numbers(overlaid(same % "a", same % "b") | others)

    assert alike == {("postgres", ""): (10, 10, 97)}
    assert apart == {("postgres", "production and staging"): (10, 10, 97), ("postgres", "large"): (45, 45, 97)}


def test_an_example_of_a_secret_beside_a_base_is_taken_for_what_is_put_there() -> None:
    files = overlaid("", "replicas: [{name: api, count: 9}]\n")
    value = "valueFrom: {secretKeyRef: {name: db, key: url}}"
    files["base/api.yaml"] = files["base/api.yaml"].replace('value: "postgresql://app@postgres:5432/shop"', value)
    files["base/secrets.example.yaml"] = (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {url: 'postgresql://app@postgres:5432/shop'}\n"
    )

    assert numbers(files) == {("postgres", "staging"): (10, 10, 97), ("postgres", "production"): (45, 45, 97)}


def test_an_overlay_whose_name_is_part_of_another_is_told_apart_from_it() -> None:
    files: dict[str, str] = {}
    for stack, host in (("api", "postgres"), ("worker", "postgres")):
        files |= {
            f"{stack}/main.py": APP,
            f"{stack}/k8s/base/kustomization.yaml": "resources: [app.yaml]\n",
            f"{stack}/k8s/base/app.yaml": deployment(stack, host=host),
            f"{stack}/k8s/overlays/production/kustomization.yaml": ON_TOP,
            f"{stack}/k8s/overlays/production-eu/kustomization.yaml": ON_TOP
            + f"replicas: [{{name: {stack}, count: 8}}]\ncomponents: [../../../../shared]\n",
        }
    files["shared/kustomization.yaml"] = "kind: Component\nresources: [config.yaml]\n"
    files["shared/config.yaml"] = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shared}\ndata: {A: b}\n"
    files |= {"db/production/kustomization.yaml": "resources: [db.yaml]\n", "db/production/db.yaml": POSTGRES}

    found = {low for low, _, _ in numbers(files).values()}

    assert found == {20, 80}


def test_a_component_changes_what_those_build_that_name_it() -> None:
    files = overlaid("", "components: [../../components/large]\n") | {
        "components/large/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
        "replicas: [{name: api, count: 11}]\n",
    }

    assert numbers(files) == {("postgres", "staging"): (10, 10, 97), ("postgres", "production"): (55, 55, 97)}


def test_folders_of_whole_manifests_are_as_apart_as_ever() -> None:
    files = {"api/main.py": APP}
    for stage, pods in (("dev", 1), ("stage", 4), ("prod", 15)):
        files |= {f"deploy/{stage}/api.yaml": deployment(replicas=pods), f"deploy/{stage}/db.yaml": POSTGRES}

    found = numbers(files)

    assert found == {
        ("postgres", "development"): (5, 5, 97),
        ("postgres", "staging"): (20, 20, 97),
        ("postgres", "production"): (75, 75, 97),
    }


def test_a_database_that_all_share_is_one_with_an_account_for_each() -> None:
    files = overlaid("", "replicas: [{name: api, count: 30}]\n") | {
        "base/kustomization.yaml": "resources: [api.yaml]\n",
        "base/api.yaml": deployment(host="db.example.com"),
    }
    del files["base/postgres.yaml"]
    stated = Stated(databases={"db": StatedDatabase(hosts=("db.example.com",), max_connections=100)})

    found = budget(facts(files, stated)).accounts

    assert {(each.limit.id, *each.stages, each.wanted(Situation.STEADY).high) for each in found} == {
        ("db", "staging", 10),
        ("db", "production", 150),
    }


def test_what_a_kustomization_changes_in_other_ways_is_assumed_not_to_count() -> None:
    replacing = "replacements: [{path: replacement.yaml}]\n"

    found = accounts(overlaid("", replacing + "replicas: [{name: api, count: 30}]\n"))

    assumed = {
        " ".join(each.stages): {reason.assumption for reason in each.wanted(Situation.STEADY).because} - {""}
        for each in found
    }
    assert "overlays/production changes nothing else" in assumed["production"]
    assert "overlays/staging changes nothing else" not in assumed["staging"]


def test_one_finding_tells_the_stage_in_which_a_limit_does_not_hold() -> None:
    files = overlaid("replicas: [{name: api, count: 25}]\n", "replicas: [{name: api, count: 30}]\n")

    [found] = verdicts(budget(facts(files)))

    assert message(found).startswith(
        "in production, postgres accepts 100 − 3 = 97 connections, api may open 30 × 5"
    )


def test_a_pool_that_one_environment_makes_is_no_pool_of_nobody() -> None:
    files = overlaid("", "", worker=deployment("worker")) | {
        "overlays/production/kustomization.yaml": "resources: [../../base, worker.yaml]\n",
        "worker/main.py": APP,
    }

    owners = {each.owner.name for each in facts(files).workloads if not each.owner.kind}

    assert owners == set()


def test_a_file_on_top_of_another_finds_the_services_that_it_says_nothing_of() -> None:
    files = {
        "api/main.py": APP,
        "docker-compose.yml": "services:\n  postgres: {image: 'postgres:16'}\n  api:\n    build: api\n"
        "    command: python main.py\n    environment: {URL: 'postgresql://app@postgres:5432/shop'}\n",
        "docker-compose.override.yml": "services:\n  api: {environment: {SIZE: '2'}}\n",
        "docker-compose.prod.yml": "services:\n  postgres: {command: postgres -c max_connections=200}\n"
        "  api: {environment: {SIZE: '20'}}\n",
    }

    assert numbers(files) == {("postgres", ""): (2, 5, 97), ("postgres", "production"): (20, 20, 197)}


def test_what_is_written_for_a_stage_takes_the_place_there_of_what_is_for_all() -> None:
    whole = "    command: python main.py\n    environment: {URL: 'postgresql://app@postgres:5432/shop'}\n"
    files = {
        "api/main.py": APP,
        "worker/main.py": APP,
        "docker-compose.yml": "services:\n  postgres: {image: 'postgres:16'}\n"
        f"  api:\n    build: api\n{whole}  worker:\n    build: worker\n{whole}",
        "docker-compose.prod.yml": "services:\n  api: {environment: {SIZE: '20'}, deploy: {replicas: 6}}\n",
    }

    assert numbers(files) == {("postgres", ""): (10, 10, 97), ("postgres", "production"): (125, 125, 97)}


def test_the_largest_that_fits_is_told_for_each_environment() -> None:
    counted = facts(overlaid("replicas: [{name: api, count: 3}]\n", "replicas: [{name: api, count: 9}]\n"))

    of_one = [*rooms(counted, knob("api@production.replicas"))]
    lines = described("api.replicas", [*rooms(counted, knob("api.replicas"))])

    assert {room.limit.id for room in of_one} == {"postgres@production"}
    told = "\n".join(segment.text for line in lines for segment in line)
    assert "postgres@production (database)" in told
    assert "postgres@staging (database)" in told


def test_values_for_a_stage_are_laid_over_those_for_all() -> None:
    values = """\
cluster:
  cluster: {postgresql: {parameters: {max_connections: "200"}}}
  poolers:
    - {name: rw, type: rw, poolMode: transaction, instances: 2, parameters: {max_client_conn: "300"}}
"""
    files = {
        "chart/Chart.yaml": "name: shop\ndependencies: [{name: cluster, version: 0.3.1}]\n",
        "chart/values.yaml": values,
        "chart/values-prod.yaml": "cluster: {cluster: {postgresql: {parameters: {max_connections: '400'}}}}\n",
        "chart/values-dev.yaml": "cluster: {cluster: {postgresql: {parameters: {max_connections: '50'}}},"
        " poolers: null}\n",
    }

    accepted = {key: number for key, (_, _, number) in numbers(files).items() if "followers" not in key[0]}

    assert accepted == {
        ("cluster", ""): 197,
        ("cluster", "production"): 397,
        ("cluster", "development"): 47,
        ("the pooler of cluster", ""): 600,
        ("the pooler of cluster", "production"): 600,
    }


def test_of_what_is_managed_for_all_and_for_a_stage_the_latter_is_meant_there() -> None:
    cluster = """\
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: db}
spec: {instances: 1, postgresql: {parameters: {max_connections: "%s"}}}
"""
    files = {
        "api/main.py": APP,
        "k8s/db.yaml": cluster % 50,
        "k8s/production/db.yaml": cluster % 300,
        "k8s/production/api.yaml": deployment(host="db-rw"),
    }

    assert numbers(files)["db", "production"] == (10, 10, 297)
