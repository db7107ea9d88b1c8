import os
from pathlib import Path

import pytest

from poolcheck.discover import NoSuchPath, discover


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(*names: str, text: str = "") -> None:
    for name in names:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def found(*roots: str, **options: object) -> list[str]:
    return list(discover(roots or (".",), **options))  # type: ignore[arg-type]


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

    assert found(extend_exclude=["legacy", "app/gen*/"]) == ["app/x.py"]
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
