"""Where a module takes connections from pools and engines, or straight from a driver."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.leaks.following.fate import fate_of
from poolcheck.read.python.leaks.following.outcome import Fate, Outcome
from poolcheck.read.python.leaks.following.silences import Reason, Silence
from poolcheck.read.python.leaks.following.taken import Taken
from poolcheck.read.python.leaks.taking.sources import ENDINGS, SHORTCUTS, Source, source_of, uses_asyncpg
from poolcheck.read.python.libraries.constructor import Constructor, Holds, Library
from poolcheck.read.python.libraries.terms import WAITS, Terms, With
from poolcheck.read.python.pools.client_pools import constructor_called
from poolcheck.read.python.pools.provenance import Made
from poolcheck.read.python.project.roles import Role, role_of
from poolcheck.read.python.syntax.arguments import passed
from poolcheck.read.python.syntax.bindings import bound_in, dotted, last_name_behind
from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.syntax.slices import Piece
from poolcheck.read.python.syntax.trees import children, walk
from poolcheck.read.python.values.evaluate import evaluate
from poolcheck.read.python.values.names import functions_called
from poolcheck.read.python.values.scope import Call, Class, Scope
from poolcheck.source import Span
from poolcheck.value import Value, number_of

_TAKING = re.compile(rf"(?:{ENDINGS}|\.open)\s*\(")
"""What code mentions that takes a connection."""
_ENTERED = re.compile(r"[ \t]*(?:async[ \t]+)?with[ \t]+[\w.]*[Ss]ession\w*[ \t]*\(")
"""A `with` statement over a session, up to where the session is made."""
_SHORTCUT = re.compile(rf"\.\s*(?:{'|'.join(sorted(SHORTCUTS))})\s*\(")

_BOUNDING = frozenset({"timeout", "timeout_at", "fail_after", "move_on_after", "wait_for"})
"""Functions of asyncio, async_timeout and anyio that bound what is done in them."""

_COUNTS = re.compile(r"semaphore|(?:^|_)sem(?:$|_)|limiter", re.IGNORECASE)
"""How things are called that let only so many in, who then find a connection each."""

_ANSWERING = frozenset({"delete", "get", "patch", "post", "put", "route", "task", "websocket"})
"""What functions are decorated with that are called again and again, be they called main."""

_COMMAND = re.compile(r"(?!.*(?:bot|commands)\.)(?:\w+\.)*command")
"""What functions are decorated with that are commands of a shell, and not of a chat."""


class Checkout(NamedTuple):
    """A call that takes a connection.

    `title` is the call in short, `pool.getconn()`. `maker` is what made the pool, or makes the connection where
    a driver is asked; None where only names tell that a pool is meant. `function` is the function that makes the
    call, `asked` the method of the pool that takes, and `limit` the number of connections that it has. It
    `is_wrapped` where it is a function of the project that takes the connection for its caller. The call
    `is_bounded` where what is around it sets a limit to its time, and `runs_once` in a script, a migration or an
    example, where less is at stake. `pool_is_local` where the same function makes the pool. Where nothing is to be
    said of it, `silence` is why.
    """

    span: Span
    title: str
    method: str
    maker: Constructor | None
    arguments: Mapping[str, Value]
    function: str | None
    is_bounded: bool
    role: Role
    runs_once: bool
    pool_is_local: bool
    fate: Fate | None
    silence: Silence | None = None
    terms: Terms | None = None
    is_wrapped: bool = False
    asked: str = ""
    limit: int | None = None

    @property
    def consequence(self) -> str:
        """What comes of it when the pool does not get back one connection after the other; "" where it does."""
        terms = self.terms
        is_unlimited = self.limit == UNLIMITED
        if terms is None or not (terms.is_lost and terms.exhausted) or self.pool_is_local or is_unlimited:
            return ""
        exhausted = terms.exhausted
        if self.arguments.get("timeout") and exhausted == WAITS:
            exhausted = "raises TimeoutError"
        return f"after {self.limit or terms.limit} such calls {self.asked}() {exhausted}"

    @property
    def is_pooled(self) -> bool:
        """Whether a pool is known to count the connection."""
        return self.maker is not None and self.maker.is_pool

    @property
    def is_opened(self) -> bool:
        """Whether it is a driver that opens a connection, and no pool that lends one."""
        return self.maker is not None and not self.maker.is_pool


def checkouts_of(module: Module, pieces: Sequence[Piece] | None = None) -> Iterator[Checkout]:
    """The calls in a module that take connections, in order; or those in some of its pieces."""
    role = role_of(module.path)
    has_shortcuts = uses_asyncpg(module)
    for piece in module.pieces if pieces is None else pieces:
        code = module.code(piece)
        if _takes(code) or (has_shortcuts and _SHORTCUT.search(code)):
            owner = Class(module, piece.scope) if piece.scope else None
            for tree, statement in module.statements(piece):
                for call, scope, around in _calls(statement, Scope(module, tree, owner=owner)):
                    if found := _checkout(call, scope, role, around):
                        yield found


def _takes(code: str) -> bool:
    """Whether code may take a connection, other than by a `with` statement over a session, which most do."""
    for found in _TAKING.finditer(code):
        line = code.rfind("\n", 0, found.start()) + 1
        if not _ENTERED.fullmatch(code, line, found.end()) or "no_autoflush" in code:
            return True
    return False


class _Around(NamedTuple):
    """What is around a call: something that bounds its duration, and a `with` statement that is over it."""

    is_bounded: bool = False
    is_entered: bool = False


def _calls(root: cst.CSTNode, scope: Scope) -> Iterator[tuple[cst.Call, Scope, _Around]]:
    """The calls in a statement, each with its scope and what is around it."""
    waiting = [(root, scope, _Around())]
    while waiting:
        node, within, around = waiting.pop()
        if type(node) is cst.Call:
            yield node, within, around
        elif type(node) is cst.FunctionDef:
            within = within.inside(node)
        if type(node) in _TELLING:
            inner = _Around(around.is_bounded or _bounds(node), is_entered=isinstance(node, cst.WithItem))
        else:
            inner = _Around(around.is_bounded) if around.is_entered else around
        waiting += [(child, within, inner) for child in children(node)][::-1]


_TELLING = frozenset[type]({cst.Call, cst.With, cst.WithItem})
"""What is asked whether it bounds, or enters, what is in it: few of all nodes."""


def _bounds(node: cst.CSTNode) -> bool:
    """Whether a node sets a limit to the time of what is in it, or to how many do it at once."""
    if isinstance(node, cst.With):
        return any(_bounds(item.item) or _COUNTS.search(last_name_behind(item.item)) for item in node.items)
    return isinstance(node, cst.Call) and last_name_behind(node.func) in _BOUNDING


def _checkout(call: cst.Call, scope: Scope, role: Role, around: _Around) -> Checkout | None:
    found = source_of(call, scope)
    if found is None:
        is_keyed = _is_keyed(call, scope)
        return _taken(call, KEYED, scope, role)._replace(silence=Silence(Reason.KEYED)) if is_keyed else None
    taken = _taken(call, found, scope, role)._replace(is_bounded=around.is_bounded)
    if found.terms is None:
        return taken
    is_left = found.terms.takes_when_awaited or found.terms.entered is With.GIVES_BACK
    fate = Silence(Reason.ENTERED) if around.is_entered and is_left else _fate(call, found, found.terms, scope)
    if isinstance(fate, Silence):
        return taken._replace(silence=fate)
    return taken._replace(fate=fate, silence=Silence(Reason.IN_TEST) if role is Role.TEST else None)


KEYED = Source(None, None)
"""psycopg2's pool, asked by a key."""


