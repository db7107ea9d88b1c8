"""What a Dockerfile says of the command that its image runs, and of the variables that it is given.

The Dockerfile reference: ENTRYPOINT, CMD, ENV, FROM, COPY, here-documents.
"""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import NamedTuple, cast

from poolcheck.source import Located, Source, Span
from poolcheck.value import Known, Unknown, Value

_INSTRUCTION = re.compile(r"[ \t]*(?P<name>[A-Za-z]+)[ \t]+(?P<rest>.*)", re.DOTALL)
_CONTINUED = re.compile(r"\\[ \t]*\r?\n(?:[ \t]*#[^\n]*\n)*")
_HEREDOC = re.compile(r"<<-?[ \t]*[\"']?(\w+)")
_STAGE = re.compile(r"(?:--\S+[ \t]+)*(?P<image>\S+)(?:[ \t]+[Aa][Ss][ \t]+(?P<name>\S+))?")
_FLAG = re.compile(r"--\S+")


class DockerImage(NamedTuple):
    """What the last stage of a Dockerfile makes, or one that is asked for.

    `entrypoint` and `command` are None where those of the image it is made from hold; what is not written as a
    list is a script of the shell's. `copies` are the files and folders that are copied into it.
    """

    entrypoint: tuple[Located[str], ...] | None = None
    command: tuple[Located[str], ...] | None = None
    environment: Mapping[str, Value] = {}
    copies: tuple[str, ...] = ()


def read_dockerfile(source: Source, target: str = "") -> DockerImage:
    """The image that a Dockerfile makes, or that of a stage."""
    stages: dict[str, DockerImage] = {}
    image, name = DockerImage(), ""
    for keyword, rest, span in _instructions(source):
        if keyword == "FROM":
            if target and name == target:
                return image
            stage = _STAGE.match(rest)
            image = stages.get(stage["image"].lower(), DockerImage()) if stage else DockerImage()
            name = (stage["name"] or "").lower() if stage else ""
        else:
            image = _changed(image, keyword, rest, span)
        if name:
            stages[name] = image
    return image


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


def _changed(image: DockerImage, keyword: str, rest: str, span: Span) -> DockerImage:
    match keyword:
        case "ENTRYPOINT":
            return image._replace(entrypoint=_words(rest, span))
        case "CMD":
            return image._replace(command=_words(rest, span))
        case "ENV":
            return image._replace(environment={**image.environment, **_variables(rest, span, image.environment)})
        case "COPY" | "ADD":
            *sources, _ = [word for word in rest.split() if not _FLAG.fullmatch(word)] or [""]
            return image._replace(copies=(*image.copies, *sources))
        case _:
            return image


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
