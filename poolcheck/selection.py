"""Which rules hold for a file."""

import os
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

from poolcheck.catalog import RuleFile
from poolcheck.config import Settings
from poolcheck.discover import matcher, relative

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec


def is_selected(rule: RuleFile, settings: Settings) -> bool:
    """Whether settings ask for a rule. A rule's name says more than its group's, and that more than nothing.

    Where a selection and an `ignore` say equally much, `ignore` holds.
    """
    selected = max(_said(rule, settings.select, silence=0), _said(rule, settings.extend_select))
    return selected > _said(rule, settings.ignore)


def is_ignored_in(path: str, rule: RuleFile, settings: Settings) -> bool:
    """Whether `per-file-ignores` leave the rule out in this file."""
    return any(
        _said(rule, names) >= 0 and _matcher(pattern).match_file(relative(path, settings.folder or os.curdir))
        for pattern, names in settings.per_file_ignores.items()
    )


def _said(rule: RuleFile, names: Iterable[str], *, silence: int = -1) -> int:
    """2 where the rule is named, 1 where its group is; `silence` where there are no names at all, else -1."""
    names = tuple(names)
    if rule.id in names:
        return 2
    if rule.group in names:
        return 1
    return -1 if names else silence


@cache
def _matcher(pattern: str) -> "GitIgnoreSpec":
    return matcher([pattern])
