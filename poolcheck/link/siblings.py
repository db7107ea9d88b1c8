"""Folders beside one another that hold the same: the stacks of a repository, each with its own sources."""

from collections.abc import Sequence

_OF_MANIFESTS = frozenset(
    {
        "chart", "charts", "config", "deploy", "deployment", "deployments", "gitops", "helm", "infra",
        "infrastructure", "k8s", "kube", "kubernetes", "kustomize", "manifests", "ops", "scripts",
    }
)  # fmt: skip
"""Folders in which manifests lie that are for what is elsewhere."""


def beside(paths: Sequence[str], near: str) -> list[str]:
    """Of paths that differ in a single folder, those that share this with another path; else none.

    `apps/a/api/main.py` of that and `apps/b/api/main.py`, where `apps/a/deploy/api.yaml` is near.
    """
    parted = [path.split("/") for path in paths]
    if len({len(parts) for parts in parted}) > 1:
        return []
    differing = [at for at, names in enumerate(zip(*parted, strict=True)) if len({*names}) > 1]
    if len(differing) != 1:
        return []
    at = differing[0]
    if any(parts[at] in _OF_MANIFESTS for parts in parted):
        return []
    stack = near.split("/")[: at + 1]
    return [path for path, parts in zip(paths, parted, strict=True) if parts[: at + 1] == stack]
