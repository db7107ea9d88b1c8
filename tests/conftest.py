"""What several test files need."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from servers import programs
from servers.pgbouncer import Room, open_room
from servers.postgres import PostgreSQL
from servers.postgres import start as start_postgres

# The same examples in every run: a fault that chance finds is for whoever searches, and not for whoever changed
# something else. To search: pytest --hypothesis-profile=search
settings.register_profile("repeated", derandomize=True, deadline=None)
settings.register_profile("search", deadline=None)
settings.load_profile("repeated")

RULE = """\
import time
from collections.abc import Iterator
from pathlib import Path
from poolcheck.finding import Finding, Severity
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.read.python.facts import PythonModule
from poolcheck.rule import Rule


class HouseRule(Rule[{subject}]):
    id = "house-rule"
    severity = Severity.INFO
    since = "1.0"

    def check(self, subject: {subject}) -> Iterator[Finding]:
        {check}
"""


@pytest.fixture
def put_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Installs a rule that looks at a kind of document and does what is said."""

    def put(subject: str, check: str) -> None:
        package, distribution = tmp_path / "site" / "house_rules", tmp_path / "site" / "house_rules-1.dist-info"
        package.mkdir(parents=True)
        distribution.mkdir()
        (package / "__init__.py").touch()
        (package / "house_rule.py").write_text(RULE.format(subject=subject, check=check))
        (distribution / "entry_points.txt").write_text("[poolcheck.rules]\nhouse = house_rules\n")
        monkeypatch.setattr(sys, "path", [str(package.parent), *sys.path])

    yield put
    for name in ("house_rules", "house_rules.house_rule"):
        sys.modules.pop(name, None)


@pytest.fixture(scope="session")
def room() -> Iterator[Room]:
    """Where the real PgBouncer can be started. Without one the test is skipped."""
    with open_room(programs.pgbouncer()) as opened:
        yield opened


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgreSQL]:
    """A real PostgreSQL, the same for all tests of a run. Without one the test is skipped."""
    with start_postgres(programs.postgres()) as started:
        yield started
