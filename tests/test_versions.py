from collections.abc import Mapping

import pytest

from poolcheck.files import Memory
from poolcheck.read.python.project.versions import NOWHERE, Bounds, Versions, specified

UV = '[[package]]\nname = "sqlalchemy"\nversion = "2.0.36"\nsource = { registry = "x" }\n'


def of(files: Mapping[str, str], package: str = "sqlalchemy", path: str = "app/db.py") -> Bounds:
    return Versions(Memory({name: text.encode() for name, text in files.items()})).of(package, path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("uv.lock", UV),
        ("uv.lock", UV.replace("\n", "\r\n")),
        ("app/uv.lock", UV),
        ("poetry.lock", '[[package]]\nname = "SQLAlchemy"\nversion = "2.0.36"\ndescription = ""\n'),
        ("pdm.lock", '[[package]]\nname = "sqlalchemy"\nversion = "2.0.36"\n'),
        ("Pipfile.lock", '{"default": {"sqlalchemy": {"version": "==2.0.36"}}, "develop": {}}'),
        (
            "requirements.txt",
            "# pinned\nSQLAlchemy[asyncio]==2.0.36 ; python_version > '3.8' \\\n  --hash=sha256:0\n",
        ),
        ("requirements/base.txt", "sqlalchemy==2.0.36  # the engine\n"),
        (
            "setup.cfg",
            "[options]\npackages = find:\ninstall_requires =\n    flask\n    SQLAlchemy==2.0.36\n\n[mypy]\n",
        ),
        ("setup.cfg", "[options.extras_require]\ndb =\n    sqlalchemy==2.0.36\n"),
        ("Pipfile", '[packages]\nsqlalchemy = "==2.0.36"\nflask = "*"\n'),
        ("Pipfile", '[packages]\nsqlalchemy = {version = "==2.0.36", extras = ["asyncio"]}\n'),
        ("pyproject.toml", '[project]\ndependencies = ["sqlalchemy==2.0.36"]\n'),
        ("pyproject.toml", '[tool.poetry.dependencies]\nsqlalchemy = "2.0.36"\n'),
        (
            "pyproject.toml",
            '[tool.poetry.dependencies]\nsqlalchemy = {version = "2.0.36", extras = ["asyncio"]}\n',
        ),
    ],
)
def test_a_pinned_version_is_found_wherever_it_is_pinned(name: str, text: str) -> None:
    assert of({name: text}).exact == "2.0.36"


def test_a_package_that_no_file_names_is_declared_nowhere() -> None:
    assert of({}) == NOWHERE
    assert of({"uv.lock": UV}, "psycopg2") == NOWHERE
    assert of({"requirements.txt": "flask-sqlalchemy==3.1.1"}) == NOWHERE


def test_names_of_packages_are_compared_as_pypi_does() -> None:
    files = {
        "requirements.txt": "Flask_SQLAlchemy==3.1.1",
        "poetry.lock": UV.replace("sqlalchemy", "psycopg_pool"),
    }

    assert of(files, "flask-sqlalchemy").exact == "3.1.1"
    assert of(files, "psycopg-pool").exact == "2.0.36"


def test_the_lock_counts_for_more_than_what_it_was_made_from() -> None:
    assert (
        of({"pyproject.toml": '[project]\ndependencies = ["sqlalchemy>=1.4"]\n', "uv.lock": UV}).exact == "2.0.36"
    )


def test_the_nearest_file_that_names_the_package_tells() -> None:
    near = {"app/requirements.txt": "sqlalchemy==1.4.54", "requirements.txt": "sqlalchemy==2.0.1\npsycopg2==2.9.9"}

    assert of(near).exact == "1.4.54"
    assert of(near, "psycopg2").exact == "2.9.9"


def test_a_lock_further_up_is_that_of_the_members_it_names() -> None:
    member = {"app/pyproject.toml": '[project]\ndependencies = ["sqlalchemy>=1.4"]\n'}

    assert of({**member, "uv.lock": UV}).exact == ""
    named = UV + '[[package]]\nname = "app"\nversion = "0"\nsource = { editable = "app" }\n'
    assert of({**member, "uv.lock": named}).exact == "2.0.36"


def test_requirements_that_others_include_count() -> None:
    files = {"requirements.txt": "-r requirements/web.txt\n", "requirements/web.txt": "sqlalchemy>=2.0\n"}

    assert of(files).is_since(2, 0)


def test_nothing_is_looked_for_above_the_repository() -> None:
    assert of({"app/.git": "", "requirements.txt": "sqlalchemy==1.4.54"}) == NOWHERE


def test_of_several_versions_only_what_holds_for_all_is_known() -> None:
    found = of({"uv.lock": UV + UV.replace("2.0.36", "1.4.54")})

    assert (found.is_since(1, 4), found.is_since(2, 0), found.is_before(2, 0), found.is_before(2, 1)) == (
        True, False, False, True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("written", "since_2", "before_2", "before_3"),
    [
        ("", False, False, False),
        (">=2.0", True, False, False),
        (">=1.4,<2", False, True, True),
        (">= 1.4, < 2.0.0", False, True, True),
        ("<=2.0", False, False, True),
        ("<2.1", False, False, True),
        (">1.4", False, False, False),
        ("~=2.0", True, False, True),
        ("~=1.4.5", False, True, True),
        ("^2.0", True, False, True),
        ("^1.4", False, True, True),
        ("~1.4", False, True, True),
        ("==2.*", True, False, True),
        ("==2.0.0b1", True, False, True),
        ("2.0.36", True, False, True),
        ("!=2.0", False, False, False),
        (">=1.4,!=2.0.1,<3", False, False, True),
        ("^1.4 || ^2.0", False, False, False),
        ("==2.0.1 ; python_version >= '3.9'", True, False, True),
    ],
)
def test_bounds_are_what_the_specifier_says(written: str, since_2: bool, before_2: bool, before_3: bool) -> None:
    bounds = specified(written)

    assert (bounds.is_since(2), bounds.is_before(2), bounds.is_before(3)) == (since_2, before_2, before_3)


def test_files_that_cannot_be_read_tell_nothing() -> None:
    assert of({"pyproject.toml": "[project", "Pipfile.lock": "{", "requirements.txt": "\0"}) == NOWHERE
    assert of({"Pipfile.lock": "[]", "pyproject.toml": "project = 1\ntool = {poetry = []}"}) == NOWHERE
