"""Whether an object that keeps a connection ever gives it back."""

import re

from poolcheck.read.python.syntax.bindings import dotted
from poolcheck.read.python.syntax.bound import openings
from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.values.scope import Scope

_CALLED = re.compile(r"(\w+)\s*\(")
_ENDING = re.compile(
    r"__|attr|clean|clos|detach|disconnect|dispos|end|enter|exit|final|free|giv|hook|put|quit|regist|releas|return"
    r"|shut|stop|tear|terminat|vars",
    re.IGNORECASE,
)
"""What functions and methods are called that may end something, or see to it that it ends."""


def is_never_closed(attribute: str, scope: Scope) -> bool:
    """Whether nothing closes what an object keeps in an attribute, as far as its whole module shows.

    Its class inherits nothing, and defines and calls nothing that may close anything; whatever else in the module
    has an attribute of this name only asks the connection something.
    """
    owner, module = scope.owner, scope.module
    if owner is None or not scope.is_method or not _stands_alone(module, owner.name):
        return False
    text = module.masked.text
    within = " ".join(text[piece.start : piece.end] for piece in module.members(owner.name))
    if any(_ENDING.search(name) and name != "__init__" for name in _CALLED.findall(within)):
        return False
    name = re.escape(attribute)
    asked = rf"\bself\.{name}(?=[ \t]*(?::[^=\n]+)?=(?!=)|\.\w+)"
    return len(re.findall(rf"\.{name}\b", text)) == len(re.findall(asked, text))


def _stands_alone(module: Module, name: str) -> bool:
    """Whether a class inherits from none, is made by nothing else, and no other in the module inherits from it."""
    found = [statement for _, statement in openings(module, name)]
    is_plain = all(
        not each.decorators and not each.keywords and all(dotted(base.value) == "object" for base in each.bases)
        for each in found
    )
    inherited = rf"\bclass\s+\w+\s*\([^)]*\b{re.escape(name.rpartition('.')[2])}\b"
    return bool(found) and is_plain and re.search(inherited, module.masked.text) is None
