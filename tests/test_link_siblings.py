import pytest

from poolcheck.link.siblings import beside


@pytest.mark.parametrize(
    ("paths", "near", "found"),
    [
        ("apps/a/api/main.py apps/b/api/main.py", "apps/a/deploy/api.yaml", "apps/a/api/main.py"),
        ("a/main.py b/main.py", "b/k8s/overlays/prod/kustomization.yaml", "b/main.py"),
        ("a/main.py b/main.py", "deploy/a/api.yaml", ""),
        ("a/main.py b/main.py", "main.yaml", ""),
        ("a/main.py a/src/main.py", "a/api.yaml", ""),
        ("a/api/main.py b/worker/main.py", "a/api.yaml", ""),
        ("deploy/main.py api/main.py", "deploy/api.yaml", ""),
    ],
)
def test_of_the_same_file_in_several_stacks_that_of_the_own_stack_counts(
    paths: str, near: str, found: str
) -> None:
    assert beside(paths.split(), near) == found.split()
