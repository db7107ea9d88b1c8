from collections.abc import Mapping
from contextlib import nullcontext
from copy import deepcopy
from functools import partial
from textwrap import indent
from typing import cast

import libcst as cst
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poolcheck.files import Memory
from poolcheck.functions import Scalar
from poolcheck.read.python.syntax.module import Project
from poolcheck.read.python.syntax.trees import children
from poolcheck.read.python.values.evaluate import evaluate
from poolcheck.read.python.values.scope import Class, Scope
from poolcheck.source import Span
from poolcheck.value import (
    Computed,
    Either,
    EnvRef,
    Known,
    Table,
    Unknown,
    Value,
    resolve,
    scalars_of,
    text_of,
)

UNKNOWN = "unknown"


def used(text: str, others: Mapping[str, str] | None = None) -> Value:
    """What the argument of `use(…)` in app/db.py is worth."""
    files = {"app/__init__.py": "", "app/db.py": text, **(others or {})}
    project = Project(Memory({path: written.encode() for path, written in files.items()}))
    module = project.module("app/db.py")
    assert module
    for piece in module.pieces:
        owner = Class(module, piece.scope) if piece.scope else None
        for tree, statement in module.statements(piece):
            for call, scope in _calls(statement, Scope(module, tree, owner=owner)):
                if isinstance(call.func, cst.Name) and call.func.value == "use":
                    return evaluate(call.args[0].value, scope)
    raise AssertionError("nothing is used")


def _calls(node: cst.CSTNode, scope: Scope) -> list[tuple[cst.Call, Scope]]:
    within = scope.inside(node) if isinstance(node, cst.FunctionDef) else scope
    found = [(node, scope)] if isinstance(node, cst.Call) else []
    return found + [call for child in children(node) for call in _calls(child, within)]


def worth(text: str, others: Mapping[str, str] | None = None) -> object:
    """The value of what is used, in short: a scalar, a dictionary, a list for one of several; or UNKNOWN."""
    return short(used(text, others))


def short(value: Value) -> object:
    match value:
        case Known(scalar, _):
            return scalar
        case Table(items, is_complete, _):
            return {key: short(item) for key, item in items} | ({} if is_complete else {"…": UNKNOWN})
        case Either(options, _):
            return [short(option) for option in options]
        case Computed("join", _, _):
            return text_of(value)
        case EnvRef(name, default, _):
            return f"${name}", None if default is None else short(default)
        case _:
            return UNKNOWN


def in_environment(value: Value, **variables: str) -> object:
    """The value of what is used where these variables are set."""
    known = {name: Known(text, (Span("pod.yaml", 0, 0),)) for name, text in variables.items()}
    return short(resolve(value, known.get))


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("5", 5),
        ("1_000", 1000),
        ("0x10", 16),
        ("30.5", 30.5),
        ("-1", -1),
        ("None", None),
        ("True", True),
        ("'postgresql://db'", "postgresql://db"),
        ("'postgresql://' 'db'", "postgresql://db"),
        ("('postgresql://' + 'db')", "postgresql://db"),
        ("r'\\d'", "\\d"),
        ("60 * 60", 3600),
        ("10 // 3 + 2", 5),
        ("10 % 3", 1),
        ("not True", False),
        ("[1, 2][0]", 1),
        ("(1, 2)[-1]", 2),
        ("7 / 2", 3.5),
        ("max(20 - 5, 0)", 15),
        ("min(1, 2)", 1),
        ("int('20')", 20),
        ("float('2.5')", 2.5),
        ("str(5432)", "5432"),
        ("'POSTGRES://DB'.lower()", "postgres://db"),
        ("'postgres://db'.replace('postgres://', 'postgresql://', 1)", "postgresql://db"),
        ("0 or 5", 5),
        ("f'postgresql://{\"db\"}:{5432}/{{x}}'", "postgresql://db:5432/{x}"),
        ("'postgresql://{}:{}/{{x}}'.format('db', 5432)", "postgresql://db:5432/{x}"),
        ("'{1}{0}{name}'.format('a', 'b', name='c')", "bac"),
        ("'{a}{b}'.format(**{'a': 1, 'b': 2})", "12"),
        ("'postgresql://%s:%d/100%%' % ('db', 5432)", "postgresql://db:5432/100%"),
        ("'host=%s' % 'db'", "host=db"),
        ("'%(host)s:%(port)s' % {'host': 'db', 'port': 5432}", "db:5432"),
    ],
)
def test_what_is_written_out_is_worked_out(expression: str, value: object) -> None:
    assert worth(f"use({expression})") == value


