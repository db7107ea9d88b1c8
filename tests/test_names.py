from collections.abc import Mapping

import libcst as cst
import pytest

from poolcheck.files import Memory
from poolcheck.read.python.syntax.module import Module, Project
from poolcheck.read.python.syntax.trees import children
from poolcheck.read.python.values.names import class_of, definitions, functions_called
from poolcheck.read.python.values.scope import Class, Scope, class_named, lineage, qualified


def module_of(text: str, others: Mapping[str, str] | None = None) -> Module:
    files = {"app/__init__.py": "", "app/db.py": text, **(others or {})}
    module = Project(Memory({path: written.encode() for path, written in files.items()})).module("app/db.py")
    assert module
    return module


def last(text: str, others: Mapping[str, str] | None = None) -> tuple[cst.BaseExpression, Scope]:
    """The expression that is the last statement of app/db.py, be it in a function, and its scope."""
    module = module_of(text, others)
    piece = module.pieces[-1]
    ((tree, statement),) = module.statements(piece)
    scope = Scope(module, tree, owner=Class(module, piece.scope) if piece.scope else None)
    node: cst.CSTNode = statement
    found = node
    while inner := [*children(node)]:
        if isinstance(node, cst.FunctionDef):
            scope = scope.inside(node)
        if isinstance(node, cst.Expr):
            found = node.value
            break
        node = inner[-1]
    assert isinstance(found, cst.BaseExpression)
    return found, scope


def written(text: str, others: Mapping[str, str] | None = None) -> tuple[list[str], bool]:
    """What the last expression is bound to as it is written, and whether that is all."""
    found = definitions(*last(text, others))
    code = cst.Module([])
    return [code.code_for_node(each.node).strip() for each in found.definitions], found.is_complete


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("import psycopg2\npsycopg2.connect", "psycopg2.connect"),
        ("import psycopg2 as pg\npg.connect", "psycopg2.connect"),
        ("import psycopg2.pool\npsycopg2.pool.SimpleConnectionPool", "psycopg2.pool.SimpleConnectionPool"),
        ("from sqlalchemy import create_engine as make\nmake", "sqlalchemy.create_engine"),
        ("from sqlalchemy import pool\npool.NullPool", "sqlalchemy.pool.NullPool"),
        ("def f():\n    import psycopg2\n    psycopg2.connect", "psycopg2.connect"),
        ("import os\nos.environ", "os.environ"),
        ("from .driver import connect\nconnect", "psycopg2.connect"),
        ("from app import driver\ndriver.connect", "psycopg2.connect"),
        ("connect", None),
        ("import psycopg2\ndef f(psycopg2):\n    psycopg2.connect", None),
        ("import psycopg2\ndef f():\n    psycopg2 = fake()\n    psycopg2.connect", None),
        ("from psycopg2 import connect\ndef connect():\n    pass\nconnect", None),
        ("from .driver import own\nown", None),
        ("from .nowhere import connect\nconnect", None),
        ("import psycopg2\npsycopg2().connect", None),
    ],
)
def test_names_outside_of_the_project_are_told_by_their_imports(text: str, name: str | None) -> None:
    driver = "from psycopg2 import connect\ndef own():\n    pass\n"

    assert qualified(*last(text, {"app/driver.py": driver})) == name


