"""Fields of settings and of other records, in every way that people write them."""

import libcst as cst
import pytest

from poolcheck.files import Memory
from poolcheck.read.python.syntax.module import Project
from poolcheck.read.python.values.evaluate import evaluate
from poolcheck.read.python.values.scope import Scope
from poolcheck.source import Span
from poolcheck.value import Known, Unknown, Value, options_of, resolve, text_of, variables_of

UNKNOWN = "unknown"
IMPORTS = """
import os
import attr
import attrs
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated, Any, ClassVar, NamedTuple, Optional
from pydantic import (
    AliasChoices, BaseModel, Field, NonNegativeInt, PositiveInt, PostgresDsn, SecretStr, computed_field,
    field_validator, model_validator, validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict
"""


def used(text: str) -> Value:
    """What the argument of the last statement, `use(…)`, is worth."""
    files = {"app.py": f"{IMPORTS}{text}".encode()}
    module = Project(Memory(files), [*files]).module("app.py")
    assert module
    ((tree, statement),) = module.statements(module.pieces[-1])
    call = cst.ensure_type(cst.ensure_type(statement, cst.SimpleStatementLine).body[0], cst.Expr).value
    return evaluate(cst.ensure_type(call, cst.Call).args[0].value, Scope(module, tree))


def worth(text: str, **variables: str) -> object:
    """The value of what is used where these variables are set; a list for one of several."""
    known = {name: Known(written, (Span("pod.yaml", 0, 0),)) for name, written in variables.items()}
    value = resolve(used(text), known.get)
    found = [option.scalar if isinstance(option, Known) else UNKNOWN for option in options_of(value)]
    if len(found) > 1:
        return found
    return found[0] if isinstance(value, Known | Unknown) else text_of(value)


def settings(field: str, config: str = "") -> str:
    """A class of settings with a field."""
    return f"class Settings(BaseSettings):\n    {config or 'pass'}\n    {field}\nuse(Settings().size)\n"


@pytest.mark.parametrize(
    ("field", "variable"),
    [
        ("size: int = 5", "SIZE"),
        ("size: PositiveInt = 5", "SIZE"),
        ("size: NonNegativeInt = Field(5)", "SIZE"),
        ("size: Optional[int] = 5", "SIZE"),
        ("size: int | None = 5", "SIZE"),
        ("size: Annotated[int, Field(ge=1, le=50)] = 5", "SIZE"),
        ("size: int = Field(default=5, ge=1, le=50)", "SIZE"),
        ("size: int = Field(5, alias='POOL')", "POOL"),
        ("size: int = Field(5, validation_alias='pool')", "POOL"),
        ("size: int = Field(5, validation_alias=AliasChoices('OTHER', 'POOL'))", "POOL"),
        ("size: int = Field(default_factory=lambda: 5)", "SIZE"),
    ],
)
def test_a_field_is_read_from_its_variable_and_converted(field: str, variable: str) -> None:
    text = settings(field)

    assert worth(text) == 5
    assert worth(text, **{variable: "7"}) == 7
    assert worth(text, **{variable.lower(): "7"}) == 7
    assert worth(text, **{variable: "many"}) == UNKNOWN


@pytest.mark.parametrize(
    "config",
    [
        "model_config = SettingsConfigDict(env_prefix='SHOP_')",
        "model_config = {'env_prefix': 'SHOP_'}",
        "model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(env_prefix='shop_')",
        "class Config:\n        env_prefix = 'SHOP_'",
    ],
)
def test_a_prefix_stands_before_the_names_of_fields_and_not_before_aliases(config: str) -> None:
    assert worth(settings("size: int = 5", config), SHOP_SIZE="7", SIZE="9") == 7
    assert worth(settings("size: int = Field(5, alias='POOL')", config), SHOP_POOL="9", POOL="7") == 7


def test_a_prefix_may_stand_in_the_heading_or_in_the_call() -> None:
    heading = "class Settings(BaseSettings, env_prefix='SHOP_'):\n    size: int = 5\n"
    plain = "class Settings(BaseSettings):\n    size: int = 5\n"

    assert worth(f"{heading}use(Settings().size)", SHOP_SIZE="7") == 7
    assert worth(f"{plain}use(Settings(_env_prefix='SHOP_').size)", SHOP_SIZE="7") == 7


def test_the_case_of_names_matters_where_the_settings_say_so() -> None:
    text = settings("size: int = 5", "model_config = SettingsConfigDict(case_sensitive=True)")

    assert worth(text, size="7") == 7
    assert worth(text, SIZE="7") == 5


def test_an_empty_variable_is_not_set_where_the_settings_say_so() -> None:
    ignoring = settings("size: int = 5", "model_config = SettingsConfigDict(env_ignore_empty=True)")

    assert worth(ignoring, SIZE="") == 5
    assert worth(settings("size: int = 5"), SIZE="") == UNKNOWN


@pytest.mark.parametrize(
    "field", ["db: Database = Database()", "db: Database", "db: Database = Field(default_factory=Database)"]
)
def test_a_field_of_a_field_has_a_variable_of_its_own(field: str) -> None:
    text = (
        "class Database(BaseModel):\n    size: int = 5\nclass Settings(BaseSettings):\n"
        f"    model_config = SettingsConfigDict(env_nested_delimiter='__', env_prefix='SHOP_')\n    {field}\n"
        "settings = Settings()\nuse(settings.db.size)"
    )

    assert worth(text) == 5
    assert worth(text, SHOP_DB__SIZE="7") == 7
    assert worth(text, SHOP_DB='{"size": 9}') == UNKNOWN
    assert variables_of(used(text)) == ("SHOP_DB", "SHOP_DB__SIZE")


