"""Which calls wait for what no database answers, in a function or in what it calls."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.leaks.following.roles import yields
from poolcheck.read.python.leaks.following.surroundings import Surroundings, surroundings
from poolcheck.read.python.libraries.slow_calls import (
    BUILT_IN,
    CLIENTS,
    FUNCTIONS,
    IN_THREADS,
    METHODS,
    SLEEPING,
    SLEEPS,
    STARTING,
    THREAD,
    Client,
)
from poolcheck.read.python.syntax.bindings import bound_in, dotted, last_name, returned
from poolcheck.read.python.syntax.cached import is_cached_by_hand
from poolcheck.read.python.syntax.trees import children
from poolcheck.read.python.values.evaluate import evaluate
from poolcheck.read.python.values.names import definitions, functions_called
from poolcheck.read.python.values.scope import Definition, Scope, is_kept, qualified
from poolcheck.source import Span
from poolcheck.value import number_of

SHORTEST_S = 1
"""Who sleeps for less lets others run, or slows a batch down."""

DEEPEST = 2
MOST_STEPS = 3
"""So many functions that call each other are followed, and so many names that stand for one another."""

_LAST_NAMES = METHODS | {name.rpartition(".")[2] for name in FUNCTIONS} | {*BUILT_IN}
_CLOUDS = re.compile(r"boto|client|s3|ses|sns|sqs|bedrock|kms|lambda|dynamo", re.IGNORECASE)
"""What clients are called whose methods all wait."""


class Step(NamedTuple):
    """A place in a function that was called, and what is called there."""

    place: Span
    called: str


class Slow(NamedTuple):
    """A call that waits, and what it waits for.

    Where it calls a function that waits, `steps` are the calls from there, and `first` is the first of them.
    """

    call: cst.Call
    title: str
    waits: str
    steps: tuple[Step, ...] = ()
    first: cst.Call | None = None

    @property
    def sleeps(self) -> bool:
        """Whether it waits for nothing but time."""
        return self.waits == SLEEPS


def slow(call: cst.Call, scope: Scope) -> Slow | None:
    """What a call waits for that is made in the inmost function of a scope; None where it is not known to wait."""
    waits = _waits(call, scope)
    if waits is None or not is_waited_for(call, surroundings(scope.functions[-1]), is_called=True):
        return None
    return Slow(call, f"{dotted(call.func) or last_name(call.func)}()", waits)


def slow_within(call: cst.Call, scope: Scope, depth: int = DEEPEST) -> Slow | None:
    """What a function of the project that is called is certain to wait for."""
    function = called(call, scope)
    found = _certainly_in(function.node, _plain(function.scope), depth) if function else None
    if function is None or found is None or not isinstance(function.node, cst.FunctionDef):
        return None
    place = function.scope.span(found.call)
    title = f"{dotted(call.func) or last_name(call.func)}()"
    return found._replace(call=call, title=title, steps=(Step(place, found.title), *found.steps), first=found.call)


def called(call: cst.Call, scope: Scope) -> Definition | None:
    """The function of the project that a call runs, and waits for."""
    first, dot, rest = (dotted(call.func) or "").partition(".")
    is_far = dot and (("." in rest) or any(first in bound_in(each) for each in scope.functions))
    if not first or (is_far and first not in {"self", "cls"}) or qualified(call.func, scope):
        return None
    functions = [*functions_called(call.func, scope)]
    if len(functions) != 1 or not isinstance(functions[0].node, cst.FunctionDef):
        return None
    node, around = functions[0]
    if yields(functions[0].node) or not is_kept(functions[0].node, around) or node in scope.functions:
        return None
    is_async = functions[0].node.asynchronous is not None
    is_run = is_waited_for(call, surroundings(scope.functions[-1]), is_called=not is_async)
    return functions[0] if is_run else None


def is_waited_for(call: cst.CSTNode, around: Surroundings, *, is_called: bool) -> bool:
    """Whether the function goes on only when a call is done: it `is_called` at once, or awaited."""
    node = call
    for each in around.ancestors(call):
        match each:
            case cst.Call(func=func) if node is not func and last_name(func) in STARTING:
                return False
            case cst.Lambda():
                return False
            case cst.Await():
                return True
            case cst.WithItem() | cst.For() | cst.CompFor() if node is call:
                return True
            case cst.BaseSmallStatement() | cst.BaseCompoundStatement():
                break
            case _:
                pass
        node = each
    return is_called


def _waits(call: cst.Call, scope: Scope) -> str | None:
    """What a call waits for, be it awaited or not."""
    name = last_name(call.func)
    if isinstance(call.func, cst.Name) and name in BUILT_IN:
        is_other = definitions(call.func, scope).definitions or scope.module.imported(name)
        return None if is_other or any(name in bound_in(each) for each in scope.functions) else BUILT_IN[name]
    if name == "result" and isinstance(call.func, cst.Attribute):
        return THREAD if _is_submitted(call.func.value, scope) else None
    full = qualified(call.func, scope) if name in _LAST_NAMES | {"run_sync", *_THREADED} else None
    if full in IN_THREADS and call.args:
        first = call.args[0].value
        return FUNCTIONS.get(qualified(first, scope) or "")
    if full in SLEEPING:
        return SLEEPS if _is_long(call, scope) else None
    if full in {"smtplib.SMTP", "smtplib.SMTP_SSL"} and not call.args:
        return None
    if full and full in FUNCTIONS:
        return FUNCTIONS[full]
    client = _client(call.func, name, scope) if isinstance(call.func, cst.Attribute) else None
    return client.waits if client and _is_awaited_where_it_must_be(call, client, scope) else None


_THREADED = frozenset(name.rpartition(".")[2] for name in IN_THREADS)


def _is_awaited_where_it_must_be(call: cst.Call, client: Client, scope: Scope) -> bool:
    """Whether a coroutine that an asynchronous client makes is waited for."""
    is_async = any("Async" in maker or maker.startswith(("aiohttp.", "asyncio.")) for maker in client.makers)
    if not (is_async and scope.functions[-1].asynchronous):
        return True
    return is_waited_for(call, surroundings(scope.functions[-1]), is_called=False)


def _is_long(call: cst.Call, scope: Scope) -> bool:
    """Whether a sleep is no short one; one for nobody knows how long counts."""
    if not call.args:
        return False
    if qualified(call.func, scope) not in {"time.sleep", "eventlet.sleep", "gevent.sleep"} and not is_waited_for(
        call, surroundings(scope.functions[-1]), is_called=False
    ):
        return False
    seconds = number_of(evaluate(call.args[0].value, scope))
    return seconds is None or seconds >= SHORTEST_S


def _is_submitted(future: cst.BaseExpression, scope: Scope) -> bool:
    """Whether something is what an executor was given to do."""
    if isinstance(future, cst.Name):
        bound = [each.node for each in definitions(future, scope).definitions]
        return bool(bound) and all(
            isinstance(each, cst.Call) and last_name(each.func) == "submit" for each in bound
        )
    return isinstance(future, cst.Call) and last_name(future.func) == "submit"


def _client(func: cst.Attribute, method: str, scope: Scope) -> Client | None:
    """The client that a method is of, or of something that it has: `client.chat.completions.create`."""
    base: cst.BaseExpression = func.value
    is_own = True
    if method not in METHODS and not _CLOUDS.search(last_name(base)):
        return None
    while True:
        maker = _maker_named(base, scope)
        for client in CLIENTS if maker else ():
            if maker in client.makers:
                is_meant = client.has(method) and (is_own or bool(client.methods))
                return client if is_meant else None
        if not isinstance(base, cst.Attribute):
            return None
        base, is_own = base.value, False


def _maker_named(node: cst.BaseExpression, scope: Scope) -> str | None:
    """The same of what has a name, which a function asks for again and again."""
    name = dotted(node)
    if name is None:
        return _maker(node, scope, MOST_STEPS)
    known = _makers_in(scope.functions[-1])
    if name not in known:
        is_bound_often = any(len(bound_in(each).get(name, ())) > MOST_STEPS for each in scope.functions)
        known[name] = None if is_bound_often else _maker(node, scope, MOST_STEPS)
    return known[name]


@lru_cache(maxsize=8)
def _makers_in(_function: cst.FunctionDef) -> dict[str, str | None]:
    return {}


def _maker(node: cst.CSTNode, scope: Scope, steps: int) -> str | None:
    """The full name of what made the object that an expression stands for."""
    if not steps:
        return None
    match node:
        case cst.Await(expression=inner):
            return _maker(inner, scope, steps)
        case cst.Call(func=func):
            return qualified(func, scope) or _maker_returned(func, scope, steps - 1)
        case cst.Name() | cst.Attribute():
            found = [each for each in definitions(node, scope).definitions if not _is_none(each.node)]
            makers = {_maker_bound(each, steps - 1) for each in found[:MOST_STEPS]}
            return makers.pop() if len(makers) == 1 and len(found) <= MOST_STEPS else None
        case _:
            return None


def _maker_bound(definition: Definition, steps: int) -> str | None:
    bound, scope = definition
    match bound:
        case cst.Param(annotation=cst.Annotation(annotation=annotation)):
            return qualified(annotation, scope.outside)
        case cst.AnnAssign(value=cst.BaseExpression() as value) if not _is_none(bound):
            return _maker(value, scope, steps)
        case cst.AnnAssign(annotation=cst.Annotation(annotation=annotation)):
            return qualified(annotation, scope)
        case cst.WithItem(item=item):
            return _maker(item, scope, steps)
        case cst.BaseExpression():
            return _maker(bound, scope, steps)
        case _:
            return None


def _maker_returned(func: cst.BaseExpression, scope: Scope, steps: int) -> str | None:
    """What made what a function of the project returns."""
    makers: set[str | None] = set()
    for function, around in functions_called(func, scope):
        if isinstance(function, cst.FunctionDef):
            within = around.inside(function)
            makers |= {_maker(value, within, steps) for value in returned(function)}
    return makers.pop() if len(makers) == 1 else None


def _is_none(node: cst.CSTNode) -> bool:
    value = node.value if isinstance(node, cst.AnnAssign) else node
    return value is None or (isinstance(value, cst.Name) and value.value == "None")


def _plain(scope: Scope) -> Scope:
    return scope._replace(calls=(), this=None, values=())


@lru_cache(maxsize=1024)
def _certainly_in(node: cst.CSTNode, scope: Scope, depth: int) -> Slow | None:
    """What a function waits for whenever it is called, unless it is left before or an exception comes."""
    if not isinstance(node, cst.FunctionDef) or is_cached_by_hand(node, returns=False):
        return None
    within = scope.inside(node)
    for call in always(node):
        found = slow(call, within) or (slow_within(call, within, depth - 1) if depth > 1 else None)
        if found:
            return found
    return None


def always(function: cst.FunctionDef) -> Iterator[cst.Call]:
    """The calls of a function that no condition, loop or handler decides on."""
    waiting: list[cst.CSTNode] = [*children(function.body)][::-1]
    while waiting:
        node = waiting.pop()
        match node:
            case cst.If() | cst.While() | cst.IfExp() | cst.For() | cst.Match():
                continue
            case cst.FunctionDef() | cst.ClassDef() | cst.Lambda() | cst.ListComp() | cst.GeneratorExp():
                continue
            case cst.Try(body=body, finalbody=finalbody):
                waiting += [each for each in (finalbody, body) if each]
                continue
            case cst.BooleanOperation(left=left):
                waiting.append(left)
                continue
            case cst.Call():
                yield node
            case _:
                pass
        waiting += children(node)[::-1]
