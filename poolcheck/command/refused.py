"""Why a command cannot do what it was asked to."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poolcheck.config import BadConfiguration


class Refused(Exception):
    """Something that keeps a command from its work, told to the user in a line or more: the arguments.

    Its cause is the bug in somebody's rule, where one is the reason.
    """


@contextmanager
def told() -> Generator[None]:
    """Makes a refusal of every error that is the user's to mend: in paths, settings, rule packs and rules."""
    from poolcheck.catalog import BrokenRulePack
    from poolcheck.config import BadConfiguration
    from poolcheck.discover import NoSuchPath
    from poolcheck.judge import RuleFailed

    try:
        yield
    except NoSuchPath as error:
        raise Refused(f"{error}: no such file or folder") from None
    except (BrokenRulePack, RuleFailed) as error:
        raise Refused(str(error)) from error.__cause__
    except BadConfiguration as error:
        raise Refused(*_lines(error)) from None
    except OSError as error:
        if error.filename is None:
            raise
        raise Refused(f"{error.filename}: cannot be read: {error.strerror}") from None


def _lines(error: "BadConfiguration") -> Iterator[str]:
    from poolcheck.report.positions import Positions

    positions = Positions(error.text)
    for mistake in error.mistakes:
        line, column = positions.position(mistake.span.start)
        yield f"{mistake.span.path}:{line}:{column}: {mistake.value}"
