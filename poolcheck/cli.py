"""From the command line to an exit status: 0 nothing found, 1 findings, 2 could not check."""

import os
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence
from importlib import import_module

from poolcheck import __version__
from poolcheck.command.refused import Refused

INTERRUPTED = 130
PIPE_CLOSED = 141

FORMATS = ("full", "concise", "json")
SEVERITIES = ("error", "warning", "info")
TARGETS = ("pgbouncer", "postgres", "mysql")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs poolcheck with these arguments, by default those of the process; the exit status."""
    options = _parser().parse_args(arguments)
    try:
        status: int = import_module(f"poolcheck.command.{options.command}").run(options)
        sys.stdout.flush()
    except Refused as refusal:
        sys.stderr.write("".join(f"poolcheck: {line}\n" for line in refusal.args))
        return 2
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except Exception as error:
        if options.verbose:
            raise
        sys.stderr.write(f"poolcheck: a bug in poolcheck: {error!r} (--verbose shows where)\n")
        return 2
    return status


def _parser() -> ArgumentParser:
    about = "Finds connection-pool faults in PgBouncer configuration, Kubernetes manifests and Python."
    parser = ArgumentParser(prog="poolcheck", description=about)
    parser.add_argument("--version", action="version", version=f"poolcheck {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _describe_check(commands.add_parser("check", help="look for faults"))
    _describe_explain(commands.add_parser("explain", help="what a rule is about, with examples"))
    _describe_rules(commands.add_parser("rules", help="all rules"))
    _describe_config(commands.add_parser("config", help="the settings in effect, and where each comes from"))
    return parser


def _describe_check(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("paths", nargs="*", default=["."], metavar="PATH", help="files and folders to check (default: .)")
    add = parser.add_argument_group("which rules").add_argument
    add("--select", action="extend", type=_names, metavar="RULE[,…]", help="only these rules or groups")
    add("--extend-select", action="extend", type=_names, metavar="RULE[,…]", help="these as well")
    add("--ignore", action="extend", type=_names, metavar="RULE[,…]", help="not these")
    add("--min-severity", choices=SEVERITIES, help="the least severity to report (default: warning)")
    add(
        "--target",
        action="append",
        type=_target,
        default=[],
        metavar="NAME=VERSION",
        help=f"the version to judge for where no image tag says one; NAME is one of {', '.join(TARGETS)}",
    )
    add = parser.add_argument_group("what to print").add_argument
    add(
        "--output-format",
        action="append",
        type=_output,
        metavar="FORMAT[=FILE]",
        help=f"{', '.join(FORMATS)} (default: full), into FILE where one is named; can be given several times",
    )
    add("-q", "--quiet", action="store_true", help="no summary")
    _add_color(parser)
    add = parser.add_argument_group("when to fail").add_argument
    add(
        "--fail-on",
        choices=(*SEVERITIES, "never"),
        help="the least severity for which the exit status is 1 (default: warning)",
    )
    add("--exit-zero", action="store_true", help="exit with 0 although something is found")
    add = parser.add_argument_group("mending").add_argument
    add("--fix", action="store_true", help="make the safe fixes")
    add("--diff", action="store_true", help="print what --fix would change, and change nothing")
    add(
        "--unsafe-fixes",
        action="store_true",
        help="with --fix or --diff: make those fixes too that change how a working system behaves",
    )
    add = parser.add_argument_group("files and settings").add_argument
    add(
        "--stdin-filename",
        metavar="NAME",
        help="take the text of this file from standard input, and report on this file only",
    )
    add(
        "--no-respect-gitignore",
        dest="respect_gitignore",
        action="store_false",
        help="look at what git ignores, too",
    )
    add("--no-cache", action="store_true", help="read every file anew")
    _add_settings(parser)
    _add_verbose(parser)


def _describe_explain(parser: ArgumentParser) -> None:
    parser.add_argument("rule", metavar="RULE", help="the name of a rule, such as inline-comment")
    _add_color(parser)
    _add_verbose(parser)


def _describe_rules(parser: ArgumentParser) -> None:
    parser.add_argument("--output-format", choices=("text", "json"), default="text", help="(default: text)")
    _add_color(parser)
    _add_verbose(parser)


def _describe_config(parser: ArgumentParser) -> None:
    parser.add_argument(
        "path", nargs="?", default=".", metavar="PATH", help="for which file or folder (default: .)"
    )
    parser.add_argument("--schema", action="store_true", help="print the JSON schema of the settings instead")
    _add_settings(parser)
    _add_verbose(parser)


def _add_color(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--color",
        choices=("auto", "always", "never"),
        default="auto",
        help="colour: on a terminal (auto, the default), always or never; NO_COLOR and FORCE_COLOR are heeded",
    )


def _add_settings(parser: ArgumentParser) -> None:
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--config", metavar="FILE", help="take the settings from this file only")
    either.add_argument("--isolated", action="store_true", help="take no settings from files")


def _add_verbose(parser: ArgumentParser) -> None:
    parser.add_argument("-v", "--verbose", action="store_true", help="say more when something goes wrong")


def _names(written: str) -> list[str]:
    return [name for name in written.replace(",", " ").split() if name]


def _target(written: str) -> tuple[str, str]:
    name, equals, version = written.partition("=")
    if name not in TARGETS or not equals or not all(part.isdigit() for part in version.split(".")):
        raise ArgumentTypeError(f"{written!r} is not NAME=VERSION with NAME one of {', '.join(TARGETS)}")
    return name, version


def _output(written: str) -> tuple[str, str | None]:
    name, equals, path = written.partition("=")
    if name not in FORMATS or (equals and not path):
        raise ArgumentTypeError(
            f"{written!r} is not FORMAT or FORMAT=FILE with FORMAT one of {', '.join(FORMATS)}"
        )
    return name, path or None
