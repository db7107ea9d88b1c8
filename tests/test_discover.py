import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from poolcheck.discover import USUALLY_EXCLUDED, NoSuchPath, discover, is_pattern


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(*names: str, text: str = "") -> None:
    for name in names:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def found(
    *roots: str,
    exclude: Sequence[str] = USUALLY_EXCLUDED,
    beneath: str = ".",
    respect_gitignore: bool = True,
) -> list[str]:
    return list(discover(roots or (".",), exclude=exclude, beneath=beneath, respect_gitignore=respect_gitignore))


def test_files_of_our_formats_are_found_in_order() -> None:
    put("b.py", "a/pgbouncer.ini", "a/deploy.yml", "a/notes.md", "c.YAML")

    assert found() == ["a/deploy.yml", "a/pgbouncer.ini", "b.py", "c.YAML"]


def test_folders_of_tools_and_of_others_are_not_entered() -> None:
    put(".git/hooks/x.py", ".venv/lib/x.py", "node_modules/x/x.yaml", "__pycache__/x.py", "app/x.py")

    assert found() == ["app/x.py"]


def test_a_folder_that_is_named_is_entered_whatever_it_is_called() -> None:
    put(".venv/lib/site-packages/x.py")

    assert found(".venv/lib/site-packages") == [".venv/lib/site-packages/x.py"]


def test_what_git_ignores_is_left_out() -> None:
    put(".gitignore", text="build/\n*.gen.py\n!kept.gen.py\n")
    put("build/x.py", "a.gen.py", "kept.gen.py", "app/build/x.py", "app/x.py")

    assert found() == ["app/x.py", "kept.gen.py"]


def test_an_inner_gitignore_has_the_last_word() -> None:
    put(".gitignore", text="*.ini\n")
    put("deploy/.gitignore", text="!pgbouncer.ini\n")
    put("pgbouncer.ini", "deploy/pgbouncer.ini", "deploy/other.ini")

    assert found() == ["deploy/pgbouncer.ini"]


def test_the_gitignore_of_folders_above_counts_inside_a_repository() -> None:
    put(".git/HEAD")
    put(".gitignore", text="local.py\n")
    put("app/local.py", "app/x.py")

    assert found("app") == ["app/x.py"]


def test_a_root_that_git_ignores_is_looked_at_because_it_was_named() -> None:
    put(".git/HEAD")
    put(".gitignore", text="vendor/\n")
    put("vendor/x.py")

    assert found("vendor") == ["vendor/x.py"]


def test_gitignore_can_be_disregarded() -> None:
    put(".gitignore", text="*.py\n")
    put("x.py")

    assert found(respect_gitignore=False) == ["x.py"]


def test_excluded_patterns_are_left_out() -> None:
    put("legacy/x.py", "app/generated/x.py", "app/x.py", "node_modules/x.py")

    assert found(exclude=["legacy", "app/gen*/", "node_modules"]) == ["app/x.py"]
    assert found(exclude=["legacy"]) == ["app/generated/x.py", "app/x.py", "node_modules/x.py"]


def test_a_file_that_is_named_is_taken_whatever_its_name() -> None:
    put("pooler.conf")

    assert found("pooler.conf") == ["pooler.conf"]


def test_a_file_is_found_once_however_often_it_is_named() -> None:
    put("app/x.py")

    assert found("app", "app/x.py", "./app") == ["app/x.py"]


def test_paths_are_relative_to_the_working_directory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put("app/x.py")
    (folder / "here").mkdir()
    monkeypatch.chdir(folder / "here")

    assert found(str(folder / "app")) == ["../app/x.py"]


def test_a_link_back_up_is_not_followed() -> None:
    put("app/x.py")
    os.symlink("..", "app/again", target_is_directory=True)

    assert found() == ["app/x.py"]


def test_a_path_that_does_not_exist_is_refused() -> None:
    with pytest.raises(NoSuchPath, match="nowhere"):
        found("nowhere")


def test_patterns_of_what_is_excluded_count_from_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    put("app/old/x.py", "app/x.py")
    monkeypatch.chdir("app")

    assert found(exclude=["/app/old*"], beneath="..") == ["x.py"]
    assert found(exclude=["/app/old*"]) == ["old/x.py", "x.py"]


def test_what_is_found_and_is_no_file_is_left_out() -> None:
    put("x.py")
    os.mkfifo("pipe.py")
    os.symlink("somebody@somewhere.4711", ".#x.py")
    os.symlink("x.py", "y.py")

    assert found() == ["x.py", "y.py"]


def test_a_folder_is_found_however_deep_it_is(folder: Path) -> None:
    depth = sys.getrecursionlimit() + 100
    for _ in range(depth):
        os.mkdir("a")
        os.chdir("a")
    put("x.py")
    os.chdir(folder)

    shown = found()

    subprocess.run(["rm", "-r", "a"], check=True)  # which pytest cannot
    assert shown == ["a/" * depth + "x.py"]


@pytest.mark.parametrize("line", ["!", "[z-a]", "\\", "[[:alpha:]]", "[", "\x00"])
def test_a_line_that_is_no_pattern_ignores_nothing(line: str) -> None:
    put(".gitignore", text=f"{line}\n*.ini\n")
    put("a.ini", "x.py")

    assert found() == ["x.py"]


def test_a_gitignore_that_is_no_file_ignores_nothing() -> None:
    put(".gitignore/x.py", "x.py")

    assert found() == [".gitignore/x.py", "x.py"]


@pytest.mark.parametrize("written", ["legacy", "/app/old*", "**/gen/*.py", "[[:alpha:]].py", "", "# old"])
def test_a_pattern_is_what_git_can_make_something_of(written: str) -> None:
    assert is_pattern(written)


@pytest.mark.parametrize("written", ["!", "[z-a]", "old\\"])
def test_some_texts_are_no_patterns(written: str) -> None:
    assert not is_pattern(written)
