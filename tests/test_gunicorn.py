from poolcheck.amount import Amount
from poolcheck.files import Memory
from poolcheck.read.kubernetes.launchers import Launch, launch
from poolcheck.read.kubernetes.manifest import Container
from poolcheck.read.python.running.gunicorn import configured
from poolcheck.read.python.syntax.module import Project
from poolcheck.source import Located, Source, Span
from poolcheck.value import Known, Value

NOWHERE = Span("m.yaml", 0, 0)


def started(command: str, file: str, **variables: str) -> Launch:
    """What a command starts, in an environment and with this configuration file."""
    words = tuple(Located(word, NOWHERE) for word in command.split())
    container = Container(Located("web", NOWHERE), None, words, None, (), (), (), (), None, None)
    environment: dict[str, Value] = {name: Known(value, (NOWHERE,)) for name, value in variables.items()}
    found = launch(container, environment.get, is_file_seen=True)
    assert found
    module = Project(Memory({})).add(Source("gunicorn.conf.py", file))
    return configured(found, module, environment.get)


def ends(amount: Amount | None) -> tuple[int, int | None] | None:
    return amount and (amount.low, amount.high)


def test_a_file_tells_the_workers_and_where() -> None:
    found = started("gunicorn app:app", "bind = ':80'\nworkers = 4\n")

    assert ends(found.processes) == (4, 4)
    assert [(reason.text, reason.span) for reason in found.processes.because] == [
        ("workers 4", Span("gunicorn.conf.py", 23, 24))
    ]


def test_options_are_stronger_than_the_file_and_variables_are_weaker() -> None:
    file = "workers = 4\nthreads = 8\nworker_class = 'gthread'\n"

    option = started("gunicorn -w 2 --threads 3 app:app", file)
    variable = started("gunicorn app:app", file, WEB_CONCURRENCY="9")

    assert (ends(option.processes), ends(option.threads)) == ((2, 2), (3, 3))
    assert (ends(variable.processes), ends(variable.threads)) == ((4, 4), (8, 8))


def test_a_file_may_read_the_environment_of_the_container() -> None:
    file = "import os\nworkers = int(os.environ.get('WORKERS', '2')) * 2\n"

    assert ends(started("gunicorn app:app", file, WORKERS="3").processes) == (6, 6)
    assert ends(started("gunicorn app:app", file).processes) == (4, 4)


def test_what_a_file_computes_is_one_worker_at_least() -> None:
    file = "import multiprocessing\nworkers = multiprocessing.cpu_count() * 2 + 1\n"

    assert ends(started("gunicorn app:app", file, WEB_CONCURRENCY="9").processes) == (1, None)


def test_workers_that_are_set_twice_are_not_told() -> None:
    file = "workers = 4\nif __debug__:\n    workers = 1\n"

    assert ends(started("gunicorn app:app", file).processes) == (1, None)


def test_what_a_file_leaves_out_is_as_it_is_without() -> None:
    found = started("gunicorn app:app", "timeout = 60\n", WEB_CONCURRENCY="3")

    assert (ends(found.processes), ends(found.threads)) == ((3, 3), (1, 1))


def test_a_worker_class_says_whether_threads_bound_it() -> None:
    assert ends(started("gunicorn app:app", "worker_class = 'gthread'\nthreads = 8\n").threads) == (8, 8)
    assert started("gunicorn app:app", "worker_class = 'uvicorn.workers.UvicornWorker'\n").threads is None
    assert ends(started("gunicorn app:app", "worker_class = choose()\n").threads) == (1, None)
    assert started("gunicorn -k gevent app:app", "threads = 8\n").threads is None
