import pytest

from poolcheck.amount import Amount
from poolcheck.link.pods import Pods
from poolcheck.read.kubernetes.generators import read_kustomization
from poolcheck.read.kubernetes.kustomization import Kustomization
from poolcheck.read.kubernetes.manifest import Manifest
from poolcheck.read.kubernetes.objects import read_manifest
from poolcheck.source import Source
from poolcheck.stated import StatedWorkload

PATCH = """---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api%s}
spec: {replicas: %s}
"""


def workload(kind: str = "Deployment", spec: str = "", *, name: str = "api", namespace: str = "") -> str:
    metadata = f"{{name: {name}{namespace and f', namespace: {namespace}'}}}"
    return f"""---
apiVersion: {"batch/v1" if kind in {"Job", "CronJob"} else "v1" if kind == "Pod" else "apps/v1"}
kind: {kind}
metadata: {metadata}
spec:
  {spec or "minReadySeconds: 1"}
  selector: {{matchLabels: {{app: api}}}}
  template:
    spec: {{containers: [{{name: api, image: api}}]}}
"""


def autoscaler(
    fewest: int | None = 6, most: int | None = 12, *, name: str = "api", target: str = "api", namespace: str = ""
) -> str:
    metadata = f"{{name: {name}{namespace and f', namespace: {namespace}'}}}"
    spec = "" if not target else f"  scaleTargetRef: {{kind: Deployment, name: {target}}}\n"
    spec += "" if fewest is None else f"  minReplicas: {fewest}\n"
    spec += "" if most is None else f"  maxReplicas: {most}\n"
    return f"---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {metadata}\nspec:\n{spec}"


def pods(files: dict[str, str] | str, **stated: StatedWorkload) -> Amount:
    """The pods of the first workload in these files."""
    texts = files if isinstance(files, dict) else {"m.yaml": files}
    facts = [fact for path, text in texts.items() for fact in read_manifest(Source(path, text))]
    manifests = [fact for fact in facts if isinstance(fact, Manifest)]
    return Pods(manifests, stated).of(manifests[0].workloads[0])


def ends(amount: Amount) -> tuple[int, int, int | None]:
    """What there surely is, the low end and the high."""
    return amount.surely, amount.low, amount.high


def texts(amount: Amount) -> list[str]:
    return [reason.text for reason in amount.because]


def test_replicas_are_pods_at_the_place_they_are_written() -> None:
    text = workload(spec="replicas: 4")

    found = pods(text)

    assert ends(found) == (4, 4, 4)
    [reason] = found.because
    assert reason.text == "4 pods of api"
    assert reason.span
    assert text[reason.span.start : reason.span.end] == "4"


def test_without_a_number_there_is_one_pod() -> None:
    found = pods(workload())

    assert ends(found) == (1, 1, 1)
    assert texts(found) == ["1 pod of api by default"]


def test_replicas_that_a_template_fills_in_may_be_any_number() -> None:
    assert ends(pods(workload(spec="replicas: {{ .Values.replicas }}"))) == (0, 0, None)
    assert ends(pods(workload(spec="replicas: ${REPLICAS}"))) == (0, 0, None)


def test_a_daemon_set_has_a_pod_on_each_node() -> None:
    found = pods(workload("DaemonSet"))

    assert ends(found) == (1, 1, None)
    assert texts(found) == ["a pod of api on each node"]


def test_a_job_has_pods_while_it_runs() -> None:
    found = pods(workload("Job", "parallelism: 3"))

    assert ends(found) == (0, 0, 3)
    assert [reason.most for reason in found.because] == ["api is running"]
    assert ends(pods(workload("Job"))) == (0, 0, 1)


def test_runs_of_a_cron_job_may_overlap() -> None:
    text = """
apiVersion: batch/v1
kind: CronJob
metadata: {name: api}
spec:
  jobTemplate: {spec: {template: {spec: {containers: [{name: api, image: api}]}}}}
"""
    assert ends(pods(text)) == (0, 0, None)


def test_an_autoscaler_is_believed_over_replicas() -> None:
    found = pods(workload(spec="replicas: 3") + autoscaler())

    assert ends(found) == (6, 6, 12)
    assert [(reason.text, reason.least, reason.most) for reason in found.because] == [
        ("6 to 12 pods of api", "6 pods of api", "12 pods of api")
    ]


