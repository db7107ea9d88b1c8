"""The real programs: where they are and which release they are of, or why they are not there."""

import os
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeAlias

import pytest

Version: TypeAlias = tuple[int, ...]

PACKAGED_PGBOUNCER = Path("/usr/sbin/pgbouncer")
POSTGRESQL = Path("/usr/lib/postgresql")
SETPRIV = Path("/usr/bin/setpriv")
NOT_INSTALLED = Path(__file__).parents[2] / ".venv" / "servers-not-installed"
"""What `install.sh` could not install and why, in a line each; empty where it could. `make test` writes it."""


class Program(NamedTuple):
    """One program, and the release that it says it is of."""

    path: Path
    version: Version

    @property
    def is_packaged(self) -> bool:
        """Whether a distribution built it, with what it carries back and the folders that it prefers."""
        return self.path == PACKAGED_PGBOUNCER

    def __str__(self) -> str:
        return f"{self.path.name} {'.'.join(map(str, self.version))}"


def pgbouncer() -> Program:
    """The one that POOLCHECK_PGBOUNCER names, or else the distribution's. Without one the test is skipped."""
    named = os.environ.get("POOLCHECK_PGBOUNCER")
    return _program(Path(named).absolute() if named else _existing(PACKAGED_PGBOUNCER))


def postgres() -> Program:
    """The newest that the distribution has. Without one the test is skipped."""
    installed = sorted(POSTGRESQL.glob("*/bin/postgres"), key=lambda path: float(path.parts[-3]))
    return _program(_existing(installed[-1] if installed else POSTGRESQL / "*/bin/postgres"))


def _existing(path: Path) -> Path:
    for needed in (path, SETPRIV):
        if not needed.exists():
            pytest.skip(why_not_installed(f"{needed} is not there"))
    return path


def why_not_installed(missing: str) -> str:
    """Why a program is not there."""
    reason = NOT_INSTALLED.read_text().strip() if NOT_INSTALLED.exists() else ""
    return reason or f"{missing}: make test installs what it needs"


@cache
def _program(path: Path) -> Program:
    said = subprocess.run([path, "--version"], check=True, capture_output=True, text=True).stdout
    number = re.search(r"\d+(\.\d+)*", said)
    assert number, f"{path} does not say which release it is of: {said!r}"
    return Program(path, tuple(map(int, number[0].split("."))))