@pytest.mark.parametrize(
    "expression",
    [
        "b'bytes'",
        "2 ** 10",
        "1 << 4",
        "size",
        "x > 5",
        "int('many')",
        "1 / 0",
        "int(*args)",
        "os.getenv('SIZE')",
        "(lambda: 5)()",
        "getattr(config, 'size')",
        "'a' * 1000000000",
        "9" * 5000,
        "'\\N{no such character}'",
        "f'{5:03}'[0]",
        "'{:03}'.format(5)[0]",
        "'{}'.format(*hosts)",
        "name.format('db')",
        "name % 'db'",
    ],
)
def test_what_cannot_be_told_is_unknown(expression: str) -> None:
    assert worth(f"use({expression})") == UNKNOWN


def test_an_invalid_escape_in_a_string_is_not_complained_of(recwarn: pytest.WarningsRecorder) -> None:
    assert worth("use('\\d')") == "\\d"
    assert not recwarn.list


def test_a_name_stands_for_what_it_is_bound_to() -> None:
    assert worth("SIZE = 20\nuse(SIZE)") == 20
    assert worth("SIZE: int = 20\nuse(SIZE)") == 20
    assert worth("LOW, HIGH = 5, 20\nuse(HIGH)") == 20
    assert worth("def pool():\n    size = 20\n    use(size)") == 20
    assert worth("def pool():\n    if (size := 20):\n        use(size)") == 20


def test_a_value_knows_every_place_it_came_through() -> None:
    text = "SIZE = 20\nuse(SIZE)"

    value = used(text)

    assert [text[place.start : place.end] for place in value.places] == ["SIZE", "20"]


def test_a_name_that_is_bound_twice_is_one_of_both() -> None:
    assert worth("if DEBUG:\n    SIZE = 1\nelse:\n    SIZE = 20\nuse(SIZE)") == [1, 20]
    assert worth("use(1 if DEBUG else 20)") == [1, 20]


@pytest.mark.parametrize(
    "text",
    [
        "SIZE = 5\nSIZE += workers\nuse(SIZE)",
        "SIZE = 5\nfor SIZE in range(9):\n    use(SIZE)",
        "SIZE = 5\ndel SIZE\nuse(SIZE)",
        "url = 5\npools = [use(url) for url in urls]",
        "url = 5\nmake = lambda url: use(url)",
        "size = 5\ndef pool(size):\n    use(size)",
        "def pool(size=5):\n    use(size)",
        "def pool(*, size: int = 5):\n    use(size)",
        "try:\n    from local import SIZE\nexcept ImportError:\n    SIZE = 5\nuse(SIZE)",
        "SIZE = 5\ndef grow():\n    global SIZE\n    SIZE += 1\nuse(SIZE)",
        "SIZE = 5\ndef grow():\n    def more():\n        global SIZE\n        SIZE = n\nuse(SIZE)",
        "with connect() as SIZE:\n    use(SIZE)",
    ],
)
def test_a_name_that_may_stand_for_something_else_is_not_known(text: str) -> None:
    assert scalars_of(used(text)) is None


def test_a_name_in_what_it_is_bound_to_stands_for_what_it_was_before() -> None:
    text = 'url = "postgres://db"\nif OLD:\n    url = url.replace("postgres:", "postgresql:", 1)\nuse(url)'

    assert worth(text) == ["postgresql://db", "postgres://db"]


@pytest.mark.parametrize(
    "text",
    [
        "a = 1\nfor _ in x:\n    a = a + 1\nuse(a)",
        "def f():\n    a = 1\n    while x:\n        if y:\n            a = a + 1\n    use(a)",
        "a = 1\nd = {}\nfor _ in x:\n    d['a'] = a\n    a = a + 1\nuse(d['a'])",
        "d = {}\nfor _ in x:\n    use(d['a'])\n    d['a'] = 1",
    ],
)
def test_what_changes_in_a_loop_is_not_known(text: str) -> None:
    assert scalars_of(used(text)) is None


def test_constants_of_other_modules_are_followed() -> None:
    others = {"app/config.py": "from app.limits import SIZE as MOST\nPOOL = MOST", "app/limits.py": "SIZE = 20"}

    assert worth("from app.config import POOL\nuse(POOL)", others) == 20
    assert worth("from .config import POOL\nuse(POOL)", others) == 20
    assert worth("from app import config\nuse(config.POOL)", others) == 20
    assert worth("import app.config\nuse(app.config.POOL)", others) == 20
    assert worth("def pool():\n    from app.config import POOL\n    use(POOL)", others) == 20
    assert worth("from app.config import *\nuse(POOL)", others) == 20


