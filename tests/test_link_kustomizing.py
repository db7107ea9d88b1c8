"""What is taken for what Kustomize builds is what Kustomize builds."""

import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from poolcheck.link.kustomize.kustomizing import Kustomizing
from poolcheck.read.kubernetes.generators import read_kustomization
from poolcheck.read.kubernetes.kustomization import Kustomization
from poolcheck.read.kubernetes.manifest import Autoscaler, Container, Manifest, Workload
from poolcheck.read.kubernetes.objects import read_manifest
from poolcheck.source import Located, Source

KUBECTL = shutil.which("kubectl")
OVERLAY = "overlays/production"
HEAD = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
COMPONENT = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nreplicas: [{name: api, count: 3}]\n"
API = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: 2
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
        - name: main
          image: shop/api:1
          args: [serve, "4"]
          env: [{name: SIZE, value: "5"}, {name: URL, value: "postgresql://db/shop"}]
          envFrom: [{configMapRef: {name: api}}]
        - {name: proxy, image: envoy:1}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: api}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: api}, minReplicas: 2, maxReplicas: 4}
"""
PATCH = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: 6
  template:
    spec:
      containers:
        - {name: main, args: [serve, "8"], env: [{name: SIZE, value: "9"}, {name: NEW, value: a}]}
        - {name: sidecar, image: exporter:1}
"""
OF_SCALER = """\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: api}
spec: {maxReplicas: 40}
"""
BASE = {
    "base/kustomization.yaml": f"{HEAD}resources: [api.yaml]\n"
    "configMapGenerator: [{name: api, literals: [SIZE=5, LOG=info]}]\n",
    "base/api.yaml": API,
}


class Seen(NamedTuple):
    """What counts of what is built."""

    workloads: list[tuple[object, ...]]
    autoscalers: list[tuple[object, ...]]
    settings: list[dict[str, str | None]]


def seen(objects: list[Manifest]) -> Seen:
    return Seen(
        sorted((of(each) for every in objects for each in every.workloads), key=str),
        sorted((ends(each) for every in objects for each in every.autoscalers), key=str),
        [
            {entry.key.value: entry.value and entry.value.value for entry in each.data}
            for every in objects
            for each in every.config_maps
        ],
    )


def of(workload: Workload) -> tuple[object, ...]:
    replicas = workload.replicas.value if isinstance(workload.replicas, Located) else None
    namespace = workload.namespace and workload.namespace.value
    return workload.name.value, replicas, namespace, tuple(map(made, workload.containers))


def made(container: Container) -> tuple[object, ...]:
    words = [tuple(each.value for each in words or ()) for words in (container.command, container.args)]
    variables = tuple((each.name.value, each.value and each.value.text) for each in container.env)
    return container.name.value, container.image and container.image.value, *words, variables


def ends(autoscaler: Autoscaler) -> tuple[object, ...]:
    counts = (autoscaler.min_replicas, autoscaler.max_replicas)
    return tuple(each.value if isinstance(each, Located) else None for each in counts)


def built(files: dict[str, str]) -> tuple[Seen, bool]:
    """What is taken for built, and whether all is followed."""
    sources = [Source(path, text) for path, text in files.items()]
    manifests = [fact for source in sources for fact in read_manifest(source) if isinstance(fact, Manifest)]
    kustomizations: list[Kustomization] = []
    for source in sources:
        if source.path.endswith("kustomization.yaml"):
            for fact in read_kustomization(source, files.get):
                if isinstance(fact, Kustomization):
                    kustomizations.append(fact)
                else:
                    manifests.append(fact)
    kustomizing = Kustomizing(kustomizations, manifests, [])
    [root] = kustomizing.roots
    found = kustomizing.build(root)
    return seen([found.objects]), found.is_followed


def built_by_kustomize(files: dict[str, str], folder: Path) -> Seen:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    done = subprocess.run(
        [KUBECTL or "", "kustomize", str(folder / OVERLAY)], capture_output=True, text=True, check=True
    )
    return seen([fact for fact in read_manifest(Source("b.yaml", done.stdout)) if isinstance(fact, Manifest)])


@pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed")
@pytest.mark.parametrize(
    ("lines", "more"),
    [
        ("", {}),
        ("namespace: shop\nreplicas: [{name: api, count: 9}]\n", {}),
        ("images: [{name: shop/api, newName: registry/api, newTag: '2'}]\n", {}),
        ("patches: [{path: more.yaml}]\n", {"more.yaml": PATCH}),
        ("patchesStrategicMerge: [more.yaml]\n", {"more.yaml": f"{PATCH}---\n{OF_SCALER}"}),
        ("patches: [{path: more.yaml, target: {kind: Deployment, name: api}}]\n", {"more.yaml": PATCH}),
        ("configMapGenerator: [{name: api, behavior: merge, literals: [SIZE=7, NEW=a]}]\n", {}),
        ("configMapGenerator: [{name: api, behavior: replace, literals: [SIZE=7]}]\n", {}),
        ("replicas: [{name: api, count: 9}]\npatches: [{path: more.yaml}]\n", {"more.yaml": PATCH}),
        ("components: [../../more]\n", {"../../more/kustomization.yaml": COMPONENT}),
        (
            "patches:\n  - target: {kind: Deployment}\n    patch: |-\n"
            "      - {op: replace, path: /spec/template/spec/containers/0/env/0/value, value: '8'}\n"
            "      - {op: add, path: /spec/template/spec/containers/0/env/-, value: {name: LAST, value: b}}\n"
            "      - {op: add, path: /spec/template/spec/containers/0/env/0, value: {name: FIRST, value: c}}\n"
            "      - {op: add, path: /spec/template/spec/containers/0/args/1, value: '-v'}\n"
            "      - {op: replace, path: /spec/template/spec/containers/1/image, value: 'envoy:2'}\n"
            "      - {op: replace, path: /spec/replicas, value: 5}\n"
            "  - target: {kind: HorizontalPodAutoscaler, name: api}\n    patch: |-\n"
            "      - {op: replace, path: /spec/maxReplicas, value: 12}\n"
            "  - target: {kind: ConfigMap, name: api}\n    patch: |-\n"
            "      - {op: add, path: /data/MORE, value: d}\n",
            {},
        ),
    ],
)  # fmt: skip
def test_what_is_built_is_what_kustomize_builds(lines: str, more: dict[str, str], tmp_path: Path) -> None:
    own = {str(Path(OVERLAY, path)).replace(f"{OVERLAY}/../../", ""): text for path, text in more.items()}
    files = {**BASE, f"{OVERLAY}/kustomization.yaml": f"{HEAD}resources: [../../base]\n{lines}", **own}

    found, is_followed = built(files)

    assert found == built_by_kustomize(files, tmp_path)
    assert is_followed


@pytest.mark.parametrize(
    "lines",
    [
        "replacements: [{path: a.yaml}]\n",
        "vars: [{name: A, objref: {kind: Service, name: a, apiVersion: v1}}]\n",
        "transformers: [a.yaml]\n",
        "patches: [{path: unseen.yaml}]\n",
        "patches: [{path: more.yaml, target: {labelSelector: app=api}}]\n",
        "patches: [{path: more.yaml, target: {kind: Deployment, name: api.*}}]\n",
        "patches:\n  - patch: |-\n      $patch: delete\n      apiVersion: apps/v1\n      kind: Deployment\n"
        "      metadata: {name: api}\n",
    ],
)
def test_what_is_not_followed_is_known(lines: str) -> None:
    files = {**BASE, f"{OVERLAY}/kustomization.yaml": f"resources: [../../base]\n{lines}"}

    _, is_followed = built({**files, f"{OVERLAY}/more.yaml": PATCH})

    assert not is_followed


def test_what_builds_from_itself_comes_to_an_end() -> None:
    files = {
        "base/kustomization.yaml": "resources: [api.yaml, ., ../other]\ncomponents: [../part]\n",
        "other/kustomization.yaml": "resources: [../base]\n",
        "part/kustomization.yaml": f"{COMPONENT}components: [., ../part]\n",
        "base/api.yaml": API,
        f"{OVERLAY}/kustomization.yaml": "resources: [../../base, ../../other]\n",
    }

    found, is_followed = built(files)

    assert [each[:2] for each in found.workloads] == [("api", 3)]
    assert not is_followed


def test_what_builds_from_everything_twice_is_done_in_time() -> None:
    files = {
        f"l{level}/{side}/kustomization.yaml": f"resources: [../../l{level + 1}/a, ../../l{level + 1}/b]\n"
        for level in range(40)
        for side in "ab"
    }
    files |= {
        f"p{level}/kustomization.yaml": f"kind: Component\ncomponents: [../p{level + 1}, ../p{level + 1}/]\n"
        for level in range(40)
    }
    files[f"{OVERLAY}/kustomization.yaml"] = "resources: [../../l0/a, ../../l0/b]\ncomponents: [../../p0]\n"

    found, _ = built(files)

    assert found.workloads == []