def test_settings_inside_of_settings_read_variables_themselves() -> None:
    text = (
        "class Database(BaseSettings):\n    model_config = {'env_prefix': 'DB_'}\n    size: int = 5\n"
        "class Settings(BaseSettings):\n    db: Database = Database()\n"
        "@lru_cache\ndef get_settings() -> Settings:\n    return Settings()\nuse(get_settings().db.size)"
    )

    assert worth(text, DB_SIZE="7") == 7


def test_a_secret_and_a_url_are_their_texts() -> None:
    text = (
        "class Settings(BaseSettings):\n    password: SecretStr = SecretStr('x')\n    host: str = 'db'\n"
        "    @computed_field\n    @property\n    def url(self) -> PostgresDsn:\n"
        "        return PostgresDsn.build(\n            scheme='postgresql+asyncpg', username='shop',\n"
        "            password=self.password.get_secret_value(), host=self.host, port=5432, path='orders',\n"
        "        )\n"
    )

    assert worth(f"{text}use(Settings().password.get_secret_value())", PASSWORD="y") == "y"
    assert worth(f"{text}use(str(Settings().url))", HOST="pg") == "postgresql+asyncpg://shop@pg:5432/orders"


def test_a_url_that_a_validator_puts_together_is_followed() -> None:
    text = (
        "from pydantic.v1 import BaseSettings\nclass Settings(BaseSettings):\n    HOST: str\n"
        "    URL: Optional[PostgresDsn] = None\n    @validator('URL', pre=True)\n"
        "    def assemble(cls, v: Optional[str], values: dict[str, Any]) -> Any:\n"
        "        if isinstance(v, str):\n            return v\n"
        "        return PostgresDsn.build(scheme='postgresql', user='u', host=values.get('HOST'), path='/x')\n"
        "use(Settings().URL)"
    )

    assert worth(text, HOST="db") == "postgresql://u@db/x"
    assert worth(text, HOST="db", URL="postgresql://x") == "postgresql://x"


def test_what_is_given_to_the_constructor_goes_before_the_environment() -> None:
    text = "class Settings(BaseSettings):\n    size: int = 5\nuse(Settings(size=9).size)"

    assert worth(text, SIZE="7") == 9


@pytest.mark.parametrize(
    "text",
    [
        settings("size: list[int] = [5]"),
        settings("size: int = Field(5, validation_alias=NAME)"),
        settings("size: int = 5", "model_config = SettingsConfigDict(alias_generator=to_camel)"),
        settings("size: int = 5", "model_config = CONFIG"),
        settings(
            "size: int = 5\n    @model_validator(mode='before')\n    def fill(cls, values): return {**values}"
        ),
        settings(
            "size: int = 5\n    @field_validator('size', mode='wrap')\n    def fill(cls, v, h): return h(v) * 2"
        ),
        settings(
            "size: int = 5\n    @classmethod\n    def settings_customise_sources(cls, a):\n        return vault, a"
        ),
        settings("size: int = 5\n    def __init__(self, **kw): super().__init__(**load(), **kw)").replace(
            "Settings()", "Settings(x=1)"
        ),
    ],
)
def test_settings_that_are_made_in_other_ways_are_not_known(text: str) -> None:
    assert worth(text, SIZE="7") == UNKNOWN


@pytest.mark.parametrize(
    ("heading", "field"),
    [
        ("@dataclass\nclass Config:", "size: int = 5"),
        ("@dataclass(frozen=True)\nclass Config:", "size: int = field(default=5)"),
        ("@attr.s(auto_attribs=True)\nclass Config:", "size: int = 5"),
        ("@attrs.define\nclass Config:", "size: int = attrs.field(default=5)"),
        ("class Config(NamedTuple):", "size: int = 5"),
        ("class Config(BaseModel):", "size: int = Field(default=5)"),
    ],
)
def test_a_field_of_a_record_is_what_the_constructor_is_given_or_its_default(heading: str, field: str) -> None:
    record = f"{heading}\n    {field}\n"

    assert worth(f"{record}use(Config().size)") == 5
    assert worth(f"{record}use(Config(size=7).size)") == 7
    assert worth(f"{record}use(Config(**{{'size': 7}}).size)") == 7
    assert worth(f"{record}use(Config(**more).size)") == UNKNOWN


def test_a_record_that_is_handed_over_has_the_values_that_it_was_made_with() -> None:
    record = "@dataclass\nclass Config:\n    size: int = 5\n"
    made = f"{record}def size(config: Config):\n    return config.size\n"

    assert worth(f"{made}use(size(Config(7)))") == 7
    assert worth(f"{made}config = Config()\nuse(size(config))") == 5


def test_a_default_that_is_read_from_the_environment_when_the_object_is_made() -> None:
    text = "@dataclass\nclass C:\n    size: int = field(default_factory=lambda: int(os.getenv('SIZE', '5')))\n"

    assert worth(f"{text}use(C().size)", SIZE="7") == 7
    assert worth(f"{text}use(C().size)") == 5


def test_classes_inside_of_classes_are_found() -> None:
    inner = "class Config:\n    class Pool:\n        size = 5\n"

    assert worth(f"{inner}use(Config.Pool.size)") == 5
    assert worth(f"{inner}    pool = Pool()\nuse(Config().pool.size)") == 5
