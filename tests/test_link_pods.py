import pytest
from hypothesis import given
from hypothesis import strategies as st

from poolcheck.amount import Amount
from poolcheck.link.pods import Pods
from poolcheck.link.stacks import Stacks
from poolcheck.read.compose.services import read_compose
from poolcheck.read.kubernetes.generators import read_kustomization
from poolcheck.read.kubernetes.kustomization import Kustomization
from poolcheck.read.kubernetes.manifest import Manifest
from poolcheck.read.kubernetes.objects import read_manifest
from poolcheck.scale import Scale
from poolcheck.source import Source
from poolcheck.stated import StatedWorkload

PATCH = """---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api%s}
spec: {replicas: %s}
"""


VERSIONS = {"Job": "batch/v1", "ReplicationController": "v1"}


def workload(kind: str = "Deployment", spec: str = "", *, name: str = "api", namespace: str = "") -> str:
    metadata = f"{{name: {name}{namespace and f', namespace: {namespace}'}}}"
    return f"""---
apiVersion: {VERSIONS.get(kind, "apps/v1")}
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
    found = scale(text)
    steady, rollout = found.steady, found.rollout
    return (
        rollout.surely - steady.surely,
        rollout.low - steady.low,
        None if rollout.high is None else rollout.high - steady.most,
    )


def scale(files: dict[str, str] | str, **stated: StatedWorkload) -> Scale:
    """The pods of the first workload in these files, in each situation."""
    texts = files if isinstance(files, dict) else {"m.yaml": files}
    facts = [fact for path, text in texts.items() for fact in read_manifest(Source(path, text))]
    manifests = [fact for fact in facts if isinstance(fact, Manifest)]
    return Pods(manifests, stated).replicas(manifests[0].workloads[0]).scale


@pytest.mark.parametrize(
    ("kind", "spec", "expected"),
    [
        ("Deployment", "", (1, 1, 1)),
        ("Deployment", "replicas: 10", (3, 3, 3)),
        ("Deployment", "replicas: 10; strategy: {rollingUpdate: {maxSurge: 40%}}", (4, 4, 4)),
        ("Deployment", "replicas: 10; strategy: {rollingUpdate: {maxSurge: 2}}", (2, 2, 2)),
        ("Deployment", "replicas: 10; strategy: {type: Recreate}", (0, 0, 0)),
        ("Deployment", "replicas: 10; strategy: {rollingUpdate: {maxSurge: '${X}'}}", (0, 0, 10)),
        ("StatefulSet", "replicas: 10", (0, 0, 0)),
        ("Job", "parallelism: 10", (0, 0, 0)),
    ],
)
def test_a_rollout_starts_a_quarter_more_rounded_up_unless_it_is_told(
    kind: str, spec: str, expected: tuple[int, int, int | None]
) -> None:
    assert more(workload(kind, spec.replace("; ", "\n  "))) == expected


def numbers(found: Scale) -> list[tuple[int, int | None]]:
    """The low end and the high in each situation."""
    return [(each.low, each.high) for each in found]


def exact(steady: int, rollout: int, autoscaled: int, peak: int, worst: int) -> list[tuple[int, int | None]]:
    return [(each, each) for each in (steady, rollout, autoscaled, peak, worst)]


RECREATE = "replicas: 8\n  strategy: {type: Recreate}"
ARGO = "replicas: 8\n  strategy: {%s}"
NODES = "updateStrategy: {type: %s, rollingUpdate: {maxSurge: %s}}"


@pytest.mark.parametrize(
    ("kind", "spec", "expected"),
    [
        ("Deployment", "", exact(1, 2, 1, 2, 2)),
        ("Deployment", "replicas: 3", exact(3, 4, 3, 4, 6)),
        ("Deployment", "replicas: 10", exact(10, 13, 10, 13, 20)),
        ("Deployment", "replicas: 0", exact(0, 0, 0, 0, 0)),
        ("Deployment", "replicas: 8\n  strategy: {rollingUpdate: {maxSurge: 0}}", exact(8, 8, 8, 8, 16)),
        ("Deployment", "replicas: 2\n  strategy: {rollingUpdate: {maxSurge: 5}}", exact(2, 4, 2, 4, 4)),
        ("Deployment", RECREATE, exact(8, 8, 8, 8, 8)),
        ("StatefulSet", "replicas: 8\n  updateStrategy: {type: RollingUpdate}", exact(8, 8, 8, 8, 8)),
        ("ReplicaSet", "replicas: 8", exact(8, 8, 8, 8, 8)),
        ("ReplicationController", "replicas: 8", exact(8, 8, 8, 8, 8)),
        ("Rollout", "replicas: 8", exact(8, 10, 8, 10, 16)),
        ("Rollout", ARGO % "canary: {}", exact(8, 10, 8, 10, 16)),
        ("Rollout", ARGO % "canary: {maxSurge: 1}", exact(8, 9, 8, 9, 16)),
        ("Rollout", ARGO % "canary: {trafficRouting: {nginx: {}}}", exact(8, 16, 8, 16, 16)),
        ("Rollout", ARGO % "blueGreen: {}", exact(8, 16, 8, 16, 16)),
        ("DaemonSet", "", [(1, None)] * 5),
        ("DaemonSet", NODES % ("OnDelete", 1), [(1, None)] * 5),
        ("DaemonSet", NODES % ("RollingUpdate", 0), [(1, None)] * 5),
        ("DaemonSet", NODES % ("RollingUpdate", 1), [(1, None), (2, None), (1, None), (2, None), (2, None)]),
        ("Job", "", [(0, 1)] * 5),
        ("Job", "parallelism: 3", [(0, 3)] * 5),
        ("Job", "parallelism: 3\n  completions: 2", [(0, 2)] * 5),
        ("Job", "parallelism: 3\n  completions: 20", [(0, 3)] * 5),
        ("Job", "completions: 20", [(0, 1)] * 5),
        ("Job", "parallelism: 0", [(0, 0)] * 5),
        ("Job", "parallelism: 3\n  suspend: true", [(0, 0)] * 5),
        ("Job", "parallelism: 3\n  suspend: false", [(0, 3)] * 5),
    ],
)
def test_every_kind_has_so_many_pods_in_each_situation(
    kind: str, spec: str, expected: list[tuple[int, int | None]]
) -> None:
    """Kubernetes: Deployments (maxSurge), KEP-3973 (pods that are ending), DaemonSet, Job. Argo Rollouts."""
    text = workload(kind, spec)
    if kind == "Rollout":
        text = text.replace("apps/v1", "argoproj.io/v1alpha1")

    assert numbers(scale(text)) == expected


def test_a_pod_is_one_in_every_situation() -> None:
    text = "apiVersion: v1\nkind: Pod\nmetadata: {name: api}\nspec: {containers: [{name: api, image: api}]}\n"

    assert numbers(scale(text)) == exact(1, 1, 1, 1, 1)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("concurrencyPolicy: Forbid", [(0, 2)] * 5),
        ("concurrencyPolicy: Replace", [(0, 2), (0, 2), (0, 2), (0, 2), (0, 4)]),
        ("concurrencyPolicy: Allow", [(0, None)] * 5),
        ("concurrencyPolicy: '{{ x }}'", [(0, None)] * 5),
        ("schedule: '* * * * *'", [(0, None)] * 5),
        ("suspend: true", [(0, 0)] * 5),
    ],
)
def test_runs_of_a_cron_job_overlap_unless_that_is_forbidden(
    spec: str, expected: list[tuple[int, int | None]]
) -> None:
    """Kubernetes, CronJob: one that replaces another may run while that is ending."""
    text = f"""
