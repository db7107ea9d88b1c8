import pytest

from poolcheck.amount import exactly
from poolcheck.link.kustomize.overlays import Overlays
from poolcheck.read.kubernetes.kustomization import Kustomization
from poolcheck.source import Span


def assumed(path: str, *kustomizations: str) -> list[str]:
    """What is assumed of a number in a file, where these folders have a kustomization.yaml."""
    overlays = Overlays(
        [f"{folder}/kustomization.yaml" if folder else "kustomization.yaml" for folder in kustomizations]
    )
    return [reason.assumption for reason in overlays.as_written(exactly(3), path).because]


@pytest.mark.parametrize(
    ("path", "kustomizations", "base"),
    [
        ("k8s/base/api.yaml", ["k8s/base", "k8s/overlays/prod"], "k8s/base"),
        ("k8s/base/db/pooler.yaml", ["k8s/base", "k8s/overlays/prod"], "k8s/base"),
        ("k8s/base/api.yaml", ["k8s/base", "k8s/eu"], "k8s/base"),
        ("k8s/api.yaml", ["k8s", "k8s/prod"], "k8s"),
        ("api.yaml", ["", "overlays/eu"], "."),
    ],
)
def test_a_base_is_assumed_to_stay_as_it_is_written(path: str, kustomizations: list[str], base: str) -> None:
    assert assumed(path, *kustomizations) == [f"no overlay changes {base}"]


@pytest.mark.parametrize(
    ("path", "kustomizations"),
    [
        ("k8s/api.yaml", []),
        ("k8s/api.yaml", ["k8s"]),
        ("k8s/base/api.yaml", ["k8s/base"]),
        ("services/a/k8s/api.yaml", ["services/a/k8s", "services/b/k8s"]),
        ("k8s/overlays/prod/api.yaml", ["k8s/base", "k8s/overlays/prod", "k8s/overlays/dev"]),
        ("k8s/api.yaml", ["other/base", "other/overlays/prod"]),
    ],
)
def test_what_no_overlay_is_for_is_certain(path: str, kustomizations: list[str]) -> None:
    assert assumed(path, *kustomizations) == []


def test_a_number_keeps_its_value_and_loses_its_proof() -> None:
    overlays = Overlays(["base/kustomization.yml", "prod/Kustomization"])

    found = overlays.as_written(exactly(3), "base/api.yaml")

    assert (found.surely, found.low, found.high, found.low_sum) == (0, 3, 3, "3")


def test_an_overlay_that_is_seen_to_change_nothing_needs_no_assumption() -> None:
    paths = ["base/kustomization.yaml", "prod/kustomization.yaml", "eu/kustomization.yaml"]
    plain = [kustomization("prod"), kustomization("eu")]

    assert Overlays(paths, plain).as_written(exactly(3), "base/api.yaml").because == ()
    assert Overlays(paths, plain[:1]).is_base("base/api.yaml")


def kustomization(folder: str) -> Kustomization:
    return Kustomization(Span(f"{folder}/kustomization.yaml", 0, 0), (), (), (), is_plain=True)
