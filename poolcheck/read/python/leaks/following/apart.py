"""Whether two pools are certainly not the same."""

import libcst as cst

from poolcheck.read.python.pools.provenance import Made, made_by
from poolcheck.read.python.syntax.bindings import dotted
from poolcheck.read.python.values.scope import Call, Scope


def are_apart(pool: cst.BaseExpression, other: cst.BaseExpression, scope: Scope) -> bool:
    """Whether two expressions stand for two pools, each of which a module makes once."""
    if dotted(pool) is None or dotted(other) is None or dotted(pool) == dotted(other):
        return False
    first, second = _making(made_by(pool, scope)), _making(made_by(other, scope))
    return first is not None and second is not None and first.node is not second.node


def _making(made: Made | None) -> Call | None:
    """The only call that makes a pool, where no function does."""
    if made is None or len(made.calls) != 1 or made.calls[0].scope.functions or made.calls[0].scope.owner:
        return None
    return made.calls[0]
