"""What alembic.ini tells an engine that env.py makes of it."""

import configparser
import os
import re

from poolcheck.files import Files
from poolcheck.source import Span
from poolcheck.value import Known, Table, Value

FILE = "alembic.ini"
_ASKS = re.compile(r"\w+\.get_section\(\s*\w+\.config_ini_section\b[^()]*(?:\([^()]*\)[^()]*)*\)\s*(?:or\s*\{\})?")
"""How the env.py that alembic writes asks for its section of the file."""
_PREFIX = "sqlalchemy."
_URL = "sqlalchemy.url"
"""What env.py may set to something else first."""
_FARTHEST = 3


class AlembicFiles:
    """The configuration files of alembic beside a project's modules. A file is read when somebody asks."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def configured(self, written: str, place: Span) -> Value | None:
        """What the nearest file gives the engine, where this is how it is asked for; there may be more."""
        if not _ASKS.fullmatch(written.strip()):
            return None
        folder = os.path.dirname(place.path)
        for _ in range(_FARTHEST):
            path = os.path.normpath(os.path.join(folder, FILE)).replace(os.sep, "/")
            if self._files.has(path):
                return _table(_section(self._text(path)), place)
            if folder.rpartition("/")[2] in {"", os.pardir}:
                break
            folder = os.path.dirname(folder)
        return None

    def _text(self, path: str) -> str:
        try:
            return self._files.read(path).decode("utf-8", "replace")
        except OSError:
            return ""


def _section(text: str) -> dict[str, str]:
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return {}
    return dict(parser.items("alembic")) if parser.has_section("alembic") else {}


def _table(section: dict[str, str], place: Span) -> Table | None:
    found = {key: text for key, text in section.items() if key.startswith(_PREFIX) and key != _URL}
    items = tuple((key, Known(text, (place,))) for key, text in found.items())
    return Table(items, is_complete=False, places=(place,)) if items else None
