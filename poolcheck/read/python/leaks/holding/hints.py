"""Which pieces of a module may hold a connection, told from their text: most that look like it at first do not.

To parse a piece takes a hundred times as long.
"""

import re
from functools import lru_cache

from poolcheck.read.python.leaks.taking.takings import is_other, may_be_taking
from poolcheck.read.python.syntax.bound import may_be_bound
from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.syntax.slices import Piece
from poolcheck.read.python.values.scope import FARTHEST, joined

_MAY_TAKE = re.compile(
    r"\bwith\b|\bDepends\b|(?:acquire|checkout|conn|connect|connection|_db|[Ss]ession\w*|(?:create|get|make|new|open)_\w+)\s*\("
    r"|:\s*\w*(?:Session|DB|Db)\w*"
)
_DEFINED = re.compile(r"\bdef\b")
_CALLED = re.compile(r"(\w+)[\s)]*\(")
_ENTERED = re.compile(r"\bwith\b(.*?)(?::[ \t]*\n|\Z)", re.DOTALL)
_ITEM = re.compile(r"([\w.]+)[\s)]*\(")
_DECLARED = re.compile(r":[\s(]*([^\W\d][\w.]*)[\s)]*[,)=]")
"""What parameters are declared to be, and more that stands behind a colon."""


def may_hold(piece: Piece, module: Module) -> bool:
    """Whether a function in a piece may take a connection from a pool, or be lent one."""
    code = module.code(piece)
    if not (_DEFINED.search(code) and _MAY_TAKE.search(code)):
        return False
    if any(map(may_be_taking, {*_CALLED.findall(code)})):
        return True
    entered = {name for items in _ENTERED.findall(code) for name in _ITEM.findall(items)}
    if any(_may_lend(name, module, piece) for name in entered):
        return True
    return "Depends" in code or any(may_be_dependency(each, module, piece) for each in {*_DECLARED.findall(code)})


def _may_lend(name: str, module: Module, piece: Piece) -> bool:
    """Whether what a `with` statement is over may be a call of a function of the project."""
    first, _, rest = name.partition(".")
    if is_other(rest.rpartition(".")[2] or first):
        return False
    target = _target(name, module, piece)
    if target and not module.project.find(target, module.path):
        return may_be_bound(first, module)
    return bool(target or rest or module.starred) or may_be_bound(first, module)


def may_be_dependency(name: str, module: Module, piece: Piece) -> bool:
    """Whether what a parameter is declared to be may say what FastAPI gives for it."""
    return _may_say(module) or _leads_to_dependency(_target(name, module, piece), module)


@lru_cache(maxsize=4096)
def _leads_to_dependency(target: str | None, module: Module) -> bool:
    for _ in range(FARTHEST):
        found = module.project.find(target, module.path) if target else None
        if found is None or not found[1]:
            return False
        module, name = found
        if _may_say(module):
            return True
        target = _target(name, module)
    return False


@lru_cache(maxsize=256)
def _may_say(module: Module) -> bool:
    return "Depends" in module.source.text or bool(module.starred)


def _target(name: str, module: Module, piece: Piece | None = None) -> str | None:
    first, _, rest = name.partition(".")
    return joined(module.imported(first, piece), rest)
