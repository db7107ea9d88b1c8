"""The graph of a function, and what is known and bound at its nodes, for all walks through it."""

import re
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache

import libcst as cst

from poolcheck.read.python.leaks.flow.graph import graph_of
from poolcheck.read.python.leaks.flow.guards import NOTHING, Knowledge, answer, assigned, code, forgotten, learned
from poolcheck.read.python.leaks.flow.nodes import Edge, Graph, Kind, Node, Way, parts
from poolcheck.read.python.leaks.following.deeds import Uses
from poolcheck.read.python.leaks.following.surroundings import surroundings
from poolcheck.read.python.syntax.bindings import dotted, inside, names_bound

MOST_KNOWN = 64
"""So many answers are remembered."""

_WORD = re.compile(r"[\w.]+")


@lru_cache(maxsize=8)
def plan_of(function: cst.FunctionDef) -> "Plan":
    """The plan of a function, which often takes more than one connection."""
    return Plan(function)


class Plan:
    """The graph of a function, and what its nodes bind, for all walks through it."""

    def __init__(self, function: cst.FunctionDef) -> None:
        self.graph: Graph = graph_of(function)
        self.nodes_of: dict[cst.CSTNode, list[int]] = defaultdict(list)
        self.before: dict[int, list[int]] = defaultdict(list)
        self.leaving: dict[cst.CSTNode, list[int]] = defaultdict(list)
        self.bound: list[Mapping[str, cst.BaseExpression | None]] = []
        self.yields: list[bool] = []
        self._around = surroundings(function)
        self._is_async = function.asynchronous is not None
        self._ending: dict[int, cst.CSTNode | None] = {}
        known: dict[cst.CSTNode | None, tuple[Mapping[str, cst.BaseExpression | None], bool]] = {None: ({}, False)}
        for at, node in enumerate(self.graph.nodes):
            for part in parts(node):
                self.nodes_of[part].append(at)
            for edge in node.edges:
                self.before[edge.target].append(at)
            if node.kind is Kind.LEAVE and node.syntax:
                self.leaving[node.syntax].append(at)
            syntax = None if node.kind is Kind.LEAVE else node.syntax
            if syntax not in known:
                known[syntax] = dict(_bound(node)), any(map(_yields, parts(node)))
            self.bound.append(known[syntax][0])
            self.yields.append(known[syntax][1])

    @cached_property
    def known(self) -> Mapping[int, Knowledge]:
        """What is known at the nodes that are reached from the entry, whatever is taken on the way."""
        found: dict[int, Knowledge] = {0: NOTHING}
        waiting = deque([0])
        while waiting:
            at = waiting.popleft()
            node = self.graph.nodes[at]
            after = self.bind(at, found[at])
            for edge in node.edges:
                known = told(node, edge, found[at] if edge.way is Way.RAISE else after, frozenset())
                if known is None:
                    continue
                before = found.get(edge.target)
                if before is None or not before <= known:
                    found[edge.target] = known if before is None else before & known
                    waiting.append(edge.target)
        return found

    @cached_property
    def _tested(self) -> frozenset[str]:
        """The words in what is asked, and in what flags may stand for."""
        tests = (test for node in self.graph.nodes if node.kind is Kind.TEST and (test := _test(node)))
        return frozenset(word for test in tests for word in _WORD.findall(code(test)))

    def bind(self, at: int, known: Knowledge) -> Knowledge:
        """What is known behind a node that binds names."""
        bound = self.bound[at]
        if not bound:
            return known
        is_told = {name: value is not None and name in self._tested for name, value in bound.items()}
        known = forgotten([name for name in bound if not is_told[name]], known)
        for name, value in bound.items():
            if is_told[name]:
                known = assigned(name, value, known)
        return known

    def holding(self, node: cst.CSTNode, uses: Uses) -> list[int]:
        """The nodes of the graph that execute a node of the syntax."""
        for each in (node, *uses.around.ancestors(node)):
            if each in self.nodes_of:
                return self.nodes_of[each]
        return []

    def ending(self, at: int) -> cst.CSTNode | None:
        """The `await` at which a task may be cancelled, or the `yield` at which a generator may be left.

        None in what cleans up, which may be cancelled as well: it is as careful as code is.
        """
        if at not in self._ending:
            self._ending[at] = self._ending_in(self.graph.nodes[at])
        return self._ending[at]

    def _ending_in(self, node: Node) -> cst.CSTNode | None:
        ending = (cst.Await, cst.Yield) if self._is_async else cst.Yield
        for part in parts(node):
            for each in () if isinstance(part, cst.FunctionDef | cst.ClassDef) else (part, *inside(part)):
                if isinstance(each, ending):
                    around = self._around.ancestors(each)
                    is_cleaning_up = any(isinstance(outer, _CLEANING_UP) for outer in around)
                    return None if is_cleaning_up else each
        return None

    def yielding(self, at: int) -> cst.CSTNode:
        """The `yield` that a node of the graph executes."""
        found = (each for part in parts(self.graph.nodes[at]) for each in (part, *inside(part)))
        return next(each for each in found if isinstance(each, cst.Yield))


_CLEANING_UP = (cst.ExceptHandler, cst.ExceptStarHandler, cst.Finally)


def told(node: Node, edge: Edge, known: Knowledge, held: frozenset[str]) -> Knowledge | None:
    """What is known on an edge; None where a test is known to answer otherwise."""
    test = _test(node) if edge.way in {Way.YES, Way.NO} else None
    if test is None:
        return known
    outcome = edge.way is Way.YES
    if answer(test, known, held) is (not outcome):
        return None
    return learned(test, known, outcome=outcome) if len(known) < MOST_KNOWN else known


def _yields(part: cst.CSTNode) -> bool:
    return not isinstance(part, cst.FunctionDef | cst.ClassDef) and any(
        isinstance(each, cst.Yield) for each in (part, *inside(part))
    )


def _bound(node: Node) -> Iterator[tuple[str, cst.BaseExpression | None]]:
    """The names that a node of the graph binds, each with what it is plainly bound to."""
    match node.syntax:
        case cst.For(target=target):
            yield from ((name, None) for name in _targets(target))
            return
        case cst.Import(names=names) | cst.ImportFrom(names=names) if not isinstance(names, cst.ImportStar):
            for alias in names:
                bound = alias.asname.name if alias.asname else alias.name
                yield (dotted(bound) or "").partition(".")[0], None
            return
        case _:
            pass
    for part in parts(node):
        nested = () if isinstance(part, cst.FunctionDef | cst.ClassDef) else inside(part)
        for each in (part, *nested):
            if not isinstance(each, cst.CompFor | cst.Lambda):
                for name, value in names_bound(each):
                    yield name, value if isinstance(value, cst.BaseExpression) else _value(value)


def _value(bound: cst.CSTNode | None) -> cst.BaseExpression | None:
    return bound.value if isinstance(bound, cst.AnnAssign) else None


def _targets(target: cst.CSTNode) -> Iterator[str]:
    for each in (target, *inside(target)):
        if isinstance(each, cst.Name):
            yield each.value


def _test(node: Node) -> cst.BaseExpression | None:
    """What a node asks, where that is an expression."""
    match node.syntax:
        case cst.Assert(test=test):
            return test
        case cst.BaseExpression() as test:
            return test
        case _:
            return None
