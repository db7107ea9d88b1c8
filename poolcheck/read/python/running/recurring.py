"""Whether what a call makes is made again and again: what becomes of it, and who runs the code around the call."""

import re
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from functools import lru_cache
from itertools import takewhile
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.leaks.deeds import BORROWING, DERIVING, Surroundings, surroundings
from poolcheck.read.python.pools.uses import Placed
from poolcheck.read.python.project.roles import Role, role_of
from poolcheck.read.python.running.entry_points import depended_on, entry_point
from poolcheck.read.python.running.occasions import EntryPoint
from poolcheck.read.python.running.references import references, references_to_class
from poolcheck.read.python.syntax.arguments import order_of, passed
from poolcheck.read.python.syntax.bindings import bound_in, dotted, last_name_behind, parameters
from poolcheck.read.python.syntax.trees import children, walk
from poolcheck.read.python.values.names import functions_called
from poolcheck.read.python.values.scope import Class, Definition, Scope
from poolcheck.source import Span

DEEPEST = 5
MOST_STEPS = 60
MOST_LENDERS = 3
"""So many calls inside each other, and so many in all, are followed from where an object is made; and so many
functions inside each other that are given it."""


class Holder(StrEnum):
    """Who has an object when the function is done that got it.

    `NOBODY`: it was only used there. `CALLER`: it is returned. `USER`: something is returned that uses it, such as
    a session. `OTHERS`: it is stored or handed on, or that is not certain. `CLOSED`: it was closed.
    """

    NOBODY = "nobody"
    CALLER = "caller"
    USER = "user"
    OTHERS = "others"
    CLOSED = "closed"


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


def holder_of(made: Placed) -> Holder:
    """Who has the object that a call in a function makes, when the function is done."""
    return _holder(_Site(made.call, made.around, made.scope))


CLOSING = frozenset(
    {"aclose", "close", "close_all", "closeall", "disconnect", "dispose", "shutdown", "terminate", "wait_closed"}
)
"""Methods that close what an engine or a pool has opened."""


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
        match _holder(site, is_user=is_user):
            case Holder.CALLER | Holder.USER as holder:
                yield from self.of_code(site, returns=holder, varies=varies)
            case Holder.NOBODY:
                yield from self.of_code(site, returns=None, varies=varies)
            case Holder.CLOSED if self._in_use:
                yield from self.of_code(site, returns=None, varies=varies)
            case _:
                return

    def of_code(self, site: _Site, *, returns: Holder | None, varies: bool) -> Iterator[Recurrence]:
        """Why the code around a call runs again and again; while nobody keeps what it `returns` of the object."""
        function, is_other = site.function, varies and _follows_loop(site)
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


def depends_on_parameters(call: cst.CSTNode, scope: Scope, *, around: bool = False) -> bool:
    """Whether the arguments of a call have names in them that the parameters of the function lead to.

    If `around`, those of the functions around the function, of which it uses variables.
    """
    if not isinstance(call, cst.Call) or not scope.functions:
        return False
    *outer, inner = scope.functions
    functions = outer if around else [inner]
    method = scope.functions[0] if scope.owner else None
    names = {name for function in functions for name in _given(function, is_method=function is method)}
    bound = [bound_in(function) for function in scope.functions]
    waiting = {name for each in call.args for name in _names_in(each.value)}
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        values = next((each[name] for each in reversed(bound) if name in each), ())
        if name in names and any(isinstance(each, cst.Param) for each in values):
            return True
        for each in values:
            # What a loop or a `with` binds may be anything.
            if each is None or isinstance(each, cst.WithItem):
                return True
            if isinstance(each, cst.BaseExpression | cst.AnnAssign):
                waiting |= {*_names_in(each)} - seen
    return False


