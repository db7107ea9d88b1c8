import pytest

from poolcheck.read.kubernetes.dockerfile import DockerImage, read_dockerfile
from poolcheck.source import Source
from poolcheck.value import text_of


def image(text: str, target: str = "") -> DockerImage:
    return read_dockerfile(Source("Dockerfile", text), target)


def words(text: str) -> tuple[list[str] | None, list[str] | None]:
    found = image(text)
    entry, command = found.entrypoint, found.command
    return (
        None if entry is None else [word.value for word in entry],
        None if command is None else [word.value for word in command],
    )


@pytest.mark.parametrize(
    ("text", "entrypoint", "command"),
    [
        ("FROM a\nRUN b\n", None, None),
        ('FROM a\nCMD ["gunicorn", "app"]\n', None, ["gunicorn", "app"]),
        ("FROM a\ncmd gunicorn app\n", None, ["/bin/sh", "-c", "gunicorn app"]),
        ('FROM a\nENTRYPOINT ["/entry.sh"]\nCMD ["a"]\n', ["/entry.sh"], ["a"]),
        ("FROM a\nCMD a\nCMD b\n", None, ["/bin/sh", "-c", "b"]),
        ('FROM a\nCMD ["a", \\\n     # comment\n     "b"]\n', None, ["a", "b"]),
        ("FROM a\n# CMD a\n", None, None),
        ("FROM a\nRUN <<EOF\nCMD a\nEOF\nCMD b\n", None, ["/bin/sh", "-c", "b"]),
        ("FROM a\r\nCMD a\r\n", None, ["/bin/sh", "-c", "a"]),
        ("FROM a\nCMD [a, b]\n", None, ["/bin/sh", "-c", "[a, b]"]),
        ("FROM a AS build\nCMD a\nFROM scratch\n", None, None),
        ("FROM a AS base\nCMD a\nFROM base\n", None, ["/bin/sh", "-c", "a"]),
    ],
)
def test_the_last_stage_tells_the_command(
    text: str, entrypoint: list[str] | None, command: list[str] | None
) -> None:
    assert words(text) == (entrypoint, command)


def test_a_stage_may_be_asked_for() -> None:
    text = "FROM a AS Prod\nCMD a\nFROM a AS dev\nCMD b\n"

    assert [word.value for word in image(text, "prod").command or ()][-1] == "a"


def test_variables_have_values_where_they_are_known() -> None:
    found = image('FROM a\nARG V\nENV A=1 B="x y"\nENV C some text\nENV D=$A E=${V} F=a$A G=\n').environment

    assert {name: text_of(value).replace("\0", "?") for name, value in found.items()} == {
        "A": "1", "B": "x y", "C": "some text", "D": "1", "E": "?", "F": "?", "G": "",
    }  # fmt: skip


def test_a_command_stands_where_it_is_written() -> None:
    text = 'FROM a\nCMD ["a"]\n'

    command = image(text).command

    assert command
    [word] = command
    assert text[word.span.start : word.span.end] == '["a"]'


def test_what_is_copied_is_told() -> None:
    assert image("FROM a\nCOPY --chown=a:b one two /x/\nADD three .\n").copies == ("one", "two", "three")


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("FROM a\nWORKDIR /app\nCOPY side/app ./app\n", "/app/app/main.py", ["side/app/main.py"]),
        ("FROM a\nWORKDIR /app\nCOPY . .\n", "/app/app/main.py", ["app/main.py"]),
        ("FROM a\nWORKDIR /app\nWORKDIR api\nCOPY src/ ./\n", "/app/api/main.py", ["src/main.py"]),
        ("FROM a\nCOPY one.py two.py /app/\n", "/app/two.py", ["two.py", "two.py/two.py", "one.py/two.py"]),
        ("FROM a\nCOPY main.py /app/start.py\n", "/app/start.py", ["main.py"]),
        ('FROM a\nCOPY ["a b", "/app"]\n', "/app/x.py", ["a b/x.py"]),
        ("FROM a\nENV HOME=/code\nWORKDIR $HOME\nADD --chown=a:b x ${HOME}/y\n", "/code/y/z.py", ["x/z.py"]),
        ("FROM a\nCOPY one /app\nCOPY two /app\n", "/app/x.py", ["two/x.py", "one/x.py"]),
        ("FROM a AS b\nCOPY x /app\nFROM c\nCOPY --from=b /app /srv\n", "/srv/m.py", ["x/m.py"]),
        ("FROM a AS b\nWORKDIR /app\nCOPY x .\nFROM scratch\nCOPY --from=b / /\n", "/app/m.py", ["x/m.py"]),
        ("FROM a AS b\nCOPY x /app\nFROM b\n", "/app/m.py", ["x/m.py"]),
        ("FROM a\nCOPY --from=other /app /app\n", "/app/m.py", []),
        ("FROM a\nCOPY x app\n", "/app/m.py", []),
        ("FROM a\nWORKDIR $X\nCOPY x app\n", "/app/m.py", []),
        ("FROM a\nCOPY x /other\n", "/app/m.py", []),
    ],
)
def test_a_file_of_the_image_is_a_copy_of_one_that_is_told(text: str, path: str, expected: list[str]) -> None:
    assert [*image(text).sources_of(path)] == expected


def test_the_image_it_is_made_from_is_told() -> None:
    assert image("FROM python:3.12-slim AS b\nFROM b\n").base == "python:3.12-slim"
    assert image("ARG A\nFROM ${A}\n").base is None
    assert image("FROM a\nWORKDIR /app\n").folder == "/app"
