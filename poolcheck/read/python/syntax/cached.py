"""Functions that keep what they found out, and mostly answer from that."""

import re

import libcst as cst

from poolcheck.read.python.syntax.trees import walk


def is_cached_by_hand(function: cst.FunctionDef, *, returns: bool) -> bool:
    """Whether a function may do nothing but answer what it knows, or return an object that it had before."""
    return any(
        (returns and isinstance(node, cst.Global | cst.Nonlocal))
        or (isinstance(node, cst.Name) and _CACHES.search(node.value))
        for node in walk(function.body)
    )


_CACHES = re.compile(r"cache|singleton|(?:^|_)ttl(?:_|$)|^_?instances?$|^_?pools$|^_?engines$", re.IGNORECASE)
