import json

import pytest

from poolcheck.amount import Amount
from poolcheck.read.kubernetes.launchers import Launch, launch
from poolcheck.read.kubernetes.manifest import Container
from poolcheck.source import Located, Source, Span
from poolcheck.value import Known, Unknown, Value

Ends = tuple[int, int | None]


def container(command: list[str] | None, args: list[str] | None = None) -> Container:
    """A container whose words begin at 0, 100, 200 and so on."""
    spans = [Span("m.yaml", 100 * at, 100 * at + len(word)) for at, word in enumerate(command or [])]
    words = tuple(map(Located, command or [], spans))
    more = None if args is None else tuple(Located(word, Span("m.yaml", 0, 0)) for word in args)
    return Container(
        name=Located("web", Span("m.yaml", 0, 0)),
        image=None,
        command=None if command is None else words,
        args=more,
        env=(),
        env_from=(),
        ports=(),
        mounts=(),
        pre_stop=None,
        restart_policy=None,
    )


def started(command: str, **variables: str | None) -> Launch | None:
    """What a command line starts; a variable that is None has a value that is not known."""
    environment: dict[str, Value] = {
        name: Unknown((Span("env", 0, 0),)) if value is None else Known(value, (Span("env", 0, 0),))
        for name, value in variables.items()
    }
    words = json.loads(command) if command.startswith("[") else command.split()
    return launch(container(words), environment.get)


def nothing(_: str) -> Value | None:
    """An environment without variables."""
    return None


def ends(amount: Amount | None) -> Ends | None:
    return amount and (amount.low, amount.high)


def processes(command: str, **variables: str | None) -> Ends | None:
    found = started(command, **variables)
    assert found
    return ends(found.processes)


def threads(command: str, **variables: str | None) -> Ends | None:
    found = started(command, **variables)
    assert found
    return ends(found.threads)


def reasons(command: str, **variables: str | None) -> list[str]:
    found = started(command, **variables)
    assert found
    return [reason.text for reason in found.processes.because]


@pytest.mark.parametrize("option", ["-w 4", "-w4", "--workers 4", "--workers=4", "-w 9 --workers 4"])
def test_an_option_may_be_written_in_several_ways_and_the_last_one_counts(option: str) -> None:
    assert processes(f"gunicorn --preload {option} app:app") == (4, 4)


def test_an_amount_tells_what_it_comes_from_and_where() -> None:
    found = started("gunicorn -w 4 app:app")

    assert found
    assert [(reason.text, reason.span) for reason in found.processes.because] == [
        ("gunicorn -w 4", Span("m.yaml", 200, 201))
    ]


def test_gunicorn_believes_options_over_its_variable_over_a_file_over_web_concurrency() -> None:
    everything = {"GUNICORN_CMD_ARGS": "--workers=3 --threads 2", "WEB_CONCURRENCY": "2"}

    assert processes("gunicorn -w 4 app:app", **everything) == (4, 4)
    assert processes("gunicorn -c conf.py app:app", **everything) == (3, 3)
    assert processes("gunicorn -c conf.py app:app", WEB_CONCURRENCY="2") == (1, None)
    assert processes("gunicorn app:app", GUNICORN_CMD_ARGS="-c conf.py", WEB_CONCURRENCY="2") == (1, None)
    assert processes("gunicorn app:app", WEB_CONCURRENCY="2") == (2, 2)
    assert threads("gunicorn app:app", **everything) == (2, 2)


def test_a_default_is_the_least_there_is_where_the_image_may_say_otherwise() -> None:
    assert processes("gunicorn app:app") == (1, None)
    assert processes("uvicorn app:app") == (1, None)
    assert processes("hypercorn app:app") == (1, 1)


def test_a_file_that_is_seen_hides_nothing() -> None:
    words = ["gunicorn", "-c", "conf.py", "app:app"]
    environment: dict[str, Value] = {"WEB_CONCURRENCY": Known("3", (Span("env", 0, 0),))}

    hidden = launch(container(words), environment.get)
    seen = launch(container(words), environment.get, is_file_seen=True)

    assert hidden
    assert seen
    assert (ends(hidden.processes), ends(hidden.threads)) == ((1, None), (1, None))
    assert (ends(seen.processes), ends(seen.threads)) == ((3, 3), (1, 1))


