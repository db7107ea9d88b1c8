import pytest

from poolcheck.files import Memory
from poolcheck.link.sources import Sources
from poolcheck.read.document import Reader
from poolcheck.read.kubernetes.manifest import Manifest
from poolcheck.stated import StatedWorkload

POOL = "import asyncpg\npool = asyncpg.create_pool()\n"
SHOP = {"shop/__init__.py": "", "shop/db.py": POOL, "shop/main.py": "from shop.db import pool\n"}


def pod(command: str, *, name: str = "api", image: str = "registry.example/team/service:1") -> str:
    words = ", ".join(command.split())
    return f"""
apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec: {{containers: [{{name: main, image: "{image}", command: [{words}]}}]}}
"""


def loaded(files: dict[str, str], *source: str) -> list[str]:
    """The paths of the modules with something in them that the pod in pod.yaml loads."""
    reader = Reader(Memory({path: text.encode() for path, text in files.items()}))
    facts = [fact for path in sorted(files) if (reading := reader.read(path)) for fact in reading.facts]
    assert reader.project
    sources = Sources(facts, files, reader.project)
    [workload] = next(fact for fact in facts if isinstance(fact, Manifest)).workloads
    container = workload.containers[0]
    run = sources.run(container, workload, lambda _: None)
    started = sources.started(run.container, workload, run.environment, run.scripts)
    paths = sources.loaded_by(workload, container, started, StatedWorkload(source=source))
    return [module.span.path for module in sources.among(paths)]


@pytest.mark.parametrize(
    "command",
    [
        "uvicorn shop.main:app",
        "gunicorn shop.main:create_app()",
        "python -m shop.main",
        "python shop/main.py",
        "python ./shop/main.py",
        "python /app/shop/main.py",
        "python /opt/service/src/shop/main.py",
        "fastapi run shop/main.py",
    ],
)
def test_a_workload_loads_what_its_entry_imports(command: str) -> None:
    assert loaded({**SHOP, "pod.yaml": pod(command)}) == ["shop/db.py"]


def test_imports_are_followed_through_modules_and_packages() -> None:
    files = {
        "src/shop/__init__.py": POOL,
        "src/shop/main.py": "from shop.web import routes\n",
        "src/shop/web/__init__.py": "",
        "src/shop/web/routes.py": "def index():\n    from ..db import pool\n",
        "src/shop/db.py": POOL,
        "src/shop/unused.py": POOL,
        "pod.yaml": pod("uvicorn shop.main:app"),
    }

    assert loaded(files) == ["src/shop/__init__.py", "src/shop/db.py"]


def test_a_module_that_nothing_imports_is_not_loaded() -> None:
    files = {**SHOP, "shop/main.py": "app = None\n", "pod.yaml": pod("uvicorn shop.main:app")}

    assert loaded(files) == []


def test_celery_loads_what_it_is_told_by_name() -> None:
    files = {
        "worker/__init__.py": "",
        "worker/app.py": 'app = Celery("worker", include=["worker.tasks"])\n',
        "worker/tasks.py": "from worker.db import pool\n",
        "worker/db.py": POOL,
    }

    assert loaded({**files, "pod.yaml": pod("celery -A worker.app worker")}) == ["worker/db.py"]
    assert loaded({**files, "pod.yaml": pod("uvicorn worker.app:app")}) == []


def test_celery_finds_its_application_in_the_package_it_is_given() -> None:
    files = {
        "worker/__init__.py": "",
        "worker/celery.py": "from worker.db import pool\n",
        "worker/db.py": POOL,
        "pod.yaml": pod("celery -A worker worker"),
    }

    assert loaded(files) == ["worker/db.py"]


@pytest.mark.parametrize(
    ("name", "image", "expected"),
    [
        ("api", "registry.example/team/service:1", ["services/api/db.py"]),
        ("shop-web", "registry.example/team/api:1", ["services/api/db.py"]),
        ("main", "registry.example/team/service:1", []),
    ],
)
def test_of_several_entries_the_one_in_a_folder_of_the_workloads_or_its_images_name_counts(
    name: str, image: str, expected: list[str]
) -> None:
    service = {"main.py": "from db import pool\n", "db.py": POOL}
    files = {f"services/{each}/{path}": text for each in ("api", "worker") for path, text in service.items()}

    assert loaded({**files, "pod.yaml": pod("uvicorn main:app", name=name, image=image)}) == expected


@pytest.mark.parametrize(
    "command", ["uvicorn other.main:app", "node server.js", "uvicorn $(MODULE)", "uvicorn ain:app"]
)
def test_where_it_is_not_known_what_runs_nothing_is_loaded(command: str) -> None:
    assert loaded({**SHOP, "pod.yaml": pod(command)}) == []


def test_what_is_stated_is_believed_over_the_command() -> None:
    files = {**SHOP, "tools/db.py": POOL, "pod.yaml": pod("uvicorn shop.main:app")}

    assert loaded(files, "tools") == ["tools/db.py"]
    assert loaded(files, "./tools/") == ["tools/db.py"]
    assert loaded(files, "shop/db.py") == ["shop/db.py"]
    assert loaded(files, ".") == ["shop/db.py", "tools/db.py"]
    assert loaded(files, "tool") == []


def test_imports_that_go_round_in_circles_end() -> None:
    files = {
        "shop/__init__.py": "",
        "shop/main.py": "from shop import db\n",
        "shop/db.py": f"from shop import main\n{POOL}",
        "pod.yaml": pod("uvicorn shop.main:app"),
    }

    assert loaded(files) == ["shop/db.py"]