apiVersion: batch/v1
kind: CronJob
metadata: {{name: api}}
spec:
  {spec}
  jobTemplate: {{spec: {{parallelism: 2, template: {{spec: {{containers: [{{name: api, image: api}}]}}}}}}}}
"""
    assert numbers(scale(text)) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("maxReplicaCount: 4", [(0, 0), (0, 0), (8, 8), (8, 8), (8, 8)]),
        ("minReplicaCount: 1\n  maxReplicaCount: 4", [(0, 2), (0, 2), (8, 8), (8, 8), (8, 8)]),
        ("pollingInterval: 5", [(0, 0), (0, 0), (200, 200), (200, 200), (200, 200)]),
    ],
)
def test_keda_starts_runs_of_a_job_up_to_a_hundred_unless_it_is_told(
    fields: str, expected: list[tuple[int, int | None]]
) -> None:
    """KEDA's specification of ScaledJob."""
    text = f"""
apiVersion: keda.sh/v1alpha1
kind: ScaledJob
metadata: {{name: api}}
spec:
  {fields}
  jobTargetRef: {{parallelism: 2, template: {{spec: {{containers: [{{name: api, image: api}}]}}}}}}
"""
    found = scale(text)

    assert numbers(found) == expected
    assert found.autoscaled.is_assumed == ("pollingInterval" in fields)
    assert found.autoscaled.surely == 0
    assert ends(pods(text)) == (0, 0, expected[2][1])