@pytest.mark.parametrize(
    ("command", "variables"),
    [
        ("gunicorn -w $(WORKERS) app:app", {}),
        ("gunicorn -w $(WORKERS) app:app", {"WORKERS": None}),
        ("gunicorn -w four app:app", {}),
        ("gunicorn -w {{workers}} app:app", {}),
        ("gunicorn app:app", {"WEB_CONCURRENCY": None}),
        ("gunicorn app:app", {"WEB_CONCURRENCY": "many"}),
        ("gunicorn app:app", {"GUNICORN_CMD_ARGS": None}),
        ("gunicorn $(ARGS) app:app", {"ARGS": None}),
        ('["sh", "-c", "gunicorn -w $WORKERS app:app"]', {}),
        ('["sh", "-c", "gunicorn -w $(nproc) app:app"]', {}),
        ('["sh", "-c", "gunicorn $ARGS app:app"]', {}),
        ('["sh", "-c", ". ./env; gunicorn app:app"]', {}),
        ("celery -A shop worker", {}),
        ("celery -A shop worker -c 0", {}),
        ("dramatiq shop", {}),
        ("uwsgi shop.ini", {}),
        ("uwsgi --ini shop.ini", {}),
        ("python -m shop", {}),
        ("python3.12 -u manage.py runserver", {}),
    ],
)
def test_a_number_that_is_not_told_is_at_least_one(command: str, variables: dict[str, str | None]) -> None:
    assert processes(command, **variables) == (1, None)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("uvicorn app:app --workers 3", (3, 3)),
        ("uvicorn app:app --workers 3 --reload", (1, 1)),
        ("fastapi run app.py --workers 3", (3, 3)),
        ("fastapi dev app.py --workers 3", (1, 1)),
        ("hypercorn -w 3 app:app", (3, 3)),
        ("granian --interface asgi --workers 3 app:app", (3, 3)),
        ("daphne -b 0.0.0.0 app:app", (1, 1)),
        ("waitress-serve --port=80 app:app", (1, 1)),
        ("uwsgi --master -p 3 --module app", (3, 3)),
        ("uwsgi --processes 8 --cheaper 2 --module app", (2, 8)),
        ("celery -A shop worker -c 3", (3, 4)),
        ("celery -A shop worker -c 3 -B", (4, 5)),
        ("celery worker -A shop --concurrency=3", (3, 4)),
        ("celery -A shop worker --autoscale=10,3", (3, 11)),
        ("celery -A shop worker -P gevent -c 100", (1, 1)),
        ("celery -A shop beat", (1, 1)),
        ("dramatiq -p 3 shop", (3, 3)),
        ("rq worker high low", (1, 2)),
        ("rq worker-pool -n 3", (3, 6)),
        ("arq shop.WorkerSettings", (1, 1)),
        ("taskiq worker shop:broker", (2, 2)),
        ("taskiq worker -w 3 shop:broker", (3, 3)),
        ("huey_consumer.py shop.huey -w 3", (1, 1)),
        ("huey_consumer.py shop.huey -w 3 -k process", (3, 3)),
        ("procrastinate --app=shop.app worker", (1, 1)),
        ("flask --app shop run", (1, 1)),
        ("huey_consumer shop.huey -w 3 -k process", (3, 3)),
        ("dramatiq-gevent -p 3 shop", (3, 3)),
        ("mod_wsgi-express start-server shop.py --processes 3", (3, 3)),
        ("streamlit run shop.py", (1, 1)),
    ],
)
def test_every_launcher_has_its_own_way_to_be_told(command: str, expected: Ends) -> None:
    assert processes(command) == expected


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("gunicorn app:app", (1, 1)),
        ("gunicorn --threads 8 app:app", (8, 8)),
        ("gunicorn -k gthread --threads 8 app:app", (8, 8)),
        ("gunicorn -k uvicorn.workers.UvicornWorker --threads 8 app:app", None),
        ("gunicorn -c conf.py app:app", (1, None)),
        ("gunicorn -c conf.py --threads 8 app:app", (8, 8)),
        ("gunicorn -k {{kind}} app:app", (1, None)),
        ("uvicorn app:app", None),
        ("hypercorn app:app", None),
        ("granian --interface asgi app:app", None),
        ("granian --interface wsgi --blocking-threads 8 app:app", (8, 8)),
        ("flask --app shop run", None),
        ("waitress-serve app:app", (4, 4)),
        ("waitress-serve --threads=16 app:app", (16, 16)),
        ("celery -A shop worker -c 8", (1, 1)),
        ("celery -A shop worker -c 8 --pool=threads", (8, 8)),
        ("celery -A shop worker --pool=threads", (1, None)),
        ("celery -A shop worker -P gevent -c 100", (100, 100)),
        ("celery -A shop worker -P solo", (1, 1)),
        ("celery -A shop worker -P solo -c 4", (1, 1)),
        ("dramatiq shop", (8, 8)),
        ("huey_consumer.py shop.huey", (1, 1)),
        ("huey_consumer.py shop.huey -w 8", (8, 8)),
        ("huey_consumer.py shop.huey -w 8 -k process", (1, 1)),
        ("uwsgi -p 4 --threads 8 --cheaper 2 --module app", (8, 8)),
        ("uwsgi --ini shop.ini", (1, None)),
        ("arq shop.WorkerSettings", (1, None)),
        ("taskiq worker shop:broker", (100, 100)),
        ("taskiq worker --max-async-tasks 8 shop:broker", (8, 8)),
        ("procrastinate --app=shop.app worker", (1, 1)),
        ("procrastinate --app=shop.app worker -c 8", (8, 8)),
        ("python -m shop", (1, None)),
        ("rq worker high", (1, 1)),
        ("uvicorn app:app --limit-concurrency 20", (20, 20)),
        ("uwsgi -p 4 --gevent 50 --module app", (50, 50)),
        ("mod_wsgi-express start-server shop.py --threads 8", (8, 8)),
        ("mod_wsgi-express start-server shop.py", (1, None)),
        ("streamlit run shop.py", None),
    ],
)
def test_threads_are_bounded_or_not(command: str, expected: Ends | None) -> None:
    assert threads(command) == expected


