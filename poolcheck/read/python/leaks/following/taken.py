"""A call that takes a connection, and the walk from there."""

from functools import lru_cache
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.leaks.following.deeds import Uses
from poolcheck.read.python.leaks.following.roles import lends, raises_at_yield
from poolcheck.read.python.leaks.following.walk import Walk
from poolcheck.read.python.leaks.following.walked import Start, Walked
from poolcheck.read.python.leaks.following.wrappers import effects
from poolcheck.read.python.libraries.terms import Terms
from poolcheck.read.python.values.scope import Scope


class Taken(NamedTuple):
    """A call that takes a connection, the function that makes it, and the terms.

    What a function of the project returns may be a tuple: the connection is at the `position` in it, and what is
    `derived` from it at others.
    """

    call: cst.Call
    terms: Terms
    function: cst.FunctionDef
    scope: Scope
    position: int | None = None
    derived: tuple[int, ...] = ()


def walk_of(taken: Taken) -> Walked | None:
    """The walk of a connection; None where none is taken."""
    return walk(taken)[1]


def walk(taken: Taken) -> tuple[Start | None, Walked | None]:
    """Where a connection is taken, and the walk from there; None and None where none is."""
    function, terms, scope = taken.function, taken.terms, taken.scope
    uses = uses_of(function, terms, scope)
    site = uses.around.awaited(taken.call)
    if terms.takes_when_awaited and site is taken.call and not uses.is_awaited_by_another(site):
        return None, None
    if taken.position is None:
        use = uses.of(site, is_derived=False)
    else:
        use = uses.of_position(site, taken.position, taken.derived)
    start = Start(site, use, rests=terms.is_session)
    return start, Walk(function, uses, start, lends=raises_at_yield(function, scope)).walked()


@lru_cache(maxsize=8)
def uses_of(function: cst.FunctionDef, terms: Terms, scope: Scope) -> Uses:
    """What is done in a function with connections that are taken on the same terms."""
    return Uses(function, terms, effects(scope, terms), lends=lends(function, scope))
