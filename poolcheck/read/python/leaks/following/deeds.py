"""What is done with a connection where a name for it stands, and with what is derived from it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import libcst as cst

from poolcheck.read.python.leaks.following.deed import Deed, Effect, Effects, Use
from poolcheck.read.python.leaks.following.surroundings import surroundings
from poolcheck.read.python.leaks.following.words import (
    BORROWING,
    CLOSING,
    DATA,
    DERIVING,
    ENDING,
    ENTERING,
    EXECUTING,
    KEEPING,
    LISTENING,
    LOOKING_AT,
    OF_SESSIONS,
    PASSING_ON,
    SETTING_UP,
    STATES,
)
from poolcheck.read.python.libraries.terms import Terms, With
from poolcheck.read.python.syntax.bindings import bound_in, dotted, inside, last_name, names_entered
from poolcheck.read.python.syntax.trees import walk

_Step: TypeAlias = Use | tuple[cst.CSTNode, bool, bool]
"""What is done with a value; or what becomes of it first, whether that is derived, and whether it may fail."""


class Uses:
    """The uses of one connection in a function."""

    def __init__(self, function: cst.FunctionDef, terms: Terms, effects: Effects, *, lends: bool) -> None:
        self.around = surroundings(function)
        self._terms = terms
        self._effects = effects
        self._lends = lends
        self._found: dict[tuple[str, bool], list[tuple[cst.CSTNode, Use]]] = {}
        self._enters = function.name.value in {"__aenter__", "__enter__"}

    def of_name(self, name: str, *, is_derived: bool) -> list[tuple[cst.CSTNode, Use]]:
        """The places where the value of a name is used, each with the use."""
        if (name, is_derived) not in self._found:
            self._found[name, is_derived] = [*self._of_name(name, is_derived=is_derived)]
        return self._found[name, is_derived]

    def _of_name(self, name: str, *, is_derived: bool) -> Iterator[tuple[cst.CSTNode, Use]]:
        for node in self.around.names.get(name, ()):
            if self._is_read(node, name):
                nested = [
                    each for each in self.around.ancestors(node) if isinstance(each, cst.FunctionDef | cst.Lambda)
                ]
                if nested[0] is self.around.function:
                    use = self.of(node, is_derived=is_derived)
                    is_kept = "." in name and use.deed is Deed.RETURNED
                    yield node, use._replace(deed=Deed.LOOKED) if is_kept else use
                elif name not in bound_in(nested[0]):
                    yield self._captured(nested[-2], node, name)

    def _is_read(self, node: cst.Name | cst.Attribute, name: str) -> bool:
        match self.around.parent(node):
            case cst.Attribute(value=value) | cst.Arg(value=value):
                return value is node
            case cst.AssignTarget() | cst.Del() | cst.Param() | cst.AsName() | cst.Global() | cst.Nonlocal():
                return False
            case cst.AnnAssign(target=target) | cst.NamedExpr(target=target) | cst.AugAssign(target=target):
                return target is not node
            case cst.For(target=target) | cst.CompFor(target=target):
                return target is not node
            case cst.Element() as element:
                return not self._is_target(element)
            case cst.FunctionDef() | cst.ClassDef() | cst.NameItem() | cst.ImportAlias():
                return False
            case _:
                return bool(name)

    def _is_target(self, element: cst.CSTNode) -> bool:
        """Whether an element of a tuple is assigned to."""
        node: cst.CSTNode | None = element
        while isinstance(node, cst.Element | cst.Tuple | cst.List | cst.StarredElement):
            last, node = node, self.around.parent(node)
            match node:
                case cst.AssignTarget():
                    return True
                case cst.For(target=target) | cst.CompFor(target=target):
                    return target is last
                case _:
                    pass
        return False

    def _captured(self, nested: cst.CSTNode, node: cst.CSTNode, name: str) -> tuple[cst.CSTNode, Use]:
        """What a function inside of the function does with it: it is used where that is called, or kept."""
        if not isinstance(nested, cst.FunctionDef):
            return nested, Use(Deed.GONE, node)
        own = nested.name.value
        places = [each for each in self.around.names.get(own, ()) if self._is_read(each, own)]
        is_only_called = all(
            self.around.called(each) and not self._is_inside(each, nested) and self._is_own(each)
            for each in places
        )
        if not is_only_called or not places or self._is_kept_inside(nested, name):
            return nested, Use(Deed.GONE, node)
        return nested, Use(Deed.LOOKED, node, derived=(own,))

    def _is_inside(self, node: cst.CSTNode, root: cst.CSTNode) -> bool:
        return any(each is root for each in self.around.ancestors(node))

    def _is_own(self, node: cst.CSTNode) -> bool:
        """Whether a node is one of the function's own, and of no function or comprehension inside of it."""
        inmost = next(
            each for each in self.around.ancestors(node) if isinstance(each, cst.FunctionDef | cst.Lambda)
        )
        return inmost is self.around.function

    def _is_kept_inside(self, nested: cst.FunctionDef, name: str) -> bool:
        """Whether a function inside of the function may keep it, or give it back."""
        for node in self.around.names.get(name, ()):
            if self._is_inside(node, nested) and self._is_read(node, name):
                use = self.of(node, is_derived=False)
                if use.deed not in {Deed.LOOKED, Deed.ASKED} or use.names:
                    return True
        return any(isinstance(each, cst.Yield | cst.Nonlocal) for each in inside(nested))

    def of(self, value: cst.CSTNode, *, is_derived: bool) -> Use:
        """What is done with the value of an expression."""
        asked = False
        while True:
            step = self._step(value, is_derived=is_derived)
            if isinstance(step, Use):
                is_harmless = asked and step.deed is Deed.LOOKED
                return step._replace(deed=Deed.ASKED) if is_harmless else step
            value, is_derived, asks = step
            asked = asked or asks

    def of_position(self, value: cst.CSTNode, position: int, derived: Sequence[int] = ()) -> Use:
        """What is done with what stands at a place of the tuple that an expression is worth.

        At the `derived` places there are cursors of it and the like.
        """
        match self.around.parent(value):
            case cst.Assign(targets=[cst.AssignTarget(target=cst.Tuple() | cst.List() as target)]):
                elements = [each.value for each in target.elements]
                if position >= len(elements):
                    return Use(Deed.GONE, value)
                use = self._assigned([elements[position]], value, is_derived=False)
                others = (self._name(elements[place]) for place in derived if place < len(elements))
                return use._replace(derived=tuple(name for name in others if name))
            case _:
                return Use(Deed.GONE, value)

    def is_awaited_by_another(self, call: cst.CSTNode) -> bool:
        """Whether a function awaits it: `await wait_for(pool.acquire(), 5)`."""
        argument = self.around.parent(call)
        called = self.around.parent(argument) if isinstance(argument, cst.Arg) else None
        is_passed = isinstance(called, cst.Call) and last_name(called.func) in PASSING_ON
        return is_passed and called is not None and self.around.awaited(called) is not called

    def _step(self, value: cst.CSTNode, *, is_derived: bool) -> "_Step":
        match self.around.parent(value):
            case cst.Attribute() as attribute:
                return self._attribute(attribute, is_derived=is_derived)
            case cst.Arg() as argument:
                return self._argument(argument, is_derived=is_derived)
            case cst.Assign() as assignment:
                return self._assigned([each.target for each in assignment.targets], value, is_derived=is_derived)
            case cst.AnnAssign(target=target):
                return self._assigned([target], value, is_derived=is_derived)
            case cst.Element() as element:
                return self._element(element, is_derived=is_derived)
            case cst.WithItem() as item:
                return self._entered(item, is_derived=is_derived)
            case cst.BaseExpression() as outer:
                return self._passed_on(value, outer, is_derived=is_derived)
            case parent:
                return self._ended(value, parent, is_derived=is_derived)

    def _passed_on(self, value: cst.CSTNode, outer: cst.BaseExpression, *, is_derived: bool) -> "_Step":
        """What is done with a value in the expression around it, which may be worth the same."""
        match outer:
            case cst.NamedExpr(target=target):
                use = self.of(outer, is_derived=is_derived)
                bound = self._assigned([target], value, is_derived=is_derived)
                return use._replace(names=use.names + bound.names, derived=use.derived + bound.derived)
            case cst.Await():
                return outer, is_derived, is_derived
            case cst.Call() if self._terms.is_session:
                # What a registry of sessions returns is the session that it holds.
                return outer, is_derived, is_derived
            case cst.Call():
                return outer, True, True
            case cst.Subscript() if is_derived and self._terms.is_session:
                # A query that is sliced is executed.
                return Use(Deed.ASKED, outer)
            case cst.IfExp(test=test) if test is value:
                return Use(Deed.LOOKED, value)
            case cst.IfExp() | cst.BooleanOperation():
                return outer, is_derived, False
            case cst.Yield():
                return Use(Deed.LENT if self._lends else Deed.YIELDED, value)
            case _:
                return self._ended(value, outer, is_derived=is_derived)

    def _ended(self, value: cst.CSTNode, parent: cst.CSTNode | None, *, is_derived: bool) -> Use:
        match parent:
            case cst.Return():
                return Use(Deed.GONE if is_derived else Deed.RETURNED, value)
            case cst.From() if is_derived and isinstance(value, cst.Name):
                return Use(Deed.ASKED, value)
            case cst.For(iter=iterated) | cst.CompFor(iter=iterated) if iterated is value:
                return Use(Deed.GONE if is_endless(value) else Deed.ASKED if is_derived else Deed.LOOKED, value)
            case cst.Index():
                return self._index(parent)
            case _:
                return Use(Deed.LOOKED if isinstance(parent, _LOOKING) else Deed.GONE, value)

    def _assigned(self, targets: Sequence[cst.BaseExpression], value: cst.CSTNode, *, is_derived: bool) -> Use:
        names = tuple(name for target in targets if (name := self._name(target)))
        if len(names) < len(targets) or _is_global(names, self.around.function):
            return Use(Deed.ASKED if is_derived and _unpacks(targets) else Deed.GONE, value)
        if is_derived:
            return Use(Deed.LOOKED, value, derived=names)
        return Use(Deed.LOOKED, value, names=names)

    def _name(self, target: cst.BaseExpression) -> str | None:
        """The name that is assigned to; an attribute of the object that is being entered as well."""
        if isinstance(target, cst.Attribute) and self._enters and dotted(target.value) == "self":
            return dotted(target)
        return target.value if isinstance(target, cst.Name) else None

    def _element(self, element: cst.Element, *, is_derived: bool) -> "_Step":
        display = self.around.parent(element)
        if not isinstance(display, cst.Tuple | cst.List):
            return Use(Deed.GONE, element.value)
        position = display.elements.index(element)
        match self.around.parent(display):
            case cst.Assign(targets=[cst.AssignTarget(target=cst.Tuple() | cst.List() as target)]):
                if len(target.elements) == len(display.elements):
                    paired = target.elements[position].value
                    return self._assigned([paired], element.value, is_derived=is_derived)
                return Use(Deed.GONE, element.value)
            case cst.Return() if not is_derived:
                return Use(Deed.RETURNED, element.value, position=position)
            case cst.Return():
                others = (each.value for each in display.elements if each is not element)
                # `return conn, cur`: whoever gets the connection gets the cursor.
                is_with_it = any(isinstance(each, cst.Name) for each in others)
                return Use(Deed.LOOKED if is_with_it else Deed.GONE, element.value)
            case cst.Yield() if self._lends:
                return Use(Deed.LENT, element.value)
            case cst.ComparisonTarget() | cst.Index():
                return Use(Deed.LOOKED, element.value)
            case _ if is_derived:
                return display, True, False
            case _:
                return Use(Deed.GONE, element.value)

    def _index(self, index: cst.Index) -> Use:
        element = self.around.parent(index)
        subscript = self.around.parent(element) if element else None
        is_key = subscript is not None and isinstance(self.around.parent(subscript), cst.AssignTarget)
        return Use(Deed.GONE if is_key else Deed.LOOKED, index)

    def _entered(self, item: cst.WithItem, *, is_derived: bool) -> Use:
        """What a `with` statement over it does."""
        bound = names_entered(item)
        if is_derived:
            called = item.item.func if isinstance(item.item, cst.Call) else item.item
            is_begun = self._terms.is_session and last_name(called) == "begin"
            return Use(Deed.BEGUN if is_begun else Deed.LOOKED, item.item, derived=bound or ())
        if bound is None and item.asname:
            return Use(Deed.GONE, item.item)
        entered = self._terms.entered
        if entered is With.GIVES_BACK:
            return Use(Deed.RELEASED, item.item, names=bound or ())
        is_transaction = isinstance(item.item, cst.Name | cst.Attribute) and entered is With.ENDS_TRANSACTION
        return Use(Deed.LOOKED if is_transaction else Deed.IN_VAIN, item.item, names=bound or ())

    def _attribute(self, attribute: cst.Attribute, *, is_derived: bool) -> "_Step":
        called = self.around.called(attribute)
        name = attribute.attr.value
        if called is None:
            return self._read(attribute, is_derived=is_derived)
        if not is_derived:
            if name in self._terms.closing:
                return Use(Deed.RELEASED, called)
            if name in self._terms.pausing:
                return Use(Deed.PAUSED, called)
            if name in self._terms.useless:
                return Use(Deed.IN_VAIN, called)
            if name == "execution_options":
                return self.around.awaited(called), False, False
        if LISTENING.search(name):
            return Use(Deed.GONE, called)
        value = self.around.awaited(called)
        is_quiet = self._terms.is_session and (name in OF_SESSIONS or _loads_nothing(called))
        asks = name not in SETTING_UP and not is_quiet
        is_plain = name in DATA or (name in EXECUTING and self._terms.answers_plainly)
        is_data = is_plain and not isinstance(self.around.parent(value), cst.Attribute)
        if is_data and not (name == "get" and not self._terms.is_session):
            return Use(Deed.ASKED, called)
        return value, True, asks

    def _read(self, attribute: cst.Attribute, *, is_derived: bool) -> "_Step":
        """What is done with an attribute. `callback(conn.close)` calls it later."""
        name = attribute.attr.value
        parent = self.around.parent(attribute)
        if not is_derived and name in self._terms.closing and isinstance(parent, cst.Arg):
            return Use(Deed.RELEASED, attribute)
        if not is_derived and name == "no_autoflush" and isinstance(parent, cst.WithItem):
            return Use(Deed.IN_VAIN, attribute, names=names_entered(parent) or ())
        if self._terms.is_session and name == "registry":
            return Use(Deed.LOOKED, attribute)
        if isinstance(parent, cst.Attribute) and name != "connection":
            return attribute, True, False
        is_looked_at = isinstance(parent, (cst.AssignTarget, cst.Attribute, cst.AugAssign, *_LOOKING))
        is_well = name in STATES or (is_looked_at and name != "connection")
        return Use(Deed.LOOKED if is_well else Deed.GONE, attribute)

    def _argument(self, argument: cst.Arg, *, is_derived: bool) -> "_Step":
        called = self.around.parent(argument)
        name = last_name(called.func) if isinstance(called, cst.Call) else ""
        if not isinstance(called, cst.Call) or not name or argument.star:
            return Use(Deed.GONE, argument)
        value = self.around.awaited(called)
        if not is_derived and (found := self._given(called, name, value)):
            return found
        if name in PASSING_ON and called.args[0] is argument:
            return value, is_derived, False
        is_read_later = any(each.keyword and each.keyword.value == "chunksize" for each in called.args)
        if name in DERIVING or (name in BORROWING and is_read_later):
            return value, True, False
        if name in BORROWING:
            is_kept = name == "dict" and argument.keyword
            return Use(Deed.GONE if is_kept else Deed.LOOKED if name in LOOKING_AT else Deed.ASKED, called)
        return self._affected(called, argument, name, is_derived=is_derived)

    def _affected(self, called: cst.Call, argument: cst.Arg, name: str, *, is_derived: bool) -> "_Step":
        """What a function of the project does with an argument, or one that is not seen."""
        effect = self._effects(called, argument, is_derived)
        deed = _DEEDS.get(effect)
        if deed is not None:
            return Use(deed, called)
        if effect is not Effect.UNKNOWN:
            is_other = effect in {Effect.DERIVES, Effect.DERIVES_ASKING}
            is_asked = effect in {Effect.DERIVES_ASKING, Effect.RETURNS_ASKING}
            return self.around.awaited(called), is_derived or is_other, is_asked
        return Use(Deed.HANDED, called) if _only_uses(name) else self._made_with_it(called, name)

    def _made_with_it(self, called: cst.Call, name: str) -> Use:
        """What becomes of a connection that an object is made with, or that a function gets for good."""
        if name.lstrip("_")[:1].isupper():
            match self.around.parent(called):
                case cst.Expr():
                    return Use(Deed.WRAPPED, called)
                case cst.Attribute(attr=cst.Name(value=method)) if not KEEPING.search(method):
                    return Use(Deed.WRAPPED, called)
                case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=own))]) if not self._ends(own):
                    return Use(Deed.WRAPPED, called, derived=(own,))
                case _:
                    pass
        return Use(Deed.GONE, called)

    def _ends(self, name: str) -> bool:
        """Whether an object may give back what it was made with, or is kept: it is closed, entered, or global."""
        used = (self.around.parent(each) for each in self.around.names.get(name, ()))
        is_ended = any(
            isinstance(each, cst.WithItem) or (isinstance(each, cst.Attribute) and ENDING.match(each.attr.value))
            for each in used
        )
        return is_ended or _is_global((name,), self.around.function)

    def _given(self, called: cst.Call, name: str, value: cst.CSTNode) -> "_Step | None":
        """What a function does with a connection that is meant for connections."""
        terms = self._terms
        if name in terms.returning or any(last_name(each.value) in terms.returning for each in called.args):
            return Use(Deed.RELEASED, called)
        parent = self.around.parent(value)
        if name in CLOSING:
            is_left = isinstance(parent, cst.WithItem) or (
                isinstance(parent, cst.Arg) and self._is_entering(parent)
            )
            names = names_entered(parent) if isinstance(parent, cst.WithItem) else ()
            if is_left and "close" in terms.closing:
                return Use(Deed.RELEASED, called)
            if is_left and "close" in terms.useless:
                return Use(Deed.IN_VAIN, called, names=names or ())
            return Use(Deed.GONE, called)
        if name in ENTERING:
            if terms.entered is With.GIVES_BACK:
                return Use(Deed.RELEASED, called)
            return Use(Deed.GONE, called)
        return None

    def _is_entering(self, argument: cst.Arg) -> bool:
        called = self.around.parent(argument)
        return isinstance(called, cst.Call) and last_name(called.func) in ENTERING


