from poolcheck.deep import deep
from poolcheck.files import Memory
from poolcheck.read.python.running.loops import runs_in
from poolcheck.read.python.syntax.module import Project

HEAD = (
    "import asyncio\nfrom asgiref.sync import async_to_sync\nfrom celery import shared_task\n"
    "async def work(): ...\n"
)


def runs(text: str, **others: str) -> list[tuple[str, str]]:
    """What runs loops in a module, and for what again and again."""
    texts = {"app.py": HEAD + text, **{f"{other}.py": more for other, more in others.items()}}
    project = Project(Memory({path: each.encode() for path, each in texts.items()}), [*texts])
    module = project.module("app.py")
    assert module
    return deep(lambda: [(run.title, run.again) for run in runs_in(module)])


def test_a_task_runs_a_loop_each_time() -> None:
    assert runs("@shared_task\ndef t():\n    asyncio.run(work())\n") == [("asyncio.run()", "run of the task t()")]
    assert runs("@shared_task\ndef t():\n    async_to_sync(work)()\n") == [
        ("async_to_sync()", "run of the task t()")
    ]


def test_a_new_loop_is_one_and_a_loop_that_is_there_is_not() -> None:
    new = "def t():\n    loop = asyncio.new_event_loop()\n    loop.run_until_complete(work())\n"
    old = "def t():\n    loop = asyncio.get_event_loop()\n    loop.run_until_complete(work())\n"
    either = (
        "def t():\n    try:\n        loop = asyncio.get_event_loop()\n    except RuntimeError:\n"
        "        loop = asyncio.new_event_loop()\n    loop.run_until_complete(work())\n"
    )

    assert runs(new) == [("run_until_complete()", "")]
    assert runs(old) == runs(either) == []


def test_a_helper_runs_what_it_is_given() -> None:
    helper = "import asyncio\ndef run_async(coroutine):\n    return asyncio.run(coroutine)\n"

    assert runs(
        "from helper import run_async\n@shared_task\ndef t():\n    run_async(work())\n", helper=helper
    ) == [("run_async()", "run of the task t()")]


def test_each_round_of_a_loop_runs_one() -> None:
    assert runs("def f():\n    for _ in range(3):\n        asyncio.run(work())\n") == [
        ("asyncio.run()", "round of the loop")
    ]
    assert runs("def f():\n    for _ in range(3):\n        asyncio.run(work())\n        break\n") == [
        ("asyncio.run()", "")
    ]
    assert runs("def main():\n    asyncio.run(work())\n") == [("asyncio.run()", "")]
