"""Where in a container its PgBouncer looks for a pgbouncer.ini."""

import re
from collections.abc import Iterable

from poolcheck.read.kubernetes.pooler_images import READS, PoolerImage

_BETWEEN_WORDS = re.compile(r"""[\s"'=;,&|<>]+""")
_ANY = frozenset(READS.values())


def places(image: PoolerImage | None, command: Iterable[str]) -> frozenset[str]:
    """The paths of the files that are read, as far as they are known.

    The words of a `command`, set in place of the image's own, may be a script: all files that it names count.
    """
    words = (word for text in command for word in _BETWEEN_WORDS.split(text))
    named = frozenset(word for word in words if word.startswith("/") and word.endswith(".ini"))
    return named or (frozenset({READS[image.family]}) if image and image.family in READS else _ANY)
