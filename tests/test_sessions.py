import libcst as cst
import pytest

from poolcheck.deep import deep
from poolcheck.files import Memory
from poolcheck.read.python.pools.uses import calls_in
from poolcheck.read.python.running.sessions import Session, session_of
from poolcheck.read.python.syntax.module import Module, Project
from poolcheck.read.python.values.scope import Class, Scope

HEAD = (
    "import asyncpg\nfrom contextlib import asynccontextmanager\nfrom typing import Annotated\n"
    "from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session, async_sessionmaker\n"
    "Maker = async_sessionmaker(engine)\nDep = Annotated[AsyncSession, Depends(get)]\n"
)


def _asked(module: Module) -> Session | None:
    for piece in module.pieces:
        owner = Class(module, piece.scope) if piece.scope else None
        for tree, statement in module.statements(piece):
            for call, scope, _ in calls_in(statement, Scope(module, tree, owner=owner)):
                match call:
                    case cst.Call(func=cst.Name("who"), args=[argument]):
                        return session_of(argument.value, scope)
                    case _:
                        pass
    raise AssertionError("nobody is asked")


def kind(text: str) -> str | None:
    project = Project(Memory({"app.py": (HEAD + text).encode()}), ["app.py"])
    module = project.module("app.py")
    assert module
    found = deep(lambda: _asked(module))
    return found.kind.value if found else None


@pytest.mark.parametrize(
    "text",
    [
        "async def f(s: AsyncSession): who(s)\n",
        "async def f(s: 'AsyncSession | None' = None): who(s)\n",
        "async def f(s: Dep): who(s)\n",
        "async def f():\n    async with Maker() as s: who(s)\n",
        "async def f():\n    s = AsyncSession(engine)\n    who(s)\n",
        "class A:\n    def __init__(self, s: AsyncSession): self.s = s\n    async def f(self): who(self.s)\n",
        "@asynccontextmanager\nasync def g():\n    async with Maker() as s: yield s\n"
        "async def f():\n    async with g() as s: who(s)\n",
    ],
)
def test_a_session_is_told_by_its_type_or_by_what_makes_it(text: str) -> None:
    assert kind(text) == "AsyncSession"


def test_a_connection_of_asyncpg_is_told_by_what_takes_it() -> None:
    assert kind("async def f():\n    c = await asyncpg.connect()\n    who(c)\n") == "asyncpg"
    assert kind("async def f(p: asyncpg.Pool):\n    async with p.acquire() as c: who(c)\n") == "asyncpg"
    assert kind("async def f(c: asyncpg.Connection): who(c)\n") == "asyncpg"


@pytest.mark.parametrize(
    "text",
    [
        "async def f(s): who(s)\n",
        "async def f():\n    for s in sessions: who(s)\n",
        "async def f(s: AsyncSession, o):\n    s = o\n    who(s)\n",
        "scoped = async_scoped_session(Maker, f)\nasync def f(): who(scoped)\n",
        "async def f(): [who(s) for s in sessions]\n",
        "async def f(p: asyncpg.Pool): who(p)\n",
    ],
)
def test_what_is_none_or_may_be_another_is_not_told(text: str) -> None:
    assert kind(text) is None