@pytest.mark.parametrize(
    ("text", "values", "is_complete"),
    [
        ("x = 1\nx", ["1"], True),
        ("x = 1\nx = 2\nx", ["1", "2"], True),
        ("x: int = 1\nx", ["x: int = 1"], True),
        ("x, (y, z) = 1, (2, 3)\nz", ["3"], True),
        ("x, y = pair\ny", [], False),
        ("x, *y = pair\ny", [], False),
        ("if a:\n    x = 1\nelse:\n    x = 2\nx", ["1", "2"], True),
        ("with a as x:\n    pass\nx", ["a as x"], True),
        ("x = 1\nx += 1\nx", ["1", "x += 1"], True),
        ("x = 1\nx @= 1\nx", ["1", "x @= 1"], True),
        ("x = 1\nfor x in y:\n    pass\nx", ["1"], False),
        ("x = 1\ny = [x for x in z]\nx", ["1"], False),
        ("x = 1\ny = lambda x: x\nx", ["1"], False),
        ("x = 1\ntry:\n    pass\nexcept E as x:\n    pass\nx", ["1"], False),
        ("match y:\n    case [x, *z]:\n        pass\nx", [], False),
        ("x = 1\ndel x\nx", ["1"], False),
        ("def f():\n    x = 1\n    x", ["1"], True),
        ("x = 1\ndef f():\n    x", ["1"], True),
        ("x = 1\ndef f():\n    x = 2\n    x", ["2"], True),
        ("x = 1\ndef f(x):\n    x", ["x"], True),
        ("x = 1\ndef f(*x):\n    x", ["*x"], True),
        ("x = 1\ndef f(**x):\n    x", ["**x"], True),
        ("x = 1\ndef f(x=2):\n    x = 3\n    x", ["x=2", "3"], True),
        ("def f():\n    x = 1\n    def g():\n        x", ["1"], True),
        ("x = 1\ndef f():\n    global x\n    x = 2\nx", ["1", "2"], True),
        ("x = 1\nx = x + 1\nx", ["1", "x + 1"], True),
        ("x == 1\nx", [], False),
        ("y.x = 1\nx", [], False),
        ("class A:\n    x = 1\nx", [], False),
        ("x", [], False),
    ],
)
def test_what_binds_a_name_is_found(text: str, values: list[str], is_complete: bool) -> None:
    assert written(text) == (values, is_complete)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("from app.config import X\nX", ["1"]),
        ("from app.config import X as Y\nY", ["1"]),
        ("from .config import X\nX", ["1"]),
        ("from . import config\nconfig.X", ["1"]),
        ("import app.config as c\nc.X", ["1"]),
        ("from app.config import *\nX", ["1"]),
        ("from app.config import AGAIN\nAGAIN", ["X"]),
        ("from app.config import PASSED\nPASSED", ["2"]),
        ("from app.config import NOTHING\nNOTHING", []),
        ("from elsewhere import X\nX", []),
    ],
)
def test_imports_are_followed_into_the_modules_of_the_project(text: str, values: list[str]) -> None:
    others = {"app/config.py": "from app.more import PASSED\nX = 1\nAGAIN = X\n", "app/more.py": "PASSED = 2\n"}

    assert written(text, others)[0] == values


def test_an_attribute_of_self_is_what_the_methods_assign() -> None:
    text = (
        "class A(B):\n    y = 5\n    def __init__(self, z):\n        self.x = 1\n        self.z: int = z\n"
        "        self.a, self.b = 2, 3\n    async def open(self):\n        self.x = await make()\n"
        "        with z as self.w:\n            pass\n    def use(self):\n        self."
    )

    assert written(f"class B:\n    inherited = 7\n{text}x") == (["1", "await make()"], True)
    assert written(f"{text}y") == (["5"], True)
    assert written(f"{text}z") == (["self.z: int = z"], True)
    assert written(f"{text}b") == (["3"], True)
    assert written(f"{text}w") == (["z as self.w"], True)
    assert written(f"class B:\n    inherited = 7\n{text}inherited") == (["7"], True)
    assert written(f"{text}nothing") == ([], False)


def test_an_attribute_that_others_assign_may_be_anything() -> None:
    text = "class A:\n    x = 0\n    @classmethod\n    def use(cls):\n        cls.x"

    assert written(f"def setup(config):\n    A.x = config.x\n{text}") == (["0"], False)
    assert written(f"def setup(config):\n    A.xx = config.x == A.x\n{text}") == (["0"], True)


