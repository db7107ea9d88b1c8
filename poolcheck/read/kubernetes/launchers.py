"""From the command of a container to the Python processes it starts."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from poolcheck.amount import Amount, Reason, between, exactly
from poolcheck.read.kubernetes.commands import Scripts, no_script, program, started
from poolcheck.read.kubernetes.launcher_table import LAUNCHERS, Launcher
from poolcheck.read.kubernetes.manifest import Container
from poolcheck.read.kubernetes.shell import commands, literal
from poolcheck.source import Located
from poolcheck.value import HOLE, Known, Lookup, text_of

_PYTHON = re.compile(r"(?:python|pypy)[0-9.]*")
_VALUED_BY_PYTHON = frozenset({"-X", "-W", "--check-hash-based-pycs"})
_NAMES = frozenset(launcher.name for launcher in LAUNCHERS)
_MODULES = {"gunicorn.app.wsgiapp": "gunicorn"}
"""Launchers by the modules that they are started as, where those have other names."""
_ALONE = "solo"
"""The pool of celery's that runs tasks in its own process, one after the other."""


class Shadowed(NamedTuple):
    """A variable that tells a number of processes, and the option that tells another, which counts."""

    name: str
    value: Located[str]
    option: str
    counts: Located[str]


class Launch(NamedTuple):
    """What a container starts: how many processes, and the module that each of them runs.

    `threads` is how much a process does at once, each thread or task perhaps with a connection of its own; None
    where nothing bounds it, and at least one where it is not told. It `is_capped` where they are no threads, which
    are there, but the most that are let in. A `file` may tell gunicorn what its options
    leave open, workers, threads and worker_class, unless they are `given`. `per_cpu` is the program where nothing
    tells it how many processes to start, and it starts one for each CPU of its node. `shadowed` is what does not
    count. `python_path` are the folders in which the environment has Python look for modules.
    """

    launcher: str
    processes: Amount
    threads: Amount | None
    module: Located[str] | None
    file: Located[str] | None = None
    given: frozenset[str] = frozenset()
    per_cpu: Located[str] | None = None
    shadowed: Shadowed | None = None
    python_path: tuple[str, ...] = ()
    is_capped: bool = False


class _Option(NamedTuple):
    """An option of a command line; its value is empty where it has none."""

    name: str
    value: Located[str]


class _Arguments(NamedTuple):
    """Options and operands in their order."""

    options: tuple[_Option, ...]
    operands: tuple[Located[str], ...]


def launch(
    container: Container,
    environment: Lookup,
    scripts: Scripts = no_script,
    *,
    is_file_seen: bool = False,
    is_image_seen: bool = False,
) -> Launch | None:
    """What a container starts; None where that is not Python, or the manifest does not tell.

    Of a shell script the last command counts. Where only `args` are given and they begin with a launcher, the
    image is taken to run them. A configuration file hides nothing if it `is_file_seen` besides, and no variable
    is set that is not seen if all that the image brings `is_image_seen`.
    """
    words, environment = started(container, environment, scripts)
    found = _found(words, environment, is_file_seen=is_file_seen, is_image_seen=is_image_seen)
    if found is None:
        return None
    folders = text_of(environment("PYTHONPATH") or Known("", ())).split(":")
    return found._replace(python_path=tuple(folder for folder in folders if folder and HOLE not in folder))


def _found(
    words: Sequence[Located[str]], environment: Lookup, *, is_file_seen: bool, is_image_seen: bool
) -> Launch | None:
    if _PYTHON.fullmatch(program(words)):
        at = _operand_of_python(words)
        if at is None or _name(words[at]) not in _NAMES:
            return _script(words[0], None if at is None else words[at])
        words = (words[at]._replace(value=_name(words[at])), *words[at + 1 :])
    for launcher in LAUNCHERS:
        if launcher.name == program(words):
            arguments = _parse(words[1:], launcher.switches)
            if not launcher.subcommand or launcher.subcommand in (word.value for word in arguments.operands[:1]):
                given = (arguments, *_more(launcher, words[0], environment))
                return _launched(_Line(launcher, words[0], given, environment, is_file_seen, is_image_seen))
    return None


def _name(module: Located[str]) -> str:
    """The launcher that a module or a script is."""
    return _MODULES.get(module.value, program([module]))


def _operand_of_python(words: Sequence[Located[str]]) -> int | None:
    """Which word is the module or the script that Python runs."""
    at = 1
    while at < len(words) and words[at].value.startswith("-"):
        option = words[at].value
        if option in {"-c", "-"}:
            return None
        at += 2 if option in _VALUED_BY_PYTHON else 1
        if option == "-m":
            break
    return at if at < len(words) else None


def _script(python: Located[str], module: Located[str] | None) -> Launch:
    name = f"python {module.value}" if module and HOLE not in module.value else "python"
    processes = between(1, None, Reason(f"{name} may start other processes", python.span))
    return Launch("python", processes, between(1, None, Reason(f"{name} may run one thread", python.span)), module)


