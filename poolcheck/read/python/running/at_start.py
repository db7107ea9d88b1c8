"""Whether a process makes an object once, when it starts: what runs the code around the call tells."""

import libcst as cst

from poolcheck.read.python.pools.uses import Placed
from poolcheck.read.python.project.roles import Role, role_of
from poolcheck.read.python.running.entry_points import entry_point
from poolcheck.read.python.running.occasions import Occasion
from poolcheck.read.python.running.references import references
from poolcheck.read.python.values.scope import Definition, Scope

DEEPEST = 4
_AT_START = frozenset({Occasion.MAIN, Occasion.STARTUP})


def is_made_at_start(made: Placed) -> bool:
    """Whether a call runs once in a process, and surely: a module, or what starts an application, leads to it."""
    return _runs_once(made.around, made.scope, 0)


def _runs_once(around: tuple[cst.CSTNode, ...], scope: Scope, depth: int) -> bool:
    if _is_repeated(around) or depth > DEEPEST:
        return False
    if not scope.functions:
        return True
    function = scope.functions[-1]
    if entry := entry_point(Definition(function, scope.outside)):
        return entry.kind in _AT_START
    found = [
        each
        for each in references(Definition(function, scope.outside))
        if role_of(each.scope.module.path) is Role.APPLICATION
    ]
    if len(found) != 1 or found[0].call is None:
        return False
    return _runs_once(found[0].around[1:], found[0].scope, depth + 1)


def _is_repeated(around: tuple[cst.CSTNode, ...]) -> bool:
    """Whether a loop or a comprehension of the same function is around it."""
    for node in around:
        if isinstance(node, cst.FunctionDef | cst.Lambda):
            return False
        if isinstance(node, cst.For | cst.While | cst.CompFor | cst.BaseComp):
            return True
    return False