def _is_keyed(call: cst.Call, scope: Scope) -> bool:
    """Whether a call asks a pool for the connection of a key, which is the same as before."""
    if not isinstance(call.func, cst.Attribute) or call.func.attr.value != "getconn" or not call.args:
        return False
    return "pool" in last_name_behind(call.func.value).lower() and not any(functions_called(call.func, scope))


_UNSURE = frozenset({Outcome.CANCELLED, Outcome.KEPT_WITHOUT_CLOSE, Outcome.SET_UP_UNGUARDED})
"""What is not told of what only its name tells to be a connection. One that is closed on another way is one."""


def _fate(call: cst.Call, source: Source, terms: Terms, scope: Scope) -> Fate | Silence:
    if not scope.functions:
        return Silence(Reason.OF_MODULE)
    if _is_closed(call.func, scope):
        return Silence(Reason.POOL_CLOSED)
    if source.made and source.made.constructor.library is not Library.SQLALCHEMY and _is_local(call.func, scope):
        return Silence(Reason.POOL_OWN)
    fate = fate_of(Taken(call, terms, scope.functions[-1], scope, source.position, source.derived))
    is_unsure = source.is_guess and isinstance(fate, Fate) and fate.outcome in _UNSURE
    return Silence(Reason.GUESSED) if is_unsure else fate


