"""What the files of a project are for, as their paths tell."""

from enum import StrEnum
from functools import lru_cache

from poolcheck.within import within


class Role(StrEnum):
    """What a file is for, as its path tells."""

    APPLICATION = "application"
    TEST = "test"
    MIGRATION = "migration"
    EXAMPLE = "example"


_TESTS = frozenset({"test", "tests", "testing"})
_TEST_FILES = frozenset({"conftest.py", "test.py", "testing.py", "tests.py"})
_MIGRATIONS = frozenset({"alembic", "migrations"})
_EXAMPLES = frozenset(
    {
        "benchmark", "benchmarks", "demo", "demos", "docs", "docs_src", "example", "examples", "notebooks",
        "sample", "samples", "scripts", "tutorial", "tutorials",
    }
)  # fmt: skip


def role_of(path: str) -> Role:
    """What a file is for."""
    return _role_of(within(path))


@lru_cache(maxsize=4096)
def _role_of(path: str) -> Role:
    *folders, name = path.lower().split("/")
    is_test = name in _TEST_FILES or name.startswith("test_") or name.endswith("_test.py")
    if is_test or not _TESTS.isdisjoint(folders):
        return Role.TEST
    is_of_alembic = name == "env.py" and any("migration" in each or "revision" in each for each in folders)
    if is_of_alembic or not _MIGRATIONS.isdisjoint(folders):
        return Role.MIGRATION
    return Role.APPLICATION if _EXAMPLES.isdisjoint(folders) else Role.EXAMPLE