def _parse(words: Sequence[Located[str]], switches: frozenset[str]) -> _Arguments:
    options: list[_Option] = []
    operands: list[Located[str]] = []
    left = list(reversed(words))
    while left:
        word = left.pop()
        if word.value == "--":
            operands += reversed(left)
            break
        if word.value.startswith("-") and word.value != "-":
            options.append(_option(word, left, switches))
        else:
            operands.append(word)
    return _Arguments(tuple(options), tuple(operands))


def _option(word: Located[str], left: list[Located[str]], switches: frozenset[str]) -> _Option:
    """The option in `--workers=4`, `-w4`, `--workers 4` or `--reload`. The next word left may be its value."""
    text, span = word
    is_long = text.startswith("--")
    name, equals, value = text.partition("=")
    if is_long and equals:
        return _Option(name, Located(value, span))
    if not is_long and len(text) > 2 and text not in switches:
        return _Option(text[:2], Located("" if text[:2] in switches else text[2:], span))
    # A lone `-`, the standard output, is a value.
    if text in switches or not left or (left[-1].value.startswith("-") and left[-1].value != "-"):
        return _Option(text, Located("", span))
    return _Option(text, left.pop())


def _more(launcher: Launcher, program: Located[str], environment: Lookup) -> Iterator[_Arguments]:
    """The arguments in a variable for them."""
    text = _variable(launcher.options_env, program, environment)
    if text and text.value:
        found = commands(text.value) or ()
        words = [Located(literal(word) or HOLE, text.span) for command in found[:1] for word in command.words]
        yield _parse(words or [Located(HOLE, text.span)], launcher.switches)


def _variable(name: str, program: Located[str], environment: Lookup) -> Located[str] | None:
    """A variable where it is set, or at the program, with a HOLE for what is not known; None where it is unset."""
    value = environment(name) if name else None
    return None if value is None else Located(text_of(value), (*reversed(value.places), program.span)[0])


class _Line(NamedTuple):
    """A launcher as it is called, and what it is given, the strongest first."""

    launcher: Launcher
    program: Located[str]
    given: tuple[_Arguments, ...]
    environment: Lookup
    is_file_seen: bool
    is_image_seen: bool

    @property
    def label(self) -> str:
        """What to call it."""
        return f"{self.launcher.name} {self.launcher.subcommand}".strip()

    @property
    def kind(self) -> Located[str] | None:
        """The way it works, at the launcher where that is its default; None where it knows only one."""
        kinds = self.launcher.kinds
        if kinds is None:
            return None
        chosen = self.option(kinds.options)
        return chosen.value if chosen else Located(kinds.default, self.program.span)

    @property
    def is_inside(self) -> bool:
        """Whether it works inside of one process."""
        kinds, kind = self.launcher.kinds, self.kind
        return kinds is not None and kind is not None and kind.value in kinds.inside

    def option(self, names: Sequence[str]) -> _Option | None:
        """The option that counts among these: the last of the strongest."""
        return next(
            (option for given in self.given for option in reversed(given.options) if option.name in names), None
        )


def _launched(line: _Line) -> Launch:
    told, is_per_cpu = _told(line), line.launcher.default is None
    found = Launch(
        line.label,
        _with_others(line, told or _by_default(line)),
        _threads(line),
        _module(line),
        per_cpu=line.program if is_per_cpu and told is None else None,
        shadowed=_shadowed(line),
        is_capped=line.launcher.is_unbounded and bool(line.option(line.launcher.threads)),
    )
    if line.launcher.name != "gunicorn":
        return found
    launcher, kinds = line.launcher, line.launcher.kinds
    options = {"workers": launcher.processes, "threads": launcher.threads, "worker_class": kinds and kinds.options}
    given = frozenset(name for name, names in options.items() if names and line.option(names))
    return found._replace(file=_file(line) or Located(launcher.implied_file, line.program.span), given=given)


def _told(line: _Line) -> Amount | None:
    """How many processes it is told to start; what is stronger comes before what is weaker."""
    launcher = line.launcher
    return (
        _one(line)
        or _extremes(line)
        or _told_by_option(line, launcher.processes, launcher.fewest)
        or _hidden(line)
        or _told_by_variable(line, launcher.processes_env)
    )


def _one(line: _Line) -> Amount | None:
    if option := line.option(line.launcher.alone):
        return exactly(1, Reason(f"{line.label} {option.name}", option.value.span))
    if line.is_inside and line.kind:
        return exactly(1, Reason(f"{line.label} works in one process ({line.kind.value})", line.kind.span))
    return None


def _extremes(line: _Line) -> Amount | None:
    option = line.option(line.launcher.extremes)
    if option is None:
        return None
    most, _, fewest = option.value.value.partition(",")
    numbers = [_whole(most) or 0, _whole(fewest) or 0]
    if not any(numbers):
        return _not_known(line, option)
    low, high = max(min(numbers), 1), max(numbers)
    return between(low, high, _reason(line, option, most=high))


