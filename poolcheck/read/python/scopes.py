"""Where in a module a call stands: the functions around it, in which its names are to be looked up."""

from collections.abc import Iterator

import libcst as cst

from poolcheck.read.python.module import Module
from poolcheck.read.python.names import definitions
from poolcheck.read.python.scope import Class, Scope
from poolcheck.read.python.trees import children
from poolcheck.source import Span


def call_in_scope(module: Module, span: Span) -> tuple[cst.Call, Scope] | None:
    """The call in a place with its scope; None where there is none."""
    for piece in module.pieces:
        if piece.start <= span.start and span.end <= piece.end:
            owner = Class(module, piece.scope) if piece.scope else None
            for tree, statement in module.statements(piece):
                for call, scope in _calls(statement, Scope(module, tree, owner=owner)):
                    if scope.span(call) == span:
                        return call, scope
    return None


def is_made(module: Module, call: Span, name: str) -> bool:
    """Whether an argument of a call is a function or an object, and no parameter, which may be None."""
    if (found := call_in_scope(module, call)) is None:
        return False
    node, scope = found
    for argument in node.args:
        if argument.keyword and argument.keyword.value == name:
            is_expression = isinstance(argument.value, cst.Lambda | cst.Call | cst.Attribute)
            bound = definitions(argument.value, scope).definitions
            return is_expression or any(not isinstance(each.node, cst.Param) for each in bound)
    return False


def _calls(root: cst.CSTNode, scope: Scope) -> Iterator[tuple[cst.Call, Scope]]:
    waiting = [(root, scope)]
    while waiting:
        node, around = waiting.pop()
        if isinstance(node, cst.Call):
            yield node, around
        within = around.inside(node) if isinstance(node, cst.FunctionDef) else around
        waiting += [(child, within) for child in children(node)]
