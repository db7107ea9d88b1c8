"""Settings: what may be set, which file holds, and what is said of mistakes in it."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Annotated, NamedTuple

from poolcheck.catalog import RuleFile, load
from poolcheck.discover import USUALLY_EXCLUDED, is_pattern, relative
from poolcheck.finding import Severity
from poolcheck.source import Located, Span
from poolcheck.stated import Stated, StatedDatabase, StatedPooler, StatedWorkload, Versions
from poolcheck.toml import place
from poolcheck.typed import WORDS, Keys, Mistake, is_like, is_table, record, suggestion

FILES = ("poolcheck.toml", "pyproject.toml")
"""Where settings may stand, the stronger first."""


class FailOn(StrEnum):
    """The least severity that makes a run fail."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    NEVER = "never"


class Settings(NamedTuple):
    """Everything that can be set."""

    select: Annotated[tuple[str, ...], "Rules and groups to check; all where unset"] = ()
    extend_select: Annotated[tuple[str, ...], "Rules and groups to check besides those of `select`"] = ()
    ignore: Annotated[tuple[str, ...], "Rules and groups to leave out"] = ()
    per_file_ignores: Annotated[
        Mapping[str, tuple[str, ...]], "Rules and groups to leave out in files, by .gitignore pattern"
    ] = {}
    exclude: Annotated[
        tuple[str, ...], "What not to look at, as .gitignore patterns, in place of the usual folders"
    ] = USUALLY_EXCLUDED
    extend_exclude: Annotated[tuple[str, ...], "What not to look at besides, as .gitignore patterns"] = ()
    min_severity: Annotated[Severity, "The least severity that is reported"] = Severity.WARNING
    fail_on: Annotated[FailOn, "The least severity that makes the exit status 1"] = FailOn.WARNING
    rules: Annotated[Mapping[str, Mapping[str, object]], "Options of rules, by rule id"] = {}
    target: Annotated[Versions, "Versions assumed where no image tag says which one runs"] = Versions()
    databases: Annotated[Mapping[str, StatedDatabase], "Database servers that no file shows"] = {}
    poolers: Annotated[Mapping[str, StatedPooler], "Poolers that no file shows"] = {}
    workloads: Annotated[Mapping[str, StatedWorkload], "Links from workloads to source, and corrections"] = {}
    folder: str = ""
    """What paths and patterns are relative to: the configuration file's folder, "" for the working directory."""

    @property
    def stated(self) -> Stated:
        """The part that is about the system, with paths from the working directory."""
        workloads = {name: self._placed(workload) for name, workload in self.workloads.items()}
        return Stated(self.target, self.databases, self.poolers, workloads)

    def _placed(self, workload: StatedWorkload) -> StatedWorkload:
        source = (relative(os.path.join(self.folder, each)) for each in workload.source)
        return workload._replace(source=tuple(source))


class Configuration(NamedTuple):
    """One configuration file: its path, its text, what it sets, and the keys of `[tool.poolcheck]` it has."""

    path: str
    text: str
    settings: Settings
    given: tuple[str, ...]


class BadConfiguration(Exception):
    """A configuration file that cannot be used: its text, and what is wrong at which places in it."""

    def __init__(self, text: str, mistakes: Iterable[Located[str]]) -> None:
        self.text = text
        self.mistakes = tuple(mistakes)
        super().__init__("; ".join(mistake.value for mistake in self.mistakes))


def nearest(folder: str) -> str | None:
    """The configuration file that holds for a folder: its own, or that of the nearest folder above."""
    folder = os.path.abspath(folder)
    while True:
        for name in FILES:
            path = os.path.join(folder, name)
            if _holds_settings(path):
                return path
        if (above := os.path.dirname(folder)) == folder:
            return None
        folder = above


def read(path: str) -> Configuration:
    """What a configuration file sets. Raises BadConfiguration, and OSError where it cannot be read."""
    with open(path, "rb") as file:
        return parse(os.path.relpath(path).replace(os.sep, "/"), file.read().decode("utf-8", "replace"))


def parse(path: str, text: str) -> Configuration:
    """What the text of a configuration file sets. Raises BadConfiguration."""
    import tomllib

    try:
        table: object = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadConfiguration(text, [Located(f"not TOML: {error}", _error_place(path, text, error))]) from error
    for key in _prefix(path):
        table = table.get(key, {}) if is_table(table) else {}
    mistakes: list[Mistake] = []
    settings: Settings = record(table, Settings, mistakes)
    mistakes = mistakes or list(_bad_patterns(settings))
    if mistakes:
        raise _bad(path, text, mistakes)
    settings = settings._replace(folder=os.path.dirname(path))
    return Configuration(path, text, settings, tuple(table) if is_table(table) else ())


