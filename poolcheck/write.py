"""New bytes for a file of the user's: all of them or none."""

import os
from contextlib import suppress


class ChangedMeanwhile(OSError):
    """The file is no longer what was read."""


def replace(path: str, old: bytes, new: bytes) -> None:
    """Replaces a file's content, keeping its permissions, by way of a file beside it.

    A symbolic link stays one, and what it points to is replaced. Raises ChangedMeanwhile when the file does not
    hold `old` any more, and OSError when it cannot be written; then it is as it was.
    """
    path = os.path.realpath(path)
    beside = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.poolcheck-{os.getpid()}")
    try:
        with open(beside, "xb") as file:
            file.write(new)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(beside, os.stat(path).st_mode & 0o7777)
        _refuse_unless_it_holds(path, old)
        os.replace(beside, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(beside)
        raise


def _refuse_unless_it_holds(path: str, content: bytes) -> None:
    with open(path, "rb") as file:
        if file.read() != content:
            raise ChangedMeanwhile("changed while it was being checked")
