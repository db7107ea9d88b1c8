import os
from pathlib import Path

import pytest

from poolcheck.write import ChangedMeanwhile, replace


def test_the_content_is_replaced_and_the_permissions_stay(tmp_path: Path) -> None:
    path = tmp_path / "a.ini"
    path.write_bytes(b"old")
    path.chmod(0o640)

    replace(str(path), b"old", b"new")

    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["a.ini"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_the_owner_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.ini"
    path.write_bytes(b"old")
    os.chown(path, 4711, 4712)

    replace(str(path), b"old", b"new")

    assert (path.stat().st_uid, path.stat().st_gid) == (4711, 4712)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to every file")
def test_a_file_that_may_not_be_written_to_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.ini"
    path.write_bytes(b"old")
    path.chmod(0o444)

    with pytest.raises(PermissionError):
        replace(str(path), b"old", b"new")

    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.ini"]


def test_a_file_that_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.ini"
    path.write_bytes(b"somebody else's")

    with pytest.raises(ChangedMeanwhile):
        replace(str(path), b"old", b"new")

    assert path.read_bytes() == b"somebody else's"
    assert os.listdir(tmp_path) == ["a.ini"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target.ini", tmp_path / "link.ini"
    target.write_bytes(b"old")
    link.symlink_to("target.ini")

    replace(str(link), b"old", b"new")

    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.ini"
    path.write_bytes(b"old")

    def no_space(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space left"):
        replace(str(path), b"old", b"new")

    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.ini"]
