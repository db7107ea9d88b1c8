"""Where a module takes connections from pools and engines, or straight from a driver."""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import libcst as cst

from poolcheck.read.constructors import Constructor, Library
from poolcheck.read.evaluate import evaluate
from poolcheck.read.fate import Fate, Terms, fate_of
from poolcheck.read.module import Module
from poolcheck.read.names import Class, Scope, dotted
from poolcheck.read.pools import Role, constructor_called, role_of
from poolcheck.read.provenance import made_by
from poolcheck.read.trees import children
from poolcheck.source import Span
from poolcheck.value import Value

_TAKING = re.compile(r"\b(?:acquire|connect|connection|getconn|raw_connection)\s*\(")
"""What code mentions that takes a connection."""

SHORTCUTS = frozenset({"execute", "executemany", "fetch", "fetchmany", "fetchrow", "fetchval"})
"""Methods of asyncpg's pool that take a connection for one statement."""
_SHORTCUT = re.compile(rf"\.\s*(?:{'|'.join(sorted(SHORTCUTS))})\s*\(")

GETCONN = Terms(returning=frozenset({"putconn"}), useless=frozenset({"close"}))
GETCONN_CLOSABLE = Terms(returning=frozenset({"putconn"}), closing=frozenset({"close"}))
ENGINE = Terms(closing=frozenset({"close"}), with_gives_back=True)
PSYCOPG2 = Terms(closing=frozenset({"close"}))

_BOUNDING = frozenset({"timeout", "timeout_at", "fail_after", "move_on_after", "wait_for"})
"""Functions of asyncio, async_timeout and anyio that bound what is done in them."""


class Checkout(NamedTuple):
    """A call that takes a connection.

    `title` is the call in short, `pool.getconn()`. `maker` is what made the pool, or makes the connection where a
    driver is asked; None where only the method's name tells that a pool is meant. `function` is the function that
    makes the call. The call `is_bounded` where what is around it sets a limit to its time.
    """

    span: Span
    title: str
    method: str
    maker: Constructor | None
    arguments: Mapping[str, Value]
    function: str | None
    is_bounded: bool
    role: Role
    fate: Fate | None

    @property
    def is_pooled(self) -> bool:
        """Whether a pool is known to count the connection."""
        return self.maker is not None and self.maker.is_pool

    @property
    def runs_once(self) -> bool:
        """Whether it is in a script, a migration or an example, where less is at stake."""
        return self.role is not Role.APPLICATION or self.function == "main"


def checkouts_of(module: Module) -> Iterator[Checkout]:
    """The calls in a module that take connections, in order."""
    role = role_of(module.path)
    uses_asyncpg = any(each.target.partition(".")[0] == "asyncpg" for each in module.imports)
    for piece in module.pieces:
        code = module.code(piece)
        if _TAKING.search(code) or (uses_asyncpg and _SHORTCUT.search(code)):
            owner = Class(module, piece.scope) if piece.scope else None
            for tree, statement in module.statements(piece):
                for call, scope, is_bounded in _calls(statement, Scope(module, tree, owner=owner)):
                    if found := _checkout(call, scope):
                        yield found._replace(is_bounded=is_bounded, role=role)


def _calls(root: cst.CSTNode, scope: Scope) -> Iterator[tuple[cst.Call, Scope, bool]]:
    """The calls in a statement, each with its scope and with whether its duration is bounded by what is around."""
    waiting = [(root, scope, False)]
    while waiting:
        node, around, is_bounded = waiting.pop()
        if isinstance(node, cst.Call):
            yield node, around, is_bounded
        within = around.inside(node) if isinstance(node, cst.FunctionDef) else around
        bounded = is_bounded or _bounds(node)
        waiting += [(child, within, bounded) for child in children(node)][::-1]


def _bounds(node: cst.CSTNode) -> bool:
    """Whether a node sets a limit to the time of what is in it."""
    if isinstance(node, cst.With):
        return any(_bounds(item.item) for item in node.items)
    return isinstance(node, cst.Call) and (dotted(node.func) or "").rpartition(".")[2] in _BOUNDING


def _checkout(call: cst.Call, scope: Scope) -> Checkout | None:
    func = call.func
    if connects := constructor_called(call, scope):
        return (
            None if connects.is_pool else _taken(call, "connect", connects, _DRIVERS.get(connects.library), scope)
        )
    if not isinstance(func, cst.Attribute):
        return None
    method = func.attr.value
    if method == "getconn" and not _is_keyed(call):
        maker = made_by(func.value, scope)
        return _taken(call, method, maker, _getconn_terms(maker, scope), scope)
    if method in {"connect", "raw_connection", "acquire", *SHORTCUTS}:
        maker = made_by(func.value, scope)
        if maker and maker.is_pool and method in _METHODS.get(maker.library, ()):
            terms = ENGINE._replace(takes_when_awaited=maker.is_async)
            return _taken(call, method, maker, terms if maker.library is Library.SQLALCHEMY else None, scope)
    return None


_DRIVERS: Mapping[Library, Terms] = {Library.PSYCOPG2: PSYCOPG2}
_METHODS: Mapping[Library, frozenset[str]] = {
    Library.SQLALCHEMY: frozenset({"connect", "raw_connection"}),
    Library.ASYNCPG: frozenset({"acquire", *SHORTCUTS}),
    Library.AIOPG: frozenset({"acquire"}),
    Library.AIOMYSQL: frozenset({"acquire"}),
    Library.ASYNCMY: frozenset({"acquire"}),
    Library.ORACLEDB: frozenset({"acquire"}),
}


def _is_keyed(call: cst.Call) -> bool:
    """Whether psycopg2's pool is asked for the connection of a key, of which there is only one."""
    return any(argument.keyword is None or argument.keyword.value == "key" for argument in call.args)


def _getconn_terms(maker: Constructor | None, scope: Scope) -> Terms:
    if maker is None or "close_returns" in scope.module.masked.text:
        return GETCONN_CLOSABLE
    return GETCONN


def _taken(
    call: cst.Call, method: str, maker: Constructor | None, terms: Terms | None, scope: Scope
) -> Checkout | None:
    function = scope.functions[-1] if scope.functions else None
    span = scope.span(call.func)
    return Checkout(
        span=scope.span(call),
        title=" ".join(scope.module.source.text[span.start : span.end].split()) + "()",
        method=method,
        maker=maker,
        arguments={each.keyword.value: evaluate(each.value, scope) for each in call.args if each.keyword},
        function=function.name.value if function else None,
        is_bounded=False,
        role=Role.APPLICATION,
        fate=fate_of(call, terms, function, scope) if terms and function else None,
    )