def _taken(call: cst.Call, source: Source, scope: Scope, role: Role) -> Checkout:
    function = scope.functions[-1] if scope.functions else None
    maker = source.made.constructor if source.made else None
    return Checkout(
        span=scope.span(call),
        title=_in_short(call),
        method=last_name_behind(call.func),
        maker=maker,
        arguments={each.keyword.value: evaluate(each.value, scope) for each in call.args if each.keyword},
        function=function.name.value if function else None,
        is_bounded=False,
        role=role,
        runs_once=role is not Role.APPLICATION or (function is not None and _is_main(function)),
        pool_is_local=_is_local(call.func, scope),
        fate=None,
        terms=source.terms,
        is_wrapped=source.is_wrapped,
        asked=source.asked,
        limit=_limit(source.made) if source.made and source.terms else None,
    )


UNLIMITED = 0


def _limit(made: Made) -> int | None:
    """How many connections the pool has, as far as the calls that make it tell the same."""
    found = {_limit_of(call, made.constructor) for call in made.calls}
    return found.pop() if len(found) == 1 else None


def _limit_of(call: Call, constructor: Constructor) -> int | None:
    if constructor.holds is Holds.SUM and len(constructor.size) > 1:
        return None
    for name in constructor.size:
        position = constructor.parameters.index(name) if name in constructor.parameters else None
        given = passed(call.node, name, position)
        if given.is_hidden or given.spread:
            return None
        number = number_of(evaluate(given.node, call.scope)) if given.node else None
        default = constructor.defaults.get(name)
        if given.node is None and isinstance(default, int):
            number = default
        if (default if given.node is None else number) in constructor.unlimited.get(name, ()):
            is_known = given.node is None or number is not None
            return UNLIMITED if is_known else None
        if number is not None:
            return int(number) if number > 0 else None
        if given.node:
            return None
    return None


def _in_short(node: cst.CSTNode) -> str:
    """An expression without arguments, which may be long or secret."""
    match node:
        case cst.Name(value=name):
            return name
        case cst.Attribute(value=value, attr=cst.Name(value=name)):
            return f"{_in_short(value)}.{name}"
        case cst.Call(func=func):
            return f"{_in_short(func)}()"
        case cst.Subscript(value=value):
            return f"{_in_short(value)}[...]"
        case _:
            return "(...)"


def _is_local(method: cst.BaseExpression, scope: Scope) -> bool:
    """Whether the pool that a method is of is made by the function itself."""
    if not scope.functions or not isinstance(method, cst.Attribute) or not isinstance(method.value, cst.Name):
        return False
    bound = bound_in(scope.functions[-1]).get(method.value.value, ())
    values = [each.item if isinstance(each, cst.WithItem) else each for each in bound]
    calls = [value.expression if isinstance(value, cst.Await) else value for value in values]
    return bool(calls) and all(isinstance(each, cst.Call) and constructor_called(each, scope) for each in calls)


def _is_closed(method: cst.BaseExpression, scope: Scope) -> bool:
    """Whether the function closes the pool that a method is of, and with it the connections that are out."""
    pool = dotted(method.value) if isinstance(method, cst.Attribute) else None
    if pool is None or last_name_behind(method) != "getconn" or not scope.functions:
        return False
    return not {f"{pool}.close", f"{pool}.closeall"}.isdisjoint(_called_in(scope.functions[-1]))


@lru_cache(maxsize=8)
def _called_in(function: cst.FunctionDef) -> frozenset[str]:
    """The names of what a function calls."""
    names = (dotted(each.func) for each in walk(function) if isinstance(each, cst.Call))
    return frozenset(name for name in names if name)


def _is_main(function: cst.FunctionDef) -> bool:
    """Whether a function is the one that a script consists of, or a command of the shell."""
    decorators = {last_name_behind(decorator.decorator) for decorator in function.decorators}
    commands = (
        each.decorator.func if isinstance(each.decorator, cst.Call) else each.decorator
        for each in function.decorators
    )
    is_command = any(_COMMAND.fullmatch(dotted(each) or "") for each in commands)
    return is_command or (function.name.value == "main" and decorators.isdisjoint(_ANSWERING))
