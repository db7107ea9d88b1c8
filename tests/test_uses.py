import pytest

from poolcheck.deep import deep
from poolcheck.files import Memory
from poolcheck.read.python.pools.uses import How, Placed, placed, uses_of
from poolcheck.read.python.syntax.module import Project
from poolcheck.source import Span


def uses(text: str, name: str = "pool", **others: str) -> list[tuple[How, str]] | None:
    """How a name is used that the first call of `made()` is assigned to."""
    texts = {"app.py": text, **{f"{other}.py": more for other, more in others.items()}}
    project = Project(Memory({path: each.encode() for path, each in texts.items()}), [*texts])
    module = project.module("app.py")
    assert module
    at = text.index("made()")
    found = deep(lambda: uses_of(name, module, Span("app.py", at, at + 6)))
    return None if found is None else [(use.how, use.method) for use in found]


@pytest.mark.parametrize(
    ("line", "how"),
    [
        ("pool.open()", (How.METHOD, "open")),
        ("with pool as p: pass", (How.ENTERED, "")),
        ("stack.enter_context(pool)", (How.ENTERED, "")),
        ("await pool", (How.AWAITED, "")),
        ("if pool is None: pass", (How.TESTED, "")),
        ("pool = None", (How.BOUND, "")),
        ("use(pool)", (How.OTHER, "")),
        ("return pool", (How.OTHER, "")),
        ("other = pool", (How.OTHER, "")),
        ("with a, pool: pass", (How.OTHER, "")),
    ],
)
def test_how_a_name_is_used(line: str, how: tuple[How, str]) -> None:
    assert uses(f"pool = made()\n{line}\n") == [(How.BOUND, ""), how]


def test_modules_that_import_a_name_use_it_under_theirs() -> None:
    assert uses("pool = made()\n", other="from app import (\n    pool as database,\n)\ndatabase.open()\n") == [
        (How.BOUND, ""),
        (How.IMPORTED, ""),
        (How.IMPORTED, ""),
        (How.METHOD, "open"),
    ]


def test_a_local_variable_is_used_in_its_function_only() -> None:
    assert uses("def f():\n    pool = made()\n    pool.open()\n\ndef g(pool):\n    use(pool)\n") == [
        (How.BOUND, ""),
        (How.METHOD, "open"),
    ]


def test_attributes_are_looked_for_by_their_last_name() -> None:
    assert uses(
        "class A:\n    def f(self):\n        self.pool = made()\n        self.pool.open()\n", "self.pool"
    ) == [
        (How.BOUND, ""),
        (How.METHOD, "open"),
    ]


def call(text: str) -> Placed:
    project = Project(Memory({"app.py": text.encode()}))
    module = project.module("app.py")
    assert module
    at = text.index("made()")
    found = deep(lambda: placed(module, Span("app.py", at, at + 6)))
    assert found
    return found


def test_what_is_around_a_call() -> None:
    assert call("with made() as p: pass\n").is_entered
    assert call("def f(s):\n    return s.enter_context(made())\n").is_entered
    assert call("async def f():\n    p = await made()\n").is_awaited
    assert call("p = made()\n").is_assigned
    assert not call("p = use(made())\n").is_assigned
    assert call("p = lambda: made()\n").is_deferred
    assert not call("class A:\n    p = made()\n").is_deferred
