"""From which folder and Dockerfile the images of a project are built, as its workflows and Makefiles say."""

import posixpath
import re
import shlex
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from poolcheck.read.kubernetes.manifest import Context
from poolcheck.value import HOLE

_TELLING = re.compile(
    r"(?P<root>(?:.*/)?)"
    r"(?:\.(?:github|gitea|forgejo)/workflows/[^/]+\.ya?ml|\.gitlab-ci\.ya?ml|cloudbuild\.ya?ml|GNUmakefile|[Mm]akefile)"
)
_MAKEFILES = ("GNUmakefile", "Makefile", "makefile")
_CONTINUED = re.compile(r"\\\r?\n\s*")
_BUILD = re.compile(r"\bdocker\s+(?:buildx\s+)?build\s+(?P<rest>[^\n;&|]+)")
_EXPRESSION = re.compile(r"\$\{\{.*?\}\}|\$\([^()\n]*\)|\$\{[^{}\n]*\}|\$\w+")
_REMARK = re.compile(r"(?:^|\s)#.*")
_STEP = re.compile(r"(?P<indent> *)- ")
_KEY = re.compile(r"(?P<indent> *)(?:- )?(?P<key>[\w-]+):\s*(?P<value>.*)")
_NAME = re.compile(r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*")
_OF_METADATA = re.compile(r"\$\{\{\s*steps\.(?P<step>[\w-]+)\.outputs\.tags\s*\}\}")
_OPTIONS: Mapping[str, str] = {"-f": "file", "--file": "file", "-t": "tags", "--tag": "tags", "--target": "target"}
_FLAGS = frozenset(
    {"--compress", "--force-rm", "--load", "--no-cache", "--pull", "--push", "--quiet", "--rm", "-q"}
)
"""What stands alone; all else is given something."""
_BLOCK = frozenset({"|", ">", "|-", ">-", "|+", ">+", ""})


def contexts_told(
    paths: Iterable[str], text: Callable[[str], str | None], others: Iterable[tuple[str, Context]] = ()
) -> dict[str, Context]:
    """The context of each image of which it is told, by the last part of its name; none where two are told.

    Of `others` Compose files tell.
    """
    found: defaultdict[str, set[Context]] = defaultdict(set)
    for name, built_of in others:
        found[name].add(built_of)
    for path in sorted(_telling(paths)):
        root = match["root"].rstrip("/") if (match := _TELLING.fullmatch(path)) else ""
        written = text(path) or ""
        if "docker" not in written:
            continue
        for told in (*_commands(written), *_steps(written)):
            if context := _context(root, told):
                for name in filter(None, map(_name, told.get("tags", ()))):
                    found[name].add(context)
    return {name: contexts.pop() for name, contexts in found.items() if len(contexts) == 1}


def _telling(paths: Iterable[str]) -> set[str]:
    """The files that may tell; Makefiles have no ending, so nobody lists them."""
    paths = tuple(paths)
    roots = {match["root"] for path in paths if (match := _TELLING.fullmatch(path))}
    beside = {posixpath.join(root, name) for root in {*roots, ""} for name in _MAKEFILES}
    return {path for path in paths if _TELLING.fullmatch(path)} | beside


def _commands(text: str) -> Iterator[dict[str, list[str]]]:
    """What each `docker build` is told."""
    for match in _BUILD.finditer(_CONTINUED.sub(" ", text)):
        try:
            words = shlex.split(_EXPRESSION.sub(HOLE, match["rest"]), comments=True)
        except ValueError:
            continue
        yield _arguments(words)


def _arguments(words: Sequence[str]) -> dict[str, list[str]]:
    told: defaultdict[str, list[str]] = defaultdict(list)
    waiting = ""
    for word in words:
        option, sign, value = word.partition("=")
        if waiting:
            told[_OPTIONS.get(waiting, "")].append(word)
            waiting = ""
        elif not word.startswith("-"):
            told["context"].append(word)
        elif sign:
            told[_OPTIONS.get(option, "")].append(value)
        elif word not in _FLAGS:
            waiting = word
    return told


def _steps(text: str) -> Iterator[dict[str, list[str]]]:
    """What each step with `docker/build-push-action` is told; its tags may be another step's."""
    named: dict[str, list[str]] = {}
    for lines in _blocks(text.splitlines()):
        step = _keys(lines)
        uses = "".join(step.get("uses", ()))
        if "docker/metadata-action" in uses:
            named["".join(step.get("id", ()))] = step.get("images", [])
        if "docker/build-push-action" in uses:
            tags = [tag for each in step.get("tags", ()) for tag in _tags(each, named)]
            yield {**step, "context": step.get("context", ["."]), "tags": tags}


def _tags(written: str, named: Mapping[str, Sequence[str]]) -> list[str]:
    match = _OF_METADATA.fullmatch(written)
    return [_EXPRESSION.sub(HOLE, tag) for tag in (named.get(match["step"], ()) if match else (written,))]


def _blocks(lines: Sequence[str]) -> Iterator[list[str]]:
    """The lines of each item of a list."""
    block: list[str] = []
    indent = 0
    for line in lines:
        if not line.strip():
            continue
        if block and len(line) - len(line.lstrip()) <= indent:
            yield block
            block = []
        if not block and (match := _STEP.match(line)):
            indent = len(match["indent"])
            block = [line]
        elif block:
            block.append(line)
    if block:
        yield block


def _keys(lines: Sequence[str]) -> dict[str, list[str]]:
    """The values of the keys in a block, whatever holds them; of a text of many lines each."""
    found: dict[str, list[str]] = {}
    key, indent = "", 0
    for line in lines:
        match = _KEY.fullmatch(line.rstrip())
        deep = len(line) - len(line.lstrip())
        if key and deep > indent:
            found[key] += _listed(line)
        elif match and match["value"] in _BLOCK:
            key, indent = match["key"], deep
            found[key] = []
            if key == "with":
                key = ""
        elif match:
            key = ""
            found[match["key"]] = _listed(match["value"])
    return found


def _listed(line: str) -> list[str]:
    written = _REMARK.sub("", line.strip()).removeprefix("- ")
    return [each.strip().strip("'\"") for each in written.split(",") if each.strip()]


def _context(root: str, told: Mapping[str, Sequence[str]]) -> Context | None:
    written = {key: told.get(key) or [""] for key in ("context", "file", "target")}
    if not told.get("context") or any(len(values) > 1 or _is_open(values[0]) for values in written.values()):
        return None
    folder = posixpath.normpath(posixpath.join(root, written["context"][0]))
    if folder.startswith("..") or "://" in written["context"][0]:
        return None
    folder = "" if folder == "." else folder
    file = written["file"][0] and posixpath.normpath(posixpath.join(root, written["file"][0]))
    return Context(folder, posixpath.relpath(file, folder or ".") if file else "Dockerfile", written["target"][0])


def _is_open(text: str) -> bool:
    return HOLE in text or "$" in text or "{{" in text


def _name(tag: str) -> str:
    """The last part of the name of an image, if it is written out."""
    name = tag.partition("@")[0].rpartition("/")[2].partition(":")[0]
    return name if _NAME.fullmatch(name) else ""
