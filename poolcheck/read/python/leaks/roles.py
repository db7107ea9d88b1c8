"""What a generator is for: whether what it yields comes back to it, and with it what was raised in between."""

import re
from functools import lru_cache

import libcst as cst

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
    return not _LENDING.isdisjoint(_decorators(function)) or _is_dependency(function, scope)


def _decorators(function: cst.FunctionDef) -> set[str]:
    names: set[str] = set()
    for each in function.decorators:
        node = each.decorator.func if isinstance(each.decorator, cst.Call) else each.decorator
        names.add(node.attr.value if isinstance(node, cst.Attribute) else "")
        names.add(node.value if isinstance(node, cst.Name) else "")
    return names


def _is_dependency(function: cst.FunctionDef, scope: Scope) -> bool:
    if not yields(function):
        return False
    name = function.name.value
    text = scope.module.masked.text
    if f"{name})" in text and re.search(rf"\bDepends\(\s*(?:\w+\.)*{re.escape(name)}\s*[,)]", text):
        return True
    packages = {each.target.partition(".")[0] for each in scope.module.imports}
    is_asked_for = bool(_OF_REQUESTS.fullmatch(name)) and not _FRAMEWORKS.isdisjoint(packages)
    return is_asked_for and yields(function) == 1
