import libcst as cst

from poolcheck.deep import deep
from poolcheck.files import Memory
from poolcheck.read.python.leaks.following.dependencies import dependent, is_closed_by_dependents
from poolcheck.read.python.syntax.module import Module, Project
from poolcheck.read.python.values.scope import Class, Scope

DB = "def get_db():\n    return SessionLocal()\n"


def function_of(name: str, module: Module) -> tuple[cst.FunctionDef, Scope]:
    for piece in module.naming(name):
        for tree, statement in module.statements(piece):
            if isinstance(statement, cst.FunctionDef) and statement.name.value == name:
                owner = Class(module, piece.scope) if piece.scope else None
                return statement, Scope(module, tree, owner=owner).inside(statement)
    raise AssertionError(name)


def asked_by(web: str, db: str = DB, name: str = "get_db", path: str = "web.py") -> str | None:
    """The place that has a function of db.py called for each request, as it is written; None where nothing has."""
    project = Project(Memory({"db.py": db.encode(), path: web.encode()}), ["db.py", path])
    home = project.module("db.py")
    assert home

    def ask() -> str | None:
        place = dependent(*function_of(name, home))
        module = project.module(place.path) if place else None
        return module.source.text[place.start : place.end] if module and place else None

    return deep(ask)


def is_closed(web: str) -> bool:
    project = Project(Memory({"db.py": DB.encode(), "web.py": web.encode()}), ["db.py", "web.py"])
    home = project.module("db.py")
    assert home
    return deep(lambda: is_closed_by_dependents(*function_of("get_db", home)))


def test_a_parameter_that_depends_on_it() -> None:
    assert asked_by("from db import get_db\ndef f(db=Depends(get_db)):\n    pass\n") == "get_db"
    assert asked_by("from db import get_db\nDb = Annotated[Session, Depends(get_db)]\n") == "get_db"
    assert asked_by("from db import get_db\napp = Litestar(dependencies={'db': Provide(get_db)})\n") == "get_db"


def test_by_another_name_and_as_an_attribute() -> None:
    assert asked_by("from db import get_db as session\ndef f(db=Depends(session)):\n    pass\n") == "session"
    assert asked_by("import db\ndef f(s=Depends(db.get_db)):\n    pass\n") == "db.get_db"
    assert asked_by("import db\ndef f(s=Depends(dependency=db.get_db)):\n    pass\n") == "db.get_db"


def test_a_method_of_an_object() -> None:
    db = "class Db:\n    def session(self):\n        yield SessionLocal()\n\ndb = Db()\n"

    assert asked_by("from db import db\ndef f(s=Depends(db.session)):\n    pass\n", db, "session") == "db.session"
    assert asked_by("from other import db\ndef f(s=Depends(db.session)):\n    pass\n", db, "session") is None


def test_another_function_of_that_name() -> None:
    web = "def get_db():\n    pass\n\ndef f(db=Depends(get_db)):\n    pass\n"

    assert asked_by(web) is None


def test_what_only_calls_it() -> None:
    assert asked_by("from db import get_db\ndef f():\n    return get_db()\n") is None
    assert asked_by("from db import get_db\ndef f(db=Depends(get_db())):\n    pass\n") is None


def test_tests_do_not_count() -> None:
    web = "from db import get_db\ndef f(db=Depends(get_db)):\n    pass\n"

    assert asked_by(web, path="tests/test_web.py") is None


def test_a_dependent_that_closes_what_it_gets() -> None:
    start = "from db import get_db\n"

    assert is_closed(f"{start}def f(db=Depends(get_db)):\n    db.close()\n")
    assert is_closed(f"{start}def f(db=Depends(get_db)):\n    with db:\n        pass\n")
    assert is_closed(f"{start}def f(db=Depends(get_db)):\n    with closing(db) as s:\n        pass\n")
    assert is_closed(f"{start}Db = Annotated[Session, Depends(get_db)]\ndef f(db: Db):\n    db.close()\n")


def test_dependents_that_do_not_close_it() -> None:
    start = "from db import get_db\ndef other():\n    db = get_db()\n    db.close()\n\n"

    assert not is_closed(f"{start}def f(db=Depends(get_db)):\n    return db.scalar(q)\n")
    assert not is_closed(
        f"{start}Db = Annotated[Session, Depends(get_db)]\ndef f(db: Db):\n    return db.scalar(q)\n"
    )


def test_an_object_may_close_it_in_any_of_its_methods() -> None:
    web = (
        "from db import get_db\nclass Orders:\n"
        "    def __init__(self, db=Depends(get_db)):\n        self.db = db\n\n"
        "    def close(self):\n        self.db.close()\n"
    )

    assert is_closed(web)