def _told_by_option(line: _Line, names: Sequence[str], names_of_fewest: Sequence[str] = ()) -> Amount | None:
    option = line.option(names)
    if option is None:
        return None
    number, fewest = _whole(option.value.value), line.option(names_of_fewest)
    if number is None:
        return _not_known(line, option)
    if fewest is None:
        return exactly(number, _reason(line, option))
    low = min(_whole(fewest.value.value) or 1, number)
    return between(low, number, _reason(line, option, most=number), _reason(line, fewest))


def _hidden(line: _Line) -> Amount | None:
    """Any number, where it may be in a file, or in arguments that are not known."""
    if any(operand.value.startswith(HOLE) for given in line.given for operand in given.operands):
        return between(1, None, Reason(f"{line.label} has arguments that are not known", line.program.span))
    file = None if line.is_file_seen else _file(line)
    return between(1, None, Reason(f"{line.label} reads {file.value}", file.span)) if file else None


def _file(line: _Line) -> Located[str] | None:
    """The file it is told to read; uWSGI, whose application is no operand, reads its operand."""
    option = line.option(line.launcher.files)
    if option or not line.launcher.files or not line.launcher.module:
        return option.value if option else None
    return next(iter(line.given[0].operands), None)


def _told_by_variable(line: _Line, names: Sequence[str]) -> Amount | None:
    for name in names:
        if found := _variable(name, line.program, line.environment):
            number = _whole(found.value)
            if number is None:
                return between(1, None, Reason(f"{name} is not known", found.span))
            return exactly(number, Reason(f"{name}={number}", found.span))
    return None


def _by_default(line: _Line) -> Amount:
    """What holds where nothing tells; at least that where the image may hold a file or a variable that does."""
    launcher, span = line.launcher, line.program.span
    if launcher.default is None:
        return between(1, None, Reason(f"{line.label} starts a process for each CPU of its node", span))
    processes = "1 process" if launcher.default == 1 else f"{launcher.default} processes"
    may_be_told = not line.is_image_seen and (launcher.implied_file or launcher.processes_env)
    high = None if may_be_told else launcher.default
    return between(launcher.default, high, Reason(f"{line.label} starts {processes} by default", span))


def _shadowed(line: _Line) -> Shadowed | None:
    option = line.option(line.launcher.processes)
    number = _whole(option.value.value) if option else None
    for name in line.launcher.processes_env:
        found = _variable(name, line.program, line.environment)
        if option and number and found and (_whole(found.value) or number) != number:
            return Shadowed(name, found, option.name, option.value)
    return None


def _with_others(line: _Line, told: Amount) -> Amount:
    """The processes with those beside them that may hold connections: a parent, a scheduler, a job's child."""
    launcher = line.launcher
    added = 1 if line.option(launcher.adding) else 0
    parents = 0 if line.is_inside else launcher.parents
    if not (added or parents or launcher.children):
        return told
    high = None if told.high is None else told.high * (1 + launcher.children) + parents + added
    reason = Reason(
        f"{line.label} may hold connections in other processes too",
        line.program.span,
        most=f"{line.label} holds connections in other processes too",
    )
    return between(told.low + added, high, *told.because, reason, surely=told.surely + added)


def _threads(line: _Line) -> Amount | None:
    launcher = line.launcher
    if line.kind and line.kind.value == _ALONE:
        return exactly(1, Reason(f"{line.label} does one thing at a time ({_ALONE})", line.kind.span))
    if line.is_inside:
        return _told_by_option(line, launcher.processes) or _threads_by_default(line, launcher.default)
    if launcher.kinds and line.kind and line.kind.value not in launcher.kinds.bounded:
        return _threads_by_default(line, None) if HOLE in line.kind.value else None
    told = _told_by_option(line, launcher.threads) or _told_by_variable(line, launcher.threads_env)
    if told or launcher.is_unbounded:
        return told
    return _threads_by_default(line, None if _hidden(line) else launcher.threads_default)


def _threads_by_default(line: _Line, number: int | None) -> Amount:
    if number is None:
        return between(1, None, Reason(f"{line.label} may run one thread", line.program.span))
    threads = "1 thread" if number == 1 else f"{number} threads"
    return exactly(number, Reason(f"{line.label} runs {threads} in a process by default", line.program.span))


def _module(line: _Line) -> Located[str] | None:
    """What it is given for a module: by an option, or as its first operand where it has no option for it."""
    launcher, operands = line.launcher, line.given[0].operands
    option = line.option(launcher.module)
    first = operands[1:] if launcher.subcommand else operands
    found = option.value if option else next(iter(() if launcher.module else first), None)
    return None if found is None or HOLE in found.value else found


def _not_known(line: _Line, option: _Option) -> Amount:
    return between(1, None, Reason(f"{line.label} {option.name} is not known", option.value.span))


def _reason(line: _Line, option: _Option, *, most: int | None = None) -> Reason:
    text = f"{line.label} {option.name} {option.value.value}"
    at_most = "" if most is None else f"{most} processes of {line.label}"
    return Reason(text, option.value.span, most=at_most)


def _whole(text: str) -> int | None:
    """A number of processes or threads; None of 0, which asks for a default or for none."""
    return int(text) or None if text.isascii() and text.isdecimal() and len(text) < 6 else None
