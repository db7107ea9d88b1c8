"""Expressions that are query sets of Django's, and the database that they are of."""

import re

import libcst as cst

from poolcheck.read.python.names import definitions
from poolcheck.read.python.scope import Scope
from poolcheck.read.python.trees import walk

_MAKING = frozenset(
    {
        "all", "annotate", "defer", "distinct", "exclude", "filter", "get_queryset", "only", "order_by",
        "prefetch_related", "reverse", "select_related", "using", "values", "values_list",
    }
)  # fmt: skip
"""Methods of query sets, and of what makes them, whose value is a query set."""
_CALLED = re.compile(r"(?:\w+_)?(?:qs|query_?set)", re.IGNORECASE)
"""What query sets are called where it is not seen what makes them."""


def is_query_set(node: cst.BaseExpression, scope: Scope) -> bool:
    """Whether an expression is a query set, in a module that is about Django.

    One that locks its rows is only ever read inside of a transaction, and not meant.
    """
    packages = {each.target.partition(".")[0] for each in scope.module.imports}
    if "django" not in packages and not any(_is_of_models(each.target) for each in scope.module.imports):
        return False
    if any(isinstance(each, cst.Name) and each.value == "select_for_update" for each in walk(node)):
        return False
    return _is_made(node) or any(
        isinstance(each.node, cst.BaseExpression) and _is_made(each.node)
        for each in definitions(node, scope).definitions
    )


def _is_of_models(target: str) -> bool:
    return "models" in target.split(".")


def _is_made(node: cst.CSTNode) -> bool:
    match node:
        case cst.Call(func=cst.Attribute(attr=cst.Name(value=method))):
            return method in _MAKING
        case cst.Attribute(attr=cst.Name(value=name)) | cst.Name(value=name):
            return name == "objects" or _CALLED.fullmatch(name) is not None
        case _:
            return False


def alias_of(node: cst.CSTNode, scope: Scope) -> str | None:
    """The alias of the database that a query set is of; None where it is not written."""
    bound = [each.node for each in definitions(node, scope).definitions]
    for each in (part for root in (node, *filter(None, bound)) for part in walk(root)):
        match each:
            case cst.Call(func=cst.Attribute(attr=cst.Name(value="using")), args=[cst.Arg(value=alias)]):
                return str(alias.evaluated_value) if isinstance(alias, cst.SimpleString) else None
            case _:
                pass
    return "default"
