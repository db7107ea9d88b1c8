"""What happens while a function holds a connection of a pool, be it one that a `with` statement or FastAPI lends.

A session holds none before it has executed something, nor after a commit. Where it is handed to somebody who is
not seen, nothing more is known of it.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.leaks.flow.nodes import parts
from poolcheck.read.python.leaks.following.deed import Deed, Use
from poolcheck.read.python.leaks.following.deeds import Uses
from poolcheck.read.python.leaks.following.roles import lends, raises_at_yield
from poolcheck.read.python.leaks.following.surroundings import Surroundings, surroundings
from poolcheck.read.python.leaks.following.walk import Walk
from poolcheck.read.python.leaks.following.walked import Reached, Start
from poolcheck.read.python.leaks.following.wrappers import effects
from poolcheck.read.python.leaks.holding.hints import may_be_dependency, may_hold
from poolcheck.read.python.leaks.taking.sessions import ASYNC_SESSIONS, SESSIONS
from poolcheck.read.python.leaks.taking.takings import Origin, Taking, lent_by, may_take, plain, taking_of
from poolcheck.read.python.libraries.terms import SESSION, Terms, With
from poolcheck.read.python.syntax.arguments import order_of, passed
from poolcheck.read.python.syntax.bindings import dotted, inside, last_name, names_entered, parameters
from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.syntax.slices import Piece
from poolcheck.read.python.syntax.trees import children
from poolcheck.read.python.values.names import definitions, functions_called
from poolcheck.read.python.values.scope import Class, Definition, Scope, qualified
from poolcheck.source import Span

_DEDICATED = re.compile(
    r"\bLISTEN\b|\blisten [a-z{]|add_listener|\bnotifies\b|advisory|GET_LOCK|global_lock|SKIP LOCKED|skip_locked"
)
"""What the text of a function says that needs a connection of its own for as long as it runs."""

MOST_HOLDS = 100
"""So many connections that no `with` statement gives back are followed in one function."""

_CLOSING = frozenset({"aclosing", "closing"})


class Held(NamedTuple):
    """A call that is made while a connection is held, and the statement by which a session has taken it."""

    call: cst.Call
    taken_at: cst.CSTNode | None


class Hold(NamedTuple):
    """A connection that a function takes from a pool, or is lent by FastAPI, where it is a parameter.

    `scope` is that of the function's own statements. `name` is what the connection goes by at first.
    """

    site: cst.Call | cst.Param
    taking: Taking
    scope: Scope
    start: Start
    name: str = ""

    @property
    def function(self) -> cst.FunctionDef:
        """The function."""
        return self.scope.functions[-1]

    @property
    def place(self) -> Span:
        """Where it is taken."""
        node = self.site.name if isinstance(self.site, cst.Param) else self.site
        return self.scope.span(node)

    @property
    def is_of_request(self) -> bool:
        """Whether it is FastAPI that takes it, for a request."""
        return isinstance(self.site, cst.Param)

    @property
    def calls(self) -> tuple[cst.Call, ...]:
        """All calls that the function makes itself."""
        return calls_in(self.function)

    def held(self) -> Iterator[Held]:
        """The calls that are made while it is held, each once, in no order."""
        seen: set[cst.CSTNode] = set()
        for reached in self._reached():
            for part in parts(reached.node):
                if part in seen or isinstance(part, cst.FunctionDef | cst.ClassDef):
                    continue
                seen.add(part)
                for each in (part, *inside(part)):
                    if isinstance(each, cst.Call) and each is not self.site:
                        yield Held(each, reached.taken_at)

    @property
    def is_dedicated(self) -> bool:
        """Whether the connection is needed for as long as the function runs, as a listener's is, or a lock's."""
        return _needs_its_own(self.scope.module, self.scope.tree.piece)

    @property
    def is_ever_held(self) -> bool:
        """Whether a session executes anything, as far as it is seen."""
        return not self.start.rests or any(True for _ in self._reached())

    def _reached(self) -> Iterator[Reached]:
        terms = _to_hold(self.taking.terms or SESSION)
        uses = _uses(self.function, terms, self.scope)
        return Walk(self.function, uses, self.start, lends=raises_at_yield(self.function, self.scope)).reached()

    def is_repeated_within(self, call: cst.Call) -> bool:
        """Whether a call is made in a loop that goes on while the connection is held."""
        around = surroundings(self.function)
        outside = {*around.ancestors(self.site)}
        return any(
            isinstance(each, cst.For | cst.While) and each not in outside for each in around.ancestors(call)
        )


@lru_cache(maxsize=64)
def _needs_its_own(module: Module, piece: Piece) -> bool:
    return _DEDICATED.search(module.source.text, piece.start, piece.end) is not None


@lru_cache(maxsize=64)
def calls_in(function: cst.FunctionDef) -> tuple[cst.Call, ...]:
    """The calls that a function makes itself."""
    return tuple(each for each in inside(function) if type(each) is cst.Call)


def _to_hold(terms: Terms) -> Terms:
    """What gives a connection back for good or for now; the flush of a session takes one."""
    if terms.is_session:
        return terms._replace(pausing=terms.pausing - {"flush", "prepare"})
    return terms._replace(closing=terms.closing | {"invalidate"}) if "close" in terms.closing else terms


@lru_cache(maxsize=8)
def _uses(function: cst.FunctionDef, terms: Terms, scope: Scope) -> Uses:
    return Uses(function, terms, effects(scope, terms), lends=lends(function, scope))


@lru_cache(maxsize=4)
def holds_of(module: Module) -> tuple[Hold, ...]:
    """The connections of pools that the functions of a module hold, which more than one rule asks for."""
    return tuple(_holds_of(module))


def _holds_of(module: Module) -> Iterator[Hold]:
    for piece in module.pieces:
        if may_hold(piece, module):
            owner = Class(module, piece.scope) if piece.scope else None
            for tree, statement in module.statements(piece):
                for function, scope in _functions(statement, Scope(module, tree, owner=owner)):
                    yield from holds_in(function, scope)


def _functions(root: cst.CSTNode, scope: Scope) -> Iterator[tuple[cst.FunctionDef, Scope]]:
    """The functions in a statement, each with the scope of its own statements."""
    waiting = [(root, scope)]
    while waiting:
        node, around = waiting.pop()
        within = around
        if isinstance(node, cst.FunctionDef):
            within = around.inside(node)
            yield node, within
        if isinstance(node, cst.BaseCompoundStatement | cst.BaseSuite):
            waiting += [(child, within) for child in children(node)][::-1]


def holds_in(function: cst.FunctionDef, scope: Scope) -> Iterator[Hold]:
    """The connections that a function holds; `scope` is that of its own statements."""
    around = surroundings(function)
    yield from _given(function, scope)
    left = MOST_HOLDS
    for call in calls_in(function):
        if not may_take(call, around.parent(call)):
            continue
        taking = taking_of(call, scope)
        found = _hold(call, taking, scope, around) if taking else None
        if found and found.start.lent_by is None:
            left -= 1
        if found and left >= 0:
            yield found


def _hold(call: cst.Call, taking: Taking, scope: Scope, around: Surroundings) -> Hold | None:
    item = _item(call, around)
    if item:
        names = names_entered(item)
        if names is None or (item.item is call and not _is_given_back(taking)):
            return None
        use = Use(Deed.LOOKED, call, names=names)
        return Hold(call, taking, scope, Start(call, use, rests=taking.is_session, lent_by=item), "".join(names))
    terms = taking.terms
    if terms is None or taking.is_lent or taking.is_short:
        return None
    site = around.awaited(call)
    if terms.takes_when_awaited and site is call:
        return None
    use = _uses(scope.functions[-1], _to_hold(terms), scope).of(site, is_derived=False)
    if use.deed is Deed.RELEASED:
        return None
    return Hold(call, taking, scope, Start(site, use, rests=terms.is_session), "".join(use.names[:1]))


def _item(call: cst.Call, around: Surroundings) -> cst.WithItem | None:
    """The item of a `with` statement that gives back what a call takes, be it with `closing()`."""
    outer = around.parent(around.awaited(call))
    if isinstance(outer, cst.Arg):
        closing = around.parent(outer)
        if isinstance(closing, cst.Call) and last_name(closing.func) in _CLOSING:
            outer = around.parent(closing)
    return outer if isinstance(outer, cst.WithItem) else None


def _is_given_back(taking: Taking) -> bool:
    """Whether leaving a `with` statement over what a call returns gives the connection back."""
    terms = taking.terms
    if taking.is_lent or terms is None:
        return taking.is_lent
    return terms.is_session or terms.takes_when_awaited or terms.entered is With.GIVES_BACK


def _given(function: cst.FunctionDef, scope: Scope) -> Iterator[Hold]:
    """The sessions that FastAPI hands to a function for each request."""
    for parameter in parameters(function):
        asked = _asked(parameter, scope)
        if asked is None:
            continue
        found = _of_dependency(asked, scope)
        if found is None and not _is_session(parameter, scope):
            continue
        name = parameter.name.value
        title = f"Depends({last_name(asked)})"
        taking = Taking(cst.Call(asked), title, found.origin if found else Origin(), SESSION, is_session=True)
        if found and not found.is_session:
            taking = taking._replace(terms=found.terms, is_session=False)
        use = Use(Deed.LOOKED, function, names=(name,) if taking.is_session else ("",))
        yield Hold(parameter, taking, scope, Start(None, use, rests=taking.is_session), name)


def _asked(parameter: cst.Param, scope: Scope) -> cst.BaseExpression | None:
    """What a parameter is told to depend on: `db = Depends(get_db)`, or by its type."""
    if parameter.default and (found := _depended(parameter.default)):
        return found
    annotation = parameter.annotation.annotation if parameter.annotation else None
    if isinstance(annotation, cst.Name | cst.Attribute):
        if not may_be_dependency(dotted(annotation) or "", scope.module, scope.tree.piece):
            return None
        if qualified(annotation, scope.outside):
            return None
        bound = [each.node for each in definitions(annotation, scope.outside).definitions]
        annotation = bound[0] if len(bound) == 1 and isinstance(bound[0], cst.BaseExpression) else None
    return _annotated(annotation) if isinstance(annotation, cst.Subscript) else None


def _annotated(annotation: cst.Subscript) -> cst.BaseExpression | None:
    if last_name(annotation.value) != "Annotated":
        return None
    values = [each.slice.value for each in annotation.slice if isinstance(each.slice, cst.Index)]
    return next((found for each in values[1:] if (found := _depended(each))), None)


def _depended(value: cst.BaseExpression) -> cst.BaseExpression | None:
    match value:
        case cst.Call(func=func, args=[cst.Arg(value=asked), *_]) if last_name(func) == "Depends":
            return asked
        case _:
            return None


def _of_dependency(asked: cst.BaseExpression, scope: Scope) -> Taking | None:
    if not isinstance(asked, cst.Name | cst.Attribute):
        return None
    functions = [*functions_called(asked, scope.outside)]
    return lent_by(plain(functions[0]), 2, is_dependency=True) if len(functions) == 1 else None


def _is_session(parameter: cst.Param, scope: Scope) -> bool:
    """Whether a parameter is declared to be a session."""
    waiting: list[cst.CSTNode] = [parameter.annotation.annotation] if parameter.annotation else []
    while waiting:
        node = waiting.pop()
        if isinstance(node, cst.Subscript) and node.slice and isinstance(node.slice[0].slice, cst.Index):
            waiting.append(node.slice[0].slice.value)
        elif qualified(node, scope.outside) in SESSIONS | ASYNC_SESSIONS:
            return True
        elif isinstance(node, cst.Name | cst.Attribute):
            bound = [each.node for each in definitions(node, scope.outside).definitions]
            waiting += [each for each in bound[:1] if isinstance(each, cst.Subscript)]
    return False


def held_within(hold: Hold, call: cst.Call, function: Definition) -> frozenset[cst.CSTNode] | None:
    """The calls of a function, which is called with a session, that it makes while the session holds a connection.

    None where it is not given the session.
    """
    node, scope = function
    name = _parameter_given(hold.name, call, node, scope) if isinstance(node, cst.FunctionDef) else None
    if name is None or not isinstance(node, cst.FunctionDef):
        return None
    within = scope.inside(node)
    use = Use(Deed.LOOKED, node, names=(name,))
    inner = hold._replace(scope=within, start=Start(None, use), site=hold.site)
    return frozenset(each.call for each in inner.held())


def _parameter_given(name: str, call: cst.Call, function: cst.FunctionDef, scope: Scope) -> str | None:
    is_method = scope.owner is not None and not scope.functions
    for parameter in parameters(function):
        given = passed(call, *order_of(parameter, function, call, is_method=is_method)).node
        if name and isinstance(given, cst.Name) and given.value == name:
            return parameter.name.value
    return None
