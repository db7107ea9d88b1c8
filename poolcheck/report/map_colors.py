"""The colours of a picture and of the page around it, for light and for dark surroundings."""

import re
from typing import NamedTuple


class Color(NamedTuple):
    """A colour of each scheme."""

    light: str
    dark: str


COLORS = {
    "page": Color("#f6f7f9", "#14171b"),
    "card": Color("#ffffff", "#1e2227"),
    "ink": Color("#1b1f24", "#e7eaee"),
    "muted": Color("#555e69", "#a9b2bd"),
    "line": Color("#ccd2d9", "#3c444e"),
    "edge": Color("#768390", "#7d8996"),
    "accent": Color("#0a58ca", "#8ab8ff"),
    "over": Color("#b3261e", "#ff9a90"),
    "over-soft": Color("#fdf0ee", "#35201f"),
    "unknown": Color("#7a4d00", "#eec06c"),
}
"""Text has a contrast of 4.5 and more to whatever it stands on, lines that matter one of 3."""

_NAMED = re.compile(r"([\w-]+):\s*([^;{}]*)@([a-z-]+)")


def schemes(root: str) -> str:
    """Rules that give what a class or pseudo-class selects all colours as variables.

    They are those that the viewer prefers, or that its data-theme says; on paper they are the light ones.
    """
    light, dark = _variables(0), _variables(1)
    return (
        f"{root}{{{light}color-scheme:light}}\n"
        f"@media (prefers-color-scheme:dark){{{root}:not([data-theme=light]){{{dark}color-scheme:dark}}}}\n"
        f"{root}[data-theme=dark]{{{dark}color-scheme:dark}}\n"
        # Named twice, it counts for as much as what is above.
        f"@media print{{{root}{root}{{{light}color-scheme:light}}}}\n"
    )


def colored(css: str) -> str:
    """Rules in which `@ink` is the colour of this name; viewers that know no variables get the light one."""
    return _NAMED.sub(_with_variable, css)


def _with_variable(found: re.Match[str]) -> str:
    name, before, color = found.groups()
    return f"{name}:{before}{COLORS[color].light};{name}:{before}var(--{color})"


def _variables(scheme: int) -> str:
    return "".join(f"--{name}:{color[scheme]};" for name, color in COLORS.items())