def test_an_autoscaler_keeps_its_least_number_until_it_is_at_its_most() -> None:
    found = scale(workload(spec="replicas: 3") + autoscaler())

    assert numbers(found) == exact(6, 8, 12, 15, 24)
    assert [texts(each) for each in found] == [
        ["6 pods of api"],
        ["6 pods of api", "maxSurge 25% by default"],
        ["12 pods of api"],
        ["12 pods of api", "maxSurge 25% by default"],
        ["12 pods of api", "pods of api that are replaced may still be ending"],
    ]
    assert found.peak.most_sum == "12 + 3"


def test_the_most_pods_that_keda_starts_unasked_are_assumed() -> None:
    text = workload() + scaled_object("  scaleTargetRef: {name: api}\n  minReplicaCount: 4\n")

    found = scale(text)

    assert numbers(found) == exact(4, 5, 100, 125, 200)
    assert not found.steady.is_assumed
    assert not found.rollout.is_assumed
    assert [each.is_assumed for each in (found.autoscaled, found.peak, found.worst)] == [True] * 3
    assert (found.autoscaled.surely, found.peak.surely, found.worst.surely) == (4, 5, 8)


def test_an_autoscaler_of_which_an_end_is_not_told_leaves_that_open() -> None:
    text = workload() + autoscaler()

    most = scale(text.replace("maxReplicas: 12", "maxReplicas: '{{ x }}'"))
    fewest = scale(text.replace("minReplicas: 6", "minReplicas: '{{ x }}'"))

    assert numbers(most) == [(6, 6), (8, 8), (6, None), (8, None), (12, None)]
    assert numbers(fewest) == [(0, 12), (0, 15), (12, 12), (15, 15), (24, 24)]


def test_an_autoscaler_that_may_count_leaves_two_possible_scales() -> None:
    found = scale({"base/api.yaml": workload(spec="replicas: 3"), "prod/hpa.yaml": autoscaler()})

    assert numbers(found) == [(3, 6), (4, 8), (3, 12), (4, 15), (6, 24)]


def test_a_stated_number_holds_with_and_without_an_autoscaler_and_rollouts_add_to_it() -> None:
    found = scale(workload() + autoscaler(), api=StatedWorkload(replicas=5))

    assert numbers(found) == exact(5, 7, 5, 7, 10)


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        ("strategy: {type: Recreate}", [(4, 4), (4, 5), (4, 4), (4, 5), (4, 8)]),
        ("strategy: {rollingUpdate: {maxSurge: 50%}}", [(4, 4), (5, 6), (4, 4), (5, 6), (8, 8)]),
    ],
)
def test_a_patch_may_replace_pods_in_another_way(patch: str, expected: list[tuple[int, int | None]]) -> None:
    other = (PATCH % ("", 0)).replace("replicas: 0", patch)

    found = scale({"base/api.yaml": workload(spec="replicas: 4"), "prod/api.yaml": other})

    assert numbers(found) == expected


