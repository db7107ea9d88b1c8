"""The hook, as pre-commit installs and runs it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WHO = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}


@pytest.fixture(scope="module")
def hook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository that holds what a user of the hook would fetch: the tree as it is now."""
    folder = tmp_path_factory.mktemp("hook")
    wanted = ("poolcheck", "rules", "pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml")
    for name in wanted:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        copy(ROOT / name, folder / name)
    commit(folder)
    return folder


def commit(folder: Path) -> None:
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "all"]):
        subprocess.run(["git", *command], cwd=folder, env=os.environ | WHO, check=True, capture_output=True)


def try_repo(hook: Path, story: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs the hook as `pre-commit try-repo` does, on a repository that holds one of the fixtures."""
    shutil.copytree(ROOT / "fixtures" / story, folder, dirs_exist_ok=True)
    commit(folder)
    return subprocess.run(
        [sys.executable, "-m", "pre_commit", "try-repo", str(hook), "poolcheck", "--all-files", "--verbose"],
        cwd=folder,
        env=os.environ | WHO | {"PRE_COMMIT_HOME": str(hook / ".git" / "pre-commit-home")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_manifest_is_valid() -> None:
    command = [sys.executable, "-m", "pre_commit", "validate-manifest", str(ROOT / ".pre-commit-hooks.yaml")]

    assert subprocess.run(command, check=False, capture_output=True).returncode == 0


def test_the_hook_fails_on_a_system_with_faults_and_shows_them(hook: Path, tmp_path: Path) -> None:
    run = try_repo(hook, "shop", tmp_path)

    assert run.returncode == 1
    assert "client-connections-exceed-pooler" in run.stdout


def test_the_hook_passes_a_system_without(hook: Path, tmp_path: Path) -> None:
    run = try_repo(hook, "shop-fixed", tmp_path)

    assert (run.returncode, run.stderr) == (0, "")
    assert "No problems found in 15 files." in run.stdout
