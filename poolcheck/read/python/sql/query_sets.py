"""Expressions that are query sets of Django's, and the database that they are of."""

import re
from collections.abc import Iterator

import libcst as cst

from poolcheck.read.python.libraries.constructors import DJANGO
from poolcheck.read.python.sql.origins import MOST_BINDINGS, Origin, alias_in, of_django
from poolcheck.read.python.syntax.bindings import returned
from poolcheck.read.python.syntax.trees import walk
from poolcheck.read.python.values.names import definitions, functions_called
from poolcheck.read.python.values.scope import Definition, Scope, Trail, lineage, outset, qualified

_MAKING = frozenset(
    {
        "all", "annotate", "defer", "distinct", "exclude", "filter", "get_ancestors", "get_children",
        "get_descendants", "get_queryset", "get_siblings", "only", "order_by", "prefetch_related", "reverse",
        "select_related", "using", "values", "values_list",
    }
)  # fmt: skip
"""Methods of query sets, and of what makes them, trees of models too, whose value is a query set."""

_MANAGER = re.compile(r"objects|\w+_objects|_(?:default|base)_manager|\w+_set")
"""What a manager is called that is an attribute: a model's, or of what is related to an object."""
_CALLED = re.compile(r"(?:\w+_)?(?:qs|query_?set)", re.IGNORECASE)
"""What query sets are called where it is not seen what makes them."""

_TYPES = frozenset({"BaseUserManager", "Manager", "ManyToManyField", "QuerySet", "UserManager"})
"""Django's classes whose objects have an `iterator`, or in a model the attribute that they describe."""


def is_query_set(node: cst.BaseExpression, scope: Scope) -> bool:
    """Whether an expression is a query set, or a manager, in a module that is about Django.

    One that locks its rows is only ever read inside of a transaction, and not meant.
    """
    packages = {each.target.partition(".")[0] for each in scope.module.imports}
    if "django" not in packages and not any("models" in each.target.split(".") for each in scope.module.imports):
        return False
    return _is_made(node, scope, outset()) and not any(
        isinstance(each, cst.Name) and each.value == "select_for_update" for each, _ in _all_of(node, scope)
    )


def origin_of_query_set(node: cst.BaseExpression, scope: Scope) -> Origin:
    """The database that a query set is of: that of `using`, else the default, or which a router says instead."""
    for each, around in _all_of(node, scope):
        match each:
            case cst.Call(
                func=cst.Attribute(attr=cst.Name(value="using" | "db_manager")), args=[cst.Arg(value=using), *_]
            ):
                alias = alias_in(using, around)
                return of_django(alias) if alias else Origin(library=DJANGO.library)
            case _:
                pass
    return of_django("default")._replace(is_routed=True)


def _all_of(node: cst.BaseExpression, scope: Scope) -> Iterator[tuple[cst.CSTNode, Scope]]:
    """All that is in an expression, or in what its name is bound to, each with its scope."""
    for root, around in ((node, scope), *definitions(node, scope).definitions[:MOST_BINDINGS]):
        yield from ((each, around) for each in walk(root))


def _is_made(node: cst.CSTNode, scope: Scope, trail: Trail) -> bool:
    """Whether it is seen, or its name tells, that an expression is a query set."""
    if (on := trail.on()) is None:
        return False
    match node:
        case cst.Call(func=cst.Attribute(value=value, attr=cst.Name(value=method))) if (
            method in _MAKING or _is_made(value, scope, on)
        ):
            return True
        case cst.Call(func=func):
            return any(_is_returned(each, on) for each in functions_called(func, scope, on))
        case cst.Name(value="self"):
            return scope.owner is not None and any(map(_is_type, lineage(scope.owner).outside))
        case cst.Name() | cst.Attribute():
            name = node.attr.value if isinstance(node, cst.Attribute) else node.value
            is_manager = isinstance(node, cst.Attribute) and _MANAGER.fullmatch(name)
            return bool(is_manager or _CALLED.fullmatch(name)) or any(
                _is_bound(each, on) for each in definitions(node, scope, on).definitions[:MOST_BINDINGS]
            )
        case _:
            return False


def _is_returned(function: Definition, trail: Trail) -> bool:
    if not isinstance(function.node, cst.FunctionDef):
        return False
    within = function.scope.inside(function.node)
    return any(_is_made(each, within, trail) for each in returned(function.node))


def _is_bound(definition: Definition, trail: Trail) -> bool:
    """Whether what a name is bound to is a query set, or declared to be one."""
    node, scope = definition
    match node:
        case cst.Param(annotation=cst.Annotation(annotation=annotation)):
            return _is_declared(annotation, scope)
        case cst.AnnAssign(annotation=cst.Annotation(annotation=annotation), value=value):
            return _is_declared(annotation, scope) or (value is not None and _is_made(value, scope, trail))
        case cst.Call(func=func) if _is_type(qualified(func, scope) or ""):
            return True
        case cst.BaseExpression():
            return _is_made(node, scope, trail)
        case _:
            return False


def _is_declared(annotation: cst.BaseExpression, scope: Scope) -> bool:
    named = annotation.value if isinstance(annotation, cst.Subscript) else annotation
    return _is_type(qualified(named, scope) or "")


def _is_type(name: str) -> bool:
    return name.startswith("django.") and name.rpartition(".")[2] in _TYPES
