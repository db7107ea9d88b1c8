"""What `poolcheck size` is told on the command line."""

import re
from argparse import ArgumentParser, ArgumentTypeError

STORAGES = ("cached", "ssd", "hdd", "network")

_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?|\.[0-9]+")
_TIME = re.compile(rf"(?P<number>{_NUMBER.pattern}) ?(?P<unit>us|µs|ms|s|min)")
_SECONDS = {"us": 1e6, "µs": 1e6, "ms": 1e3, "s": 1.0, "min": 1 / 60}
"""How many of a unit are a second."""
_LARGEST = 1e6


def describe(parser: ArgumentParser) -> None:
    """Adds the options, and the paths."""
    add = parser.add_argument
    add(
        "paths",
        nargs="*",
        default=[],
        metavar="PATH",
        help="files and folders of a project that says what is not said here, and facts of other projects"
        " (default: . where nothing is said)",
    )
    add("--database", metavar="NAME", help="which of the project's database servers is meant")
    add = parser.add_argument_group("the server").add_argument
    add("--cores", type=_positive, metavar="N", help="its processor cores, not their threads")
    add("--spindles", type=_count_or_none, metavar="N", help="disks that it reads from, as far as it has to")
    add(
        "--storage",
        choices=STORAGES,
        help="what it reads from: cached (all is in memory, no spindle), ssd, hdd or network (a spindle each)",
        metavar="KIND",
    )
    add("--max-connections", type=_count, metavar="N", help="the most connections that it can accept")
    add("--reserve", type=_count_or_none, metavar="N", help="connections kept back of these (default: 3)")
    add = parser.add_argument_group("the load").add_argument
    add("--transactions-per-second", type=_positive, metavar="R", help="all that applications begin together")
    add("--transaction-time", type=_time, metavar="TIME", help="how long each holds its connection, such as 5ms")
    add(
        "--queries-per-second", type=_positive, metavar="R", help="instead: queries, each a transaction of its own"
    )
    add(
        "--query-time",
        type=_time,
        metavar="TIME",
        help="how long the server works on a query, or on all of a transaction where its time is given as well",
    )
    add("--wait-time", type=_time_or_none, metavar="TIME", help="how long it may take to get a connection")
    add(
        "--wait-percentile",
        type=_percentile,
        default=99.0,
        metavar="P",
        help="of how many in a hundred that must hold (default: 99)",
    )
    add = parser.add_argument_group("who opens connections").add_argument
    add("--instances", type=_count, metavar="N", help="pods or machines of the application")
    add("--processes", type=_count, metavar="N", help="processes in each, with a pool of its own (default: 1)")
    add("--threads", type=_count, metavar="N", help="threads in a process that ask for connections")
    add("--held", type=_count, metavar="N", help="connections that a thread holds at once (default: 1)")
    add("--poolers", type=_count, metavar="N", help="processes of PgBouncer between application and server")
    add("--pools", type=_count, metavar="N", help="pairs of database and user that each pools (default: 1)")
    parser.add_argument("--output-format", choices=("text", "json"), default="text", help="(default: text)")


def _count(written: str) -> int:
    if not written.isascii() or not written.isdigit() or not 0 < int(written) <= _LARGEST:
        raise ArgumentTypeError(f"{written!r} is not a number from 1 to {_LARGEST:.0f}")
    return int(written)


def _count_or_none(written: str) -> int:
    return 0 if written == "0" else _count(written)


def _positive(written: str) -> float:
    if not _NUMBER.fullmatch(written) or not 0 < float(written) <= _LARGEST:
        raise ArgumentTypeError(f"{written!r} is not a number above 0, up to {_LARGEST:.0f}")
    return float(written)


def _percentile(written: str) -> float:
    number = _positive(written)
    if not 0 < number < 100:
        raise ArgumentTypeError(f"{written!r} is not between 0 and 100, such as 99 or 99.9")
    return number


def _time(written: str) -> float:
    """A time in seconds."""
    seconds = _time_or_none(written)
    if seconds == 0:
        raise ArgumentTypeError(f"{written!r} is no time at all")
    return seconds


def _time_or_none(written: str) -> float:
    found = _TIME.fullmatch(written)
    if found is None:
        hint = f", such as {written}ms" if _NUMBER.fullmatch(written) else ""
        raise ArgumentTypeError(f"{written!r} is not a time with its unit, us, ms, s or min{hint}")
    seconds = float(found["number"]) / _SECONDS[found["unit"]]
    if seconds > _LARGEST:
        raise ArgumentTypeError(f"{written!r} is longer than {_LARGEST:.0f}s")
    return seconds
