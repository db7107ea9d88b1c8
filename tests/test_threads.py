import libcst as cst

from poolcheck.deep import deep
from poolcheck.files import Memory
from poolcheck.read.python.running.threads import started_in
from poolcheck.read.python.syntax.module import Project

HEAD = """
import asyncio
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial

threads = ThreadPoolExecutor(4)
processes = ProcessPoolExecutor(4)

def work():
    pass
"""


def started(text: str) -> list[tuple[str, str]]:
    """What starts each thread in a module, and the function that the thread runs."""
    module = Project(Memory({"app.py": (HEAD + text).encode()}), ["app.py"]).module("app.py")
    assert module

    def ask() -> list[tuple[str, str]]:
        found = [(each.title, each.function.node) for each in started_in(module)]
        return [(title, node.name.value) for title, node in found if isinstance(node, cst.FunctionDef)]

    return deep(ask)


def test_a_thread() -> None:
    assert started("threading.Thread(target=work).start()\n") == [("Thread()", "work")]
    assert started("threading.Thread(None, work)\n") == [("Thread()", "work")]
    assert started("threading.Thread(target=partial(work, 1))\n") == [("Thread()", "work")]


def test_an_executor_of_threads() -> None:
    assert started("threads.submit(work, 1)\n") == [("submit()", "work")]
    assert started("def f():\n    with ThreadPoolExecutor() as e:\n        e.map(work, xs)\n") == [
        ("map()", "work")
    ]
    assert started("processes.submit(work)\n") == []
    assert started("other.submit(work)\n") == []


def test_a_loop_and_its_executor() -> None:
    start = "async def f():\n    await"

    assert started(f"{start} asyncio.to_thread(work, 1)\n") == [("to_thread()", "work")]
    assert started(f"{start} loop.run_in_executor(None, work)\n") == [("run_in_executor()", "work")]
    assert started(f"{start} loop.run_in_executor(threads, work)\n") == [("run_in_executor()", "work")]
    assert started(f"{start} loop.run_in_executor(processes, work)\n") == []


def test_what_is_not_seen() -> None:
    assert started("threading.Thread(target=other).start()\n") == []
    assert started("class Thread:\n    pass\n\nThread(target=work)\n") == []