def test_an_autoscaler_without_a_least_number_keeps_one_pod() -> None:
    found = pods(workload(spec="replicas: 3") + autoscaler(None))

    assert texts(found) == ["1 to 12 pods of api"]


def test_an_autoscaler_that_keeps_one_number_is_no_range() -> None:
    found = pods(workload() + autoscaler(4, 4))

    assert (ends(found), texts(found)) == ((4, 4, 4), ["4 pods of api"])


def test_autoscalers_of_others_do_not_count() -> None:
    text = workload(spec="replicas: 3", namespace="shop")

    assert ends(pods(text + autoscaler(target="web"))) == (3, 3, 3)
    assert ends(pods(text + autoscaler(namespace="other"))) == (3, 3, 3)


def test_an_autoscaler_of_another_stage_does_not_count_and_one_of_a_stage_may() -> None:
    replicas = workload(spec="replicas: 3")

    apart = pods({"prod/api.yaml": replicas, "staging/hpa.yaml": autoscaler()})
    perhaps = pods({"base/api.yaml": replicas, "prod/hpa.yaml": autoscaler()})

    assert ends(apart) == (3, 3, 3)
    assert ends(perhaps) == (3, 3, 12)
    assert perhaps.because[-1].most == "12 pods of api"


def test_a_patch_may_set_another_number() -> None:
    found = pods({"base/api.yaml": workload(spec="replicas: 2"), "prod/api.yaml": PATCH % ("", 12)})

    assert ends(found) == (2, 2, 12)
    assert [(reason.text, reason.most) for reason in found.because] == [
        ("2 pods of api", ""),
        ("12 pods of api", "12 pods of api"),
    ]


def test_a_patch_of_another_workload_or_namespace_does_not_count() -> None:
    replicas = workload(spec="replicas: 2", namespace="shop")

    assert ends(pods(replicas + (PATCH % ("", 12)).replace("name: api", "name: web"))) == (2, 2, 2)
    assert ends(pods(replicas + PATCH % (", namespace: other", 12))) == (2, 2, 2)


def test_a_patch_whose_number_is_not_told_leaves_nothing_known() -> None:
    found = pods(workload(spec="replicas: 2") + PATCH % ("", '"${REPLICAS}"'))

    assert ends(found) == (0, 0, None)


def test_a_patch_of_an_autoscaler_may_set_other_numbers() -> None:
    found = pods(workload() + autoscaler(2, 4) + autoscaler(None, 20, target=""))

    assert ends(found) == (2, 2, 20)
    assert [reason.most for reason in found.because if reason.most] == ["20 pods of api"]


def test_what_is_stated_is_believed_over_everything() -> None:
    found = pods(workload(spec="replicas: 3") + autoscaler(), api=StatedWorkload(replicas=5))

    assert (ends(found), texts(found)) == ((5, 5, 5), ["5 pods of api as configured"])


def scaled_object(fields: str) -> str:
    return f"---\napiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {{name: x}}\nspec:\n{fields}"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("  scaleTargetRef: {name: api}\n  minReplicaCount: 2\n  maxReplicaCount: 8\n", (2, 2, 8)),
        ("  scaleTargetRef: {name: api}\n  maxReplicaCount: 8\n", (0, 0, 8)),
        ("  scaleTargetRef: {name: api}\n  minReplicaCount: 2\n", (2, 2, 100)),
        ("  scaleTargetRef: {name: api, kind: StatefulSet}\n  maxReplicaCount: 8\n", (3, 3, 3)),
        ("  scaleTargetRef: {name: web}\n  maxReplicaCount: 8\n", (3, 3, 3)),
    ],
)
def test_keda_scales_a_deployment_to_a_hundred_unless_it_is_told(
    fields: str, expected: tuple[int, int, int]
) -> None:
    """KEDA's specification of ScaledObject: minReplicaCount 0, maxReplicaCount 100, kind Deployment."""
    found = pods(workload(spec="replicas: 3") + scaled_object(fields))

    assert ends(found) == expected
    assert found.is_assumed == ("100" in str(found.most))


def more(text: str) -> tuple[int, int, int | None]:
    """The pods that a rollout of the first workload starts beside the others."""
    facts = [fact for fact in read_manifest(Source("m.yaml", text)) if isinstance(fact, Manifest)]
    return ends(Pods(facts, {}).more_at_rollout(facts[0].workloads[0]))


