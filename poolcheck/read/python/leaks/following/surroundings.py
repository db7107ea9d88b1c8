"""What is around the nodes of a function, and where its names stand."""

from collections.abc import Iterator
from functools import lru_cache

import libcst as cst

from poolcheck.read.python.syntax.bindings import dotted
from poolcheck.read.python.syntax.trees import children

_NO_METHOD = frozenset({"self", "cls"})


class Surroundings:
    """The nodes of a function, each with the node around it, and its names."""

    def __init__(self, function: cst.FunctionDef) -> None:
        self.function = function
        self.names: dict[str, list[cst.Name | cst.Attribute]] = {}
        self._parents: dict[cst.CSTNode, cst.CSTNode] = {}
        waiting: list[cst.CSTNode] = [function]
        while waiting:
            node = waiting.pop()
            below = children(node)
            waiting += below[::-1]
            for child in below:
                self._parents[child] = node
                if type(child) is cst.Name:
                    self.names.setdefault(child.value, []).append(child)
                elif type(child) is cst.Attribute and dotted(child.value) in _NO_METHOD:
                    self.names.setdefault(dotted(child) or "", []).append(child)

    def parent(self, node: cst.CSTNode) -> cst.CSTNode | None:
        """The node directly around."""
        return self._parents.get(node)

    def ancestors(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """All nodes around, the nearest first."""
        found = self.parent(node)
        while found is not None:
            yield found
            found = self.parent(found)

    def awaited(self, node: cst.CSTNode) -> cst.CSTNode:
        """The `await` of the node, or the node itself."""
        parent = self.parent(node)
        return parent if isinstance(parent, cst.Await) else node

    def called(self, attribute: cst.CSTNode) -> cst.Call | None:
        """The call of a method."""
        parent = self.parent(attribute)
        return parent if isinstance(parent, cst.Call) and parent.func is attribute else None


@lru_cache(maxsize=8)
def surroundings(function: cst.FunctionDef) -> Surroundings:
    """The surroundings of a function, which often takes more than one connection."""
    return Surroundings(function)