@pytest.mark.parametrize(
    ("command", "module"),
    [
        ("gunicorn --bind 0.0.0.0:80 --preload shop.wsgi:app", "shop.wsgi:app"),
        ("uvicorn --factory shop:make --host 0.0.0.0", "shop:make"),
        ("celery -A shop.tasks worker -Q high", "shop.tasks"),
        ("celery --app=shop.tasks worker", "shop.tasks"),
        ("taskiq worker shop:broker shop.tasks", "shop:broker"),
        ("fastapi run shop/main.py", "shop/main.py"),
        ("uwsgi --module shop.wsgi --http :80", "shop.wsgi"),
        ("python -m shop.main --verbose", "shop.main"),
        ("python -X dev shop/main.py", "shop/main.py"),
        ("rq worker-pool", None),
        ("gunicorn $(MODULE)", "$(MODULE)"),
    ],
)
def test_a_launcher_runs_a_module(command: str, module: str | None) -> None:
    found = started(command)

    assert found
    assert (found.module and found.module.value) == module


@pytest.mark.parametrize(
    "command",
    [
        "/usr/local/bin/gunicorn -w 3 app:app",
        "python -m gunicorn -w 3 app:app",
        "python3 /usr/local/bin/gunicorn -w 3 app:app",
        "tini -g -- gunicorn -w 3 app:app",
        "dumb-init -- gunicorn -w 3 app:app",
        "poetry run gunicorn -w 3 app:app",
        "uv run --no-sync --package shop gunicorn -w 3 app:app",
        "pipenv run gunicorn -w 3 app:app",
        "ddtrace-run gunicorn -w 3 app:app",
        "opentelemetry-instrument --traces_exporter otlp gunicorn -w 3 app:app",
        "newrelic-admin run-program gunicorn -w 3 app:app",
        "timeout -k 5 3600 nice -n 10 gunicorn -w 3 app:app",
        "env -u HOME WEB_CONCURRENCY=3 gunicorn app:app",
        "chamber exec shop/prod shop/db -- gunicorn -w 3 app:app",
        "./wait-for-it.sh db:5432 -t 60 -- gunicorn -w 3 app:app",
        "dockerize -wait tcp://db:5432 -timeout 60s gunicorn -w 3 app:app",
        "conda run -n shop gunicorn -w 3 app:app",
        "stdbuf -oL rye run gunicorn -w 3 app:app",
        "/cnb/lifecycle/launcher gunicorn -w 3 app:app",
    ],
)
def test_wrappers_are_looked_behind(command: str) -> None:
    assert processes(command) == (3, 3)


