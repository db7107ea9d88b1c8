"""Which version of a library a project has, as far as its lock files and requirements tell."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias, cast

from poolcheck.files import Files

Release: TypeAlias = tuple[int, ...]

LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock")
REQUIREMENTS = (
    "requirements.txt", "requirements-prod.txt", "requirements-production.txt", "requirements.in",
    "requirements/app.txt", "requirements/base.txt", "requirements/common.txt", "requirements/default.txt",
    "requirements/main.txt", "requirements/prod.txt", "requirements/production.txt",
    "requirements/requirements.txt",
)  # fmt: skip
"""Where requirements are usually written; `-r` leads on to others."""
FARTHEST = 12
"""So many folders above a module they are looked for."""
MOST_INCLUDED = 8


class Bounds(NamedTuple):
    """What is known of a version: it is at least `low` and at most, or unless `is_closed` below, `high`.

    Where nothing is known of an end it is empty. A package that no file names `is_declared` nowhere.
    """

    low: Release = ()
    high: Release = ()
    is_closed: bool = False
    is_declared: bool = True

    def is_since(self, *release: int) -> bool:
        """Whether it is certainly this release or a later one."""
        return bool(self.low) and _plain(self.low) >= _plain(release)

    def is_before(self, *release: int) -> bool:
        """Whether it is certainly earlier than this release."""
        if not self.high:
            return False
        high, other = _plain(self.high), _plain(release)
        return high < other or (high == other and not self.is_closed)

    @property
    def exact(self) -> str:
        """The version as it is written, where it is the only one; "" where it may be another."""
        is_one = bool(self.low) and self.is_closed and self.low == self.high
        return ".".join(map(str, self.low)) if is_one else ""


NOWHERE = Bounds(is_declared=False)


class Versions:
    """The versions of libraries that the files of a project ask for. A file is read when somebody asks."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._texts: dict[str, str | None] = {}
        self._declared: dict[str, Mapping[str, Bounds]] = {}
        self._found: dict[tuple[str, str], Bounds] = {}
        self._lock_texts: dict[str, Sequence[tuple[str, str]]] = {}
        self._above: dict[str, Sequence[str]] = {}

    def of(self, package: str, path: str) -> Bounds:
        """What is known of a package for a module: the nearest file above it that names the package tells."""
        asked = package, os.path.dirname(path)
        if asked not in self._found:
            self._found[asked] = self._nearest(*asked)
        return self._found[asked]

    def _nearest(self, package: str, folder: str) -> Bounds:
        declared, declared_in = NOWHERE, ""
        for each in self.folders(folder):
            for name, lock in self._locks(each):
                if not declared.is_declared or _is_locked_for(lock, _from(each, declared_in)):
                    bounds = _locked(name, lock, package)
                    if bounds.is_declared:
                        return bounds
            if not declared.is_declared and package in (found := self._declarations(each)):
                declared, declared_in = found[package], each
        return declared

    def _locks(self, folder: str) -> Sequence[tuple[str, str]]:
        """The names and texts of the lock files in a folder."""
        if folder not in self._lock_texts:
            texts = ((name, self._text(os.path.join(folder, name))) for name in LOCKS)
            self._lock_texts[folder] = [(name, text) for name, text in texts if text]
        return self._lock_texts[folder]

    def folders(self, folder: str) -> Sequence[str]:
        """The folder and those above it, up to the top of the repository or else to where the run began."""
        if folder not in self._above:
            self._above[folder] = self._folders(folder)
        return self._above[folder]

    def _folders(self, folder: str) -> Sequence[str]:
        seen: list[str] = []
        for _ in range(FARTHEST):
            seen.append(folder)
            git = os.path.join(folder, ".git")
            if self._files.has_folder(git) or self._files.has(git):
                return seen
            name = folder.rpartition("/")[2]
            folder = os.path.join(folder, os.pardir) if name in {"", os.pardir} else os.path.dirname(folder)
        return [each for each in seen if each.rpartition("/")[2] != os.pardir]

    def _declarations(self, folder: str) -> Mapping[str, Bounds]:
        """What the requirements in a folder ask for, by package."""
        if folder not in self._declared:
            found: dict[str, Bounds] = {}
            for line in self._lines(folder):
                if named := _REQUIREMENT.match(line):
                    name, bounds = normal(named["name"]), specified(named["rest"])
                    found[name] = _either(found[name], bounds) if name in found else bounds
            self._declared[folder] = found
        return self._declared[folder]

    def _lines(self, folder: str) -> Iterator[str]:
        """The requirements that are written in a folder."""
        waiting = [os.path.join(folder, name) for name in REQUIREMENTS]
        seen: set[str] = set()
        while waiting and len(seen) < len(REQUIREMENTS) + MOST_INCLUDED:
            path = waiting.pop(0)
            seen.add(path)
            text = self._text(path) or ""
            yield from text.splitlines()
            included = (os.path.join(os.path.dirname(path), each) for each in _INCLUDED.findall(text))
            waiting += [each for each in map(os.path.normpath, included) if each not in seen]
        yield from _in_setup(self._text(os.path.join(folder, "setup.cfg")) or "")
        yield from _in_pipenv(self._text(os.path.join(folder, "Pipfile")) or "")
        yield from _in_pyproject(self._text(os.path.join(folder, "pyproject.toml")) or "")

    def _text(self, path: str) -> str | None:
        """The text of a file; None where there is none."""
        path = os.path.normpath(path).replace(os.sep, "/")
        if path not in self._texts:
            self._texts[path] = self._read(path)
        return self._texts[path]

    def _read(self, path: str) -> str | None:
        if not self._files.has(path):
            return None
        try:
            return self._files.read(path).decode("utf-8", "replace")
        except OSError:
            return None


