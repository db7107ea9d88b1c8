"""What a generator is for: whether what it yields comes back to it, and with it what was raised in between."""

import re
from functools import lru_cache

import libcst as cst

from poolcheck.read.python.leaks.following.dependencies import dependent
from poolcheck.read.python.syntax.bindings import inside
from poolcheck.read.python.values.scope import Scope

_LENDING = frozenset({"asynccontextmanager", "contextmanager"})
_FIXTURES = frozenset({"fixture"})
_OF_REQUESTS = re.compile(r"get_(?:async_)?(?:conn(?:ection)?|cursor|db|database|session)(?:_\w+)?")
"""What is called so and yields once is meant for Depends()."""
_FRAMEWORKS = frozenset({"fastapi", "litestar", "starlette"})


@lru_cache(maxsize=8)
def yields(function: cst.FunctionDef) -> int:
    """How many `yield` a function has of its own."""
    return sum(isinstance(each, cst.Yield) for each in inside(function))


def lends(function: cst.FunctionDef, scope: Scope) -> bool:
    """Whether what the function yields comes back to it."""
    return raises_at_yield(function, scope) or not _FIXTURES.isdisjoint(_decorators(function))


def raises_at_yield(function: cst.FunctionDef, scope: Scope) -> bool:
    """Whether what the user of what it yields raises, is raised at the `yield`.

    contextlib's manual, contextmanager; FastAPI's, Dependencies with yield. pytest does not raise a test's
    failure.
    """
    return not _LENDING.isdisjoint(_decorators(function)) or is_dependency(function, scope)


def _decorators(function: cst.FunctionDef) -> set[str]:
    names: set[str] = set()
    for each in function.decorators:
        node = each.decorator.func if isinstance(each.decorator, cst.Call) else each.decorator
        names.add(node.attr.value if isinstance(node, cst.Attribute) else "")
        names.add(node.value if isinstance(node, cst.Name) else "")
    return names


def is_dependency(function: cst.FunctionDef, scope: Scope) -> bool:
    """Whether FastAPI or Litestar call a generator for each request."""
    if not yields(function) or not (_LENDING | _FIXTURES).isdisjoint(_decorators(function)):
        return False
    return dependent(function, scope) is not None or _is_shaped_for_requests(function, scope)


def _is_shaped_for_requests(function: cst.FunctionDef, scope: Scope) -> bool:
    """Whether a function of a module that uses such a framework is called as dependencies are, and yields once."""
    packages = {each.target.partition(".")[0] for each in scope.module.imports}
    is_called_so = _OF_REQUESTS.fullmatch(function.name.value) is not None
    return is_called_so and not _FRAMEWORKS.isdisjoint(packages) and yields(function) == 1


def is_generator(function: cst.FunctionDef, scope: Scope) -> bool:
    """Whether a function yields to who may not come back."""
    return yields(function) > 0 and not lends(function, scope)