@pytest.mark.parametrize(
    "script",
    [
        "exec gunicorn -w 3 app:app",
        "python manage.py migrate && exec gunicorn -w 3 app:app",
        "set -e; cd /app\ngunicorn -w 3 'app:app' > /dev/stdout 2>&1",
        "gunicorn -w ${WORKERS:-3} app:app",
        "export WEB_CONCURRENCY=3 && gunicorn app:app",
        "WEB_CONCURRENCY=3 gunicorn app:app",
        "wait-for db || true; exec tini -- gunicorn -w 3 app:app",
        "gunicorn $ARGS app:app",
        'gunicorn -w "$THREE" app:app',
        "gunicorn -w $(THREE) app:app",
    ],
)
def test_the_last_command_of_a_script_counts(script: str) -> None:
    assert processes(json.dumps(["bash", "-ec", script]), ARGS="--preload -w 3", THREE="3") == (3, 3)


@pytest.mark.parametrize(
    "script",
    [
        "celery -A shop worker & gunicorn app:app",
        "gunicorn app:app &",
        "gunicorn app:app | tee log",
        "gunicorn app:app || sleep 60",
        "if true; then gunicorn app:app; fi",
        "echo 'unfinished",
        "",
    ],
)
def test_a_script_that_runs_more_or_less_than_its_last_command_is_not_told(script: str) -> None:
    assert started(json.dumps(["sh", "-c", script])) is None


@pytest.mark.parametrize(
    "command", ["/entrypoint.sh gunicorn -w 3", "nginx -g daemon", "$(PROGRAM)", "celery -A shop flower"]
)
def test_other_programs_are_not_told(command: str) -> None:
    assert started(command) is None


def test_arguments_without_a_command_are_run_where_they_begin_with_a_launcher() -> None:
    found = launch(container(None, ["gunicorn", "-w", "3", "app:app"]), nothing)

    assert found
    assert ends(found.processes) == (3, 3)
    assert launch(container(None, ["-w", "3"]), nothing) is None
    assert launch(container(None, None), nothing) is None


def test_a_range_says_what_it_goes_by() -> None:
    def said(command: str) -> list[tuple[str, str]]:
        found = started(command)
        assert found
        return [(reason.assumption, reason.most) for reason in found.processes.because]

    assert said("gunicorn -w 4 app:app") == [("", "")]
    assert said("celery -A shop worker -c 3") == [
        ("", ""),
        ("", "celery worker holds connections in other processes too"),
    ]
    assert said("celery -A shop worker --autoscale=10,3")[0] == ("", "10 processes of celery worker")
    assert said("uwsgi -p 8 --cheaper 2 --module app") == [("", "8 processes of uwsgi"), ("", "")]


@pytest.mark.parametrize(
    ("command", "file", "given"),
    [
        ("gunicorn app:app", "gunicorn.conf.py", ""),
        ("gunicorn -c /app/conf.py -w 4 app:app", "/app/conf.py", "workers"),
        ("gunicorn --threads 4 -k gthread app:app", "gunicorn.conf.py", "threads worker_class"),
        ("uvicorn app:app", None, ""),
    ],
)
def test_a_file_may_tell_gunicorn_what_its_options_do_not(command: str, file: str | None, given: str) -> None:
    found = started(command)

    assert found
    assert (found.file and found.file.value) == file
    assert found.given == {*given.split()}


def test_what_is_told_by_a_variable_lies_where_the_variable_is_set() -> None:
    found = started("uvicorn app:app", WEB_CONCURRENCY="3")

    assert found
    assert [(reason.text, reason.span) for reason in found.processes.because] == [
        ("WEB_CONCURRENCY=3", Span("env", 0, 0))
    ]


