"""Whether what a call makes is made again and again: what becomes of it, and who runs the code around the call."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.leaks.following.surroundings import surroundings
from poolcheck.read.python.pools.uses import Placed
from poolcheck.read.python.project.roles import Role, role_of
from poolcheck.read.python.running.entry_points import depended_on, entry_point
from poolcheck.read.python.running.holders import Holder, holder, holder_of
from poolcheck.read.python.running.occasions import EntryPoint
from poolcheck.read.python.running.references import references, references_to_class
from poolcheck.read.python.running.varying import depends_on_parameters, follows_loop
from poolcheck.read.python.syntax.cached import is_cached_by_hand
from poolcheck.read.python.values.scope import Class, Definition, Scope
from poolcheck.source import Span

DEEPEST = 5
MOST_STEPS = 60
"""So many calls inside each other, and so many in all, are followed from where an object is made."""


class Step(NamedTuple):
    """A call on the way from an entry point to where an object is made: its place, and what it calls."""

    place: Span
    callee: str


class Recurrence(NamedTuple):
    """Why code runs again and again: the function that is an entry point, or a loop; and the calls from there.

    It `varies` where what is made depends on what the entry point is given.
    """

    entry: EntryPoint | None
    loop: Span | None
    steps: tuple[Step, ...]
    varies: bool

    @property
    def occasion(self) -> str:
        """What it is made for, to go on from `each` in a message."""
        return self.entry.occasion if self.entry else "turn of the loop"


def recurrences(made: Placed, *, in_use: bool = False) -> Iterator[Recurrence]:
    """Why the call that makes an object runs again and again, while nobody keeps the object.

    With `in_use` it does not matter whether it is closed in the end.
    """
    return _recurrences(made, in_use=True) if in_use else iter(_while_not_kept(made))


@lru_cache(maxsize=256)
def _while_not_kept(made: Placed) -> tuple[Recurrence, ...]:
    """All of them, for several rules ask."""
    return tuple(_recurrences(made, in_use=False))


def _recurrences(made: Placed, *, in_use: bool) -> Iterator[Recurrence]:
    if not made.scope.functions:
        return
    search = _Search(in_use=in_use)
    if owner := _kept_by_new_object(made, in_use=in_use):
        yield from search.of_class(owner)
    else:
        yield from search.of_object(_Site(made.call, made.around, made.scope))


def requested(made: Placed) -> Iterator[Recurrence]:
    """Who calls the function around a call again and again, whatever becomes of what the call makes."""
    if made.scope.functions:
        site = _Site(made.call, made.around, made.scope)
        yield from _Search(in_use=True).of_callers(site, made.scope.functions[-1])


def callers_of(made: Placed) -> Iterator[Placed]:
    """The calls of a function that returns what a call in it makes."""
    if made.scope.functions and holder_of(made) is Holder.CALLER:
        site = _Site(made.call, made.around, made.scope)
        for onward in _Search(in_use=True).onward(site, made.scope.functions[-1]):
            if isinstance(onward.node, cst.Call) and onward.is_value:
                yield Placed(onward.node, onward.scope, tuple(onward.around))


def _kept_by_new_object(made: Placed, *, in_use: bool) -> Class | None:
    """The class whose objects keep what a call in its `__init__` makes and, but for `in_use`, never close it."""
    owner, function = made.scope.owner, made.scope.functions[-1]
    value = surroundings(function).awaited(made.call)
    match surroundings(function).parent(value):
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Attribute(value=cst.Name("self")))]):
            pass
        case cst.AnnAssign(target=cst.Attribute(value=cst.Name("self"))):
            pass
        case _:
            return None
    if owner is None or not made.scope.is_method or function.name.value not in _MAKING:
        return None
    code = "".join(
        owner.module.code(piece)
        for piece in (*owner.module.classes(owner.name), *owner.module.members(owner.name))
    )
    is_managed = _SINGLE.search(code) or (not in_use and _CLOSED.search(code))
    return None if is_managed else owner.itself


_MAKING = frozenset({"__aenter__", "__enter__", "__init__"})
_SINGLE = re.compile(r"\b(?:__new__|_instances?|metaclass)\b")
"""What a class mentions of which there is only one object."""
_CLOSED = re.compile(r"\b(?:__aenter__|__enter__|aclose|close|dispose|shutdown)\b")
"""What a class mentions whose objects close what they have."""


class _Site(NamedTuple):
    """A place of code on the way: a node, the nodes around it, inmost first, its scope, and the steps from it.

    It `is_value` if the node has the value of what it calls.
    """

    node: cst.CSTNode
    around: Sequence[cst.CSTNode]
    scope: Scope
    steps: tuple[Step, ...] = ()
    is_value: bool = True

    @property
    def function(self) -> cst.FunctionDef | None:
        """The function that it is in."""
        return self.scope.functions[-1] if self.scope.functions else None

    @property
    def is_varied(self) -> bool:
        """Whether what is passed there depends on the parameters of the function."""
        return depends_on_parameters(self.node, self.scope)


class _Search:
    """One search for the entry points that lead to a call."""

    def __init__(self, *, in_use: bool) -> None:
        self._in_use = in_use
        self._left = MOST_STEPS
        self._seen: set[Span] = set()
        self._is_closed_over = False

    def of_callers(self, site: _Site, function: cst.FunctionDef) -> Iterator[Recurrence]:
        """Why the function around a call is called again and again, whether it then makes anything or not."""
        for onward in self.onward(site, function):
            yield from self.of_code(onward, returns=None, varies=site.is_varied)

    def of_class(self, owner: Class) -> Iterator[Recurrence]:
        """Why objects of a class, which keep what they make, are made again and again while nobody keeps them."""
        name = owner.name.rpartition(".")[2]
        for reference in references_to_class(owner):
            self._left -= 1
            if self._left < 0:
                return
            if role_of(reference.scope.module.path) is not Role.APPLICATION:
                continue
            if entry := depended_on(reference, name):
                yield Recurrence(entry, None, (), varies=False)
            elif called := reference.call:
                step = Step(reference.scope.span(reference.node), name)
                yield from self.of_object(_Site(called, reference.around[1:], reference.scope, (step,)))

    def of_object(self, site: _Site, *, is_user: bool = False, varies: bool = True) -> Iterator[Recurrence]:
        """Why a call of which the value is the object, or one that uses it, runs again and again."""
        match holder(site.node, site.around, site.scope, is_user=is_user):
            case Holder.CALLER | Holder.USER as keeper:
                yield from self.of_code(site, returns=keeper, varies=varies)
            case Holder.NOBODY:
                yield from self.of_code(site, returns=None, varies=varies)
            case Holder.CLOSED if self._in_use:
                yield from self.of_code(site, returns=None, varies=varies)
            case _:
                return

    def of_code(self, site: _Site, *, returns: Holder | None, varies: bool) -> Iterator[Recurrence]:
        """Why the code around a call runs again and again; while nobody keeps what it `returns` of the object."""
        function, is_other = site.function, varies and follows_loop(site.node, site.around)
        self._is_closed_over |= varies and depends_on_parameters(site.node, site.scope, around=True)
        varies = self._is_closed_over or (varies and site.is_varied)
        loop = _loop(site) if returns is None else None
        if loop and not is_other:
            yield Recurrence(None, loop, site.steps, varies)
        elif function and self._enters(function, site):
            entry = entry_point(Definition(function, site.scope.outside))
            if entry and entry.kind.is_repeated:
                yield Recurrence(entry, None, site.steps, varies)
            elif entry is None and not is_cached_by_hand(function, returns=returns is not None):
                for onward in self.onward(site, function):
                    yield from self._further(onward, returns=returns, varies=varies)

    def _further(self, site: _Site, *, returns: Holder | None, varies: bool) -> Iterator[Recurrence]:
        """The same of a call of the function."""
        if returns and site.is_value:
            yield from self.of_object(site, is_user=returns is Holder.USER, varies=varies)
        else:
            yield from self.of_code(site, returns=None, varies=varies)

    def _enters(self, function: cst.FunctionDef, site: _Site) -> bool:
        """Whether a function is entered for the first time, and not too deep."""
        place = site.scope.span(function)
        is_new = place not in self._seen and len(site.steps) <= DEEPEST
        self._seen.add(place)
        return is_new

    def onward(self, site: _Site, function: cst.FunctionDef) -> Iterator[_Site]:
        """The calls of the function around a place."""
        for reference in references(Definition(function, site.scope.outside)):
            self._left -= 1
            if self._left < 0:
                return
            scope = reference.scope
            steps = (Step(scope.span(reference.node), function.name.value), *site.steps)
            if role_of(scope.module.path) is not Role.APPLICATION:
                continue
            if called := reference.call:
                yield _Site(called, reference.around[1:], scope, steps)
            elif is_property(function):
                yield _Site(reference.node, reference.around, scope, steps)
            elif reference.is_handed_on:
                yield _Site(reference.around[1], reference.around[2:], scope, steps, is_value=False)


def is_property(function: cst.FunctionDef) -> bool:
    """Whether a function is called where its name is read."""
    return any(
        isinstance(each.decorator, cst.Name) and each.decorator.value == "property" for each in function.decorators
    )


def _loop(site: _Site) -> Span | None:
    """The loop in whose body a call stands, that goes on after it."""
    child: cst.CSTNode | None = None
    for node in site.around:
        if isinstance(node, cst.FunctionDef | cst.Lambda):
            return None
        if isinstance(node, cst.For | cst.While) and child is node.body and not (_ends(node) or _tries(node)):
            return site.scope.span(node)
        child = node
    return None


def _ends(loop: cst.For | cst.While) -> bool:
    """Whether a loop tries something until it succeeds."""
    waiting: list[cst.CSTNode] = [loop.body]
    while waiting:
        node = waiting.pop()
        if isinstance(node, cst.Break | cst.Return):
            return True
        if not isinstance(node, cst.FunctionDef | cst.Lambda):
            waiting += node.children
    return False


def _tries(loop: cst.For | cst.While) -> bool:
    """Whether a loop goes on until something is so, or for a number of times, as one does that tries."""
    match loop:
        case cst.While(test=cst.Name(value="True") | cst.Integer(value="1")):
            return False
        case cst.For(iter=cst.Call(func=cst.Name(value="range"))) | cst.While():
            return True
        case _:
            return False
