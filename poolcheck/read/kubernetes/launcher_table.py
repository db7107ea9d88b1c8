"""The programs that start Python processes, and how each is told how many.

Read from the sources of gunicorn 27.0, uvicorn 0.54, fastapi-cli 0.0.34, hypercorn 0.18, granian 2.8, daphne 4.2,
waitress 3.0, celery 5.7, dramatiq 2.2, rq 2.12, arq 0.28, taskiq 0.13, huey 3.5 and procrastinate 3.10; what uWSGI
and Flask do, from their manuals.
"""

from typing import NamedTuple


class Kinds(NamedTuple):
    """The ways of working that a launcher lets choose by an option.

    Those `inside` are one process, and its number is one of threads or tasks. Those not `bounded` do any number of
    things at once, whatever threads they are told to have.
    """

    options: tuple[str, ...]
    default: str
    inside: frozenset[str]
    bounded: frozenset[str]


class Launcher(NamedTuple):
    """A program and its options; of one that is given twice, the last counts.

    `processes` and `processes_env` tell how many processes there are, the variables where no option does;
    `default` is their number where nothing does, None for one a CPU. `extremes` tells the fewest and the most,
    `fewest` how many stay when there is little to do, and any option in `alone` makes it one. `adding` makes one
    more. Each process has `children` one at a time, and `parents` over all of them may hold connections too.
    `files` name files that may tell all of this, `implied_file` is read unnamed, `options_env` holds more options.
    Nothing bounds what a process does at once that `is_unbounded`; for others `threads_default` is None where that
    depends on what they run. The module is the first operand, unless it has an option of its own. `switches` are
    options without a value.
    """

    name: str
    subcommand: str = ""
    processes: tuple[str, ...] = ()
    processes_env: tuple[str, ...] = ()
    default: int | None = 1
    extremes: tuple[str, ...] = ()
    fewest: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()
    adding: tuple[str, ...] = ()
    children: int = 0
    parents: int = 0
    files: tuple[str, ...] = ()
    implied_file: str = ""
    options_env: str = ""
    kinds: Kinds | None = None
    threads: tuple[str, ...] = ()
    threads_env: tuple[str, ...] = ()
    threads_default: int | None = None
    is_unbounded: bool = False
    module: tuple[str, ...] = ()
    switches: frozenset[str] = frozenset()


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_UVICORN_SWITCHES = _set(
    "--access-log --date-header --factory --http2 --no-access-log --no-date-header --no-proxy-headers"
    " --no-reload --no-server-header --no-use-colors --proxy-headers --reload --reset-contextvars --server-header"
    " --use-colors"
)

_HUEY_KINDS = Kinds(
    ("-k", "--worker-type"), "thread", inside=_set("thread greenlet gevent"), bounded=_set("process")
)
_HUEY_SWITCHES = _set(
    "-v -q -S -C -f -n --verbose --quiet --simple --disable-health-check --flush-locks --no-periodic"
)