def test_reasons_name_what_is_not_known() -> None:
    assert reasons("gunicorn -w $(WORKERS) app:app", WORKERS=None) == ["gunicorn -w is not known"]
    assert reasons("gunicorn -c conf.py app:app") == ["gunicorn reads conf.py"]
    assert reasons("dramatiq shop") == ["dramatiq starts a process for each CPU of its node"]
    assert reasons("gunicorn app:app") == ["gunicorn starts 1 process by default"]


FILES = {
    "/start.sh": '#!/bin/sh\nset -e\nalembic upgrade head\nexec "$@"\n',
    "./run": "N=2\nif [ $X ]; then N=3; fi\nexec gunicorn -w 3 app:app\n",
    "two.sh": "celery -A shop worker &\nexec gunicorn -w 3 app:app\n",
    "end.sh": "if [ $X ]; then\n  exec gunicorn -w 3\nfi\n",
    "both.sh": "if [ $X ]; then\n  a\nfi\ncelery -A shop worker &\nif a; then b; fi\nexec gunicorn -w 3 app:app\n",
    "said.sh": 'echo "at $(date +"%Y-%m-%d")"\nexec gunicorn -w 3 app:app\n',
    "text.sh": "cat <<EOF\nno script\nEOF\nexec gunicorn \\\n  -w 3 \\\n  app:app\n",
    "func.sh": "wait() {\n  sleep 1 &\n}\nwait\nexec gunicorn -w 3 app:app\n",
}


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("/start.sh gunicorn -w 3 app:app", (3, 3)),
        ("sh -e /start.sh gunicorn -w 3 app:app", (3, 3)),
        ("tini -- bash ./run", (3, 3)),
        ("./run", (3, 3)),
        ("two.sh", None),
        ("end.sh", None),
        ("both.sh", None),
        ("said.sh", (3, 3)),
        ("text.sh", (3, 3)),
        ("func.sh", (3, 3)),
        ("/other.sh gunicorn -w 3", None),
    ],
)
def test_a_script_in_a_file_goes_on_to_its_last_command(command: str, expected: Ends | None) -> None:
    def script(path: str) -> Source | None:
        return Source(path, FILES[path]) if path in FILES else None

    found = launch(container(command.split()), nothing, script)

    assert (found and ends(found.processes)) == expected


def test_after_a_condition_a_script_is_followed_from_the_next_line() -> None:
    text = "N=2\nif [ $X ]; then\n  N=3\nfi\nexec gunicorn -w $N app:app\n"

    found = launch(container(["./run"]), nothing, lambda path: Source(path, text))

    assert found
    assert ends(found.processes) == (1, None)


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("", (5, 5)),
        ("# WORKERS is 2\n", (5, 5)),
        ("echo $WORKERS ${WORKERS}\n", (5, 5)),
        ('WORKERS="${WORKERS:-2}"\n', (5, 5)),
        ("WORKERS=2\n", (1, None)),
        ("read WORKERS < x\n", (1, None)),
        ("echo ${WORKERS:=2}\n", (1, None)),
        (". ./env\n", (5, 5)),
        ("source venv/bin/activate\n", (5, 5)),
    ],
)
def test_a_condition_leaves_variables_alone_that_it_does_not_name(
    before: str, expected: tuple[int, int | None]
) -> None:
    text = f"{before}while ! nc -z db 5432; do sleep 1; done\nexec gunicorn -w $WORKERS app:app\n"
    environment: dict[str, Value] = {"WORKERS": Known("5", (Span("env", 0, 0),))}

    found = launch(container(["./run"]), environment.get, lambda path: Source(path, text))

    assert found
    assert ends(found.processes) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('export WORKERS="${WORKERS:-2}"', (2, 2)),
        ("WORKERS=${WORKERS-2}", (2, 2)),
        ("export WORKERS=${WORKERS:-$(nproc)}", (1, None)),
        ('export WORKERS="${WORKERS:-2}"\nWORKERS=3', (1, None)),
        ("if a; then\n  WORKERS=${WORKERS:-2}\nfi", (1, None)),
        (". ./env", (1, None)),
        (". venv/bin/activate", (1, None)),
    ],
)
def test_a_script_may_give_a_variable_a_default(line: str, expected: tuple[int, int | None]) -> None:
    text = f"{line}\nif a; then b; fi\nexec gunicorn -w $WORKERS app:app\n"

    found = launch(container(["./run"]), nothing, lambda path: Source(path, text))

    assert found
    assert ends(found.processes) == expected


