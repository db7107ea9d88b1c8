from poolcheck.files import Memory
from poolcheck.read.python.project.alembic import AlembicFiles
from poolcheck.source import Span
from poolcheck.value import Known, Table

PLACE = Span("migrations/env.py", 10, 60)
ASKED = "config.get_section(config.config_ini_section, {})"
INI = "[alembic]\nscript_location = %(here)s/a\nsqlalchemy.url = postgresql://h/d\nsqlalchemy.pool_size = 5\n"


def configured(files: dict[str, str], written: str = ASKED, place: Span = PLACE) -> dict[str, object] | None:
    """What an engine is told, by its keys."""
    found = AlembicFiles(Memory({path: text.encode() for path, text in files.items()})).configured(written, place)
    assert found is None or (isinstance(found, Table) and not found.is_complete)
    return {key: item.scalar for key, item in found.items if isinstance(item, Known)} if found else None


def test_the_file_above_the_module_tells_all_but_the_url_which_the_module_may_set() -> None:
    assert configured({"alembic.ini": INI}) == {"sqlalchemy.pool_size": "5"}
    assert configured({"migrations/alembic.ini": INI}) == {"sqlalchemy.pool_size": "5"}


def test_a_section_may_be_asked_for_with_and_without_a_default() -> None:
    assert configured({"alembic.ini": INI}, "config.get_section(config.config_ini_section)")
    assert configured({"alembic.ini": INI}, "context.config.get_section('x')") is None
    assert configured({"alembic.ini": INI}, "settings()") is None


def test_what_is_not_there_or_not_understood_tells_nothing() -> None:
    assert configured({}) is None
    assert configured({"alembic.ini": "no section\n"}) is None
    assert configured({"alembic.ini": "[alembic]\nscript_location = migrations\n"}) is None
    assert configured({"alembic.ini": INI.replace("[alembic]", "[other]")}) is None
