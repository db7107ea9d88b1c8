import pytest

from poolcheck.files import Memory
from poolcheck.read.python.running.scripts import is_for_a_person, is_script
from poolcheck.read.python.syntax.module import Module, Project


def module(text: str) -> Module:
    found = Project(Memory({"a.py": text.encode()})).module("a.py")
    assert found
    return found


@pytest.mark.parametrize(
    "text", ["import argparse\n", "from click import command\n", "x = input()\n", "import sys\nprint(sys.argv)\n"]
)
def test_a_program_for_the_command_line_is_for_a_person(text: str) -> None:
    assert is_for_a_person(module(text))
    assert is_script(module(text))


@pytest.mark.parametrize(
    "text", ["session.commit()\n", "cursor.execute('SELECT 1')\n", "with engine.begin() as c:\n    pass\n"]
)
def test_what_works_as_soon_as_it_is_loaded_is_a_script(text: str) -> None:
    assert is_script(module(text))
    assert not is_for_a_person(module(text))


@pytest.mark.parametrize("text", ["def f():\n    session.commit()\n", "form.input()\n", "# session.commit()\n"])
def test_a_module_of_an_application_is_none(text: str) -> None:
    assert not is_script(module(text))