@pytest.mark.parametrize(
    ("kind", "spec", "expected"),
    [
        ("Deployment", "", (1, 1, 1)),
        ("Deployment", "replicas: 10", (3, 3, 3)),
        ("Deployment", "replicas: 10; strategy: {rollingUpdate: {maxSurge: 40%}}", (4, 4, 4)),
        ("Deployment", "replicas: 10; strategy: {rollingUpdate: {maxSurge: 2}}", (2, 2, 2)),
        ("Deployment", "replicas: 10; strategy: {type: Recreate}", (0, 0, 0)),
        ("Deployment", "replicas: 10; strategy: {rollingUpdate: {maxSurge: '${X}'}}", (0, 0, None)),
        ("StatefulSet", "replicas: 10", (0, 0, 0)),
        ("Job", "parallelism: 10", (0, 0, 0)),
    ],
)
def test_a_rollout_starts_a_quarter_more_rounded_up_unless_it_is_told(
    kind: str, spec: str, expected: tuple[int, int, int | None]
) -> None:
    assert more(workload(kind, spec.replace("; ", "\n  "))) == expected


@pytest.mark.parametrize(
    ("strategy", "expected"), [("canary: {}", 3), ("canary: {maxSurge: 1}", 1), ("blueGreen: {}", 10)]
)
def test_a_rollout_of_argo_is_like_a_deployment_or_has_all_pods_twice(strategy: str, expected: int) -> None:
    """Argo Rollouts, specification: maxSurge of canary is 25% by default; BlueGreen runs both."""
    text = workload(spec=f"replicas: 10\n  strategy: {{{strategy}}}").replace("apps/v1", "argoproj.io/v1alpha1")

    assert more(text.replace("kind: Deployment", "kind: Rollout")) == (expected, expected, expected)


def kustomized(*overlays: tuple[str, str]) -> Amount:
    """The pods of a workload in base/m.yaml, with these kustomizations."""
    [manifest] = read_manifest(Source("base/m.yaml", workload(spec="replicas: 2")))
    assert isinstance(manifest, Manifest)
    read = (fact for path, text in overlays for fact in read_kustomization(Source(path, text)))
    found = [each for each in read if isinstance(each, Kustomization)]
    return Pods([manifest], {}, found).of(manifest.workloads[0])


REPLICAS = "replicas: [{name: api, count: 5}]\n"
JSON_PATCH = """\
patches:
  - target: {kind: Deployment, name: api}
    patch: |-
      - {op: replace, path: /spec/replicas, value: 5}
"""


BASE = ("base/kustomization.yaml", "resources: [m.yaml]\n")


@pytest.mark.parametrize("change", [REPLICAS, JSON_PATCH])
def test_kustomize_sets_another_number(change: str) -> None:
    """Observed with Kustomize 5.5."""
    assert ends(kustomized(BASE, ("over/kustomization.yaml", f"resources: [../base]\n{change}"))) == (5, 5, 5)
    assert ends(kustomized(BASE, ("over/kustomization.yaml", f"resources: [../other]\n{change}"))) == (2, 2, 2)
    other = change.replace("api", "web")
    assert ends(kustomized(BASE, ("over/kustomization.yaml", f"resources: [../base]\n{other}"))) == (2, 2, 2)


def test_one_of_two_overlays_sets_another_number() -> None:
    small, large = ("small/kustomization.yaml", "resources: [../base]\n"), "resources: [../base]\n"

    assert ends(kustomized(BASE, small, ("large/kustomization.yaml", large + REPLICAS))) == (2, 2, 5)


def test_the_outermost_number_counts() -> None:
    inner = ("inner/kustomization.yaml", f"resources: [../base]\n{REPLICAS.replace('5', '7')}")
    outer = "resources: [../inner]\n"

    assert ends(kustomized(BASE, inner, ("outer/kustomization.yaml", outer + REPLICAS))) == (5, 5, 5)
    assert ends(kustomized(BASE, inner, ("outer/kustomization.yaml", outer))) == (7, 7, 7)


def test_a_kustomization_beside_a_workload_always_sets_its_number() -> None:
    beside = ("base/kustomization.yaml", f"resources: [m.yaml]\n{REPLICAS}")

    assert ends(kustomized(beside)) == (5, 5, 5)
