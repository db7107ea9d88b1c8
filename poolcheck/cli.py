"""From the command line to an exit status: 0 nothing found, 1 findings, 2 could not check."""

import gc
import os
import re
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from io import TextIOWrapper
from typing import NamedTuple, NoReturn

from poolcheck import __version__
from poolcheck.command.refused import Refused
from poolcheck.options import (
    describe_budget,
    describe_check,
    describe_config,
    describe_explain,
    describe_explain_config,
    describe_map,
    describe_rules,
    describe_size,
    describe_why,
)

INTERRUPTED = 130
PIPE_CLOSED = 141


ABOUT = """\
Finds connection-pool faults in pgbouncer.ini, in Kubernetes manifests, in Python source, and between them.
Nothing of it is run, and nothing is connected to."""

EXAMPLES = """\
examples:
  poolcheck check                                what is wrong in this folder
  poolcheck check --fix deploy services          in two folders; the safe fixes are made
  helm template chart | poolcheck check - src    in manifests from a pipe, together with source
  poolcheck explain inline-comment               why this is wrong, and what is right

exit status:
  0  nothing found
  1  something found
  2  could not check"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs poolcheck with these arguments, by default those of the process; the exit status."""
    if arguments is not None:
        return _main(arguments)
    # The process ends with the run, and hardly anything is garbage before: to look for it took an eighth of a run.
    gc.disable()
    try:
        return _main(sys.argv[1:])
    finally:
        # Python looks once more when it ends, unless all that there is has been put aside.
        gc.freeze()


def _main(arguments: Sequence[str]) -> int:
    _replace_what_cannot_be_shown(sys.stdout)
    is_verbose = False
    try:
        options = _options(arguments)
        is_verbose = options.verbose
        status: int = import_module(f"poolcheck.command.{options.command.replace('-', '_')}").run(options)
        sys.stdout.flush()
    except Refused as refusal:
        return _could_not(*refusal.args, bug=refusal.__cause__, is_verbose=is_verbose)
    except KeyboardInterrupt:
        sys.stderr.write("poolcheck: interrupted\n")
        return INTERRUPTED
    except BrokenPipeError:
        _print_no_more()
        return PIPE_CLOSED
    except OSError as error:
        _print_no_more()
        return _could_not(": ".join(str(each) for each in (error.filename, error.strerror or error) if each))
    except Exception as error:
        return _could_not(f"a bug in poolcheck: {error!r}", bug=error, is_verbose=is_verbose)
    return status


def _could_not(*why: str, bug: BaseException | None = None, is_verbose: bool = False) -> int:
    """Says why there is no result, and where the bug is if one is the reason or how to get to know."""
    if bug and is_verbose:
        from traceback import print_exception

        print_exception(bug)
    hint = " (--verbose shows where)" if bug and not is_verbose else ""
    sys.stderr.writelines(f"poolcheck: {line}{hint}\n" for line in why)
    return 2


def _replace_what_cannot_be_shown(stream: object) -> None:
    """A `?` for what the terminal's encoding does not know is better than no report."""
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="replace")


def _print_no_more() -> None:
    """Throws away what is still to be printed, lest the end of the process tries again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Help(RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        """Asks for the width itself: argparse imports shutil for that, for every option it is told of."""
        try:
            columns = os.get_terminal_size().columns
        except OSError:
            columns = 80
        super().__init__(prog, width=columns - 2)


class _Parser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Refused(f"{message}; see {self.prog} --help")


class _Command(NamedTuple):
    about: str
    usage: str
    describe: Callable[[ArgumentParser], None]


def _options(arguments: Sequence[str]) -> Namespace:
    """What is asked for. Raises Refused, and SystemExit once help is printed."""
    if not arguments:
        _about().print_help(sys.stderr)
        sys.exit(2)
    command, *rest = arguments
    if command.startswith("-"):
        _about().parse_args([command])
    if command not in COMMANDS:
        raise Refused(_no_command(command))
    about, usage, describe = COMMANDS[command]
    parser = _Parser(f"poolcheck {command}", usage, about, formatter_class=_Help, allow_abbrev=False)
    describe(parser)
    options, unknown = parser.parse_known_intermixed_args(rest, Namespace(command=command))
    if unknown:
        parser.error(_unexpected(unknown[0], parser.format_help()))
    return options


def _about() -> ArgumentParser:
    """The parser of what may stand in place of a command; its help is about all commands."""
    commands = "".join(f"\n  {name:16}{command.about}" for name, command in COMMANDS.items())
    parser = _Parser(
        "poolcheck",
        "poolcheck COMMAND ...",
        f"{ABOUT}\n\ncommands:{commands}",
        EXAMPLES,
        formatter_class=_Help,
    )
    parser.add_argument(
        "--version", action="version", version=f"poolcheck {__version__}", help="print the version"
    )
    return parser


def _no_command(written: str) -> str:
    from poolcheck.typed import suggestion

    if os.path.exists(written):
        return f"there is no command {written!r}; did you mean `poolcheck check {written}`?"
    near = suggestion(written, COMMANDS) or f"; there are {', '.join(COMMANDS)}"
    return f"there is no command {written!r}{near}"


def _unexpected(argument: str, help_text: str) -> str:
    from poolcheck.typed import suggestion

    if not argument.startswith("-"):
        return f"{argument!r} is one too many"
    name = argument.partition("=")[0]
    return f"there is no option {name!r}{suggestion(name, re.findall(r'--[a-z-]+', help_text))}"


COMMANDS: Mapping[str, _Command] = {
    "check": _Command("Look for faults", "poolcheck check [OPTIONS] [PATH ...]", describe_check),
    "explain": _Command("Show what a rule is about", "poolcheck explain [OPTIONS] RULE", describe_explain),
    "explain-config": _Command(
        "Show whether PgBouncer starts on a file, and with which settings",
        "poolcheck explain-config [OPTIONS] FILE",
        describe_explain_config,
    ),
    "why": _Command(
        "Show what the values at a line come to, and where each is from",
        "poolcheck why [OPTIONS] FILE:LINE [PATH ...]",
        describe_why,
    ),
    "budget": _Command(
        "Show what databases and poolers accept, and what is wanted of them",
        "poolcheck budget [OPTIONS] [PATH ...]",
        describe_budget,
    ),
    "size": _Command(
        "Show how large pools are to be, by which formulas",
        "poolcheck size [OPTIONS] [PATH ...]",
        describe_size,
    ),
    "map": _Command(
        "Draw which workloads, poolers and databases connect to what",
        "poolcheck map [OPTIONS] [PATH ...]",
        describe_map,
    ),
    "rules": _Command("List all rules", "poolcheck rules [OPTIONS]", describe_rules),
    "config": _Command(
        "Show the settings in effect and where each is from",
        "poolcheck config [OPTIONS] [PATH]",
        describe_config,
    ),
}
