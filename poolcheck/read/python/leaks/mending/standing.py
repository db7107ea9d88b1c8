"""Where a connection is taken that leaks, and everything that is done with it in the function."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.leaks.following.deed import Deed, Use
from poolcheck.read.python.leaks.following.deeds import Uses
from poolcheck.read.python.leaks.following.roles import lends
from poolcheck.read.python.leaks.following.surroundings import Surroundings
from poolcheck.read.python.leaks.following.taken import Taken, walk_of
from poolcheck.read.python.leaks.following.walked import Walked
from poolcheck.read.python.leaks.following.wrappers import effects
from poolcheck.read.python.leaks.mending.behind import is_read_behind, is_read_where_it_fails
from poolcheck.read.python.leaks.taking.checkouts import Checkout
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.libraries.terms import Terms
from poolcheck.read.python.syntax.bindings import bound_in
from poolcheck.read.python.syntax.indentation import Block, block_of, is_alone
from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.values.scope import Class, Scope
from poolcheck.source import Span

_EAGER = frozenset(
    {"all", "any", "dict", "frozenset", "join", "list", "max", "min", "set", "sorted", "sum", "tuple"}
)
"""Functions that are done with a generator when they return."""


class Standing(NamedTuple):
    """The call that takes a connection, in its function, and what becomes of it.

    `site` is the call, or the `await` of it. `own` are the names that the connection goes by in the function,
    `derived` those of what is made of it, and `uses` what is done with them, each with the place of it.
    """

    checkout: Checkout
    terms: Terms
    scope: Scope
    call: cst.Call
    site: cst.CSTNode
    around: Surroundings
    walked: Walked
    own: frozenset[str]
    derived: frozenset[str]
    uses: tuple[tuple[Span, Use], ...]

    @property
    def module(self) -> Module:
        """The module that it stands in."""
        return self.scope.module

    @property
    def text(self) -> str:
        """The text of the module."""
        return self.scope.module.source.text

    @property
    def function(self) -> cst.FunctionDef:
        """The function that takes the connection."""
        return self.around.function

    @property
    def library(self) -> Library | None:
        """The library that the connection is one of; None where only names tell."""
        return self.checkout.maker.library if self.checkout.maker else None

    @property
    def names(self) -> frozenset[str]:
        """All names of it and of what is made of it."""
        return self.own | self.derived

    @property
    def is_awaited(self) -> bool:
        """Whether the call is awaited."""
        return self.site is not self.call

    @property
    def is_gone(self) -> bool:
        """Whether somebody else may have the connection, or use it later, or a function inside of this one."""
        return bool(self.walked.ended) or self.walked.given_up or any(map(self._is_used_later, self._read()))

    def _read(self) -> Iterator[cst.CSTNode]:
        for name in self.names:
            yield from self.around.names.get(name, ())

    def _is_used_later(self, node: cst.CSTNode) -> bool:
        for each in self.around.ancestors(node):
            if each is self.function:
                return False
            if isinstance(each, cst.FunctionDef | cst.ClassDef | cst.Lambda):
                return True
            if isinstance(each, cst.GeneratorExp) and not self._is_consumed(each):
                return True
        return False

    def _is_consumed(self, generator: cst.GeneratorExp) -> bool:
        argument = self.around.parent(generator)
        called = self.around.parent(argument) if isinstance(argument, cst.Arg) else None
        match called:
            case cst.Call(func=cst.Name(value=name) | cst.Attribute(attr=cst.Name(value=name))):
                return name in _EAGER
            case _:
                return False

    def used_in(self, start: int, end: int, deeds: Iterable[Deed]) -> list[Use]:
        """The uses of some kinds in a part of the text."""
        return [use for span, use in self.uses if start <= span.start < end and use.deed in deeds]


class Assigned(NamedTuple):
    """A connection that is assigned to a name by a statement of its own, `at` that place of a block."""

    name: str
    block: Block
    at: int
    has_type: bool

    @property
    def statement(self) -> cst.BaseStatement:
        """The assignment."""
        return self.block.statements[self.at]

    @property
    def behind(self) -> list[cst.BaseStatement]:
        """The statements behind it in the block."""
        return [*self.block.statements[self.at + 1 :]]


def standing(checkout: Checkout, module: Module) -> Standing | None:
    """Where a connection is taken; None where its function cannot be read."""
    for piece in module.around(checkout.span):
        tree = module.tree(piece)
        placed = tree.at(checkout.span) if tree else ()
        for each in placed:
            if isinstance(each.node, cst.Call) and each.functions and checkout.terms and tree:
                owner = Class(module, piece.scope) if piece.scope else None
                scope = Scope(module, tree, each.functions, owner)
                return _standing(checkout, checkout.terms, each.node, scope)
    return None


def _standing(checkout: Checkout, terms: Terms, call: cst.Call, scope: Scope) -> Standing | None:
    function = scope.functions[-1]
    walked = walk_of(Taken(call, terms, function, scope))
    if walked is None:
        return None
    uses = Uses(function, terms, effects(scope, terms), lends=lends(function, scope))
    site = uses.around.awaited(call)
    own, derived, found = _everything(uses.of(site, is_derived=False), uses)
    placed = tuple((scope.span(each.node), each) for each in found)
    return Standing(checkout, terms, scope, call, site, uses.around, walked, own, derived, placed)


def _everything(first: Use, uses: Uses) -> tuple[frozenset[str], frozenset[str], list[Use]]:
    """All names that it goes by from a use on, those of what is made of it, and all uses of them."""
    found: list[Use] = []
    waiting = [*((name, False) for name in first.names), *((name, True) for name in first.derived)]
    seen: set[tuple[str, bool]] = set()
    while waiting:
        name, is_derived = waiting.pop()
        if (name, is_derived) not in seen:
            seen.add((name, is_derived))
            for _, use in uses.of_name(name, is_derived=is_derived):
                found.append(use)
                waiting += [*((each, False) for each in use.names), *((each, True) for each in use.derived)]
    own = frozenset(name for name, is_derived in seen if not is_derived)
    return own, frozenset(name for name, is_derived in seen if is_derived), found


def assigned(taken: Standing) -> Assigned | None:
    """The assignment that names a connection; None where it is named otherwise, or goes by other names too."""
    small = taken.around.parent(taken.site)
    match small:
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))]):
            pass
        case cst.AnnAssign(target=cst.Name(value=name)):
            pass
        case _:
            return None
    statement = taken.around.parent(small)
    block = around(statement, taken) if isinstance(statement, cst.SimpleStatementLine) else None
    if block is None or not isinstance(statement, cst.SimpleStatementLine) or not is_alone(statement):
        return None
    at = block.statements.index(statement)
    if {*taken.own} != {name} or name not in bound_in(taken.function):
        return None
    return Assigned(name, block, at, isinstance(small, cst.AnnAssign))


def around(statement: cst.CSTNode, taken: Standing) -> Block | None:
    """The block that a statement is in."""
    body = taken.around.parent(statement)
    owner = taken.around.parent(body) if body else None
    return block_of(body, owner, taken.scope.tree, taken.text)


def is_done_with(names: frozenset[str], statement: cst.CSTNode, taken: Standing) -> bool:
    """Whether nothing behind a statement, nor where it fails, reads one of these names."""
    surroundings = taken.around
    return not (
        is_read_behind(names, statement, surroundings) or is_read_where_it_fails(names, statement, surroundings)
    )
