"""Connections of mysql-connector's pools that go back while the rows of a query still wait to be read."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.leaks.taking.sources import source_of
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.syntax.arguments import passed
from poolcheck.read.python.syntax.bindings import dotted, inside, last_name
from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.syntax.trees import children
from poolcheck.read.python.values.scope import Class, Scope
from poolcheck.source import Span

_EXECUTING = re.compile(r"\.\s*execute\s*\(")
_ANSWERED = re.compile(r"\s*\(?\s*(?:DESCRIBE|SELECT|SHOW|WITH)\b", re.IGNORECASE)
_READING = frozenset({"buffered", "consume_results"})
"""Arguments that have the rows read in any case."""


class Unread(NamedTuple):
    """A query whose rows nobody reads, the connection that it is asked of, and the call that took that."""

    span: Span
    connection: str
    function: str
    taken_at: Span


def unread_in(module: Module) -> Iterator[Unread]:
    """The queries of a module whose rows nobody reads before the pool gets the connection back."""
    if not any(each.target.partition(".")[0] == "mysql" for each in module.imports):
        return
    for piece in module.mentioning(_EXECUTING):
        owner = Class(module, piece.scope) if piece.scope else None
        for tree, statement in module.statements(piece):
            for function, scope in _functions(statement, Scope(module, tree, owner=owner)):
                yield from _unread(function, scope)


def _functions(root: cst.CSTNode, scope: Scope) -> Iterator[tuple[cst.FunctionDef, Scope]]:
    waiting = [(root, scope)]
    while waiting:
        node, around = waiting.pop()
        if isinstance(node, cst.FunctionDef):
            around = around.inside(node)
            yield node, around
        waiting += [(each, around) for each in children(node)][::-1]


def _unread(function: cst.FunctionDef, scope: Scope) -> Iterator[Unread]:
    nodes = [*inside(function)]
    for name, call in _bound_to_calls(nodes):
        source = source_of(call, scope) if last_name(call.func) in {"connect", "get_connection"} else None
        made = source.made if source else None
        if (
            source is None
            or made is None
            or source.is_wrapped
            or not _may_be_unread(source.asked, made.keywords, call)
        ):
            continue
        if made.constructor.library is not Library.MYSQL_CONNECTOR or not _goes_back(name, call, nodes):
            continue
        for query in _queries(name, nodes):
            yield Unread(scope.span(query), name, function.name.value, scope.span(call))


def _bound_to_calls(nodes: list[cst.CSTNode]) -> Iterator[tuple[str, cst.Call]]:
    """The names that are bound to calls, by an assignment or by a `with` statement."""
    for node in nodes:
        match node:
            case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))], value=cst.Call() as call):
                yield name, call
            case cst.WithItem(item=cst.Call() as call, asname=cst.AsName(name=cst.Name(value=name))):
                yield name, call
            case _:
                pass


def _may_be_unread(asked: str, keywords: frozenset[str] | None, call: cst.Call) -> bool:
    """Whether a pool lends the connection, which reads no rows by itself."""
    own = {each.keyword.value for each in call.args if each.keyword}
    if any(each.star for each in call.args) or not _READING.isdisjoint(own):
        return False
    if asked == "get_connection":
        return keywords is not None and _READING.isdisjoint(keywords)
    return "pool_name" in own


def _goes_back(name: str, call: cst.Call, nodes: list[cst.CSTNode]) -> bool:
    """Whether the function closes the connection, or leaves the `with` statement that took it."""
    for node in nodes:
        match node:
            case cst.WithItem(item=item) if item is call:
                return True
            case cst.Call(func=cst.Attribute(value=cst.Name(value=own), attr=cst.Name("close"))) if own == name:
                return True
            case _:
                pass
    return False


def _queries(connection: str, nodes: list[cst.CSTNode]) -> Iterator[cst.Call]:
    """The queries whose rows nobody reads."""
    for node in nodes:
        match node:
            case cst.Call(func=cst.Attribute(value=cst.Call() as cursor, attr=cst.Name("execute"))):
                is_alone = not any(
                    isinstance(each, cst.Attribute | cst.For) and node in children(each) for each in nodes
                )
                if _is_unbuffered(cursor, connection) and _is_answered(node) and is_alone:
                    yield node
            case _:
                pass
    for name, cursor in _bound_to_calls(nodes):
        if _is_unbuffered(cursor, connection) and (queries := _of_cursor(name, nodes)):
            yield queries[-1]


def _is_unbuffered(cursor: cst.Call, connection: str) -> bool:
    names = {each.keyword.value if each.keyword else "" for each in cursor.args}
    is_plain = names <= {"dictionary", "named_tuple", "prepared"}
    return is_plain and dotted(cursor.func) == f"{connection}.cursor"


def _of_cursor(name: str, nodes: list[cst.CSTNode]) -> list[cst.Call]:
    """The queries of a cursor that is asked for nothing but to execute and to close."""
    queries: list[cst.Call] = []
    counted = 0
    for node in nodes:
        match node:
            case cst.Call(func=cst.Attribute(value=cst.Name(value=own), attr=cst.Name("execute" | "close"))) if (
                own == name
            ):
                counted += 1
                if last_name(node.func) == "execute":
                    queries.append(node)
            case _:
                pass
    methods = {each.attr for each in nodes if isinstance(each, cst.Attribute)}
    mentioned = sum(isinstance(each, cst.Name) and each.value == name and each not in methods for each in nodes)
    bound = sum(own == name for own, _ in _bound_to_calls(nodes))
    is_only_executed = mentioned == counted + bound and bound == 1
    return queries if is_only_executed and all(map(_is_answered, queries)) else []


def _is_answered(execute: cst.Call) -> bool:
    """Whether the server answers a query with rows."""
    written = passed(execute, "operation", 0).node
    text = written.evaluated_value if isinstance(written, cst.SimpleString | cst.ConcatenatedString) else None
    return isinstance(text, str) and _ANSWERED.match(text) is not None
