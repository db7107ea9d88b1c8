"""What PgBouncer refuses in a configuration, and so does not start."""

from enum import Enum, auto
from typing import NamedTuple

from poolcheck.source import Located


class Cause(Enum):
    """What kind of fault it is. For each there is one rule; for SYNTAX the one about all formats."""

    SYNTAX = auto()
    ENCODING = auto()
    QUOTED_NAME = auto()
    """A name in double quotes, which are never taken off."""
    NAME_NEEDS_NEWER = auto()
    """A name in single quotes, which are taken off from 1.25 on."""
    SECTION = auto()
    UNKNOWN_SETTING = auto()
    WRONG_SCOPE = auto()
    NEEDS_NEWER = auto()
    NEEDS_OLDER = auto()
    """A setting that was taken away."""
    COMMENT = auto()
    BOOLEAN_WORD = auto()
    UNIT = auto()
    LEADING_ZERO = auto()
    NUMBER = auto()
    WORD = auto()
    """A word that a setting with a fixed choice of words does not have."""
    PORT = auto()
    EMPTY_VALUE = auto()
    HOST_LIST = auto()
    URI = auto()
    RESERVED = auto()
    """A name that is PgBouncer's own, or too long."""
    PEER = auto()
    INCLUDE = auto()
    TLS = auto()
    LISTENING = auto()


class Refusal(NamedTuple):
    """One thing that PgBouncer refuses, what is written there, and why, as a sentence."""

    cause: Cause
    written: Located[str]
    reason: str