def test_a_configuration_file_of_gunicorns_is_looked_for_in_the_project() -> None:
    files = {**SHOP, "deploy/gunicorn.conf.py": "workers = 4\n", "pod.yaml": pod("gunicorn shop.main:app")}
    reader = Reader(Memory({path: text.encode() for path, text in files.items()}))
    facts = [fact for path in sorted(files) if (reading := reader.read(path)) for fact in reading.facts]
    assert reader.project
    [workload] = next(fact for fact in facts if isinstance(fact, Manifest)).workloads

    found = Sources(facts, files, reader.project).started(workload.containers[0], workload, lambda _: None)

    assert found
    assert (found.processes.low, found.processes.high) == (4, 4)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("arq shop.worker.WorkerSettings", ["shop/db.py"]),
        ("celery -A shop.worker.app worker", ["shop/db.py"]),
        ("python -m shop.worker.app", []),
        ("uvicorn shop.worker.app", []),
    ],
)
def test_some_are_told_an_object_of_a_module(command: str, expected: list[str]) -> None:
    files = {**SHOP, "shop/worker.py": "from shop.db import pool\n", "pod.yaml": pod(command)}

    assert loaded(files) == expected


@pytest.mark.parametrize(
    ("dockerfile", "expected"),
    [
        ("WORKDIR /app\nCOPY worker/app ./app\n", ["service/worker/app/db.py"]),
        ("WORKDIR /srv/worker\nCOPY . /srv\n", ["service/worker/app/db.py"]),
        ("ENV PYTHONPATH=/lib\nWORKDIR /app\nCOPY api /lib\n", ["service/api/app/db.py"]),
        ("WORKDIR /app\nCOPY README.md .\n", []),
    ],
)
def test_the_dockerfile_tells_which_of_several_modules_is_meant(dockerfile: str, expected: list[str]) -> None:
    module = {"main.py": "from app.db import pool\n", "db.py": POOL}
    twins = {f"service/{each}/app/{path}": text for each in ("api", "worker") for path, text in module.items()}
    files = {
        "service/Dockerfile": f"FROM python\n{dockerfile}",
        "pod.yaml": pod("uvicorn app.main:app", name="web"),
    }

    assert loaded({**twins, **files}) == expected


def test_settings_of_django_load_the_urls_they_name() -> None:
    files = {
        "shop/__init__.py": "",
        "shop/wsgi.py": 'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings.prod")\n',
        "shop/settings/__init__.py": "",
        "shop/settings/base.py": 'ROOT_URLCONF = "shop.urls"\n',
        "shop/settings/prod.py": "from .base import *\n",
        "shop/urls.py": "from shop.db import pool\n",
        "shop/db.py": POOL,
        "pod.yaml": pod("gunicorn shop.wsgi"),
    }

    assert loaded(files) == ["shop/db.py"]


def processes(files: dict[str, str]) -> tuple[int, int | None]:
    """How many processes the pod in pod.yaml is seen to start."""
    reader = Reader(Memory({path: text.encode() for path, text in files.items()}), sorted(files))
    facts = [fact for path in sorted(files) if (reading := reader.read(path)) for fact in reading.facts]
    assert reader.project
    [workload] = next(fact for fact in facts if isinstance(fact, Manifest)).workloads
    sources = Sources(facts, files, reader.project, [workload])
    run = sources.run(workload.containers[0], workload, lambda _: None)
    started = sources.started(run.container, workload, run.environment, run.scripts)
    assert started
    return started.processes.low, started.processes.high


@pytest.mark.parametrize("command", ["python -m shop.main", "python shop/main.py"])
def test_a_module_that_speaks_of_no_other_process_is_one(command: str) -> None:
    assert processes({**SHOP, "pod.yaml": pod(command)}) == (1, 1)


@pytest.mark.parametrize(
    "more",
    [
        {"shop/main.py": "import shop.db, uvicorn\nuvicorn.run('shop.web:app', workers=4)\n"},
        {"shop/main.py": "import uvicorn\nuvicorn.run('shop.web:app', reload=True)\n"},
        {"shop/main.py": "import uvicorn\nuvicorn.run('shop.web:app')\n"},
        {"shop/main.py": "from shop.jobs import run\n", "shop/jobs.py": "from multiprocessing import Pool\n"},
        {"shop/main.py": "from concurrent.futures import ProcessPoolExecutor\n"},
        {"shop/main.py": "import subprocess\nsubprocess.run(['python', '-m', 'shop.worker'])\n"},
        {"shop/main.py": "from django.core.management import execute_from_command_line\n"},
    ],
)
def test_a_module_that_may_start_other_processes_is_at_least_one(more: dict[str, str]) -> None:
    assert processes({**SHOP, **more, "pod.yaml": pod("python -m shop.main")}) == (1, None)


@pytest.mark.parametrize(
    ("more", "most"),
    [
        ("", 1),
        ("ENV WEB_CONCURRENCY=2\n", None),
        ("ENV UVICORN_WORKERS=2\n", 1),
    ],
)
def test_uvicorn_run_is_one_process_unless_the_environment_says_otherwise(more: str, most: int | None) -> None:
    started = "import uvicorn\nfrom shop.db import pool\nuvicorn.run('shop.web:app')\n"
    dockerfile = f"FROM python:3.12\nWORKDIR /app\nCOPY . .\n{more}"
    image = {"Dockerfile": dockerfile, "shop/main.py": started}
    assert processes({**SHOP, **image, "pod.yaml": pod("python -m shop.main", image="shop")}) == (1, most)


@pytest.mark.parametrize("command", ["python -m shop.worker", "python manage.py runserver"])
def test_a_module_that_is_not_found_is_at_least_one_process(command: str) -> None:
    assert processes({**SHOP, "pod.yaml": pod(command)}) == (1, None)