def test_a_fallback_for_a_module_of_the_project_is_one_of_both() -> None:
    text = "try:\n    from app.local import SIZE\nexcept ImportError:\n    SIZE = 5\nuse(SIZE)"

    assert worth(text, {"app/local.py": "SIZE = 50"}) == [5, 50]


def test_names_outside_the_project_are_not_known() -> None:
    assert worth("from django.conf import settings\nuse(settings.POOL_SIZE)") == UNKNOWN
    assert worth("from somewhere import *\nuse(SIZE)") == UNKNOWN


def test_attributes_of_classes_and_objects_are_followed() -> None:
    config = "class Config:\n    SIZE = 20\n    TWICE = SIZE * 2\n    URL: str = 'postgresql://db'\n"

    assert worth(f"{config}use(Config.SIZE)") == 20
    assert worth(f"{config}use(Config().TWICE)") == 40
    assert worth(f"{config}config = Config()\nuse(config.URL)") == "postgresql://db"
    assert worth(f"{config}class Prod(Config):\n    pass\nuse(Prod.SIZE)") == 20
    assert worth("from app.config import Config\nuse(Config.SIZE)", {"app/config.py": config}) == 20


def test_attributes_that_methods_assign_are_followed() -> None:
    text = (
        "class Db:\n    def __init__(self):\n        self.size = 20\n    def pool(self):\n        use(self.size)"
    )

    assert worth(text) == 20


def test_an_attribute_that_is_an_argument_of_the_constructor_is_not_known() -> None:
    text = (
        "class Db:\n    def __init__(self, size=20):\n        self.size = size\n"
        "    def pool(self):\n        use(self.size)"
    )

    assert worth(text) == UNKNOWN


@pytest.mark.parametrize(
    "heading",
    ["@dataclass\nclass Config:", "from pydantic import BaseModel\nclass Config(BaseModel):"],
)
def test_a_field_has_its_default_where_the_object_is_made_without_arguments(heading: str) -> None:
    text = f"{heading}\n    size: int = 20\n    def pool(self):\n        return self.size\n"

    assert worth(f"{text}config = Config()\nuse(config.size)") == 20
    assert worth(f"{text}config = Config(size=5)\nuse(config.size)") == 5
    assert worth(f"{text}config = Config()\nuse(config.pool())") == 20


def test_defaults_in_a_call_of_field_are_found() -> None:
    text = "@dataclass\nclass Config:\n    size: int = field(default=20)\nuse(Config().size)"

    assert worth(text) == 20


@pytest.mark.parametrize("module", ["pydantic_settings", "pydantic", "pydantic.v1"])
def test_fields_of_settings_are_variables_with_defaults(module: str) -> None:
    text = f"from {module} import BaseSettings\nclass S(BaseSettings):\n    url: str = 'x'\nuse(S().url)"

    assert worth(text) == ("$URL", "x")


SETTINGS = """
from pydantic_settings import BaseSettings, SettingsConfigDict
class Base(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="SHOP_", env_file=".env")
class Settings(Base):
    model_config = SettingsConfigDict(extra="ignore")
    url: str
    size: int = 20
    recycle: float = Field(default=1800.0, ge=0)
    host: str = Field("db", validation_alias="DB_HOST")
    either: str = Field("db", validation_alias=AliasChoices("A", "B"))
    late: str = Field(default_factory=make)
    @property
    def dsn(self) -> str:
        return f"postgresql://{self.host}/{self.size}"
"""


def test_the_prefix_of_settings_is_inherited_and_numbers_are_converted() -> None:
    value = used(f"{SETTINGS}use(Settings().size)")

    assert in_environment(value) == 20
    assert in_environment(value, SHOP_SIZE="50") == 50
    assert in_environment(value, SIZE="50") == 20


def test_settings_that_must_be_set_are_not_known_without_the_variable() -> None:
    value = used(f"{SETTINGS}use(Settings().url)")

    assert in_environment(value) == UNKNOWN
    assert in_environment(value, SHOP_URL="postgresql://db") == "postgresql://db"


def test_an_alias_has_no_prefix() -> None:
    value = used(f"{SETTINGS}use(Settings().host)")

    assert in_environment(value, SHOP_HOST="no", DB_HOST="yes") == "yes"


def test_of_several_aliases_the_first_that_is_set_counts() -> None:
    value = used(f"{SETTINGS}use(Settings().either)")

    assert in_environment(value) == "db"
    assert in_environment(value, B="b") == "b"
    assert in_environment(value, A="a", B="b") == "a"


