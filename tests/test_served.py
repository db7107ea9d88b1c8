import pytest

from poolcheck.files import Memory
from poolcheck.read.python.project.served import Start, Starts
from poolcheck.read.python.project.versions import Versions


def starts(path: str = "shop/settings.py", **files: str) -> list[Start]:
    """The commands near a module, in files whose names have `_` for `.` and `__` for `/`."""
    texts = {name.replace("__", "/").replace("_", "."): text.encode() for name, text in files.items()}
    memory = Memory(texts)
    return [*Starts(memory, Versions(memory)).near(path)]


def summary(found: list[Start]) -> list[tuple[str, str, str]]:
    return [(start.program, start.module, start.kind) for start in found]


def test_lines_of_a_procfile_are_commands() -> None:
    found = starts(
        Procfile="web: uvicorn shop.asgi:application --port $PORT\nworker: celery -A shop worker -P gevent\n"
    )

    assert summary(found) == [("uvicorn", "shop.asgi:application", ""), ("celery", "shop", "gevent")]


@pytest.mark.parametrize(
    "command",
    ["gunicorn -k uvicorn.workers.UvicornWorker a:app", "gunicorn --worker-class=uvicorn_worker.W a:app"],
)
def test_gunicorn_with_workers_of_uvicorn_speaks_asgi(command: str) -> None:
    assert [start.is_asynchronous for start in starts(Procfile=f"web: {command}\n")] == [True]


def test_gunicorn_with_its_own_workers_does_not() -> None:
    assert [start.is_asynchronous for start in starts(Procfile="web: gunicorn -w 4 shop.wsgi\n")] == [False]


def test_a_dockerfile_starts_its_last_command() -> None:
    text = 'FROM a\nCMD ["daphne", "a.asgi:app"]\nFROM b\nCMD exec uvicorn \\\n    b.asgi:app --workers 2\n'

    assert summary(starts(Dockerfile=text)) == [("uvicorn", "b.asgi:app", "")]


def test_a_script_starts_what_a_line_of_it_starts() -> None:
    text = '#!/bin/sh\nset -e\n# gunicorn old.wsgi\nif [ -n "$X" ]; then\n  exec daphne shop.asgi:app\nfi\n'

    assert summary(starts(entrypoint_sh=text)) == [("daphne", "shop.asgi:app", "")]


def test_services_of_a_compose_file_start_their_commands() -> None:
    text = "services:\n  web:\n    build: .\n    command: sh -c 'python manage.py migrate && gunicorn shop.wsgi'\n"

    assert summary(starts(compose_yaml=text)) == [("gunicorn", "shop.wsgi", "")]


def test_a_template_starts_nothing_that_is_certain() -> None:
    assert starts(Procfile="{% if asgi %}\nweb: uvicorn shop.asgi:app\n{% endif %}\n") == []


def test_files_of_the_folders_above_count_and_those_below_do_not() -> None:
    assert summary(
        starts("a/b/c.py", a__Procfile="web: daphne x:y\n", a__b__d__Procfile="web: uvicorn z:y\n")
    ) == [("daphne", "x:y", "")]
