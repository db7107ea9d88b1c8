"""From the command line to an exit status: 0 nothing found, 1 findings, 2 could not check."""

import gc
import os
import re
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from io import TextIOWrapper
from typing import NamedTuple, NoReturn

from poolcheck import __version__
from poolcheck.command.refused import Refused

INTERRUPTED = 130
PIPE_CLOSED = 141

FORMATS = ("full", "concise", "json")
DRAWINGS = ("text", "mermaid", "svg", "html")
SEVERITIES = ("error", "warning", "info")
TARGETS = ("pgbouncer", "postgres", "mysql")

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


def _describe_check(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "paths",
        nargs="*",
        default=["."],
        metavar="PATH",
        help="files and folders to check (default: .); - is a stream of manifests on standard input",
    )
    add = parser.add_argument_group("which rules").add_argument
    add("--select", action="extend", type=_names, metavar="RULE[,...]", help="only these rules or groups")
    add("--extend-select", action="extend", type=_names, metavar="RULE[,...]", help="these as well")
    add("--ignore", action="extend", type=_names, metavar="RULE[,...]", help="not these")
    add(
        "--min-severity",
        choices=SEVERITIES,
        help="the least severity to report: error, warning (the default) or info",
        metavar="SEVERITY",
    )
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
    add("--statistics", action="store_true", help="how often each rule finds something, in place of what it finds")
    add("--show-files", action="store_true", help="the files that would be looked at, and look at none")
    add("-q", "--quiet", action="store_true", help="no summary")
    _add_color(parser)
    add = parser.add_argument_group("when to fail").add_argument
    add(
        "--fail-on",
        choices=(*SEVERITIES, "never"),
        metavar="SEVERITY",
        help="the least severity, of those reported, to exit with 1 for: error, warning (default), info, never",
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
    add(
        "--render",
        action="store_true",
        help="run helm and kustomize, and check what they make of charts and kustomizations in place of these",
    )
    add("--no-cache", action="store_true", help="read every file anew; so far every run does")
    _add_settings(parser)
    _add_verbose(parser, besides=", and why nothing is said of a connection that is taken")


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


def _describe_explain_config(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("path", metavar="FILE", help="a pgbouncer.ini as it is deployed; - is one on standard input")
    add(
        "--target",
        action="append",
        type=_target,
        default=[],
        metavar="pgbouncer=VERSION",
        help="the version that reads it (default: that of the settings, else the newest)",
    )
    add(
        "--working-directory",
        default=".",
        metavar="DIR",
        help="where PgBouncer is started: it looks there for what is included (default: .)",
    )
    add("--changed", action="store_true", help="leave out what is as it is by default")
    add("--output-format", choices=("text", "json"), default="text", help="(default: text)")
    _add_color(parser)
    _add_settings(parser)
    _add_verbose(parser)


def _describe_why(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("place", metavar="FILE:LINE", help="a line of Python source, of a manifest or of a pgbouncer.ini")
    add(
        "paths",
        nargs="*",
        default=["."],
        metavar="PATH",
        help="files and folders of the project that it is in (default: .)",
    )
    add("--output-format", choices=("text", "json"), default="text", help="(default: text)")
    _add_color(parser)
    _add_settings(parser)
    _add_verbose(parser)


def _describe_budget(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "paths",
        nargs="*",
        default=["."],
        metavar="PATH",
        help="files and folders, and the facts of other projects as --facts writes them (default: .)",
    )
    add("--output-format", choices=("text", "json", "markdown"), default="text", help="(default: text)")
    add = parser.add_argument_group("what if").add_argument
    add(
        "--set",
        action="append",
        default=[],
        metavar="NAME.WHAT=NUMBER",
        help="count with another number: web.replicas=40, pgbouncer.default_pool_size=30, db.max_connections=200",
    )
    add(
        "--solve",
        metavar="NAME.WHAT",
        help="print the largest number that still fits, for each limit that it counts for",
    )
    add = parser.add_argument_group("several projects").add_argument
    add("--facts", metavar="FILE", help="write the facts that the budget is made of to this file, as JSON")
    add("--project", metavar="NAME", help="what these facts are called (default: the name of this folder)")
    _add_color(parser)
    _add_settings(parser)
    _add_verbose(parser)


def _describe_size(parser: ArgumentParser) -> None:
    from poolcheck.command.size_options import describe

    describe(parser)
    _add_color(parser)
    _add_settings(parser)
    _add_verbose(parser)


def _describe_map(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "paths",
        nargs="*",
        default=["."],
        metavar="PATH",
        help="files and folders, and the facts of other projects as budget --facts writes them (default: .)",
    )
    add(
        "--output-format",
        action="append",
        type=_drawing,
        metavar="FORMAT[=FILE]",
        help=f"{', '.join(DRAWINGS)} (default: text), into FILE where one is named; can be given several times",
    )
    _add_color(parser)
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


def _add_verbose(parser: ArgumentParser, besides: str = "") -> None:
    told = f"say more when something goes wrong{besides}"
    parser.add_argument("-v", "--verbose", action="store_true", help=told)


def _names(written: str) -> list[str]:
    return [name for name in written.replace(",", " ").split() if name]


def _target(written: str) -> tuple[str, str]:
    name, equals, version = written.partition("=")
    if name not in TARGETS or not equals or not all(part.isdigit() for part in version.split(".")):
        raise ArgumentTypeError(f"{written!r} is not NAME=VERSION with NAME one of {', '.join(TARGETS)}")
    return name, version


def _output(written: str) -> tuple[str, str | None]:
    return _one_of(FORMATS, written)


def _drawing(written: str) -> tuple[str, str | None]:
    return _one_of(DRAWINGS, written)


def _one_of(formats: Sequence[str], written: str) -> tuple[str, str | None]:
    """A format, and the file that it is for where one is named."""
    name, equals, path = written.partition("=")
    if name not in formats or (equals and not path):
        raise ArgumentTypeError(
            f"{written!r} is not FORMAT or FORMAT=FILE with FORMAT one of {', '.join(formats)}"
        )
    return name, path or None


COMMANDS: Mapping[str, _Command] = {
    "check": _Command("Look for faults", "poolcheck check [OPTIONS] [PATH ...]", _describe_check),
    "explain": _Command("Show what a rule is about", "poolcheck explain [OPTIONS] RULE", _describe_explain),
    "explain-config": _Command(
        "Show whether PgBouncer starts on a file, and with which settings",
        "poolcheck explain-config [OPTIONS] FILE",
        _describe_explain_config,
    ),
    "why": _Command(
        "Show what the values at a line come to, and where each is from",
        "poolcheck why [OPTIONS] FILE:LINE [PATH ...]",
        _describe_why,
    ),
    "budget": _Command(
        "Show what databases and poolers accept, and what is wanted of them",
        "poolcheck budget [OPTIONS] [PATH ...]",
        _describe_budget,
    ),
    "size": _Command(
        "Show how large pools are to be, by which formulas",
        "poolcheck size [OPTIONS] [PATH ...]",
        _describe_size,
    ),
    "map": _Command(
        "Draw which workloads, poolers and databases connect to what",
        "poolcheck map [OPTIONS] [PATH ...]",
        _describe_map,
    ),
    "rules": _Command("List all rules", "poolcheck rules [OPTIONS]", _describe_rules),
    "config": _Command(
        "Show the settings in effect and where each is from", "poolcheck config [OPTIONS] [PATH]", _describe_config
    ),
}