LAUNCHERS = (
    Launcher(
        "gunicorn",
        processes=("-w", "--workers"),
        processes_env=("WEB_CONCURRENCY",),
        files=("-c", "--config"),
        implied_file="gunicorn.conf.py",
        options_env="GUNICORN_CMD_ARGS",
        kinds=Kinds(("-k", "--worker-class"), "sync", inside=frozenset(), bounded=_set("sync gthread")),
        threads=("--threads",),
        threads_default=1,
        switches=_set(
            "-D -R -h -v --capture-output --casefold-http-method --check-config --daemon --do-handshake-on-connect"
            " --disable-redirect-access-to-syslog --enable-backlog-metric --enable-stdio-inheritance --initgroups"
            " --log-syslog --no-control-socket --no-sendfile --permit-obsolete-folding --preload --print-config"
            " --permit-unconventional-http-method --permit-unconventional-http-version --reload --reuse-port"
            " --spew --strip-header-spaces --suppress-ragged-eofs"
        ),
    ),
    Launcher(
        "uvicorn",
        processes=("--workers",),
        processes_env=("UVICORN_WORKERS", "WEB_CONCURRENCY"),
        alone=("--reload",),
        threads=("--limit-concurrency",),
        threads_env=("UVICORN_LIMIT_CONCURRENCY",),
        is_unbounded=True,
        switches=_UVICORN_SWITCHES,
    ),
    Launcher(
        "fastapi",
        "run",
        processes=("--workers",),
        processes_env=("WEB_CONCURRENCY",),
        alone=("--reload",),
        is_unbounded=True,
        switches=_UVICORN_SWITCHES,
    ),
    Launcher("fastapi", "dev", is_unbounded=True, switches=_UVICORN_SWITCHES),
    Launcher(
        "hypercorn",
        processes=("-w", "--workers"),
        files=("-c", "--config"),
        is_unbounded=True,
        switches=_set("-D --daemon --debug --reload"),
    ),
    Launcher(
        "granian",
        processes=("--workers",),
        processes_env=("GRANIAN_WORKERS",),
        threads=("--blocking-threads",),
        threads_env=("GRANIAN_BLOCKING_THREADS",),
        is_unbounded=True,
        switches=_set(
            "--access-log --factory --http1-keep-alive --http1-pipeline-flush --http2-adaptive-window --log"
            " --metrics --no-access-log --no-factory --no-http1-keep-alive --no-http1-pipeline-flush"
            " --no-http2-adaptive-window --no-log --no-metrics --no-reload --no-reload-ignore-worker-failure"
            " --no-respawn-failed-workers --no-ssl-client-verify --no-ws --reload --reload-ignore-worker-failure"
            " --respawn-failed-workers --ssl-client-verify --ws"
        ),
    ),
    Launcher("daphne", is_unbounded=True, switches=_set("--no-server-name --proxy-headers")),
    Launcher(
        "uwsgi",
        processes=("-p", "--processes", "--workers"),
        processes_env=("UWSGI_PROCESSES", "UWSGI_WORKERS"),
        fewest=("--cheaper", "--cheaper-initial"),
        files=("--ini", "--xml", "--yaml", "--json", "--emperor"),
        implied_file="an ini file",
        threads=("--threads", "--async", "--gevent"),
        threads_env=("UWSGI_THREADS", "UWSGI_ASYNC", "UWSGI_GEVENT"),
        threads_default=1,
        module=("-w", "--module", "--wsgi", "--wsgi-file", "--file"),
        switches=_set(
            "-L -M --die-on-term --disable-logging --enable-threads --lazy --lazy-apps --master --need-app"
            " --single-interpreter --strict --thunder-lock --vacuum"
        ),
    ),
    Launcher(
        "waitress-serve",
        threads=("--threads",),
        threads_default=4,
        switches=_set("--call --expose-tracebacks --no-expose-tracebacks --ipv4 --no-ipv4 --ipv6 --no-ipv6"),
    ),
    Launcher(
        "celery",
        "worker",
        processes=("-c", "--concurrency"),
        processes_env=("CELERY_WORKER_CONCURRENCY",),
        default=None,
        extremes=("--autoscale",),
        adding=("-B", "--beat"),
        parents=1,
        kinds=Kinds(
            ("-P", "--pool"),
            "prefork",
            inside=_set("threads gevent eventlet solo"),
            bounded=_set("prefork processes"),
        ),
        threads_default=1,
        module=("-A", "--app"),
        switches=_set(
            "-B -C -D -E -q --beat --detach --disable-prefetch --discard --events --no-color --purge --quiet"
            " --skip-checks --task-events --without-gossip --without-heartbeat --without-mingle"
        ),
    ),
    Launcher("celery", "beat", threads_default=1, module=("-A", "--app"), switches=_set("-q --quiet")),
    Launcher(
        "dramatiq",
        processes=("-p", "--processes"),
        default=None,
        threads=("-t", "--threads"),
        threads_default=8,
        switches=_set("-v --skip-logging --use-spawn --verbose --watch-use-polling"),
    ),
    Launcher(
        "dramatiq-gevent",
        processes=("-p", "--processes"),
        default=None,
        threads=("-t", "--threads"),
        threads_default=8,
        switches=_set("-v --skip-logging --use-spawn --verbose --watch-use-polling"),
    ),
    Launcher(
        "rq",
        "worker",
        children=1,
        threads_default=1,
        switches=_set(
            "-b -d -q -s -v --burst --disable-default-exception-handler --quiet --verbose --with-scheduler"
        ),
    ),
    Launcher(
        "rq",
        "worker-pool",
        processes=("-n", "--num-workers"),
        children=1,
        threads_default=1,
        switches=_set("-b -q -v --burst --quiet --verbose"),
    ),
    Launcher("arq", switches=_set("-v --burst --check --no-burst --verbose")),
    Launcher(
        "taskiq",
        "worker",
        processes=("-w", "--workers"),
        default=2,
        threads=("--max-async-tasks",),
        threads_default=100,
        switches=_set(
            "-fsd -r --do-not-use-gitignore --fs-discover --no-configure-logging --no-parse --no-propagate-errors"
            " --reload --use-process-pool"
        ),
    ),
    Launcher(
        "huey_consumer.py",
        processes=("-w", "--workers"),
        kinds=_HUEY_KINDS,
        threads_default=1,
        switches=_HUEY_SWITCHES,
    ),
    Launcher(
        "huey_consumer",
        processes=("-w", "--workers"),
        kinds=_HUEY_KINDS,
        threads_default=1,
        switches=_HUEY_SWITCHES,
    ),
    Launcher(
        "mod_wsgi-express",
        "start-server",
        processes=("--processes",),
        threads=("--threads",),
        switches=_set("--log-to-terminal --startup-log --access-log --reload-on-changes --allow-localhost"),
    ),
    Launcher("streamlit", "run", is_unbounded=True),
    Launcher(
        "procrastinate",
        "worker",
        threads=("-c", "--concurrency"),
        threads_env=("WORKER_CONCURRENCY",),
        threads_default=1,
        module=("-a", "--app"),
        switches=_set("-v -w -l --verbose --wait"),
    ),
    Launcher(
        "flask", "run", is_unbounded=True, module=("-A", "--app"), switches=_set("--debug --reload --with-threads")
    ),
)
