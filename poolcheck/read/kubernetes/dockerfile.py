"""What a Dockerfile says of the command that its image runs, and of the variables that it is given.

The Dockerfile reference: ENTRYPOINT, CMD, ENV, FROM, COPY, here-documents.
"""

import json
import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import NamedTuple, cast

from poolcheck.source import Located, Source, Span
from poolcheck.value import HOLE, Known, Unknown, Value, text_of

_INSTRUCTION = re.compile(r"[ \t]*(?P<name>[A-Za-z]+)[ \t]+(?P<rest>.*)", re.DOTALL)
_CONTINUED = re.compile(r"\\[ \t]*\r?\n(?:[ \t]*#[^\n]*\n)*")
_HEREDOC = re.compile(r"<<-?[ \t]*[\"']?(\w+)")
_STAGE = re.compile(r"(?:--\S+[ \t]+)*(?P<image>\S+)(?:[ \t]+[Aa][Ss][ \t]+(?P<name>\S+))?")
_FLAG = re.compile(r"--\S+")
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_FROM = re.compile(r"--from=(?P<stage>\S+)")


class Copied(NamedTuple):
    """What is copied into an image: a file, or the contents of a folder, of the project or of a stage.

    It gets the path, or is put into that where it is a file and `takes_files`.
    """

    source: str
    path: str
    takes_files: bool
    stage: "DockerImage | None"


class DockerImage(NamedTuple):
    """What the last stage of a Dockerfile makes, or one that is asked for.

    `entrypoint` and `command` are None where those of the image it is made from hold; what is not written as a
    list is a script of the shell's. `copied` is what is copied into it, in that order, of all that is seen where
    it comes from. `folder` is the one it works in, `base` the image of others that it is made from; None where
    that is not known.
    """

    entrypoint: tuple[Located[str], ...] | None = None
    command: tuple[Located[str], ...] | None = None
    environment: Mapping[str, Value] = {}
    copied: tuple[Copied, ...] = ()
    folder: str | None = None
    base: str | None = None

    @property
    def copies(self) -> tuple[str, ...]:
        """The files and folders of the project that are copied into it."""
        return tuple(each.source for each in self.copied if each.stage is None)

    def sources_of(self, path: str) -> Iterator[str]:
        """What a file of the image may be a copy of, in the folder it is made of; the last copied comes first."""
        for copied in reversed(self.copied):
            for source in _sources_of(path, copied):
                yield from [source] if copied.stage is None else copied.stage.sources_of(source)


def _sources_of(path: str, copied: Copied) -> Iterator[str]:
    source, target = copied.source, copied.path.rstrip("/")
    if path == posixpath.join(copied.path, posixpath.basename(source)) if copied.takes_files else path == target:
        yield source
    if path.startswith(f"{target}/"):
        yield posixpath.normpath(posixpath.join(source, path[len(target) + 1 :]))


def read_dockerfile(source: Source, target: str = "") -> DockerImage:
    """The image that a Dockerfile makes, or that of a stage."""
    stages: dict[str, DockerImage] = {}
    image, name = DockerImage(), ""
    for keyword, rest, span in _instructions(source):
        if keyword == "FROM":
            if target and name == target:
                return image
            stage = _STAGE.match(rest)
            image = _begun(stage["image"], stages) if stage else DockerImage()
            name = (stage["name"] or "").lower() if stage else ""
        else:
            image = _changed(image, keyword, rest, span, stages)
        if name:
            stages[name] = image
    return image


def _begun(base: str, stages: Mapping[str, DockerImage]) -> DockerImage:
    return stages.get(base.lower(), DockerImage(base=None if "$" in base else base))


def _instructions(source: Source) -> Iterator[tuple[str, str, Span]]:
    """The instructions in their order, each on one line, with the place of what follows its name."""
    text, at = source.text, 0
    while at < len(text):
        end = _line_end(text, at)
        while _is_continued(text[at:end]) and end < len(text):
            end = _line_end(text, end)
        found = _INSTRUCTION.match(text[at:end])
        if found and not text[at:end].lstrip().startswith("#"):
            rest = found["rest"].rstrip()
            start = at + found.start("rest")
            yield found["name"].upper(), _CONTINUED.sub(" ", rest), Span(source.path, start, start + len(rest))
            for word in _HEREDOC.findall(rest):
                closing = re.compile(rf"^[ \t]*{word}[ \t\r]*(?:\n|\Z)", re.MULTILINE).search(text, end)
                end = closing.end() if closing else len(text)
        at = end