def test_a_default_that_a_function_makes_which_is_not_seen_is_not_known() -> None:
    assert short(resolve(used(f"{SETTINGS}use(Settings().late)"), lambda _: None)) == UNKNOWN


def test_properties_and_cached_functions_of_settings_are_followed() -> None:
    text = f"{SETTINGS}\n@lru_cache\ndef get_settings():\n    return Settings()\nuse(get_settings().dsn)"

    assert in_environment(used(text), DB_HOST="pg", SHOP_SIZE="7") == "postgresql://pg/7"


def test_the_prefix_of_pydantic_1_is_found_in_its_config_class() -> None:
    text = (
        "from pydantic import BaseSettings\nclass Settings(BaseSettings):\n    size: int = 5\n"
        "    class Config:\n        env_prefix = 'SHOP_'\nuse(Settings().size)"
    )

    assert in_environment(used(text), SHOP_SIZE="7") == 7


def test_a_prefix_is_found_in_a_config_with_a_type() -> None:
    config = "model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(env_prefix='SHOP_')"
    text = (
        f"from pydantic_settings import BaseSettings\nclass Settings(BaseSettings):\n    {config}\n"
        "    size: int = 5\nuse(Settings().size)"
    )

    assert in_environment(used(text), SHOP_SIZE="7") == 7


def test_a_prefix_that_is_not_known_leaves_the_variable_unknown() -> None:
    text = (
        "from pydantic_settings import BaseSettings\nclass Settings(BaseSettings):\n"
        "    model_config = SettingsConfigDict(env_prefix=PREFIX)\n    size: int = 5\nuse(Settings().size)"
    )

    assert worth(text) == UNKNOWN


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("os.environ['SIZE']", ("$SIZE", None)),
        ("os.environ.get('SIZE')", ("$SIZE", None)),
        ("os.getenv('SIZE', '5')", ("$SIZE", "5")),
        ("os.getenv('SIZE', default='5')", ("$SIZE", "5")),
        ("getenv('SIZE', '5')", ("$SIZE", "5")),
        ("environ['SIZE']", ("$SIZE", None)),
    ],
)
def test_variables_are_read_from_the_environment(expression: str, value: object) -> None:
    assert worth(f"import os\nfrom os import environ, getenv\nuse({expression})") == value


def test_a_variable_is_converted_once_it_is_known() -> None:
    value = used("import os\nSIZE = int(os.getenv('SIZE', '5'))\nuse(SIZE * 2)")

    assert in_environment(value) == 10
    assert in_environment(value, SIZE="20") == 40
    assert in_environment(value, SIZE="many") == UNKNOWN


def test_the_first_true_value_counts() -> None:
    value = used("import os\nuse(os.getenv('URL') or 'postgresql://db')")

    assert in_environment(value) == "postgresql://db"
    assert in_environment(value, URL="postgresql://pg") == "postgresql://pg"


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("url.startswith('postgresql')", True),
        ("url.startswith('postgresql+asyncpg')", False),
        ("url.startswith('sqlite')", False),
        ("url.startswith('postgresql://shop')", UNKNOWN),
        ("'sql' in url", True),
        ("'sqlite' in url", UNKNOWN),
        ("url.endswith('orders')", UNKNOWN),
        ("whole.startswith('postgresql://db')", True),
        ("whole.startswith('postgresql://db2')", False),
        ("whole == 'postgresql://db/orders'", True),
        ("whole.endswith('/orders')", True),
        ("whole.replace('db', 'pg').endswith('/orders')", True),
        ("whole.split('://')[0] == 'postgresql'", True),
        ("'sqlite' in whole", False),
    ],
)
def test_questions_about_a_text_are_answered_as_far_as_it_is_known(question: str, answer: object) -> None:
    text = "HOST = 'db'\nurl = f'postgresql://{who()}@db/orders'\nwhole = f'postgresql://{HOST}/orders'\n"

    assert worth(f"{text}use({question})") == answer


def test_a_url_shows_what_is_known_of_it() -> None:
    value = used("import os\nuse(f\"postgresql://{os.environ['USER']}:{secret()}@db:{5432}/shop\")")

    assert text_of(value) == "postgresql://\0:\0@db:5432/shop"


@pytest.mark.parametrize(
    "expression",
    [
        "'host={} port={:>5} dbname={}'.format('db', 1, name)",
        "'host={} port={!r} dbname={}'.format('db', 1)",
        "'host={host} port={port.x} dbname={name}'.format(host='db')",
        "'host=%s port=%5d dbname=%s' % ('db', 1, name)",
        "'host=%(host)s port=%(port)s dbname=%(name)s' % {'host': 'db'}",
    ],
)
def test_a_text_that_values_are_put_into_shows_what_is_known_of_it(expression: str) -> None:
    assert text_of(used(f"use({expression})")).startswith("host=db port=\0")


