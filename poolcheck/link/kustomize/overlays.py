"""Which manifests are only a base that overlays of Kustomize may change."""

import os
from collections.abc import Iterable, Iterator

from poolcheck.amount import Amount, Reason, exactly, product
from poolcheck.read.kubernetes.kustomization import NAMES, Kustomization
from poolcheck.read.kubernetes.stages import stages

_BASES = frozenset({"base", "bases", "component", "components"})


class Overlays:
    """The folders of a project that Kustomize builds from."""

    def __init__(self, paths: Iterable[str], kustomizations: Iterable[Kustomization] = ()) -> None:
        self._folders = {os.path.dirname(path) for path in paths if os.path.basename(path) in NAMES}
        plain = {os.path.dirname(each.span.path) for each in kustomizations if each.is_plain}
        self._changing = self._folders - plain

    def as_written(self, amount: Amount, path: str) -> Amount:
        """A number that is written in a manifest; an assumption where an overlay may change it."""
        folder = self._folder_of(path)
        if folder is None or not self._is_changed(folder):
            return amount
        shown = folder or "."
        reason = Reason(f"{shown} is a base", assumption=f"no overlay changes {shown}")
        return product(exactly(1, reason), amount)

    def is_base(self, path: str) -> bool:
        """Whether an overlay may change what is in a file."""
        folder = self._folder_of(path)
        return folder is not None and self._is_changed(folder)

    def _folder_of(self, path: str) -> str | None:
        return next((folder for folder in _above(path) if folder in self._folders), None)

    def _is_changed(self, folder: str) -> bool:
        """Whether it is a base by its name, or another folder is for a stage of what this one is for.

        What is seen to change nothing that counts is no such folder.
        """
        others = self._changing - {folder}
        own = stages(f"{folder}/")
        is_base = os.path.basename(folder) in _BASES
        return bool(others) and (is_base or any(own < stages(f"{other}/") for other in others))


def _above(path: str) -> Iterator[str]:
    """The folders that a file is in, the innermost first; "" is the project's."""
    while path:
        path = os.path.dirname(path)
        yield path
