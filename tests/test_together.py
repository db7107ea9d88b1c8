from poolcheck.deep import deep
from poolcheck.files import Memory
from poolcheck.read.python.running.together import groups_in
from poolcheck.read.python.syntax.module import Project

HEAD = "import asyncio\nfrom threading import Thread\nfrom concurrent.futures import ThreadPoolExecutor\n"


def groups(text: str) -> list[tuple[str, list[bool]]]:
    """What runs together in a module: for each child whether a loop makes several of it."""
    project = Project(Memory({"app.py": (HEAD + text).encode()}), ["app.py"])
    module = project.module("app.py")
    assert module
    return deep(
        lambda: [(each.title, [child.loop is not None for child in each.children]) for each in groups_in(module)]
    )


def test_children_of_gather() -> None:
    assert groups("async def f():\n    await asyncio.gather(a(), asyncio.wait_for(b(), 1))\n") == [
        ("gather()", [False, False])
    ]
    assert groups("async def f():\n    await asyncio.gather(*[a(x) for x in xs])\n") == [("gather()", [True])]
    assert groups("async def f():\n    await asyncio.gather(*(a(x) for x in xs), b())\n") == [
        ("gather()", [True, False])
    ]


def test_children_in_a_list() -> None:
    text = "async def f():\n    ts = [a()]\n    for x in xs:\n        ts.append(asyncio.create_task(b(x)))\n"

    assert groups(f"{text}    await asyncio.gather(*ts)\n") == [("gather()", [False, True])]


def test_children_of_a_task_group() -> None:
    head = "async def f():\n    async with asyncio.TaskGroup() as g:\n"
    text = f"{head}        g.create_task(a())\n        g.create_task(b())\n"

    assert groups(text) == [("create_task()", [False, False])]


def test_threads() -> None:
    assert groups("def f(s):\n    for x in xs:\n        Thread(target=a, args=(s,)).start()\n") == [
        ("Thread()", [True])
    ]
    assert groups(
        "def f(s):\n    with ThreadPoolExecutor() as e:\n        e.submit(a, s)\n        e.submit(b, s)\n"
    ) == [("submit()", [False, False])]


def test_what_is_called_submit_elsewhere_is_none() -> None:
    assert groups("def f(form, s):\n    form.submit(a, s)\n") == []


def test_one_at_a_time_is_not_together() -> None:
    assert groups("async def f():\n    for x in xs:\n        await asyncio.create_task(a(x))\n") == []
    assert (
        groups("async def f():\n    for x in xs:\n        t = asyncio.create_task(a(x))\n        await t\n") == []
    )
    assert (
        groups("def f(s):\n    for x in xs:\n        t = Thread(target=a)\n        t.start()\n        t.join()\n")
        == []
    )
    assert (
        groups("def f(s):\n    e = ThreadPoolExecutor(max_workers=1)\n    for x in xs:\n        e.submit(a)\n")
        == []
    )
