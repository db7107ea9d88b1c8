"""For which stage a file is, as its path tells: staging, production, a customer's overlay."""

import os
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import pairwise

from poolcheck.within import within

_WORDS: Mapping[str, tuple[str, ...]] = {
    "canary": ("canary",),
    "ci": ("ci",),
    "demo": ("demo",),
    "development": ("dev", "develop", "development"),
    "example": ("example", "examples", "sample", "samples"),
    "local": ("local", "minikube"),
    "preview": ("preview",),
    "production": ("prd", "prod", "production"),
    "qa": ("qa",),
    "sandbox": ("sandbox",),
    "staging": ("stage", "staging", "stg"),
    "test": ("test", "testing", "tests"),
    "uat": ("uat",),
}
_STAGES = {word: stage for stage, words in _WORDS.items() for word in words}
_HOLDERS = frozenset({"clusters", "environments", "envs", "overlays", "profiles", "regions", "stages", "tenants"})
"""Folders of which each holds a stage of its own, whatever it is called."""


def stages(path: str) -> frozenset[str]:
    """The stages that the folders and the name of a file speak of; none where it may belong to all of them."""
    return _stages_of(within(path))


@lru_cache(maxsize=10_000)
def _stages_of(path: str) -> frozenset[str]:
    return frozenset(_stages(path))


def may_meet(path: str, other: str) -> bool:
    """Whether two files may be of one deployment: the one is at least for all stages that the other is for."""
    one, two = stages(path), stages(other)
    return one <= two or two <= one


def _stages(path: str) -> Iterator[str]:
    *folders, name = path.lower().split("/")
    for holder, folder in pairwise(folders):
        if holder in _HOLDERS:
            yield _STAGES.get(folder, folder)
    for part in (*folders, os.path.splitext(name)[0]):
        yield from (_STAGES[word] for word in re.split(r"[-_.]", part) if word in _STAGES)
