import libcst as cst
import pytest

from poolcheck.deep import deep
from poolcheck.files import Memory
from poolcheck.read.python.pools.provenance import Made, made_by
from poolcheck.read.python.syntax.module import Module, Project
from poolcheck.read.python.syntax.trees import walk
from poolcheck.read.python.values.scope import Class, Scope


def asked(module: Module) -> Made | None:
    """What made the argument of the call of `who()` in a module."""
    for piece in module.pieces:
        owner = Class(module, piece.scope) if piece.scope else None
        for tree, statement in module.statements(piece):
            scope = Scope(module, tree, owner=owner)
            inner = scope.inside(statement) if isinstance(statement, cst.FunctionDef) else scope
            for node in walk(statement):
                match node:
                    case cst.Call(func=cst.Name(value="who"), args=[argument]):
                        return made_by(argument.value, inner)
                    case _:
                        pass
    raise AssertionError("nobody is asked")


def made(text: str, **others: str) -> Made | None:
    project = Project(
        Memory(
            {"shop/app.py": text.encode()} | {f"shop/{name}.py": text.encode() for name, text in others.items()}
        )
    )
    module = project.module("shop/app.py")
    assert module
    return deep(lambda: asked(module))


def maker(text: str, **others: str) -> str | None:
    found = made(text, **others)
    return found.constructor.name if found else None


ENGINE = "sqlalchemy.create_engine"
POOL = "psycopg2.pool.ThreadedConnectionPool"
IMPORTS = (
    "from sqlalchemy import create_engine\nfrom psycopg2.pool import ThreadedConnectionPool\nimport asyncpg\n"
)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("who(create_engine(url))", ENGINE),
        ("engine = create_engine(url)\nwho(engine)", ENGINE),
        ("engine = create_engine(url).execution_options(echo=True)\nwho(engine)", ENGINE),
        ("engine = create_engine(url)\nsame = engine\ndef f():\n    who(same)", ENGINE),
        ("async def f():\n    pool = await asyncpg.create_pool(dsn)\n    who(pool)", "asyncpg.create_pool"),
        (
            "async def f():\n    async with asyncpg.create_pool(dsn) as pool:\n        who(pool)",
            "asyncpg.create_pool",
        ),
        ("def get():\n    return create_engine(url)\nwho(get())", ENGINE),
        ("POOL = None\ndef get():\n    global POOL\n    POOL = POOL or make()\n    return POOL\nwho(get())", None),
        (
            "def f():\n    e = create_engine(url)\n    e = e.execution_options(a=1)\n    who(e)",
            ENGINE,
        ),
    ],
)
def test_what_made_an_object_is_found_through_names_and_calls(text: str, name: str | None) -> None:
    assert maker(IMPORTS + text) == name


def test_a_pool_that_is_made_on_first_use_is_known() -> None:
    text = """
POOL = None

def get():
    global POOL
    if POOL is None:
        POOL = ThreadedConnectionPool(1, 5, dsn)
    return POOL

who(get())
"""

    assert maker(IMPORTS + text) == POOL


@pytest.mark.parametrize(
    "annotation",
    ["asyncpg.Pool", "asyncpg.Pool | None", "'asyncpg.Pool'", "Optional[asyncpg.Pool]", "asyncpg.Pool[Record]"],
)
def test_the_type_of_a_parameter_tells(annotation: str) -> None:
    text = f"import asyncpg\nfrom typing import Optional\n\ndef f(pool: {annotation}):\n    who(pool)\n"

    assert maker(text) == "asyncpg.create_pool"


def test_a_type_of_something_else_tells_nothing() -> None:
    assert maker("def f(pool: Pond | None):\n    who(pool)\n") is None


def test_the_attribute_of_an_object_is_what_its_methods_assign() -> None:
    text = """
class Store:
    def __init__(self, dsn):
        self.pool = None
        self.open(dsn)

    def open(self, dsn):
        self.pool = ThreadedConnectionPool(1, 5, dsn)

    def use(self):
        who(self.pool)
"""

    assert maker(IMPORTS + text) == POOL


def test_the_declared_type_of_an_attribute_tells_where_its_values_do_not() -> None:
    text = """
class Store:
    def __init__(self, dsn):
        self.pool: ThreadedConnectionPool | None = None

    def open(self, opener):
        self.pool = opener()

    def use(self):
        who(self.pool)
"""

    assert maker(IMPORTS + text) == POOL


def test_the_attribute_of_a_class_is_known_by_the_name_of_the_class() -> None:
    text = """
class Store:
    _pool = None

    @classmethod
    def open(cls, dsn):
        cls._pool = ThreadedConnectionPool(1, 5, dsn)

def use():
    who(Store._pool)
"""

    assert maker(IMPORTS + text) == POOL


def test_an_object_of_another_module_is_known() -> None:
    found = maker("from shop.db import engine\nwho(engine)\n", db=f"{IMPORTS}engine = create_engine(url)\n")

    assert found == ENGINE


def test_an_object_that_two_libraries_may_have_made_is_not_known() -> None:
    text = (
        "if old:\n    pool = ThreadedConnectionPool(1, 5, dsn)\nelse:\n    pool = create_engine(url)\nwho(pool)\n"
    )

    assert maker(IMPORTS + text) is None


def test_an_object_that_something_unknown_may_have_made_is_not_known() -> None:
    text = "if old:\n    pool = ThreadedConnectionPool(1, 5, dsn)\nelse:\n    pool = other()\nwho(pool)\n"

    assert maker(IMPORTS + text) is None


@pytest.mark.parametrize("text", ["x = y\ny = x\nwho(x)", "def f():\n    return f()\nwho(f())", "x = x.y\nwho(x)"])
def test_what_is_made_of_itself_is_not_known(text: str) -> None:
    assert maker(text) is None


def test_the_arguments_of_the_call_are_told_by_name() -> None:
    found = made(f"{IMPORTS}engine = create_engine(url, pool_size=3, echo=True)\nwho(engine)")

    assert found
    assert found.keywords == frozenset({"pool_size", "echo"})


@pytest.mark.parametrize(
    "text", ["who(create_engine(url, **options))", "def f(e: ThreadedConnectionPool):\n    who(e)"]
)
def test_arguments_that_are_not_seen_are_not_told(text: str) -> None:
    found = made(IMPORTS + text)

    assert found
    assert found.keywords is None
