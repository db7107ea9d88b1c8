from poolcheck.link.link import link
from poolcheck.read.kubernetes.objects import read_manifest
from poolcheck.source import Source
from poolcheck.stated import Stated
from poolcheck.system.poolers import PoolerPods

BESIDE = "        - {name: exporter, image: prometheuscommunity/pgbouncer-exporter}\n"


def deployment(containers: str = "", *, replicas: int = 2, namespace: str = "") -> str:
    return f"""---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: pgbouncer{namespace and f", namespace: {namespace}"}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: pgbouncer}}}}
  template:
    metadata: {{labels: {{app: pgbouncer, tier: data}}}}
    spec:
      containers:
        - {{name: pgbouncer, image: "edoburu/pgbouncer:v1.25.1-p0"}}
{containers}"""


def budget(name: str, selector: str, *, namespace: str = "") -> str:
    return f"""---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {{name: {name}{namespace and f", namespace: {namespace}"}}}
spec: {{minAvailable: 1, selector: {selector}}}
"""


def found_in(**files: str) -> list[PoolerPods]:
    """The poolers in files; two underscores in a name stand for a slash."""
    sources = [Source(f"{name.replace('__', '/')}.yaml", text) for name, text in files.items()]
    facts = [fact for source in sources for fact in read_manifest(source)]
    return list(link(facts, [source.path for source in sources], None, Stated()).pooler_pods)


def test_a_pooler_has_its_pods_and_what_is_known_of_it() -> None:
    [found] = found_in(m=deployment(replicas=3))

    assert (found.pods.low, found.pods.high) == (3, 3)
    assert found.pooler
    assert found.pooler.version == (1, 25, 1)


def test_its_budgets_are_those_that_pick_its_labels_in_its_namespace() -> None:
    [found] = found_in(
        m=deployment(namespace="shop"),
        b=budget("one", "{matchLabels: {tier: data}}")
        + budget("other", "{matchLabels: {app: web}}")
        + budget("elsewhere", "{matchLabels: {tier: data}}", namespace="bank"),
    )

    assert [each.name.value for each in found.budgets] == ["one"]
    assert not found.may_have_others


def test_a_budget_that_is_not_told_may_pick_it() -> None:
    for selector in ("{matchExpressions: [{key: app, operator: Exists}]}", "{matchLabels: {app: '{{ .Name }}'}}"):
        [found] = found_in(m=deployment(), b=budget("some", selector))

        assert (found.budgets, found.may_have_others) == ((), True)


def test_pods_are_there_for_a_pooler_unless_something_else_is_in_them() -> None:
    [alone] = found_in(m=deployment(BESIDE))
    [beside] = found_in(m=deployment("        - {name: web, image: shop}\n"))

    assert (alone.is_central, beside.is_central) == (True, False)


def test_what_is_laid_over_it_may_change_it() -> None:
    patch = (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: pgbouncer}\nspec: {template: {spec: {containers: \
[{name: pgbouncer, image: other}]}}}\n"
    )

    [found] = found_in(base__m=deployment(), overlays__prod__p=patch)

    assert found.may_differ
    assert [each.image and each.image.value for each in found.patches] == ["other"]