_LOOKING = (
    cst.Assert,
    cst.Comparison,
    cst.ComparisonTarget,
    cst.CompIf,
    cst.Expr,
    cst.FormattedStringExpression,
    cst.If,
    cst.Match,
    cst.Raise,
    cst.Subscript,
    cst.UnaryOperation,
    cst.While,
)
"""Where a value does not go anywhere."""


_DEEDS: Mapping[Effect, Deed] = {
    Effect.LOOKS: Deed.LOOKED,
    Effect.BORROWS: Deed.ASKED,
    Effect.RELEASES: Deed.RELEASED,
    Effect.PAUSES: Deed.PAUSED,
    Effect.TAKES: Deed.GONE,
}
"""What is done by a function of the project, where it is not what the function returns that matters."""


def _loads_nothing(called: cst.Call) -> bool:
    """Whether a session is told to execute nothing: `merge(item, load=False)`."""
    told = (each.value for each in called.args if each.keyword and each.keyword.value == "load")
    return any(isinstance(each, cst.Name) and each.value == "False" for each in told)


def _only_uses(name: str) -> bool:
    """Whether a function likely keeps nothing of what it is given: no class, and none that is named for it."""
    return not KEEPING.search(name) and name.lstrip("_")[:1].islower()


def is_endless(iterated: cst.CSTNode) -> bool:
    """Whether there is no end to what is iterated over, as its name tells."""
    return any(isinstance(each, cst.Name) and LISTENING.search(each.value) for each in walk(iterated))


def _unpacks(targets: Sequence[cst.BaseExpression]) -> bool:
    return all(isinstance(target, cst.Tuple | cst.List) for target in targets)


def _is_global(names: tuple[str, ...], function: cst.FunctionDef) -> bool:
    """Whether a name is one of the module, or of the function around."""
    return any("." not in name and name not in bound_in(function) for name in names)
