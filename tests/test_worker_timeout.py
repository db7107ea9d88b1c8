from collections.abc import Mapping

import pytest

from poolcheck.files import Memory
from poolcheck.read.python.running.worker_timeout import WorkerTimeout, worker_timeout
from poolcheck.read.python.syntax.module import Project


def timeout(files: Mapping[str, str]) -> WorkerTimeout | None:
    """The timeout for a module of a project with these files."""
    contents = {"shop/wsgi.py": "from shop.db import engine\n", "shop/db.py": "", **files}
    project = Project(Memory({path: text.encode() for path, text in contents.items()}), [*contents])
    found = project.module("shop/db.py")
    assert found
    return worker_timeout(found, ())


@pytest.mark.parametrize(
    ("options", "seconds"),
    [("--timeout 20", 20), ("--timeout=20", 20), ("-t 20", 20), ("-t20", 20), ("-k sync -t 20", 20), ("", 30)],
)
def test_gunicorn_is_told_a_timeout_or_has_its_own(options: str, seconds: int) -> None:
    found = timeout({"Procfile": f"web: gunicorn {options} shop.wsgi:app\n"})

    assert found == WorkerTimeout(seconds, "Procfile", is_default=not options)


@pytest.mark.parametrize(
    "options",
    [
        "-k gthread",
        "--threads 4",
        "-k uvicorn.workers.UvicornWorker",
        "--timeout 0",
        "--timeout $TIMEOUT",
        "--reload",
    ],
)
def test_other_workers_are_not_killed_and_what_is_not_known_is_not_told(options: str) -> None:
    assert timeout({"Procfile": f"web: gunicorn {options} shop.wsgi:app\n"}) is None


def test_a_configuration_file_tells_what_the_options_do_not() -> None:
    file = {"Procfile": "web: gunicorn shop.wsgi:app\n", "gunicorn.conf.py": "timeout = 45\n"}

    assert timeout(file) == WorkerTimeout(45, "Procfile", is_default=False)
    assert timeout({**file, "Procfile": "web: gunicorn -t 5 shop.wsgi:app\n"}) == WorkerTimeout(
        5, "Procfile", is_default=False
    )
    assert timeout({**file, "gunicorn.conf.py": "worker_class = 'gthread'\n"}) is None
    assert timeout({**file, "gunicorn.conf.py": "timeout = compute()\n"}) is None


def test_a_command_that_serves_another_program_is_none_of_its() -> None:
    assert timeout({"Procfile": "web: gunicorn other.wsgi:app\n"}) is None


def test_the_shortest_of_several_counts_unless_one_is_of_another_kind() -> None:
    two = "web: gunicorn -t 60 shop.wsgi:app\nadmin: gunicorn -t 20 shop.wsgi:app\n"

    assert timeout({"Procfile": two}) == WorkerTimeout(20, "Procfile", is_default=False)
    assert timeout({"Procfile": two + "api: gunicorn --threads 8 shop.wsgi:app\n"}) is None
