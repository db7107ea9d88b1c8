"""`poolcheck size`."""

import sys
from argparse import Namespace
from collections.abc import Sequence
from typing import NamedTuple

from poolcheck.budget.told import who
from poolcheck.command.refused import Refused
from poolcheck.command.size_given import instead, is_told, load_of, must_be_of_one, told, with_limits
from poolcheck.report.places import Places
from poolcheck.report.terminal import has_color
from poolcheck.sizing.advice import Sized, advice
from poolcheck.sizing.deployed import Deployed, Kind
from poolcheck.sizing.formulas import Given

HERE = "."
NEEDED = (
    "either of these says what the server can do, or what it has to do:",
    "  --cores 8",
    "  cores = 8 in [databases.NAME] of poolcheck.toml, or [tool.poolcheck.databases.NAME] of pyproject.toml",
    "  resources.limits.cpu of the PostgreSQL container, in a manifest at PATH",
    "  --transactions-per-second 1000 --transaction-time 5ms, as PgBouncer's SHOW STATS has them:"
    " avg_xact_count, and avg_xact_time in us",
)


class _Server(NamedTuple):
    deployed: Deployed
    cores: Given | None


def run(options: Namespace) -> int:
    """Prints how large pools are to be, by which formulas, and how large they are. Raises Refused."""
    servers, places = _asked_for(options)
    found = [_sized(options, server) for server in servers]
    if not any(each.advice for each in found):
        raise Refused(_unknown(servers), *NEEDED)
    if options.output_format == "json":
        from poolcheck.report.size_json import print_sizes

        print_sizes(found, places, sys.stdout)
    else:
        from poolcheck.report.size_text import described
        from poolcheck.report.styled import write

        write(described(found, places), sys.stdout, color=has_color(options.color, sys.stdout))
    return 0


def _asked_for(options: Namespace) -> tuple[Sequence[_Server], Places]:
    """The servers to size: that which is told of, or those of a project. Raises Refused."""
    if is_told(options) and not options.paths:
        if options.database is not None:
            raise Refused("--database needs the PATH of a project that has it")
        return [_Server(told(options), None)], Places({})
    from poolcheck.command.size_facts import project

    options.paths = options.paths or [HERE]
    read = project(options)
    servers = [_Server(*each) for each in read.servers(instead(options))]
    return _chosen(options, servers), read.places


def _chosen(options: Namespace, servers: Sequence[_Server]) -> Sequence[_Server]:
    """The servers that are meant. Raises Refused where what is told is true of one only, and there are more."""
    where = " and ".join(options.paths)
    if not servers:
        raise Refused(f"no database server is seen in {where}; --cores and the like need none", *NEEDED)
    names = ", ".join(dict.fromkeys(each.deployed.name for each in servers if each.deployed.name))
    chosen = [each for each in servers if _is_meant(options, each.deployed)]
    if not chosen:
        raise Refused(f"no database server in {where} is called {options.database!r}; there are: {names}")
    if len(chosen) > 1 and (options_of_one := must_be_of_one(options)):
        raise Refused(f"{options_of_one} is about one database server; --database says which: {names}")
    for each in chosen:
        _check_who_is_meant(options, each.deployed)
    return chosen


def _check_who_is_meant(options: Namespace, deployed: Deployed) -> None:
    """Raises Refused where what is told of an application or a pooler is about none, or about one of several."""
    clients = {pool.of for pool in (*deployed.pools, *deployed.clients) if pool.kind is not Kind.POOLER}
    poolers = {pool.of for pool in deployed.pools if pool.kind is Kind.POOLER}
    for name, those in (
        *((name, clients) for name in ("instances", "processes", "threads")),
        *((name, poolers) for name in ("poolers", "pools")),
    ):
        if getattr(options, name) is not None and len(those) != 1:
            raise Refused(
                f"--{name} is about the only one that opens connections to {deployed.name}, and there"
                f" {f'are: {who(tuple(sorted(those)))}' if those else 'is none'};"
                " [workloads.NAME] of poolcheck.toml states replicas and processes of each"
            )


def _is_meant(options: Namespace, deployed: Deployed) -> bool:
    """Whether a server is asked for, by its name with or without the deployment."""
    name = deployed.name or ""
    return options.database in {None, name, name.partition(" (")[0]}


def _sized(options: Namespace, server: _Server) -> Sized:
    deployed = with_limits(server.deployed, options)
    return Sized(deployed, advice(load_of(options, server.cores), deployed))


def _unknown(servers: Sequence[_Server]) -> str:
    names = dict.fromkeys(each.deployed.name for each in servers if each.deployed.name)
    return f"neither the cores nor the load of {who(tuple(names)) if names else 'the server'} are known"
