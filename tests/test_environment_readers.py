"""What reads environment variables, and what is made of them."""

import libcst as cst
import pytest

from poolcheck.files import Memory
from poolcheck.read.python.syntax.module import Project
from poolcheck.read.python.syntax.trees import walk
from poolcheck.read.python.values.evaluate import evaluate
from poolcheck.read.python.values.scope import Scope
from poolcheck.source import Span
from poolcheck.value import Known, Table, Value, resolve, text_of

UNKNOWN = "unknown"
IMPORTS = """
import configparser
import environ
import json
import os
import tomllib
import yaml
import decouple
import dj_database_url
from decouple import config
from dynaconf import Dynaconf
from environs import Env
from os import environ as variables, getenv
from starlette.config import Config
from starlette.datastructures import Secret
"""


def used(text: str) -> Value:
    """What the argument of `use(…)`, which is in the last statement, is worth."""
    files = {"app.py": f"{IMPORTS}{text}\n".encode()}
    module = Project(Memory(files), [*files]).module("app.py")
    assert module
    ((tree, statement),) = module.statements(module.pieces[-1])
    for node in walk(statement):
        if isinstance(node, cst.Call) and isinstance(node.func, cst.Name) and node.func.value == "use":
            return evaluate(node.args[0].value, Scope(module, tree))
    raise AssertionError("nothing is used")


def worth(text: str, **variables: str) -> object:
    """The value of what is used where these variables are set."""
    known = {name: Known(written, (Span("pod.yaml", 0, 0),)) for name, written in variables.items()}
    value = resolve(used(text), known.get)
    return value.scalar if isinstance(value, Known) else UNKNOWN


@pytest.mark.parametrize(
    ("expression", "by_default", "of_7"),
    [
        ("os.environ['X']", UNKNOWN, "7"),
        ("os.environ.get('X')", None, "7"),
        ("os.environ.get('X', '5')", "5", "7"),
        ("os.getenv(key='X', default='5')", "5", "7"),
        ("getenv('X')", None, "7"),
        ("variables['X']", UNKNOWN, "7"),
        ("variables.setdefault('X', '5')", "5", "7"),
        ("int(os.getenv('X', '5'))", 5, 7),
        ("int(os.getenv('X') or 5)", 5, 7),
        ("float(os.getenv('X', 5))", 5.0, 7.0),
        ("int(os.getenv('X', '5')) * 2", 10, 14),
        ("max(int(os.getenv('X', '5')), 6)", 6, 7),
        ("bool(os.getenv('X'))", False, True),
        ("os.getenv('X', 'false').lower() == 'true'", False, False),
        ("os.getenv('X', 'True').lower() in ('1', 'true')", True, False),
        ("os.getenv('X') in {'7', 'yes'}", False, True),
        ("os.getenv('X') is not None", False, True),
        ("'X' in os.environ", False, True),
        ("os.environ['X'] if 'X' in os.environ else '5'", "5", "7"),
        ("5 if os.getenv('X') is None else int(os.getenv('X'))", 5, 7),
        ("int(os.getenv('Y', os.getenv('X', '5')))", 5, 7),
        ("config('X', default=5, cast=int)", 5, 7),
        ("config('X', '5')", "5", "7"),
        ("config('X', cast=float)", UNKNOWN, 7.0),
        ("decouple.config('X', default='', cast=bool)", UNKNOWN, UNKNOWN),
    ],
)
def test_a_variable_and_its_default(expression: str, by_default: object, of_7: object) -> None:
    assert worth(f"use({expression})") == by_default
    assert worth(f"use({expression})", X="7") == of_7


@pytest.mark.parametrize(
    ("made", "expression", "variable"),
    [
        ("env = Env()", "env.int('X', 5)", "X"),
        ("env = Env()\nenv.read_env()", "env.int('X', default=5)", "X"),
        ("env = Env(prefix='A_')", "env.int('X', 5)", "A_X"),
        ("env = environ.Env()", "env.int('X', default=5)", "X"),
        ("env = environ.Env(X=(int, 5))", "env('X')", "X"),
        ("env = environ.Env(X=(int, 9))", "env('X', default=5)", "X"),
        ("env = environ.FileAwareEnv()", "env('X', cast=int, default=5)", "X"),
        ("env = Config('.env')", "env('X', cast=int, default=5)", "X"),
        ("env = Config(env_prefix='A_')", "env('X', int, 5)", "A_X"),
        ("env = decouple.Config(decouple.RepositoryEnv('.env'))", "env('X', default=5, cast=int)", "X"),
        ("env = decouple.AutoConfig(search_path='.')", "env('X', cast=int, default=5)", "X"),
    ],
)
def test_an_object_that_reads_variables(made: str, expression: str, variable: str) -> None:
    text = f"{made}\nuse({expression})"

    assert worth(text) == 5
    assert worth(text, **{variable: "7"}) == 7
    assert worth(text, **{variable: "many"}) == UNKNOWN


def test_a_prefix_may_hold_for_a_block() -> None:
    text = "env = Env()\nwith env.prefixed('A_'), env.prefixed('B_'):\n    use(env.int('X', 5))"

    assert worth(text, A_B_X="7", X="9") == 7


def test_a_database_of_django_is_taken_out_of_a_url() -> None:
    for text in (
        "env = environ.Env()\nuse(env.db('X', default='postgres://u:p@h:6432/d'))",
        "use(dj_database_url.config(env='X', default='postgres://u:p@h:6432/d', conn_max_age=600))",
    ):
        value = resolve(used(text), lambda _: None)
        assert isinstance(value, Table)
        found = {key: text_of(item) for key, item in value.items}
        assert found["ENGINE"] == "django.db.backends.postgresql"
        assert (found["HOST"], found["PORT"], found["NAME"], found["USER"]) == ("h", "6432", "d", "u")
        assert found.get("CONN_MAX_AGE", "600") == "600"


@pytest.mark.parametrize(
    "text",
    [
        "settings = Dynaconf(settings_files=['a.toml'])\nuse(settings.POOL_SIZE)",
        "settings = Dynaconf()\nuse(settings.get('POOL_SIZE', 5))",
        "parser = configparser.ConfigParser()\nparser.read('a.ini')\nuse(parser['db']['size'])",
        "parser = configparser.ConfigParser()\nuse(parser.getint('db', 'size', fallback=5))",
        "settings = yaml.safe_load(open('a.yaml'))\nuse(settings['db']['size'])",
        "settings = tomllib.load(file)\nuse(settings.get('size', 5))",
        "settings = json.loads(text)\nuse(settings.get('size', 5))",
        "use(os.getenv(NAME, '5'))",
        "use(os.getenv(*names))",
        "use(config('X', default=5, cast=my_cast))",
        "env = Env(prefix=PREFIX)\nuse(env.int('X', 5))",
        "env = environ.Env()\nenv.prefix = 'A_'\nuse(env.int('X', default=5))",
        "env = Env()\nuse(env.list('X', [5]))",
        "use(getenv)",
    ],
)
def test_what_is_read_from_elsewhere_is_not_known(text: str) -> None:
    assert worth(text, X="7", A_X="7", POOL_SIZE="7") == UNKNOWN
