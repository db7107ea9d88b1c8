"""Whether a module is a program that somebody runs and looks at, or that runs once and ends."""

import re

from poolcheck.read.python.syntax.module import Module

_FOR_A_PERSON = frozenset({"argparse", "click", "docopt", "fire", "getpass", "optparse", "typer"})
_ASKS = re.compile(r"\bsys\.argv\b|(?<![.\w])input\s*\(")
"""What programs do that somebody looks at, who will stop one that hangs."""
_AT_ONCE = re.compile(
    r"^[\w.]+\.(?:commit|execute|fetchall|fetchone)\s*\(|^with\s+[\w.]+\.(?:begin|connect)\s*\(", re.MULTILINE
)
"""What the statements of a module do, and not its functions, where it works as soon as it is run."""


def is_for_a_person(module: Module) -> bool:
    """Whether a module is a program for the command line."""
    packages = {each.target.partition(".")[0] for each in module.imports}
    return bool(packages & _FOR_A_PERSON) or module.has(_ASKS)


def is_script(module: Module) -> bool:
    """Whether it is, or does its work when it is loaded, and ends."""
    return is_for_a_person(module) or module.has(_AT_ONCE)