def test_a_text_that_is_no_format_is_unknown() -> None:
    assert text_of(used("use('{'.format(1))")) == "\0"


def test_urls_that_sqlalchemy_makes_are_read_like_texts() -> None:
    text = (
        "from sqlalchemy import URL, make_url\n"
        "url = URL.create('postgresql+asyncpg', username='shop', host='db', port=6432, database='orders')\n"
        "use(make_url(url))"
    )

    assert text_of(used(text)) == "postgresql+asyncpg://shop@db:6432/orders"


URLS = """
import os
from sqlalchemy import URL, make_url
from urllib.parse import quote_plus, urlparse, urlsplit, urlunparse, urlunsplit
import yarl
url = make_url("postgresql://shop:secret@db:5432/orders?sslmode=require")
parts = urlparse("postgresql://shop@db:5432/orders?sslmode=require")
"""


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        (
            "url.set(drivername='postgresql+asyncpg')",
            "postgresql+asyncpg://shop:secret@db:5432/orders?sslmode=require",
        ),
        ("url.set(database='other', query={})", "postgresql://shop:secret@db:5432/other"),
        ("url.set(host='pg', port=6432)", "postgresql://shop:secret@pg:6432/orders?sslmode=require"),
        ("url.set(port=None, password='x')", "postgresql://shop:secret@db/orders?sslmode=require"),
        ("url.set(username=who(), database='x')", "postgresql://shop:secret@db:5432/x?sslmode=require"),
        ("url.set(query={'a': 'b'})", "postgresql://shop:secret@db:5432/orders?a=b"),
        ("url.set(query=more())", "postgresql://shop:secret@db:5432/orders?\0"),
        ("url.set(host=where())", "\0"),
        ("url.set(colour='red')", "\0"),
        ("urlunparse(parts._replace(query=''))", "postgresql://shop@db:5432/orders"),
        ("urlunsplit(parts._replace(scheme='postgres'))", "postgres://shop@db:5432/orders?sslmode=require"),
        ("parts._replace(path='/other').geturl()", "postgresql://shop@db:5432/other?sslmode=require"),
        ("urlunparse((parts.scheme, parts.netloc, '/x', '', '', ''))", "postgresql://shop@db:5432/x"),
        ("urlunsplit(['postgresql', 'db', 'x', 'a=b', ''])", "postgresql://db/x?a=b"),
        ("urlunsplit(('postgresql', 'db'))", "\0"),
        ("urlunparse(somewhere)", "\0"),
        (
            "yarl.URL.build(scheme='postgresql', host='db', port=5432, user='u', path='/x')",
            "postgresql://u@db:5432/x",
        ),
        ("str(yarl.URL('postgresql://db/x').with_path('/y'))", "postgresql://db/y"),
        ("make_url('postgresql://db').set(database='x')", "postgresql://db/x"),
        ("make_url(f'postgresql://{who()}@db/x?a=b').set(database='y')", "postgresql://\0@db/y?a=b"),
        ("make_url('nowhere').set(database='y')", "\0"),
        ("'//'.join(['postgresql:', 'db'])", "postgresql://db"),
        ("f'postgresql://{quote_plus(\"a b\")}@db/x'", "postgresql://a+b@db/x"),
        ("URL.create('postgresql', 'u', 'p', 'db', 5432, 'x')", "postgresql://u@db:5432/x"),
        ("URL.create('postgresql', host='db', query={'a': 'b', 'c': 'd'})", "postgresql://db?a=b&c=d"),
        ("URL.create('postgresql', host='db', query=dict(x))", "postgresql://db?\0"),
        ("URL.create(*parts)", "\0"),
        ("URL(drivername='postgresql', host='db', username='u', database='x', query={})", "postgresql://u@db/x"),
        ("url.host", "db"),
        ("url.render_as_string(hide_password=False)", "postgresql://shop:secret@db:5432/orders?sslmode=require"),
    ],
)
def test_urls_that_are_put_together_or_changed_are_followed(expression: str, value: str) -> None:
    assert text_of(used(f"{URLS}use({expression})")) == value


