"""Whether a process makes a pool once, as it starts."""

from textwrap import dedent

import pytest

from poolcheck.files import Memory
from poolcheck.read.document import Reader
from poolcheck.read.python.facts import PythonModule
from poolcheck.read.python.pools.uses import placed
from poolcheck.read.python.running.at_start import is_made_at_start

MADE = 'return await asyncpg.create_pool("postgresql://db/shop")'


def at_start(**files: str) -> bool:
    """Whether the pool of the module `db` is made at the start."""
    texts = {f"shop/{name}.py": dedent(text).encode() for name, text in files.items()}
    reader = Reader(Memory(texts), sorted(texts))
    [module] = [
        fact
        for path in sorted(texts)
        if (reading := reader.read(path))
        for fact in reading.facts
        if isinstance(fact, PythonModule) and path == "shop/db.py"
    ]
    [pool] = module.pools
    made = placed(module.module, pool.span)
    assert made
    return is_made_at_start(made)


def opened(body: str = MADE) -> str:
    return f"import asyncpg\n\nasync def open_pool():\n    {body}\n"


def test_what_a_module_makes_is_made_once() -> None:
    assert at_start(db="from sqlalchemy import create_engine\nengine = create_engine('postgresql://db/shop')\n")


@pytest.mark.parametrize(
    "main",
    [
        """
        from contextlib import asynccontextmanager
        from fastapi import FastAPI
        from shop.db import open_pool

        @asynccontextmanager
        async def lifespan(app):
            app.state.pool = await open_pool()
            yield

        app = FastAPI(lifespan=lifespan)
        """,
        """
        from fastapi import FastAPI
        from shop.db import open_pool
        app = FastAPI()

        @app.on_event("startup")
        async def start():
            await prepare()

        async def prepare():
            app.state.pool = await open_pool()
        """,
        """
        import asyncio
        from shop.db import open_pool

        async def main():
            pool = await open_pool()
            await serve(pool)

        if __name__ == "__main__":
            asyncio.run(main())
        """,
    ],
    ids=["lifespan", "startup, through a function", "main"],
)
def test_what_leads_from_the_start_of_an_application_and_nowhere_else_is_made_once(main: str) -> None:
    assert at_start(db=opened(), main=main)


@pytest.mark.parametrize(
    "main",
    [
        "",
        """
        from fastapi import FastAPI
        from shop.db import open_pool
        app = FastAPI()

        @app.get("/")
        async def show():
            pool = await open_pool()
        """,
        """
        from fastapi import FastAPI
        from shop.db import open_pool
        app = FastAPI()

        @app.on_event("startup")
        async def start():
            app.state.read = await open_pool()
            app.state.write = await open_pool()
        """,
        """
        from fastapi import FastAPI
        from shop.db import open_pool
        app = FastAPI()

        @app.on_event("startup")
        async def start():
            for tenant in ("a", "b"):
                app.state.pools[tenant] = await open_pool()
        """,
        """
        from shop.db import open_pool

        def later(call):
            return call

        opener = later(open_pool)
        """,
    ],
    ids=["nobody calls it", "request", "twice", "loop", "handed on"],
)
def test_what_may_be_made_more_often_or_never_is_not_sure(main: str) -> None:
    assert not at_start(db=opened(), main=main)
