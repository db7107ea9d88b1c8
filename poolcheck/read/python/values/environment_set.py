"""Environment variables that a module sets for what runs after it."""

import re
from collections.abc import Iterator
from functools import lru_cache

import libcst as cst

from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.syntax.trees import walk
from poolcheck.read.python.values.evaluate import evaluate
from poolcheck.read.python.values.scope import Scope, qualified
from poolcheck.value import Value, either

_ENVIRON = "os.environ"
_MENTIONS = re.compile(r"\benviron\b")


@lru_cache(maxsize=64)
def variable_set(module: Module, name: str) -> Value | None:
    """What a module sets a variable to, at its top or in a function; None where it does not."""
    if name not in module.source.text:
        return None
    found = list(_values(module, name))
    return either(found, found[0].places) if found else None


def _values(module: Module, name: str) -> Iterator[Value]:
    for piece in module.mentioning(_MENTIONS):
        for tree, statement in module.statements(piece):
            scope = Scope(module, tree)
            for node in walk(statement):
                if value := _set_by(node, name, scope):
                    yield evaluate(value, scope)


def _set_by(node: cst.CSTNode, name: str, scope: Scope) -> cst.BaseExpression | None:
    """The value that a statement, or a call, sets the variable to."""
    match node:
        case cst.Assign(
            targets=[
                cst.AssignTarget(
                    target=cst.Subscript(
                        value=holder,
                        slice=[cst.SubscriptElement(slice=cst.Index(value=cst.SimpleString(evaluated_value=key)))],
                    )
                )
            ],
            value=value,
        ) if key == name and qualified(holder, scope) == _ENVIRON:
            return value
        case cst.Call(
            func=func, args=[cst.Arg(value=cst.SimpleString(evaluated_value=key)), cst.Arg(value=value)]
        ) if key == name and qualified(func, scope) == f"{_ENVIRON}.setdefault":
            return value
        case _:
            return None