def test_the_environment_of_python_changes_no_number() -> None:
    assert processes(json.dumps(["sh", "-c", ". venv/bin/activate; uvicorn app:app"]), WEB_CONCURRENCY="3") == (
        3,
        3,
    )
    assert processes(json.dumps(["sh", "-c", ". ./env; uvicorn app:app"])) == (1, None)


@pytest.mark.parametrize(
    "command",
    [
        "gunicorn --access-logfile - --error-logfile - app:app",
        "gunicorn --access-logfile - app:app --error-logfile -",
        "gunicorn --access-logfile=- app:app",
    ],
)
def test_what_goes_to_the_standard_output_is_no_module(command: str) -> None:
    found = started(command)

    assert found
    assert found.module
    assert found.module.value == "app:app"


def test_gunicorn_is_started_as_a_module_under_another_name() -> None:
    assert processes("python -m gunicorn.app.wsgiapp -w 3 shop.wsgi") == (3, 3)


def test_celery_keeps_no_process_where_only_the_most_are_told() -> None:
    assert processes("celery -A shop worker --autoscale=10") == (1, 11)
    assert processes("celery -A shop worker --autoscale=10,3") == (3, 11)


@pytest.mark.parametrize(
    "script",
    [
        "while ! nc -z db 5432; do sleep 1; done; gunicorn -w 3 app:app",
        "while !</dev/tcp/db/5432; do sleep 1; done; exec gunicorn -w 3 app:app",
        "until pg_isready; do sleep 1; done && gunicorn -w 3 app:app",
        "if [ -n x ]; then alembic upgrade head; fi; gunicorn -w 3 app:app",
    ],
)
def test_a_condition_may_stand_in_the_same_line(script: str) -> None:
    assert processes(json.dumps(["sh", "-c", script])) == (3, 3)


def test_a_script_may_set_many_variables() -> None:
    script = "".join(f"export A{number}=1\n" for number in range(5_000)) + "gunicorn -w ${A7} app:app"

    assert processes(json.dumps(["sh", "-c", script])) == (1, 1)


def test_a_chain_of_wrappers_without_end_is_not_told() -> None:
    assert started("exec " * 100 + "gunicorn app:app") is None


@pytest.mark.parametrize(
    "command", ["celery -A shop worker", "dramatiq shop", "poetry run celery -A shop worker -B"]
)
def test_a_program_that_asks_for_the_cpus_is_told(command: str) -> None:
    found = started(command)

    assert found
    assert found.per_cpu
    assert found.per_cpu.value in {"celery", "dramatiq"}


@pytest.mark.parametrize(
    "command",
    ["celery -A shop worker -c 4", "celery -A shop worker -P solo", "celery -A shop beat", "gunicorn shop"],
)
def test_a_program_that_is_told_how_many_processes_does_not_ask_for_the_cpus(command: str) -> None:
    found = started(command)

    assert found
    assert found.per_cpu is None


def test_celery_takes_its_processes_from_a_variable() -> None:
    assert processes("celery -A shop worker", CELERY_WORKER_CONCURRENCY="4") == (4, 5)


@pytest.mark.parametrize("command", ["uvicorn app:app", "gunicorn app:app", "granian app:app"])
def test_what_an_image_that_is_seen_does_not_tell_is_not_told(command: str) -> None:
    found = launch(container(command.split()), lambda _: None, is_image_seen=True)

    assert found
    assert (found.processes.low, found.processes.high) == (1, 1)
    assert processes(command) == (1, None)


def test_python_looks_for_modules_where_the_environment_says() -> None:
    found = started("uvicorn app:app", PYTHONPATH="/app:/app/src:")

    assert found
    assert found.python_path == ("/app", "/app/src")
    hidden = started("uvicorn app:app", PYTHONPATH=None)
    assert hidden
    assert hidden.python_path == ()
