import pytest

from poolcheck.deep import deep
from poolcheck.files import Memory
from poolcheck.read.python.running.asgi import asgi_starts, server_in_settings
from poolcheck.read.python.syntax.module import Project

ASGI = "from django.core.asgi import get_asgi_application\napplication = get_asgi_application()\n"


def asked(settings: str = "", **others: str) -> tuple[list[str], str | None]:
    """The programs that serve a project over ASGI, and what its settings suggest."""
    texts = {"shop/settings.py": settings, "shop/asgi.py": ASGI, "shop/other.py": "app = 1\n"}
    texts |= {name.replace("__", "/").replace("_", "."): text for name, text in others.items()}
    module = Project(Memory({path: each.encode() for path, each in texts.items()})).module("shop/settings.py")
    assert module
    return deep(lambda: ([start.program for start in asgi_starts(module, [])], server_in_settings(module)))


def test_a_command_that_runs_the_application_of_django() -> None:
    assert asked(Procfile="web: daphne shop.asgi:application\n")[0] == ["daphne"]
    assert asked(Procfile="web: gunicorn shop.asgi -k uvicorn_worker.UvicornWorker\n")[0] == ["gunicorn"]


def test_the_worker_class_may_be_in_a_file() -> None:
    config = "worker_class = 'uvicorn.workers.UvicornWorker'\n"

    assert asked(Procfile="web: gunicorn shop.asgi\n", gunicorn_conf_py=config)[0] == ["gunicorn"]
    assert asked(Procfile="web: gunicorn shop.asgi\n")[0] == []


@pytest.mark.parametrize(
    "command", ["uvicorn shop.other:app", "uvicorn shop.asgi:application --reload", "uvicorn elsewhere.asgi:app"]
)
def test_other_commands(command: str) -> None:
    assert asked(Procfile=f"web: {command}\n")[0] == []


def test_settings_suggest_a_server_where_they_name_it() -> None:
    assert asked("INSTALLED_APPS = ['channels']\nASGI_APPLICATION = 'shop.asgi.application'\n")[1] == "channels"
    assert (
        asked("from .base import *\n", shop__base_py="APPS = ['daphne']\nASGI_APPLICATION = ''\n")[1] == "daphne"
    )
    assert asked("ASGI_APPLICATION = 'shop.asgi.application'\n")[1] is None
