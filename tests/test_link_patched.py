"""Each was compared with what `kubectl kustomize` 5.5 prints for the same files."""

from poolcheck.link.kustomize.patched import patched
from poolcheck.read.kubernetes.generators import read_kustomization
from poolcheck.read.kubernetes.kustomization import Kustomization
from poolcheck.read.kubernetes.manifest import Manifest, Workload
from poolcheck.read.kubernetes.objects import read_manifest
from poolcheck.source import Source

BASE = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {a: b}}
  template:
    metadata: {labels: {a: b}}
    spec:
      containers:
        - name: web
          image: shop/web:1
          command: [gunicorn, app]
          args: [-w, "2"]
          env: [{name: X, value: base}, {name: Y, value: base}]
          envFrom: [{configMapRef: {name: app}}]
        - {name: log, image: log}
"""
PATCH = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
        - name: web
          args: [-w, "7"]
          env: [{name: Y, value: over}, {name: Z, value: new}]
          envFrom: [{secretRef: {name: own}}]
"""


def read(text: str, path: str) -> list[Workload]:
    facts = read_manifest(Source(path, text))
    return [each for fact in facts if isinstance(fact, Manifest) for each in fact.workloads]


def with_patch(kustomization: str, patch: str = PATCH) -> list[Workload]:
    found = list(read_kustomization(Source("prod/kustomization.yaml", kustomization)))
    kustomizations = [each for each in found if isinstance(each, Kustomization)]
    return list(patched([*read(BASE, "base/m.yaml"), *read(patch, "prod/patch.yaml")], kustomizations))


def test_variables_are_merged_and_commands_and_sources_replaced() -> None:
    [workload] = with_patch("patches: [{path: patch.yaml}]")
    web, log = workload.containers

    assert [(each.name.value, each.value and each.value.text) for each in web.env] == [
        ("Y", "over"),
        ("Z", "new"),
        ("X", "base"),
    ]
    assert [word.value for word in (*(web.command or ()), *(web.args or ()))] == ["gunicorn", "app", "-w", "7"]
    assert len(web.env_from) == 1
    assert (web.image and web.image.value, log.name.value) == ("shop/web:1", "log")
    assert workload.span.path == "prod/patch.yaml"


def test_a_container_that_only_the_patch_has_is_added() -> None:
    [workload] = with_patch(
        "patches: [{path: patch.yaml}]", PATCH.replace("name: web\n          args", "name: new\n          args")
    )

    assert [each.name.value for each in workload.containers] == ["new", "web", "log"]


def test_what_no_kustomization_calls_a_patch_patches_nothing() -> None:
    assert with_patch("resources: [../base]") == []
    assert with_patch("patches: [{path: other.yaml}]") == []