def check_names(configuration: Configuration, rules: Mapping[str, RuleFile]) -> None:
    """Raises BadConfiguration where settings name rules, groups or options that do not exist."""
    mistakes = [*_unknown_selectors(configuration.settings, rules), *_bad_options(configuration.settings, rules)]
    if mistakes:
        raise _bad(configuration.path, configuration.text, mistakes)


def unknown_selector(selector: str, rules: Mapping[str, RuleFile]) -> str | None:
    """What to say of a selector that is neither a rule nor a group; None where it is one of them."""
    names = rules.keys() | {rule.group for rule in rules.values()}
    if selector in names:
        return None
    return f"no rule or group is called {selector!r}{suggestion(selector, names)}"


def _holds_settings(path: str) -> bool:
    """Whether a file is there that sets something, or that nobody can tell of whether it does."""
    try:
        with open(path, "rb") as file:
            return not path.endswith("pyproject.toml") or b"tool.poolcheck" in file.read()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return False
    except OSError:
        return True


def _prefix(path: str) -> Keys:
    return ("tool", "poolcheck") if os.path.basename(path) == "pyproject.toml" else ()


def _bad_patterns(settings: Settings) -> Iterator[Mistake]:
    lists: dict[Keys, Iterable[str]] = {
        ("exclude",): settings.exclude,
        ("extend-exclude",): settings.extend_exclude,
        **{("per-file-ignores", pattern): (pattern,) for pattern in settings.per_file_ignores},
    }
    for keys, patterns in lists.items():
        yield from (Mistake(keys, f"{each!r} is no pattern") for each in patterns if not is_pattern(each))


def _unknown_selectors(settings: Settings, rules: Mapping[str, RuleFile]) -> Iterator[Mistake]:
    lists: dict[Keys, tuple[str, ...]] = {
        ("select",): settings.select,
        ("extend-select",): settings.extend_select,
        ("ignore",): settings.ignore,
    }
    lists |= {("per-file-ignores", pattern): names for pattern, names in settings.per_file_ignores.items()}
    for keys, selectors in lists.items():
        for selector in selectors:
            if message := unknown_selector(selector, rules):
                yield Mistake(keys, message)


def _bad_options(settings: Settings, rules: Mapping[str, RuleFile]) -> Iterator[Mistake]:
    for rule, options in settings.rules.items():
        if rule not in rules:
            yield Mistake(("rules", rule), f"no rule is called {rule!r}{suggestion(rule, rules)}")
            continue
        known = {option.name: option for option in load(rules[rule]).options}
        for name, value in options.items():
            keys = ("rules", rule, name)
            if name not in known:
                yield Mistake(keys, f"{rule} has no option {name!r}{suggestion(name, known)}")
            elif not is_like(value, known[name].default):
                yield Mistake(keys, f"{name} must be {WORDS[type(known[name].default)]}, not {value!r}")


def _bad(path: str, text: str, mistakes: Iterable[Mistake]) -> BadConfiguration:
    prefix = _prefix(path)
    return BadConfiguration(
        text, [Located(mistake.message, place(path, text, prefix + mistake.keys)) for mistake in mistakes]
    )


def _error_place(path: str, text: str, error: Exception) -> Span:
    """Where tomllib stopped: up to Python 3.13 it says so in words only."""
    if found := re.search(r"at line (\d+), column (\d+)", str(error)):
        lines = text.splitlines(keepends=True)
        start = sum(map(len, lines[: int(found[1]) - 1])) + int(found[2]) - 1
        return Span(path, start, start)
    return Span(path, len(text), len(text))


class Configurations:
    """Which settings hold where: those of the nearest configuration file, under what the command line says."""

    def __init__(
        self,
        rules: Mapping[str, RuleFile],
        *,
        only: str | None = None,
        isolated: bool = False,
        override: Callable[[Settings], Settings] = lambda settings: settings,
    ) -> None:
        self._rules = rules
        self._isolated = isolated
        self._override = override
        self._read: dict[str | None, Settings] = {None: override(Settings())}
        self._folders: dict[str, Settings] = {}
        self._only = self._settings(only)._replace(folder="") if only else None

    def of(self, path: str) -> Settings:
        """The settings that hold for a file. Raises BadConfiguration."""
        return self.in_folder(os.path.dirname(path))

    def in_folder(self, folder: str) -> Settings:
        """The settings that hold for the files of a folder. Raises BadConfiguration."""
        if self._only or self._isolated:
            return self._only or self._read[None]
        if folder not in self._folders:
            self._folders[folder] = self._settings(nearest(folder))
        return self._folders[folder]

    def _settings(self, path: str | None) -> Settings:
        if path not in self._read and path is not None:
            configuration = read(path)
            check_names(configuration, self._rules)
            self._read[path] = self._override(configuration.settings)
        return self._read[path]