def normal(name: str) -> str:
    """A package's name as PyPI compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def specified(written: str) -> Bounds:
    """The bounds that `>=2.0,<2.1`, Poetry's `^2.0` or a bare version set; what is not understood sets none."""
    bounds = Bounds()
    if "||" in written:
        return bounds
    for sign, version in _SPECIFIER.findall(written.partition(";")[0]):
        bounds = _both(bounds, _bounds(sign, version))
    return bounds


_REQUIREMENT = re.compile(r"\s*(?P<name>[A-Za-z0-9](?:[\w.-]*\w)?)\s*(?:\[[^\]]*\])?\s*\(?(?P<rest>[^;#@)]*)")
_INCLUDED = re.compile(r"^\s*(?:-r|--requirement)[ =]*(\S+)", re.MULTILINE)
_SPECIFIER = re.compile(r"(~=|===?|>=|<=|!=|<|>|\^|~)?\s*v?(\d[\w.*+!-]*)")
_NUMBERS = re.compile(r"\d+(?:\.\d+)*")


def _bounds(sign: str, version: str) -> Bounds:
    """What one comparison says."""
    release = _release(version)
    match sign:
        case ">=":
            return Bounds(low=release)
        case ">":
            return Bounds(low=release)
        case "<" | "<=":
            return Bounds(high=release, is_closed=sign == "<=")
        case "~=":
            return Bounds(release, _next(release[:-1] or release))
        case "^":
            at = next((at for at, number in enumerate(release) if number), len(release) - 1)
            return Bounds(release, _next(release[: at + 1]))
        case "~":
            return Bounds(release, _next(release[:2]))
        case "!=":
            return Bounds()
        case _ if "*" in version:
            return Bounds(release, _next(release))
        case _:
            return Bounds(release, release, is_closed=True)


def _release(version: str) -> Release:
    """The numbers that a version begins with; what is before a release is taken for it."""
    found = _NUMBERS.match(version.rpartition("!")[2])
    return tuple(map(int, found[0].split("."))) if found else ()


def _next(release: Release) -> Release:
    return (*release[:-1], release[-1] + 1) if release else ()


def _plain(release: Release) -> Release:
    """A release without the zeros at its end: 2.0 is 2."""
    while release and release[-1] == 0:
        release = release[:-1]
    return release


def _both(one: Bounds, other: Bounds) -> Bounds:
    """What holds where both do."""
    low = max(one.low, other.low, key=_plain)
    ends = [each for each in (one, other) if each.high]
    if not ends:
        return Bounds(low)
    end = min(ends, key=lambda each: (_plain(each.high), each.is_closed))
    return Bounds(low, end.high, end.is_closed)