def _is_continued(lines: str) -> bool:
    """Whether the last of these lines, but for a comment, is not the end of an instruction."""
    last = lines.rstrip("\r\n").rpartition("\n")[2]
    is_comment = last.lstrip().startswith("#") and "\n" in lines.rstrip("\r\n")
    return is_comment or last.rstrip().endswith("\\")


def _line_end(text: str, at: int) -> int:
    found = text.find("\n", at)
    return len(text) if found < 0 else found + 1


def _changed(
    image: DockerImage, keyword: str, rest: str, span: Span, stages: Mapping[str, DockerImage]
) -> DockerImage:
    match keyword:
        case "ENTRYPOINT":
            return image._replace(entrypoint=_words(rest, span))
        case "CMD":
            return image._replace(command=_words(rest, span))
        case "ENV":
            return image._replace(environment={**image.environment, **_variables(rest, span, image.environment)})
        case "WORKDIR":
            return image._replace(folder=_inside(image, rest.strip("\"'")))
        case "COPY" | "ADD":
            return image._replace(copied=(*image.copied, *_copied(image, rest, stages)))
        case _:
            return image


def _inside(image: DockerImage, written: str) -> str | None:
    """A path of an image; what is relative is below the folder that it works in. None where it is not known."""
    path = _VARIABLE.sub(lambda name: text_of(image.environment.get(name[1] or name[2])), written)
    if HOLE in path or "$" in path or (image.folder is None and not path.startswith("/")):
        return None
    return posixpath.normpath(posixpath.join(image.folder or "/", path))


def _copied(image: DockerImage, rest: str, stages: Mapping[str, DockerImage]) -> Iterator[Copied]:
    words, flags = _copied_words(rest)
    origin = next((found["stage"].lower() for flag in flags if (found := _FROM.fullmatch(flag))), None)
    stage = None if origin is None else stages.get(origin, DockerImage())
    *sources, target = words or [""]
    path = _inside(image, target)
    for source in sources:
        normal = posixpath.normpath(source if stage is None else posixpath.join("/", source))
        takes_files = len(sources) > 1 or target.endswith(("/", "."))
        yield Copied(normal.lstrip("/") if stage is None else normal, path or HOLE, takes_files, stage)


def _copied_words(rest: str) -> tuple[list[str], list[str]]:
    words = rest.split()
    flags = [word for word in words if _FLAG.fullmatch(word)]
    listed = rest[rest.find("[") :] if rest.rstrip().endswith("]") else ""
    try:
        told: object = json.loads(listed) if listed else None
    except ValueError:
        told = None
    if isinstance(told, list):
        return [str(word) for word in cast("list[object]", told)], flags
    return [word for word in words if word not in flags], flags


def _words(rest: str, span: Span) -> tuple[Located[str], ...]:
    if rest.startswith("["):
        try:
            listed: object = json.loads(rest)
        except ValueError:
            listed = None
        if isinstance(listed, list):
            return tuple(Located(str(word), span) for word in cast("list[object]", listed))
    return tuple(Located(word, span) for word in ("/bin/sh", "-c", rest))


def _variables(rest: str, span: Span, before: Mapping[str, Value]) -> dict[str, Value]:
    """`NAME=value OTHER="a value"`, or `NAME a value`. What is put in a value is known where it was set before."""
    name, _, value = rest.partition(" ")
    if "=" not in name:
        return {name: _value(value.strip(), span, before)}
    try:
        pairs = [word.partition("=") for word in shlex.split(rest)]
    except ValueError:
        return {}
    return {own: _value(text, span, before) for own, _, text in pairs}


def _value(text: str, span: Span, before: Mapping[str, Value]) -> Value:
    whole = re.fullmatch(r"\$\{?(\w+)\}?", text)
    if whole:
        return before.get(whole[1], Unknown((span,)))
    return Unknown((span,)) if "$" in text else Known(text, (span,))
