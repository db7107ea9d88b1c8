"""New bytes for a file of the user's: all of them or none."""

import os
from contextlib import suppress


class ChangedMeanwhile(OSError):
    """The file is no longer what was read."""


def replace(path: str, old: bytes, new: bytes) -> None:
    """Replaces a file's content, keeping its owner and permissions, by way of a file beside it.

    A symbolic link stays one, and what it points to is replaced. Raises ChangedMeanwhile when the file holds
    neither `old` nor `new`, and OSError when it cannot be written; then it is as it was.
    """
    path = os.path.realpath(path)
    beside = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.poolcheck-{os.getpid()}")
    try:
        with open(beside, "xb") as file:
            file.write(new)
            file.flush()
            os.fsync(file.fileno())
        _make_alike(beside, os.stat(path))
        _refuse_unless_it_holds(path, old, new)
        os.replace(beside, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(beside)
        raise


def _make_alike(path: str, model: os.stat_result) -> None:
    """Gives a file the owner, as far as this process may, and the permissions of another."""
    with suppress(OSError, AttributeError):  # Windows knows no such owners
        os.chown(path, model.st_uid, model.st_gid)
    os.chmod(path, model.st_mode & 0o7777)


def _refuse_unless_it_holds(path: str, *contents: bytes) -> None:
    with open(path, "r+b") as file:  # what may not be written to may not be replaced
        if file.read() not in contents:
            raise ChangedMeanwhile("changed while it was being checked")
