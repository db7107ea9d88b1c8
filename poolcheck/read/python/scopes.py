"""Where in a module a call stands: the functions around it, in which its names are to be looked up."""

import libcst as cst

from poolcheck.read.python.module import Module
from poolcheck.read.python.names import definitions
from poolcheck.read.python.scope import Class, Scope
from poolcheck.source import Span


def call_in_scope(module: Module, span: Span) -> tuple[cst.Call, Scope] | None:
    """The call in a place with its scope; None where there is none."""
    for piece in module.around(span):
        tree = module.tree(piece)
        for each in tree.at(span) if tree else ():
            if tree and isinstance(each.node, cst.Call):
                owner = Class(module, piece.scope) if piece.scope else None
                return each.node, Scope(module, tree, each.functions, owner=owner)
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
