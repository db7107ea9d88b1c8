"""What each command is told on the command line."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Sequence

FORMATS = ("full", "concise", "json")
DRAWINGS = ("text", "mermaid", "svg", "html")
SEVERITIES = ("error", "warning", "info")
TARGETS = ("pgbouncer", "postgres", "mysql")


def describe_check(parser: ArgumentParser) -> None:
    """Adds what `poolcheck check` is told."""
    add = parser.add_argument
    _add_paths(parser, "files and folders to check (default: .); - is a stream of manifests on standard input")
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
    _add_render(add, "check")
    add("--no-cache", action="store_true", help="read every file anew; so far every run does")
    _add_settings(parser)
    _add_verbose(parser, besides=", and why nothing is said of a connection that is taken")


def describe_explain(parser: ArgumentParser) -> None:
    """Adds what `poolcheck explain` is told."""
    parser.add_argument("rule", metavar="RULE", help="the name of a rule, such as inline-comment")
    _add_color(parser)
    _add_verbose(parser)


def describe_rules(parser: ArgumentParser) -> None:
    """Adds what `poolcheck rules` is told."""
    parser.add_argument("--output-format", choices=("text", "json"), default="text", help="(default: text)")
    _add_color(parser)
    _add_verbose(parser)


def describe_config(parser: ArgumentParser) -> None:
    """Adds what `poolcheck config` is told."""
    parser.add_argument(
        "path", nargs="?", default=".", metavar="PATH", help="for which file or folder (default: .)"
    )
    parser.add_argument("--schema", action="store_true", help="print the JSON schema of the settings instead")
    _add_settings(parser)
    _add_verbose(parser)


def describe_explain_config(parser: ArgumentParser) -> None:
    """Adds what `poolcheck explain-config` is told."""
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


def describe_why(parser: ArgumentParser) -> None:
    """Adds what `poolcheck why` is told."""
    add = parser.add_argument
    add("place", metavar="FILE:LINE", help="a line of Python source, of a manifest or of a pgbouncer.ini")
    _add_paths(parser, "files and folders of the project that it is in (default: .)")
    add("--output-format", choices=("text", "json"), default="text", help="(default: text)")
    _add_color(parser)
    _add_settings(parser)
    _add_verbose(parser)


def describe_budget(parser: ArgumentParser) -> None:
    """Adds what `poolcheck budget` is told."""
    add = parser.add_argument
    _add_paths(
        parser, "files and folders, - for a stream of manifests, and the facts of other projects (default: .)"
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
    _add_render(parser.add_argument, "count")
    _add_color(parser)
    _add_settings(parser)
    _add_verbose(parser)


def describe_size(parser: ArgumentParser) -> None:
    """Adds what `poolcheck size` is told."""
    from poolcheck.command.size_options import describe

    describe(parser)
    _add_color(parser)
    _add_settings(parser)
    _add_verbose(parser)


def describe_map(parser: ArgumentParser) -> None:
    """Adds what `poolcheck map` is told."""
    add = parser.add_argument
    _add_paths(
        parser, "files and folders, and the facts of other projects as budget --facts writes them (default: .)"
    )
    add(
        "--output-format",
        action="append",
        type=_drawing,
        metavar="FORMAT[=FILE]",
        help=f"{', '.join(DRAWINGS)} (default: text), into FILE where one is named; can be given several times",
    )
    _add_render(parser.add_argument, "draw")
    _add_color(parser)
    _add_settings(parser)
    _add_verbose(parser)


def _add_paths(parser: ArgumentParser, what: str) -> None:
    parser.add_argument("paths", nargs="*", default=["."], metavar="PATH", help=what)


def _add_color(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--color",
        choices=("auto", "always", "never"),
        default="auto",
        help="colour: on a terminal (auto, the default), always or never; NO_COLOR and FORCE_COLOR are heeded",
    )


def _add_render(add: Callable[..., object], what: str) -> None:
    told = f"run helm and kustomize, and {what} what they make of charts and kustomizations in place of these"
    add("--render", action="store_true", help=told)


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