def _either(one: Bounds, other: Bounds) -> Bounds:
    """What holds whichever does."""
    low = min(one.low, other.low, key=_plain) if one.low and other.low else ()
    if not (one.high and other.high):
        return Bounds(low)
    end = max((one, other), key=lambda each: (_plain(each.high), each.is_closed))
    return Bounds(low, end.high, end.is_closed)


def _from(folder: str, to: str) -> str:
    return os.path.relpath(to or os.curdir, folder or os.curdir).replace(os.sep, "/")


def _is_locked_for(lock: str, member: str) -> bool:
    """Whether a lock file is that of a project in a folder below it, too."""
    return member == os.curdir or f'= "{member}"' in lock


def _locked(name: str, lock: str, package: str) -> Bounds:
    """The version of a package in a lock file; what is between them where there are several."""
    if name == "Pipfile.lock":
        found = _in_pipfile(lock, package)
    else:
        # Reading all of such a file as TOML takes a second.
        spelled = re.escape(package).replace(r"\-", "[-_.]+")
        entry = rf'^\[\[package\]\]\r?\nname = "{spelled}"\r?\nversion = "([^"]+)"'
        found = re.findall(entry, lock, re.MULTILINE | re.IGNORECASE)
    releases = [release for version in found if (release := _release(version))]
    if not releases:
        return NOWHERE
    return Bounds(min(releases, key=_plain), max(releases, key=_plain), is_closed=True)


def _in_pipfile(text: str, package: str) -> list[str]:
    import json

    try:
        lock: object = json.loads(text)
    except ValueError:
        return []
    entries = [_table(_table(lock, section), package) for section in ("default", "develop")]
    return [each.lstrip("=") for entry in entries for each in _texts([entry.get("version")])]


def _in_setup(text: str) -> Iterator[str]:
    """The requirements in a setup.cfg, those of its extras too."""
    for section, wanted in _SECTION.findall(text):
        if section == "options.extras_require":
            yield from wanted.replace("=\n", "\n").splitlines()
        elif section == "options" and (found := _INSTALLED.search(wanted)):
            yield from found[1].splitlines()


_SECTION = re.compile(r"^\[(options(?:\.extras_require)?)\][ \t]*\n(.*?)(?=^\[|\Z)", re.MULTILINE | re.DOTALL)
_INSTALLED = re.compile(r"^install_requires[ \t]*=(.*(?:\n[ \t]+.*|\n[ \t]*(?=\n))*)", re.MULTILINE)


def _in_pipenv(text: str) -> Iterator[str]:
    """The requirements in a Pipfile."""
    import tomllib

    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    for section in ("packages", "dev-packages"):
        yield from _in_table(_table(document, section))


def _in_table(table: dict[str, object]) -> Iterator[str]:
    """The requirements in a table of Poetry's, or of Pipenv's."""
    for name, wanted in table.items():
        version = "".join(_texts([wanted, _table({"": wanted}, "").get("version")]))
        yield f"{name} {version}"


def _in_pyproject(text: str) -> Iterator[str]:
    """The requirements in a pyproject.toml, Poetry's too."""
    import tomllib

    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    project, tools = _table(document, "project"), _table(document, "tool")
    poetry = _table(tools, "poetry")
    lists = [project.get("dependencies"), _table(tools, "uv").get("dev-dependencies")]
    lists += [*_table(project, "optional-dependencies").values(), *_table(document, "dependency-groups").values()]
    for each in lists:
        yield from _texts(each)
    groups = [_table(group, "dependencies") for group in _table(poetry, "group").values()]
    for table in (_table(poetry, "dependencies"), _table(poetry, "dev-dependencies"), *groups):
        yield from _in_table(table)


def _table(document: object, key: str) -> dict[str, object]:
    """A table inside of another; an empty one where there is none."""
    found = cast("dict[str, object]", document).get(key) if isinstance(document, dict) else None
    return cast("dict[str, object]", found) if isinstance(found, dict) else {}


def _texts(listed: object) -> list[str]:
    """The texts in a list."""
    elements = cast("list[object]", listed) if isinstance(listed, list) else []
    return [each for each in elements if isinstance(each, str)]