def test_the_class_of_an_object_is_found_through_names_functions_and_annotations() -> None:
    before = "class A:\n    def me(self):\n        return self\nclass C(A):\n    pass\n"

    def found(text: str) -> str | None:
        owner = class_of(*last(f"{before}{text}"))
        return owner and owner.name

    assert found("A()") == "A"
    assert found("x = A()\nx") == "A"
    assert found("x: A\nx") is None
    assert found("x: A = make()\nx") == "A"
    assert found("x: A = C()\nx") == "C"
    assert found("def make():\n    return A()\nmake()") == "A"
    assert found("def make() -> A:\n    return build()\nmake()") == "A"
    assert found("def make():\n    if a:\n        return A()\n    return C()\nmake()") is None
    assert found("def make(x):\n    return x\nmake(A())") == "A"
    assert found("A().me()") == "A"
    assert found("with A() as x:\n    pass\nx") == "A"
    assert found("x = A() if y else C()\nx") is None
    assert found("A") is None


def test_an_object_that_is_made_without_arguments_is_as_declared() -> None:
    made = class_of(*last("class A:\n    pass\nA()"))
    given = class_of(*last("class A:\n    pass\nA(5)"))

    assert made
    assert given
    assert (made.is_as_declared, given.is_as_declared) == (True, False)


def test_classes_are_found_by_the_names_that_they_are_imported_as() -> None:
    others = {"app/a.py": "class A:\n    class Inner:\n        pass\n", "app/b.py": "from app.a import A\n"}

    found = [
        class_named(*last(text, others))
        for text in (
            "from app.b import A\nA",
            "from app import a\na.A.Inner",
            "from app.b import B\nB",
            "A",
            "A()",
        )
    ]

    assert [each and (each.module.path, each.name) for each in found] == [
        ("app/a.py", "A"),
        ("app/a.py", "A.Inner"),
        None,
        None,
        None,
    ]


def test_a_lineage_goes_through_the_project_and_ends_outside() -> None:
    others = {
        "app/base.py": "from pydantic import BaseModel\n@dataclass\nclass Base(BaseModel, Generic[T]):\n    pass\n"
    }
    module = module_of(
        "from app.base import Base\nclass A(Base):\n    pass\nclass B(A, A, B):\n    pass\n", others
    )

    found = lineage(Class(module, "B"))

    assert [each.name for each in found.classes] == ["B", "A", "Base"]
    assert found.outside == {"pydantic.BaseModel"}
    assert found.is_decorated
    assert found.is_record


def test_only_functions_can_be_called() -> None:
    assert [*functions_called(*last("def f():\n    pass\nf"))]
    assert not [*functions_called(*last("f = 1\nf"))]
    assert [*functions_called(*last("class A:\n    def f(self):\n        pass\n    def g(self):\n        self.f"))]


def test_a_name_that_is_imported_in_a_circle_is_not_found() -> None:
    others = {"app/a.py": "from app.b import X", "app/b.py": "from app.a import X\nfrom app.a import *"}

    assert written("from app.a import X\nX", others) == ([], False)


def test_a_file_of_which_no_statement_is_certain_is_still_searched() -> None:
    text = "class A:\n    x = 0\n\x0cx = 1\nx"
    module = module_of(text)

    assert len(module.pieces) == 1
    ((tree, statement),) = list(module.statements(module.pieces[0]))[-1:]
    expression = cst.ensure_type(cst.ensure_type(statement, cst.SimpleStatementLine).body[0], cst.Expr).value
    found = definitions(expression, Scope(module, tree))
    assert [cst.ensure_type(each.node, cst.Integer).value for each in found.definitions] == ["1"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("from sqlalchemy.pool import *\nNullPool", "sqlalchemy.pool.NullPool"),
        ("from sqlalchemy.pool import *\nprint", None),
        ("from sqlalchemy.pool import *\nNullPool = None\nNullPool", None),
        ("from sqlalchemy.pool import *\nfrom shop import *\nNullPool", None),
    ],
)
def test_what_nothing_else_binds_is_from_the_only_star(text: str, name: str | None) -> None:
    assert qualified(*last(text)) == name