def test_a_url_is_changed_once_the_variables_in_it_are_known() -> None:
    value = used(f"{URLS}use(make_url(os.environ['URL']).set(database='x', port=1))")

    assert in_environment(value, URL="postgresql://db:5432/y?a=b") == "postgresql://db:1/x?a=b"
    assert in_environment(value, URL="nonsense") == UNKNOWN
    assert text_of(resolve(value, lambda _: None)) == "\0"


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("{'a': 1, 'b': 2}", {"a": 1, "b": 2}),
        ("{'a': 1, **{'a': 2}}", {"a": 2}),
        ("{**BASE, 'a': 5}", {"a": 5, "b": 2}),
        ("BASE | {'b': 5}", {"a": 1, "b": 5}),
        ("dict(a=1)", {"a": 1}),
        ("dict(BASE, b=5)", {"a": 1, "b": 5}),
        ("BASE.copy()", {"a": 1, "b": 2}),
        ("{'a': 1, **other}", {"…": UNKNOWN}),
        ("{**other, 'a': 1}", {"a": 1, "…": UNKNOWN}),
        ("{'a': 1, key: 2}", {"…": UNKNOWN}),
        ("BASE['a']", 1),
        ("BASE.get('a', 5)", 1),
        ("BASE.get('c', 5)", 5),
        ("BASE['c']", UNKNOWN),
        ("{**other}.get('c', 5)", UNKNOWN),
    ],
)
def test_dictionaries_are_put_together(expression: str, value: object) -> None:
    assert worth(f"BASE = {{'a': 1, 'b': 2}}\nuse({expression})") == value


@pytest.mark.parametrize(
    ("change", "value"),
    [
        ("d['b'] = 2", {"a": 1, "b": 2}),
        ("d['a'] = 2", {"a": 2}),
        ("d.update(b=2)", {"a": 1, "b": 2}),
        ("d.update({'b': 2}, c=3)", {"a": 1, "b": 2, "c": 3}),
        ("d |= {'b': 2}", [{"a": 1}, {"a": 1, "b": 2}]),
        ("d.setdefault('a', 2)", {"a": 1}),
        ("d.setdefault('b', 2)", {"a": 1, "b": 2}),
        ("d.pop('a')", {}),
        ("a = d.pop('a', None)", [{"a": 1}, {}]),
        ("a = d.get('a')", {"a": 1}),
        ("if PG:\n        d['b'] = 2", [{"a": 1}, {"a": 1, "b": 2}]),
        ("if PG:\n        d.update(a=2)\n    else:\n        d['a'] = 3", [{"a": 1}, {"a": 2}, {"a": 3}]),
        ("with lock:\n        d['b'] = 2", {"a": 1, "b": 2}),
        ("d[key] = 2", {"…": UNKNOWN}),
        ("d.update(other)", {"…": UNKNOWN}),
        ("d.clear()", {"…": UNKNOWN}),
        ("del d['a']", {"…": UNKNOWN}),
        ("fill(d)", {"…": UNKNOWN}),
        ("d['b']: int = 2", {"…": UNKNOWN}),
        ("d['b'] += 2", {"…": UNKNOWN}),
        ("d['a'].append(2)", {"a": 1}),
        ("def fill():\n        d['b'] = 2", [{"a": 1}, {"…": UNKNOWN}]),
        ("e = {'a': 2}\n    e['a'] = 3", {"a": 1}),
    ],
)
def test_a_dictionary_is_what_was_made_of_it(change: str, value: object) -> None:
    function = f"def pool():\n    d = {{'a': 1}}\n    {change}\n    use(d)\n    d['late'] = 1\n"
    module = f"d = {{'a': 1}}\n{change}\nuse(d)\nd['late'] = 1\n".replace("\n    ", "\n")

    assert worth(function) == value
    assert worth(module) == value


@pytest.mark.parametrize(
    ("change", "value"),
    [
        ("d['in']['a'] = 2", {"in": {"a": 2}}),
        ("d['in']['b'] = 2", {"in": {"a": 1, "b": 2}}),
        ("d['in'].update(b=2)", {"in": {"a": 1, "b": 2}}),
        ("d['in'].setdefault('b', 2)", {"in": {"a": 1, "b": 2}}),
        ("d['in'].pop('a')", {"in": {}}),
        ("d['in']['a']['x'] = 2", {"in": {"…": UNKNOWN}}),
        ("d['new']['a'] = 2", {"…": UNKNOWN}),
        ("d[key]['a'] = 2", {"…": UNKNOWN}),
        ("d['in'][1:] = 2", {"…": UNKNOWN}),
        ("d['in'].clear()", {"…": UNKNOWN}),
        ("d['in'] |= other", {"…": UNKNOWN}),
        ("d['in']['a'] += 1", {"…": UNKNOWN}),
        ("if a:\n    d['in']['a'] = 2", [{"in": {"a": 1}}, {"in": {"a": 2}}]),
    ],
)
def test_a_dictionary_inside_of_a_dictionary_is_what_was_made_of_it(change: str, value: object) -> None:
    made = f"d = {{'in': {{'a': 1}}}}\n{change}\n"

    assert worth(f"{made}use(d)") == value
    assert worth("from app.config import d\nuse(d)", {"app/config.py": made}) == {"…": UNKNOWN}


