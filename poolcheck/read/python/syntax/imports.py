"""What the names in a module were imported as, read from its text without parsing it."""

import re
from collections.abc import Iterator
from typing import NamedTuple

_IMPORT = re.compile(
    r"""
    (?: ^ | [;:] ) [ \t]*
    (?: from [ \t]+ (?P<dots> (?: \.[ \t]* )* ) (?P<module> [\w.]* ) [ \t]* \b import \b [ \t]*
            (?: \( (?P<listed> [^()]* ) \) | (?P<names> [^\n\r;]+ ) )
      | import [ \t]+ (?P<modules> [\w.] [^\n\r;]* )
    )
    """,
    re.VERBOSE | re.MULTILINE,
)


class Import(NamedTuple):
    """One imported name: what it is called here, and the dotted name it stands for.

    A relative import's dotted name begins with its dots. `from x import *` is called `*`. `start` is where the
    statement begins.
    """

    name: str
    target: str
    start: int


def imports(masked: str) -> Iterator[Import]:
    """The imports in a text whose strings and comments are blanked, wherever they stand, in order."""
    for statement in _IMPORT.finditer(masked):
        if statement["modules"]:
            for module, name in _renamed(statement["modules"]):
                # `import a.b` binds `a`, `import a.b as c` binds `c` to the whole.
                target = module if name else module.partition(".")[0]
                yield Import(name or target, target, statement.start())
        else:
            package = statement["dots"].replace(" ", "").replace("\t", "") + statement["module"]
            for imported, name in _renamed(statement["listed"] or statement["names"] or ""):
                joined = package + imported if package.endswith(".") else f"{package}.{imported}"
                yield Import(name or imported, joined, statement.start())


def _renamed(listed: str) -> Iterator[tuple[str, str]]:
    """The parts of `a as b, c`, each with its new name or ""."""
    for part in listed.split(","):
        words = part.split()
        if len(words) == 3 and words[1] == "as":
            yield words[0], words[2]
        elif len(words) == 1:
            yield words[0], ""
