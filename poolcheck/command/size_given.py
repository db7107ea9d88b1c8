"""What `poolcheck size` is told of a server, its load and its clients, in place of files or besides."""

from argparse import Namespace
from collections.abc import Iterator

from poolcheck.amount import Amount, Reason, exactly, product
from poolcheck.command.refused import Refused
from poolcheck.sizing.deployed import Deployed, Door, Kind, Pool
from poolcheck.sizing.formulas import Given, Load
from poolcheck.sizing.present import Instead

DEFAULT_RESERVE = 3
"""superuser_reserved_connections of PostgreSQL. config.sgml."""
MOST_CONNECTIONS = 262_143
"""The largest max_connections. guc_tables.c, MAX_BACKENDS."""

_STORAGES = {
    "cached": (0, "--storage cached, which reads from none"),
    "ssd": (1, "--storage ssd, taken for one"),
    "hdd": (1, "--storage hdd, taken for one disk; --spindles says how many"),
    "network": (1, "--storage network, taken for one"),
}
_ASSUMED = (1, "taken for one; --spindles or --storage says otherwise")
_ABOUT_SERVER = (
    "cores", "spindles", "storage", "max_connections", "reserve", "transactions_per_second", "transaction_time",
    "queries_per_second", "query_time", "wait_time",
)  # fmt: skip
_ABOUT_CLIENTS = ("instances", "processes", "threads", "held", "poolers", "pools")


def is_told(options: Namespace) -> bool:
    """Whether anything is told on the command line."""
    return any(_told(options, _ABOUT_SERVER + _ABOUT_CLIENTS))


def must_be_of_one(options: Namespace) -> str | None:
    """An option that can be true of one database server only; None where none is there."""
    return next(_told(options, _ABOUT_SERVER), None)


def _told(options: Namespace, names: tuple[str, ...]) -> Iterator[str]:
    """The options of these that are there, as they are written."""
    return (f"--{name.replace('_', '-')}" for name in names if getattr(options, name) is not None)


def load_of(options: Namespace, cores: Given | None) -> Load:
    """What is told of a server and its load; its `cores` where they are not told. Raises Refused."""
    _check(options)
    rate, held_s = "transactions_per_second", "transaction_time"
    if options.queries_per_second is not None:
        rate, held_s = "queries_per_second", "query_time"
    number, because = _STORAGES.get(options.storage, _ASSUMED)
    spindles = Given("effective spindles", number, (Reason(because),))
    told = _given(options, "cores", "cores") or cores
    return Load(
        told,
        _given(options, "spindles", "effective spindles") or spindles,
        _given(options, rate, rate.replace("_", " "), "/s"),
        _given(options, held_s, held_s.replace("_", " "), "s"),
        _given(options, "query_time", "query time", "s"),
        _given(options, "wait_time", "acceptable wait", "s"),
        options.wait_percentile / 100,
    )


def _given(options: Namespace, option: str, name: str, unit: str = "") -> Given | None:
    number: float | None = getattr(options, option)
    if number is None:
        return None
    return Given(name, number, (Reason(f"--{option.replace('_', '-')}"),), unit)


def _check(options: Namespace) -> None:
    """Raises Refused where the options do not go together."""
    for wrong in (*_wrong_of_load(options), *_wrong_of_times(options), *_wrong_of_server(options)):
        raise Refused(wrong)


def _wrong_of_load(options: Namespace) -> Iterator[str]:
    transactions, queries = options.transactions_per_second, options.queries_per_second
    if transactions is not None and queries is not None:
        yield "--transactions-per-second and --queries-per-second say the same; one of them is enough"
    if transactions is not None and options.transaction_time is None:
        yield "--transactions-per-second needs --transaction-time: how long each holds its connection"
    if queries is not None and options.transaction_time is not None:
        yield (
            "--queries-per-second is for queries that are each a transaction of their own;"
            " --transaction-time goes with --transactions-per-second"
        )
    if queries is not None and options.query_time is None:
        yield "--queries-per-second needs --query-time"
    if transactions is None and queries is None and options.wait_time is not None:
        yield "--wait-time needs a load: --transactions-per-second with --transaction-time"


def _wrong_of_times(options: Namespace) -> Iterator[str]:
    held, worked = options.transaction_time, options.query_time
    if held is not None and worked is not None and worked > held:
        yield "--query-time is longer than --transaction-time, which it is a part of"
    busy = (options.transactions_per_second or options.queries_per_second or 0) * (held or worked or 0)
    if busy > MOST_CONNECTIONS:
        yield f"such a load keeps {busy:.0f} connections busy, and PostgreSQL has at most {MOST_CONNECTIONS}"


def _wrong_of_server(options: Namespace) -> Iterator[str]:
    if options.spindles is not None and options.storage is not None:
        yield "--spindles and --storage say the same; one of them is enough"
    if options.held is not None and options.held > 1 and options.threads is None and not options.paths:
        yield "--held needs --threads: how many threads of a process may hold connections"
    reserve = DEFAULT_RESERVE if options.reserve is None else options.reserve
    if options.max_connections is not None and options.max_connections <= reserve:
        yield f"--max-connections {options.max_connections} leaves nothing, with {reserve} kept back"


def with_limits(deployed: Deployed, options: Namespace) -> Deployed:
    """A server with what is told of its limits."""
    return deployed._replace(
        kept_back=_given(options, "reserve", "kept back") or deployed.kept_back,
        limit=_given(options, "max_connections", "max_connections"),
        held=_given(options, "held", "connections that a thread holds at once"),
    )


def instead(options: Namespace) -> Instead:
    """What is told of clients and poolers in place of what files say."""
    names = ("instances", "processes", "threads", "poolers", "pools")
    return Instead(*(_counted(options, name) for name in names))


def _counted(options: Namespace, name: str) -> Amount | None:
    number: int | None = getattr(options, name)
    return None if number is None else exactly(number, Reason(f"--{name} {number}"))


def told(options: Namespace) -> Deployed:
    """A server of which no file is read, and what is told of its clients."""
    given, one = instead(options), exactly(1)
    pools: list[Pool] = []
    doors: list[Door] = []
    pods, processes = given.pods, given.processes
    clients: Amount | None = product(pods or one, processes or one) if pods or processes else None
    if given.poolers:
        number = product(given.poolers, given.pairs or one)
        pools.append(Pool(Kind.POOLER, "pooler", "default_pool_size", number, number))
    elif given.pairs:
        raise Refused("--pools needs --poolers: how many processes of PgBouncer have so many pools each")
    if clients:
        kind = Kind.CLIENT if given.poolers else Kind.DIRECT
        pool = Pool(kind, "application", "pool of a process", clients, clients, threads=given.threads)
        if given.poolers:
            doors.append(Door("pooler", None, None, (pool,)))
        else:
            pools.append(pool)
    elif given.threads:
        raise Refused("--threads needs --instances or --processes: how many processes have so many threads")
    by_default = Given("kept back", DEFAULT_RESERVE, (Reason(f"{DEFAULT_RESERVE} by default"),))
    return Deployed(None, None, tuple(pools), tuple(doors), by_default)