def test_a_dictionary_of_another_module_may_be_changed_in_either() -> None:
    others = {"app/config.py": "OPTIONS = {'a': 1}\n"}

    assert worth("from app.config import OPTIONS\nuse(OPTIONS)", others) == {"a": 1}
    assert worth("from app.config import OPTIONS\nOPTIONS['a'] = 2\nuse(OPTIONS)", others) == {"…": UNKNOWN}
    changed = {"app/config.py": "OPTIONS = {'a': 1}\nOPTIONS.update(a=2)\n"}
    assert worth("from app.config import OPTIONS\nuse(OPTIONS)", changed) == {"…": UNKNOWN}


def test_a_dictionary_in_an_attribute_may_be_changed_in_any_method() -> None:
    made = (
        "class Db:\n    def __init__(self):\n        self.options = {'a': 1}\n"
        "    def pool(self):\n        use(self.options)\n"
    )

    assert worth(made) == {"a": 1}
    assert worth(f"{made}    def more(self):\n        self.options['a'] = 2\n") == {"…": UNKNOWN}


def test_a_function_is_worth_what_it_returns() -> None:
    assert worth("def size():\n    return 20\nuse(size())") == 20
    assert worth("def size():\n    if BIG:\n        return 20\n    return 5\nuse(size())") == [20, 5]
    assert worth("async def size():\n    return 20\nasync def f():\n    use(await size())") == 20
    assert worth("def size():\n    yield 20\n    return 5\nuse(size())") == UNKNOWN


@pytest.mark.parametrize(
    "text",
    [
        "use(A)\nA = B\nB = A",
        "use(A)\nA = B + B\nB = A + A",
        "use(a.url)\na = b.x\nb = a.y",
        "def f(n):\n    if n:\n        return f(1)\n    if m:\n        return f(2)\n    return f(0)\nuse(f(3).x)",
        "class A(B):\n    pass\nclass B(A):\n    pass\nuse(A().url)",
        "class A:\n    def __init__(self):\n        self.x = self.x.y\n        use(self.x.url)",
        "from app.db import A\nuse(A)",
        "from app.db import *\nuse(A)",
        "A0 = 1\n" + "".join(f"A{at + 1} = A{at} + A{at} + A{at}\n" for at in range(30)) + "use(A30)",
        "use(" + "-" * 60 + "1)",
    ],
)
def test_circles_and_very_long_ways_end(text: str) -> None:
    assert scalars_of(used(text)) is None


SCALARS = st.one_of(st.integers(-(10**18), 10**18), st.text(max_size=8), st.booleans(), st.none())


@settings(max_examples=60, deadline=None)
@given(SCALARS)
def test_any_literal_is_read_as_python_reads_it(scalar: Scalar) -> None:
    assert worth(f"use({scalar!r})") == scalar


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.text(max_size=4), SCALARS, max_size=4), st.dictionaries(st.text(max_size=4), SCALARS))
def test_any_two_dictionaries_are_merged_as_python_merges_them(
    one: dict[str, Scalar], other: dict[str, Scalar]
) -> None:
    value = used(f"d = {one!r}\nd.update({other!r})\nuse(d)")

    assert isinstance(value, Table)
    assert {key: item.scalar if isinstance(item, Known) else Unknown for key, item in value.items} == one | other