def composed(deploy: str) -> Scale:
    text = f"services: {{api: {{image: api, deploy: {{{deploy}}}}}}}\n"
    stacks = Stacks(read_compose(Source("compose.yaml", text)))
    return Pods([], {}).replicas(stacks.workloads[0]).scale


@pytest.mark.parametrize(
    ("deploy", "expected"),
    [
        ("replicas: 6", exact(6, 6, 6, 6, 6)),
        ("replicas: 6, update_config: {parallelism: 2}", exact(6, 6, 6, 6, 6)),
        ("replicas: 6, update_config: {order: start-first}", exact(6, 7, 6, 7, 12)),
        ("replicas: 6, update_config: {order: start-first, parallelism: 2}", exact(6, 8, 6, 8, 12)),
        ("replicas: 6, update_config: {order: start-first, parallelism: 0}", exact(6, 12, 6, 12, 12)),
        ("replicas: 6, rollback_config: {order: start-first, parallelism: 3}", exact(6, 9, 6, 9, 12)),
        ("update_config: {order: start-first, parallelism: 3}", exact(1, 2, 1, 2, 2)),
        ("mode: global", [(0, None)] * 5),
        ("mode: replicated, replicas: 6", exact(6, 6, 6, 6, 6)),
    ],
)
def test_an_update_of_a_compose_service_starts_new_containers_where_it_is_told_to(
    deploy: str, expected: list[tuple[int, int | None]]
) -> None:
    """The Compose specification, deploy: update_config, rollback_config."""
    assert numbers(composed(deploy)) == expected


COUNTS = st.one_of(st.none(), st.integers(0, 30), st.just("'{{ x }}'"))


@st.composite
def manifests(draw: st.DrawFn) -> str:
    """A workload of some kind, perhaps with an autoscaler or patches of it."""
    kind = draw(st.sampled_from(["Deployment", "StatefulSet", "DaemonSet", "Job", "ReplicaSet"]))
    surge = draw(st.sampled_from([None, "0", "1", "7", "25%", "130%", "'${X}'"]))
    strategy = draw(st.sampled_from(["", "{type: Recreate}", f"{{rollingUpdate: {{maxSurge: {surge}}}}}"]))
    count, field = draw(COUNTS), "parallelism" if kind == "Job" else "replicas"
    spec = "minReadySeconds: 1" if count is None else f"{field}: {count}"
    if strategy:
        spec += f"\n  {'updateStrategy' if kind == 'DaemonSet' else 'strategy'}: {strategy}"
    text = workload(kind, spec)
    if draw(st.booleans()):
        fewest, most = draw(st.one_of(st.none(), st.integers(0, 20))), draw(st.integers(1, 20))
        text += autoscaler(fewest, most).replace("kind: Deployment", f"kind: {kind}")
    if draw(st.booleans()):
        text += scaled_object(f"  scaleTargetRef: {{kind: {kind}, name: api}}\n  minReplicaCount: 2\n")
    if draw(st.booleans()):
        text += (PATCH % ("", draw(st.integers(0, 20)))).replace("kind: Deployment", f"kind: {kind}")
    return text


@given(manifests())
def test_no_situation_has_fewer_pods_than_one_that_it_goes_beyond(text: str) -> None:
    found = scale(text)

    for one, other in [
        (found.steady, found.rollout),
        (found.rollout, found.peak),
        (found.peak, found.worst),
        (found.steady, found.autoscaled),
        (found.autoscaled, found.peak),
    ]:
        assert one.low <= other.low
        assert one.surely <= other.surely
        assert other.high is None or (one.high is not None and one.high <= other.high)


@given(manifests())
def test_what_is_there_without_a_rollout_is_among_all_that_may_be(text: str) -> None:
    found, everything = scale(text), pods(text)

    assert everything.low <= found.steady.low
    assert everything.high is None or (
        found.autoscaled.high is not None and found.autoscaled.high <= everything.high
    )


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