def _names_in(root: cst.CSTNode) -> Iterator[str]:
    """The names in an expression, but for what is the same for all requests: `request.app.state.url`."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, cst.Name):
            yield node.value
        if not (isinstance(node, cst.Attribute) and _OF_THE_PROCESS.search(f"{dotted(node)}.")):
            waiting += children(node)


_OF_THE_PROCESS = re.compile(r"^\w+\.(?:app|application|bot|config|settings)\.")


def _given(function: cst.FunctionDef, *, is_method: bool) -> Iterator[str]:
    """The parameters of a function whose arguments may be others each time."""
    for at, parameter in enumerate(parameters(function)):
        if not (is_method and at == 0) and not _is_injected(parameter):
            yield parameter.name.value


_SETTINGS = re.compile(r"conf|setting|^cfg$|^env$|^app$|^ctx$|^context$|^self$|^cls$", re.IGNORECASE)


def _is_injected(parameter: cst.Param) -> bool:
    """Whether a parameter is the same for all: one with a default that a framework provides, or settings."""
    return isinstance(parameter.default, cst.Call) or _SETTINGS.search(parameter.name.value) is not None


def is_property(function: cst.FunctionDef) -> bool:
    """Whether a function is called where its name is read."""
    return any(
        isinstance(each.decorator, cst.Name) and each.decorator.value == "property" for each in function.decorators
    )


def is_cached_by_hand(function: cst.FunctionDef, *, returns: bool) -> bool:
    """Whether a function may do nothing but answer what it knows, or return an object that it had before."""
    return any(
        (returns and isinstance(node, cst.Global | cst.Nonlocal))
        or (isinstance(node, cst.Name) and _CACHES.search(node.value))
        for node in walk(function.body)
    )


_CACHES = re.compile(r"cache|singleton|(?:^|_)ttl(?:_|$)|^_?instances?$|^_?pools$|^_?engines$", re.IGNORECASE)


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


def _follows_loop(site: _Site) -> bool:
    """Whether what is made is another one for each turn of the loop, as for a list of databases."""
    loop = next((each for each in site.around if isinstance(each, cst.For | cst.While)), None)
    if loop is None or not isinstance(site.node, cst.Call):
        return False
    bound = {name for node in (loop, *walk(loop.body)) for name in _bound_names(node)}
    arguments = (argument.value for argument in site.node.args)
    return any(isinstance(node, cst.Name) and node.value in bound for each in arguments for node in walk(each))


def _bound_names(node: cst.CSTNode) -> Iterable[str]:
    match node:
        case cst.For(target=target):
            return [each.value for each in walk(target) if isinstance(each, cst.Name)]
        case cst.AssignTarget(target=cst.Name(value=name)) | cst.AnnAssign(target=cst.Name(value=name)):
            return [name]
        case _:
            return []


# What becomes of an object.


def _holder(site: _Site, *, is_user: bool = False) -> Holder:
    function = site.function
    if function is None:
        return Holder.OTHERS
    inside = takewhile(lambda node: node is not function, site.around)
    if any(isinstance(each, _DOUBTFUL) for each in inside):
        return Holder.OTHERS
    return _Following(function, site.scope).of(site.node, is_derived=is_user)


_DOUBTFUL = (cst.BaseComp, cst.BooleanOperation, cst.CompFor, cst.IfExp, cst.Lambda)
"""What is around an object that is made later, or not always, or many times."""


class _Following:
    """What is done with an object in a function, under all names that it gets there."""

    def __init__(self, function: cst.FunctionDef, scope: Scope, depth: int = 0) -> None:
        self._function = function
        self._scope = scope
        self._depth = depth
        self._around: Surroundings = surroundings(function)
        self._seen: set[str] = set()

    def of(self, node: cst.CSTNode, *, is_derived: bool = False) -> Holder:
        """Who has the value of an expression in the end."""
        parent = self._around.parent(node)
        match parent:
            case cst.Await() | cst.BooleanOperation():
                return self.of(parent, is_derived=is_derived)
            case cst.IfExp(test=test):
                return Holder.NOBODY if test is node else self.of(parent, is_derived=is_derived)
            case cst.Return():
                return Holder.USER if is_derived else Holder.CALLER
            case cst.WithItem(asname=asname):
                return self._of_with(asname, is_derived=is_derived)
            case (
                cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))])
                | cst.AnnAssign(target=cst.Name(value=name))
                | cst.NamedExpr(target=cst.Name(value=name))
            ):
                return self.of_name(name, is_derived=is_derived)
            case cst.Attribute(attr=cst.Name(value=name)) if parent.value is node:
                return self._of_attribute(parent, name, is_derived=is_derived)
            case cst.Arg():
                return self._of_argument(parent)
            case cst.Call(func=func) if func is node:
                return self.of(parent, is_derived=True)
            case cst.CompFor() | cst.Subscript():
                return Holder.NOBODY if is_derived else Holder.OTHERS
            case _:
                return Holder.NOBODY if isinstance(parent, _LOOKING) else Holder.OTHERS

    def of_name(self, name: str, *, is_derived: bool) -> Holder:
        """Who has what a local variable is given."""
        bound = bound_in(self._function).get(name)
        if bound is None or any(isinstance(each, cst.Param) for each in bound):
            return Holder.OTHERS
        if name in self._seen:
            return Holder.NOBODY
        self._seen.add(name)
        found = {self._of_use(node, is_derived=is_derived) for node in self._around.names.get(name, ())}
        return next((each for each in _STRONGEST if each in found), Holder.NOBODY)

    def _of_use(self, node: cst.Name | cst.Attribute, *, is_derived: bool) -> Holder:
        parent = self._around.parent(node)
        match parent:
            case cst.AssignTarget() | cst.AsName() | cst.AnnAssign(target=cst.Name()) if _is_target(node, parent):
                return Holder.NOBODY
            case cst.Arg(keyword=keyword) if keyword is node:
                return Holder.NOBODY
            case cst.Attribute(attr=attr) if attr is node:
                return Holder.NOBODY
            case cst.NamedExpr(target=target) if target is node:
                return Holder.NOBODY
            case _:
                pass
        for each in self._around.ancestors(node):
            if each is self._function:
                break
            if isinstance(each, cst.FunctionDef | cst.Lambda | cst.ClassDef):
                return Holder.OTHERS
        return self.of(node, is_derived=is_derived)

    def _of_with(self, asname: cst.AsName | None, *, is_derived: bool) -> Holder:
        """Of what a `with` statement enters: a pool is closed by it, a session or connection gives itself back."""
        if not is_derived:
            return Holder.CLOSED
        if asname and isinstance(asname.name, cst.Name):
            return self.of_name(asname.name.value, is_derived=True)
        return Holder.NOBODY

    def _of_attribute(self, attribute: cst.Attribute, name: str, *, is_derived: bool) -> Holder:
        called = self._around.parent(attribute)
        if isinstance(called, cst.AssignTarget):
            return Holder.NOBODY
        if not isinstance(called, cst.Call) or called.func is not attribute:
            # `engine.sync_engine`, `engine.url`; or a method that somebody is to call.
            return self.of(attribute, is_derived=True)
        if name == "dispose" or (name in CLOSING and not is_derived):
            return Holder.CLOSED
        # What else a session or a connection is asked for are values.
        return self.of(called, is_derived=True) if name in _OPENING else Holder.NOBODY

    def _of_argument(self, argument: cst.Arg) -> Holder:
        call = self._around.parent(argument)
        if not isinstance(call, cst.Call):
            return Holder.OTHERS
        name = last_name_behind(call.func)
        if argument.star or name in _KEEPING:
            return Holder.OTHERS
        if name in {"aclosing", "closing"}:
            return Holder.CLOSED
        if name in DERIVING or name in _WRAPPING:
            return self.of(call, is_derived=True)
        if name in BORROWING or name in _BORROWING:
            return Holder.NOBODY
        return self._of_lent(call, argument)

    def _of_lent(self, call: cst.Call, argument: cst.Arg) -> Holder:
        """Of what a function of the project is given."""
        functions = [*functions_called(call.func, self._scope)] if self._depth < MOST_LENDERS else []
        found = {_lent_to(each, call, argument, self._depth + 1) for each in functions}
        if not found or Holder.OTHERS in found:
            return Holder.OTHERS
        if found & {Holder.CALLER, Holder.USER}:
            return self.of(call, is_derived=True)
        return Holder.CLOSED if Holder.CLOSED in found else Holder.NOBODY


_STRONGEST = (Holder.OTHERS, Holder.CLOSED, Holder.CALLER, Holder.USER)
_OPENING = frozenset(
    {
        "begin", "bind", "configure", "connect", "cursor", "execute", "execution_options", "get_bind",
        "raw_connection", "session", "transaction",
    }
)  # fmt: skip
"""Methods whose value has the engine, or the connection, still."""
_LOOKING = (
    cst.Assert, cst.Comparison, cst.ComparisonTarget, cst.Del, cst.Expr, cst.For, cst.FormattedStringExpression,
    cst.If, cst.UnaryOperation, cst.While, cst.Yield,
)  # fmt: skip
"""What is around an expression that is only looked at, or lent."""
_WRAPPING = frozenset({"MetaData", "SQLDatabase", "Database", "AsyncConnection", "create_session", "PGVector"})
_BORROWING = frozenset(
    {
        "bind", "create_all", "create_database", "database_exists", "drop_all", "drop_database", "has_table",
        "init_beanie", "instrument", "listen", "listens_for", "read_sql", "read_sql_query", "read_sql_table",
        "reflect", "run_sync", "to_sql",
    }
)  # fmt: skip
"""More functions that use an engine and do not keep it."""
_KEEPING = frozenset({"add", "append", "callback", "partial", "put", "register", "set", "setattr", "setdefault"})


def _is_target(node: cst.CSTNode, parent: cst.CSTNode) -> bool:
    return not isinstance(parent, cst.AnnAssign) or parent.target is node


def _lent_to(function: Definition, call: cst.Call, argument: cst.Arg, depth: int) -> Holder:
    """Who has what a function of the project is given, when the function is done."""
    node, scope = function
    name = _parameter_of(node, scope, call, argument) if isinstance(node, cst.FunctionDef) else None
    if name is None or not isinstance(node, cst.FunctionDef):
        return Holder.OTHERS
    return _Lent(node, scope.inside(node), depth).of_parameter(name)


def _parameter_of(function: cst.FunctionDef, scope: Scope, call: cst.Call, argument: cst.Arg) -> str | None:
    """The parameter that an argument is passed as."""
    inner = scope.inside(function)
    for parameter in parameters(function):
        order = order_of(parameter, function, call, is_method=inner.is_method)
        if passed(call, *order).node is argument.value:
            return parameter.name.value
    return None


class _Lent(_Following):
    """What is done with what a function is given."""

    def of_parameter(self, name: str) -> Holder:
        """Who has it besides the caller."""
        self._seen.add(name)
        found = {self._of_use(node, is_derived=False) for node in self._around.names.get(name, ())}
        return next((each for each in _STRONGEST if each in found), Holder.NOBODY)

    def _of_use(self, node: cst.Name | cst.Attribute, *, is_derived: bool) -> Holder:
        if isinstance(self._around.parent(node), cst.Param):
            return Holder.NOBODY
        return super()._of_use(node, is_derived=is_derived)