NAMES = st.sampled_from(["a", "b", "c"])
TABLES = st.sampled_from(["d", "e"])
NUMBERS = st.integers(0, 3).map(str)
TERMS = st.one_of(NUMBERS, NAMES, st.tuples(NAMES, st.sampled_from("+-*"), NUMBERS).map(" ".join))
ENTRIES = st.builds("{}[{!r}]".format, TABLES, st.sampled_from("xy"))
MADE = st.one_of(
    st.builds("{{'x': {}}}".format, TERMS),
    st.builds("dict({}, y={})".format, TABLES, TERMS),
    st.builds("{{**{}, 'x': {}}}".format, TABLES, TERMS),
    st.builds("{} | {{'y': {}}}".format, TABLES, TERMS),
    st.builds("{}.copy()".format, TABLES),
)
SIMPLE = st.one_of(
    st.builds("{} = {}".format, NAMES, TERMS),
    st.builds("{} += {}".format, NAMES, NUMBERS),
    st.builds("{}, {} = {}, {}".format, NAMES, NAMES, TERMS, TERMS),
    st.builds("{} = {}".format, TABLES, MADE),
    st.builds("{} = {}".format, ENTRIES, TERMS),
    st.builds("{}.update(y={})".format, TABLES, TERMS),
    st.builds("{}.update({})".format, TABLES, MADE),
    st.builds("{}.setdefault('y', {})".format, TABLES, TERMS),
    st.builds("{} = {}.pop('x', 0)".format, NAMES, TABLES),
    st.builds("{} = {}.get('x', 7)".format, NAMES, TABLES),
    st.builds("{} = max({}, {})".format, NAMES, TERMS, TERMS),
    st.builds("{} = {} if flag else {}".format, NAMES, TERMS, TERMS),
    st.builds("{} = {} if {} > {} else {}".format, NAMES, TERMS, NAMES, NUMBERS, TERMS),
    st.builds("{} = {} or {}".format, NAMES, TERMS, TERMS),
    st.builds("{} = scaled({}, {})".format, NAMES, TERMS, TERMS),
    st.builds("{} = scaled({}, by={})".format, NAMES, TERMS, NAMES),
    st.builds("{} = scaled(**{{'n': {}}})".format, NAMES, TERMS),
    st.builds("{} = Box({}).size".format, NAMES, TERMS),
    st.builds("{} = Box(n={}).twice()".format, NAMES, TERMS),
    st.builds("box = Box({})\n{} = box.size".format, TERMS, NAMES),
)
CONDITIONS = st.one_of(
    st.sampled_from(["flag", "not flag", "a", "not b", "c is None"]),
    st.builds("{} {} {}".format, NAMES, st.sampled_from(["==", "!=", "<", ">="]), NUMBERS),
    st.builds("{} in ({}, {})".format, NAMES, NUMBERS, NUMBERS),
)
INSIDE = SIMPLE.map(partial(indent, prefix="    "))
BLOCKS = st.one_of(
    st.builds("if {}:".format, CONDITIONS),
    st.sampled_from(["with lock:", "for _ in range(3):", "while a > 100:"]),
)
BRANCHES = st.one_of(
    st.builds("{}\n{}".format, BLOCKS, INSIDE),
    st.builds("if {}:\n{}\nelse:\n{}".format, CONDITIONS, INSIDE, INSIDE),
    st.builds(
        "try:\n{}\n    {}\nexcept LookupError:\n{}".format,
        INSIDE,
        st.sampled_from(["pass", "e['nowhere']"]),
        INSIDE,
    ),
)
PROGRAMS = st.lists(st.one_of(SIMPLE, BRANCHES), max_size=7).map("\n".join)
BEGINNING = """a, b, c = 1, 2, 3
d = {'x': 1, 'y': 2}
e = {}
def scaled(n, by=2):
    if n > 4:
        return n - by
    if by == 0:
        n = 1
    return n * by
class Box:
    size = 9
    def __init__(self, n=4):
        self.n = n
        if n > 2:
            self.size = n
    def twice(self):
        return self.n * 2
"""


def may_be(value: Value, real: object) -> bool:
    """Whether what is told of a value is true of the real one, which is a number or a dictionary of numbers."""
    match value:
        case Known(scalar, _):
            return scalar == real
        case Either(options, _):
            return any(may_be(option, real) for option in options)
        case Table(items, is_complete, _):
            entries = cast("dict[str, int]", real) if isinstance(real, dict) else {}
            told = dict(items)
            is_told = all(key in entries and may_be(item, entries[key]) for key, item in told.items())
            return isinstance(real, dict) and is_told and (not is_complete or told.keys() == entries.keys())
        case _:
            return True


@settings(max_examples=400, deadline=None)
@given(
    program=PROGRAMS,
    asked=st.sampled_from(["a", "d", "e", "d.get('x', 9)"]),
    flag=st.booleans(),
    in_function=st.booleans(),
)
def test_what_is_told_of_a_value_is_true_of_it_when_the_program_runs(
    program: str, asked: str, *, flag: bool, in_function: bool
) -> None:
    body = f"{BEGINNING}{program}\nuse({asked})\nd['x'] = 5\n"
    text = "def f():\n    " + body.replace("\n", "\n    ").rstrip() + "\nf()\n" if in_function else body
    real: list[object] = []

    def use(value: object) -> None:
        real.append(deepcopy(value))

    exec(text, {"flag": flag, "lock": nullcontext(), "use": use})

    assert may_be(used(text), real[0]), (short(used(text)), real[0])
