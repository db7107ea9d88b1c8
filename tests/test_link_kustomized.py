from collections.abc import Sequence

import pytest

from poolcheck.link.kustomize.kustomized import Kustomized
from poolcheck.read.kubernetes.generators import read_kustomization
from poolcheck.read.kubernetes.kustomization import Kustomization
from poolcheck.read.kubernetes.manifest import Manifest, Workload
from poolcheck.read.kubernetes.objects import read_manifest
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.read.pgbouncer.load import read_pgbouncer
from poolcheck.source import Source

GENERATES = "configMapGenerator: [{name: pgbouncer, files: [pgbouncer.ini]}]\n"
HERE = f"resources: [deployment.yaml]\n{GENERATES}"
OVERLAY = f"resources: [../../base]\n{GENERATES}"


def config(path: str) -> PgBouncerConfig:
    facts = read_pgbouncer(Source(path, "[databases]\nshop = host=db\n[pgbouncer]\n"))
    return next(fact for fact in facts if isinstance(fact, PgBouncerConfig))


def workload(image: str | None, path: str, name: str = "pgbouncer") -> Workload:
    """A Deployment with one container, pgbouncer; a patch where there is no image."""
    selector = "  selector: {matchLabels: {app: a}}\n" if image else ""
    shown = f", image: '{image}'" if image else ""
    text = f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: '{name}'}}
spec:
{selector}  template: {{spec: {{containers: [{{name: pgbouncer{shown}}}]}}}}
"""
    facts = read_manifest(Source(path, text))
    return next(fact for fact in facts if isinstance(fact, Manifest)).workloads[0]


def patch(image: str, path: str, name: str = "pgbouncer") -> Workload:
    return workload(image, path, name)._replace(is_partial=True)


def kustomized(files: dict[str, str], *configs: str, patches: Sequence[Workload] = ()) -> Kustomized:
    read = (fact for path, text in files.items() for fact in read_kustomization(Source(path, text)))
    found = [fact for fact in read if isinstance(fact, Kustomization)]
    return Kustomized(found, patches, {path: config(path) for path in configs})


def images(found: Kustomized, image: str | None, path: str = "base/deployment.yaml") -> set[str]:
    """What a container with an image may run."""
    own = workload(image, path)
    return set(found.images(own, own.containers[0]))


def generated(
    files: dict[str, str], *configs: str, path: str = "base/deployment.yaml", is_secret: bool = False
) -> list[tuple[str, str, bool]]:
    """The keys of what a manifest calls `pgbouncer`, the files that they come from, and whether they are near."""
    found = kustomized(files, *configs).generated("pgbouncer", workload("a", path), is_secret=is_secret)
    return [(each.key, each.config.span.path, each.is_near) for each in found]


def test_a_file_becomes_a_key() -> None:
    files = {"base/kustomization.yaml": HERE}

    assert generated(files, "base/pgbouncer.ini") == [("pgbouncer.ini", "base/pgbouncer.ini", True)]
    assert generated(files, "pgbouncer.ini") == []
    assert generated(files, "base/pgbouncer.ini", is_secret=True) == []


def test_a_file_may_lie_elsewhere_and_have_another_key() -> None:
    text = "resources: [deployment.yaml]\nsecretGenerator: [{name: pgbouncer, files: [p.ini=../conf/main.ini]}]\n"

    found = generated({"base/kustomization.yaml": text}, "conf/main.ini", is_secret=True)

    assert found == [("p.ini", "conf/main.ini", True)]


@pytest.mark.parametrize(
    "text",
    [
        GENERATES,
        GENERATES.replace("name: pgbouncer", "name: other"),
        f"resources: [other.yaml, ../elsewhere]\n{GENERATES}",
        "resources: [deployment.yaml]\nconfigMapGenerator: [{name: pgbouncer, literals: [A=b]}]\n",
    ],
)
def test_what_is_not_built_together_is_none(text: str) -> None:
    assert generated({"base/kustomization.yaml": text}, "base/pgbouncer.ini") == []


def test_an_overlay_has_a_file_of_its_own() -> None:
    files = {"base/kustomization.yaml": HERE, "overlays/prod/kustomization.yaml": OVERLAY}

    assert generated(files, "base/pgbouncer.ini", "overlays/prod/pgbouncer.ini") == [
        ("pgbouncer.ini", "base/pgbouncer.ini", True),
        ("pgbouncer.ini", "overlays/prod/pgbouncer.ini", False),
    ]


@pytest.mark.parametrize("resource", [".", "..", "../apps", "../apps/pgbouncer/deployment.yaml"])
def test_a_folder_is_built_with_all_that_is_in_it(resource: str) -> None:
    path = "apps/pgbouncer/deployment.yaml"
    files = {"prod/kustomization.yaml": f"components: ['{resource}']\n{GENERATES}"}

    found = generated(files, "prod/pgbouncer.ini", path=path)

    assert bool(found) is (resource != ".")


def test_a_kustomization_changes_the_images_beside_it() -> None:
    changes = "resources: [deployment.yaml]\nimages: [{name: bitnami/pgbouncer, newTag: 1.24.1}]\n"
    found = kustomized({"base/kustomization.yaml": changes})

    assert images(found, "bitnami/pgbouncer") == {"bitnami/pgbouncer:1.24.1"}
    assert images(found, "bitnami/pgbouncer:1.22.0") == {"bitnami/pgbouncer:1.24.1"}
    assert images(found, "bitnami/pgbouncer", "other/deployment.yaml") == {"bitnami/pgbouncer"}
    assert images(found, "edoburu/pgbouncer") == {"edoburu/pgbouncer"}
    assert images(found, None) == {""}


def test_an_overlay_may_change_an_image_or_leave_it() -> None:
    change = "resources: [../base]\nimages: [{name: bitnami/pgbouncer, newTag: 1.24.1}]\n"
    found = kustomized({"prod/kustomization.yaml": change})

    assert images(found, "bitnami/pgbouncer:1.22.0") == {"bitnami/pgbouncer:1.22.0", "bitnami/pgbouncer:1.24.1"}


@pytest.mark.parametrize(
    ("patches", "others"),
    [
        ([patch("pgbouncer:dev", "overlays/dev/patch.yaml")], "pgbouncer:dev"),
        ([patch("a", "overlays/dev/a.yaml"), patch("b", "overlays/prod/b.yaml")], "a b"),
        ([patch("a", "overlays/dev/patch.yaml", "other")], ""),
        ([workload(None, "overlays/dev/patch.yaml")], ""),
        ([workload("a", "elsewhere/deployment.yaml")], ""),
    ],
)
def test_a_patch_may_change_an_image(patches: list[Workload], others: str) -> None:
    found = images(kustomized({}, patches=patches), "edoburu/pgbouncer")

    assert found == {"edoburu/pgbouncer", *others.split()}


def test_a_patch_for_another_stage_or_of_a_name_that_is_filled_in_changes_nothing() -> None:
    other = kustomized({}, patches=[patch("a", "overlays/dev/patch.yaml")])
    chart = kustomized({}, patches=[patch("a", "charts/a/templates/d.yaml", "{{ .Release.Name }}")])
    own = workload("b", "charts/b/templates/d.yaml", "{{ .Release.Name }}")

    assert images(other, "edoburu/pgbouncer", "overlays/prod/deployment.yaml") == {"edoburu/pgbouncer"}
    assert set(chart.images(own, own.containers[0])) == {"b"}
