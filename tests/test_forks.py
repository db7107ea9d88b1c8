import pytest

from poolcheck.deep import deep
from poolcheck.files import Memory
from poolcheck.read.python.pools.client_pools import pools_of
from poolcheck.read.python.running.forks import forks_after
from poolcheck.read.python.running.opened import opened_at_import
from poolcheck.read.python.syntax.module import Project

POOL = (
    "from psycopg_pool import ConnectionPool\npool = ConnectionPool('', open=True)\n"
    "def use():\n    pool.getconn()\n"
)
TASK = "from celery import shared_task\nfrom db import use\n@shared_task\ndef t():\n    use()\n"
PROCESS = "from multiprocessing import Process\nfrom db import use\ndef f():\n    Process(target=use).start()\n"


def forks(**others: str) -> list[bool]:
    """Whether it is certain who forks after db.py has opened a pool; the others as `a_py` and `Procfile`."""
    texts = {"db.py": POOL, **{name.replace("_", "."): text for name, text in others.items()}}
    project = Project(Memory({path: each.encode() for path, each in texts.items()}), [*texts])
    module = project.module("db.py")
    assert module

    def ask() -> list[bool]:
        opened = [opened_at_import(pool, module) for pool in pools_of(module)]
        return [fork.is_certain for each in opened if each for fork in forks_after(each, [])]

    return deep(ask)


def test_nobody_forks() -> None:
    assert forks(web_py="from db import use\n", Procfile="web: uvicorn web:app --workers 4\n") == []


def test_gunicorn_forks_what_it_preloads() -> None:
    web = "from db import use\napp = 1\n"

    assert forks(web_py=web, Procfile="web: gunicorn --preload web:app\n") == [True]
    assert forks(web_py=web, Procfile="web: gunicorn web:app\n", gunicorn_conf_py="preload_app = True\n") == [True]
    assert forks(web_py=web, Procfile="web: gunicorn web:app\n") == []
    assert forks(web_py="app = 1\n", Procfile="web: gunicorn --preload web:app\n") == []


def test_a_hook_that_begins_anew_is_enough() -> None:
    hook = "preload_app = True\ndef post_fork(server, worker): ...\n"

    assert forks(web_py="from db import use\n", Procfile="web: gunicorn web:app\n", gunicorn_conf_py=hook) == []
    assert forks(tasks_py=TASK, hooks_py="from celery.signals import worker_process_init\n") == []


@pytest.mark.parametrize(
    ("command", "certain"),
    [
        ("celery -A tasks worker", [True]),
        ("celery -A tasks beat", [False]),
        ("celery -A tasks worker -P gevent", []),
    ],
)
def test_celery_forks_unless_it_is_told_otherwise(command: str, certain: list[bool]) -> None:
    assert forks(tasks_py=TASK, Procfile=f"worker: {command}\n") == certain


def test_a_task_that_imports_the_pool_when_it_runs_opens_it_there() -> None:
    later = "from celery import shared_task\n@shared_task\ndef t():\n    from db import use\n    use()\n"

    assert forks(tasks_py=later) == []


def test_processes_of_ones_own() -> None:
    assert forks(load_py=PROCESS) == [False]
    assert forks(load_py=f"{PROCESS}multiprocessing.set_start_method('fork')\n") == [True]
    assert forks(load_py=f"{PROCESS}multiprocessing.set_start_method('spawn')\n") == []
    assert forks(load_py="import os\nfrom db import use\ndef f():\n    if os.fork() == 0:\n        use()\n") == [
        True
    ]
    assert forks(load_py="import os\nfrom db import use\ndef f():\n    if os.fork() == 0:\n        exit()\n") == []
