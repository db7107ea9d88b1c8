import pytest

from poolcheck.read.kubernetes.stages import may_meet, stages


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("k8s/api.yaml", ""),
        ("k8s/prod/api.yaml", "production"),
        ("k8s/production/eu/api.yaml", "production"),
        ("k8s/api-staging.yaml", "staging"),
        ("k8s/api.stg.yaml", "staging"),
        ("Deploy/DEV/api.yaml", "development"),
        ("k8s/overlays/prod/api.yaml", "production"),
        ("k8s/overlays/customer-a/api.yaml", "customer-a"),
        ("clusters/eu-west/canary/api.yaml", "eu-west canary"),
        ("k8s/product/api.yaml", ""),
        ("k8s/devices.yaml", ""),
        ("k8s/base/api.yaml", ""),
    ],
)
def test_a_path_names_stages(path: str, expected: str) -> None:
    assert stages(path) == {*expected.split()}


@pytest.mark.parametrize(
    ("path", "other", "expected"),
    [
        ("k8s/api.yaml", "k8s/pgbouncer.yaml", True),
        ("k8s/prod/api.yaml", "k8s/pgbouncer.yaml", True),
        ("k8s/prod/api.yaml", "k8s/prod/db/pgbouncer.yaml", True),
        ("k8s/prod/canary/api.yaml", "k8s/prod/pgbouncer.yaml", True),
        ("k8s/prod/api.yaml", "k8s/staging/pgbouncer.yaml", False),
        ("k8s/overlays/a/api.yaml", "k8s/overlays/b/pgbouncer.yaml", False),
        ("k8s/prod/api.yaml", "examples/pgbouncer.yaml", False),
    ],
)
def test_two_files_of_different_stages_never_meet(path: str, other: str, *, expected: bool) -> None:
    assert may_meet(path, other) is expected
    assert may_meet(other, path) is expected
