from collections.abc import Callable

import pytest

from poolcheck.files import Memory
from poolcheck.read.python.syntax.edits import (
    entry_around,
    renamed_argument,
    replaced_argument,
    with_argument,
    with_entry,
    without_argument,
    without_entry,
)
from poolcheck.read.python.syntax.module import Module, Project
from poolcheck.source import Edit, Span, apply


def module(text: str) -> Module:
    found = Project(Memory({"a.py": text.encode()})).module("a.py")
    assert found
    return found


def place(text: str, part: str) -> Span:
    start = text.index(part)
    return Span("a.py", start, start + len(part))


def changed(text: str, part: str, edit: Callable[[Module, Span], Edit | None]) -> str | None:
    """The text after an edit at a part of it."""
    found = edit(module(text), place(text, part))
    return apply(text, [found]) if found else None


@pytest.mark.parametrize(
    ("text", "name", "left"),
    [
        ("f(a, b=1)", "b", "f(a)"),
        ("f(b=1, c=2)", "b", "f(c=2)"),
        ("f(b=1)", "b", "f()"),
        ("f(b=1,)", "b", "f()"),
        ("f(\n    a,\n    b=1,  # one\n    c=2,\n)", "b", "f(\n    a,  # one\n    c=2,\n)"),
        ("f(a, b=g(1, 2), c=2)", "b", "f(a, c=2)"),
        ("x = [f(é, b=1)]", "b", "x = [f(é)]"),
        ("f(a)", "b", None),
        ("f(**b)", "b", None),
    ],
)
def test_an_argument_is_taken_out(text: str, name: str, left: str | None) -> None:
    call = text[text.index("f") : text.rindex(")") + 1]

    assert changed(text, call, lambda module, span: without_argument(module, span, name)) == left


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("f()", "f(b=1)"),
        ("f(a)", "f(a, b=1)"),
        ("f(\n    a,\n    c=2,\n)", "f(\n    a,\n    c=2, b=1,\n)"),
        ("f(**a)", None),
        ("f(*a)", None),
    ],
)
def test_an_argument_is_added(text: str, made: str | None) -> None:
    assert changed(text, text, lambda module, span: with_argument(module, span, "b=1")) == made


def test_an_argument_gets_another_name_or_place() -> None:
    text = "f(a, b=g(1))"

    assert changed(text, text, lambda module, span: renamed_argument(module, span, "b", "c")) == "f(a, c=g(1))"
    moved = changed(text, text, lambda module, span: replaced_argument(module, span, "b", 'c={"b": {}}'))
    assert moved == 'f(a, c={"b": g(1)})'
    assert changed(text, text, lambda module, span: renamed_argument(module, span, "x", "c")) is None
    assert changed(text, text, lambda module, span: replaced_argument(module, span, "x", "c={}")) is None


@pytest.mark.parametrize(
    ("text", "value", "left"),
    [
        ('d = {"a": 1, "b": 2}', "2", 'd = {"a": 1}'),
        ('d = {"a": 1, "b": 2}', "1", 'd = {"b": 2}'),
        ('d = {"a": 1}', "1", "d = {}"),
        ('d = {"x": {"a": 1}, "b": 2}', "1", 'd = {"x": {}, "b": 2}'),
        ("d = dict(a=1, b=2)", "2", "d = dict(a=1)"),
        ("d = 1", "1", None),
        ("d = [1]", "1", None),
        ("d = dict(1)", "1", None),
    ],
)
def test_an_entry_is_taken_out_of_a_dictionary(text: str, value: str, left: str | None) -> None:
    assert changed(text, value, without_entry) == left


@pytest.mark.parametrize(
    ("text", "table", "more"),
    [
        ('f(x={"a": 1})', '{"a": 1}', 'f(x={"a": 1, "b": 2})'),
        ('f(x={"a": 1, **y})', '{"a": 1, **y}', 'f(x={"a": 1, **y, "b": 2})'),
        ('f(x={\n    "a": 1,  # one\n})', '{\n    "a": 1,  # one\n}', 'f(x={\n    "a": 1, "b": 2,  # one\n})'),
        ("f(x={})", "{}", 'f(x={"b": 2})'),
        ("f(x=dict(a=1))", "dict(a=1)", None),
    ],
)
def test_an_entry_is_put_behind_the_others(text: str, table: str, more: str | None) -> None:
    assert changed(text, table, lambda module, span: with_entry(module, span, '"b": 2')) == more


def test_the_entry_around_a_value_is_found_by_its_key() -> None:
    text = 'd = {"x": {"OPTIONS": {"a": 1}}}'

    assert entry_around(module(text), place(text, "1"), "OPTIONS") == place(text, '"OPTIONS": {"a": 1}')
    assert entry_around(module(text), place(text, "1"), "other") is None


def test_what_is_no_call_is_not_edited() -> None:
    text = "a = b"

    assert changed(text, "b", lambda module, span: with_argument(module, span, "c=1")) is None
    assert changed(text, "b", lambda module, span: without_argument(module, span, "c")) is None
    assert changed(text, "b", lambda module, span: renamed_argument(module, span, "c", "d")) is None
    assert changed(text, "b", lambda module, span: replaced_argument(module, span, "c", "d")) is None
