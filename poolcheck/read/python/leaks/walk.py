"""One forward walk through a function: what becomes of a connection on every way from where it is taken.

What tests have answered on all ways to where it is taken is known there. From there on the walk follows the names
that it goes by, until it is given back, somebody else has it, or the function ends. Ways that meet with the same
names in hand go on as one, with what all of them know.
"""

import re
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum, auto
from functools import cached_property, lru_cache
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.leaks.deeds import Deed, Use, Uses, is_endless
from poolcheck.read.python.leaks.graph import (
    Edge,
    Graph,
    Kind,
    Node,
    Way,
    catches_all,
    exceptions_named,
    graph_of,
    parts,
)
from poolcheck.read.python.leaks.guards import NOTHING, Knowledge, answer, assigned, code, forgotten, learned
from poolcheck.read.python.syntax.bindings import dotted, inside, last_name, names_bound

MOST_KNOWN = 64
"""So many answers are remembered."""

MOST_STATES = 20_000
"""A walk that meets more states than this gives up."""

NAMELESS = ""
"""What a connection goes by that nothing refers to."""

_WORD = re.compile(r"[\w.]+")

_LEAVING = frozenset({Deed.GONE, Deed.RETURNED, Deed.YIELDED})
"""What is somebody else's from then on."""

CATCHING = frozenset(
    {
        "BaseException", "DBAPIError", "DatabaseError", "Error", "Exception", "InterfaceError", "MySQLError",
        "OperationalError", "PostgresError", "ProgrammingError", "SQLAlchemyError",
    }
)  # fmt: skip
"""Exceptions whose handlers are taken to catch whatever the server may answer."""


class Raised(StrEnum):
    """What is on its way: what a server may answer, or anything; or what a `raise` says."""

    BY_SERVER = auto()
    ANYTHING = auto()
    SAID = auto()


class Holding(StrEnum):
    """Whether the connection is out. One that `RESTS` is a session's that has executed nothing yet."""

    RESTS = auto()
    HELD = auto()


class State(NamedTuple):
    """Where the walk is, and with what in hand.

    `exception` is what is on its way, the name of it for what a `raise` says. The way `was_raised` where an
    exception has come while the connection was held. `vain` is the node that released it in vain.
    """

    at: int
    holding: Holding
    names: frozenset[str] = frozenset()
    exception: str = ""
    was_raised: bool = False
    vain: int | None = None


class Exit(NamedTuple):
    """A way on which the connection is still held where the function ends, or nothing refers to it any more.

    `node` is the statement that leaves it, or the last one, `raising` what raises the exception that takes it,
    if any, `vain` what was to release the connection. It is `left_by_raise` where an exception leaves the
    function, and `is_owned` where the object has it that is being entered.
    """

    node: Node
    raising: cst.CSTNode | None
    vain: cst.CSTNode | None
    left_by_raise: bool
    is_overwritten: bool
    is_owned: bool


class Walked(NamedTuple):
    """What a walk has met: the ways on which it is held to the end, and the uses that end others.

    It is `given_up` where that is not all. `releases` are the releases that there are, whether they are met or
    not.
    """

    exits: tuple[Exit, ...]
    ended: tuple[Use, ...]
    released: tuple[Use, ...]
    releases: tuple[Use, ...]
    given_up: bool = False


class Start(NamedTuple):
    """Where a connection is taken: an expression in the function and its use, or a parameter of the function."""

    site: cst.CSTNode | None
    use: Use
    rests: bool = False


@lru_cache(maxsize=8)
def _plan(function: cst.FunctionDef) -> "_Plan":
    return _Plan(function)


class _Plan:
    """The graph of a function, and what its nodes bind, for all walks through it."""

    def __init__(self, function: cst.FunctionDef) -> None:
        self.graph: Graph = graph_of(function)
        self.nodes_of: dict[cst.CSTNode, list[int]] = defaultdict(list)
        self.before: dict[int, list[int]] = defaultdict(list)
        self.leaving: dict[cst.CSTNode, list[int]] = defaultdict(list)
        self.bound: list[Mapping[str, cst.BaseExpression | None]] = []
        self.yields: list[bool] = []
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

    def yielding(self, at: int) -> cst.CSTNode:
        """The `yield` that a node of the graph executes."""
        found = (each for part in parts(self.graph.nodes[at]) for each in (part, *inside(part)))
        return next(each for each in found if isinstance(each, cst.Yield))


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


class _Collected(NamedTuple):
    """The uses at each node of the graph, with the names used, those of what is derived, and all that release."""

    at: Mapping[int, list[tuple[str, Use]]]
    derived: frozenset[str]
    releases: tuple[Use, ...]


@lru_cache(maxsize=8)
def _collected(uses: Uses, names: tuple[str, ...], derived: tuple[str, ...]) -> _Collected:
    """All uses of the names that a connection, and what is derived from it, ever go by."""
    plan = _plan(uses.around.function)
    at: dict[int, list[tuple[str, Use]]] = defaultdict(list)
    waiting = [*((name, False) for name in names), *((name, True) for name in derived)]
    others = {*derived}
    releases: dict[Use, None] = {}
    seen: set[str] = set()
    while waiting:
        name, is_derived = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for node, use in uses.of_name(name, is_derived=is_derived):
            for place in plan.holding(node, uses):
                at[place].append((name, use))
                entered = plan.graph.nodes[place].syntax if use.deed is Deed.BEGUN else None
                for end in plan.leaving[entered] if entered else ():
                    at[end].append((name, use._replace(deed=Deed.PAUSED)))
            waiting += [*((each, False) for each in use.names), *((each, True) for each in use.derived)]
            others |= {*use.derived}
            if use.deed is Deed.RELEASED:
                releases.setdefault(use)
    return _Collected(at, frozenset(others), tuple(releases))


class Walk:
    """The walk of one connection."""

    def __init__(self, function: cst.FunctionDef, uses: Uses, start: Start, *, lends: bool) -> None:
        self._plan = _plan(function)
        self._uses = uses
        self._start = start
        self._lends = lends
        self._sites = frozenset(self._plan.holding(start.site, uses)) if start.site else frozenset({0})
        self._at, self._derived, self._releases = _collected(uses, start.use.names, start.use.derived)
        self._known: dict[State, Knowledge] = {}
        self._parents: dict[State, State] = {}
        self._ended: dict[Use, None] = {}
        self._released: dict[Use, None] = {}
        self._causes: dict[int, cst.CSTNode] = {}
        self._vain: dict[int, cst.CSTNode] = {}
        self._exits: dict[State, bool] = {}
        self._waiting: deque[State] = deque()

    @cached_property
    def _followed(self) -> set[int]:
        """The nodes behind which a release comes, before the connection is taken again."""
        releases = [
            at for at, uses in self._at.items() for _, use in uses if use.deed in {Deed.RELEASED, Deed.IN_VAIN}
        ]
        found: set[int] = set()
        waiting = [before for at in releases for before in self._plan.before[at]]
        while waiting:
            at = waiting.pop()
            if at not in found:
                found.add(at)
                waiting += () if at in self._sites else self._plan.before[at]
        return found

    def walked(self) -> Walked:
        """What the walk meets."""
        if self._start.site is None:
            first = State(0, Holding.HELD, frozenset(self._start.use.names))
            self._known[first] = NOTHING
            self._waiting.append(first)
        else:
            for at in sorted(self._sites & self._plan.known.keys()):
                self._take(State(at, Holding.RESTS), self._plan.graph.nodes[at], self._plan.known[at])
        while self._waiting and len(self._known) <= MOST_STATES:
            self._step(self._waiting.popleft())
        exits = tuple(self._exit(state, is_overwritten=lost) for state, lost in self._exits.items())
        together = (*self._released, *self._releases)
        return Walked(exits, tuple(self._ended), tuple(self._released), together, given_up=bool(self._waiting))

    def _exit(self, last: State, *, is_overwritten: bool) -> Exit:
        nodes = self._plan.graph.nodes
        raising: cst.CSTNode | None = None
        left_by_raise = nodes[last.at].kind is Kind.RAISED
        leaving = cst.Raise if left_by_raise else (cst.Return, cst.Break, cst.Continue)
        node = nodes[last.at]
        state: State | None = last
        while state:
            before = self._parents.get(state)
            if before and state.was_raised and not before.was_raised:
                raising = self._causes.get(before.at) or nodes[before.at].syntax
            here = nodes[state.at]
            is_leaving = isinstance(here.syntax, leaving) and not isinstance(node.syntax, leaving)
            is_later = is_overwritten and isinstance(here.syntax, cst.Return | cst.Raise)
            if node.syntax is None or (is_leaving and not is_later):
                node = here
            state = before
        vain = self._vain.get(last.vain) if last.vain is not None else None
        is_owned = any("." in name for name in last.names)
        return Exit(node, raising, vain, left_by_raise, is_overwritten, is_owned)

    def _go(self, state: State, known: Knowledge, parent: State) -> None:
        """Goes on in a state, unless as much is known of it already."""
        before = self._known.get(state)
        if before is None:
            self._known[state] = known
            self._parents[state] = parent
            self._waiting.append(state)
        elif not before <= known:
            self._known[state] = before & known
            self._waiting.append(state)

    def _step(self, state: State) -> None:
        node = self._plan.graph.nodes[state.at]
        known = self._known[state]
        match node.kind:
            case Kind.END | Kind.RAISED:
                is_owned = node.kind is Kind.END and any("." in name for name in state.names)
                if state.holding is Holding.HELD and not is_owned:
                    self._exits.setdefault(state, False)
            case Kind.STOPPED:
                pass
            case Kind.DISPATCH:
                self._dispatch(state, node, known)
            case _:
                self._execute(state, node, known)

    def _dispatch(self, state: State, node: Node, known: Knowledge) -> None:
        """Goes on in the handlers that may catch what is on its way, and outwards if none must."""
        for edge in node.edges:
            if edge.way is not Way.CAUGHT:
                self._go(state._replace(at=edge.target), known, state)
                continue
            handler = self._plan.graph.nodes[edge.target].syntax
            catches = _catches(handler, state.exception) if handler else True
            if catches is not False:
                self._go(state._replace(at=edge.target), known, state)
            if catches:
                return

    def _execute(self, state: State, node: Node, known: Knowledge) -> None:
        uses = self._uses_at(state)
        leaving = _LEAVING if state.vain is None else _LEAVING - {Deed.YIELDED}
        deeds = {use.deed for use in uses}
        if deeds & leaving and Deed.RELEASED not in deeds:
            self._end([use for use in uses if use.deed in leaving])
            return
        if Deed.RELEASED in deeds:
            self._note_released(uses)
            return
        handed = [use for use in uses if use.deed is Deed.HANDED]
        if handed and state.at not in self._followed and state.vain is None:
            self._end(handed)
            return
        self._use(state, node, known, uses)

    def _note_released(self, uses: Sequence[Use]) -> None:
        for use in uses:
            if use.deed in {Deed.RELEASED, Deed.PAUSED}:
                self._released.setdefault(use)

    def _end(self, uses: Sequence[Use]) -> None:
        for use in uses:
            self._ended.setdefault(use)

    def _uses_at(self, state: State) -> list[Use]:
        if state.at not in self._at:
            return []
        return [use for name, use in self._at[state.at] if name in state.names or name in self._derived]

    def _take(self, state: State, node: Node, known: Knowledge) -> None:
        """The connection is taken: what is done with it there is the beginning of all else."""
        use = self._start.use
        if use.deed in {*_LEAVING, Deed.HANDED}:
            self._end([use])
            return
        if use.deed is Deed.RELEASED:
            self._released.setdefault(use)
            return
        if use.deed is Deed.IN_VAIN:
            self._vain[state.at] = use.node
        asked = use.deed in {Deed.ASKED, Deed.LENT}
        taken = state._replace(
            holding=Holding.RESTS if self._start.rests and not asked else Holding.HELD,
            names=frozenset(use.names) or frozenset({NAMELESS}),
            vain=state.at if use.deed is Deed.IN_VAIN else None,
        )
        for test, outcome in self._conditions():
            known = learned(test, known, outcome=outcome)
        known = self._plan.bind(state.at, known)
        if use.deed is Deed.LENT and self._lends:
            self._causes.setdefault(state.at, self._plan.yielding(state.at))
            self._fail(taken, node, known, Raised.ANYTHING, state)
        self._onward(taken, state, node, known, raises=False)

    def _conditions(self) -> Iterator[tuple[cst.BaseExpression, bool]]:
        """What must have been so for it to be taken, as in `given or connect()`; and there is a pool."""
        inner = self._start.site
        if inner is None:
            return
        for outer in self._uses.around.ancestors(inner):
            match outer:
                case cst.IfExp(test=test, body=body, orelse=orelse) if inner in {body, orelse}:
                    yield test, inner is body
                case cst.BooleanOperation(left=left, operator=operator, right=right) if inner is right:
                    yield left, isinstance(operator, cst.And)
                case cst.BaseSmallStatement() | cst.BaseCompoundStatement():
                    break
                case _:
                    pass
            inner = outer
        site = self._start.site
        called = site.expression if isinstance(site, cst.Await) else site
        for call in (called, *(use.node for use in self._releases)):
            if isinstance(call, cst.Call) and isinstance(call.func, cst.Attribute):
                yield call.func.value, True

    def _use(self, state: State, node: Node, known: Knowledge, uses: list[Use]) -> None:
        """Nothing that is done here ends it."""
        deeds = {use.deed for use in uses}
        asks = not deeds.isdisjoint({Deed.ASKED, Deed.HANDED, Deed.LENT})
        after = state
        if asks and state.holding is Holding.RESTS:
            after = after._replace(holding=Holding.HELD)
        if self._lends and self._plan.yields[state.at]:
            self._causes.setdefault(state.at, self._plan.yielding(state.at))
            self._fail(after, node, known, Raised.ANYTHING, state)
        elif not deeds.isdisjoint({Deed.ASKED, Deed.HANDED}):
            cause = next(use.node for use in uses if use.deed in {Deed.ASKED, Deed.HANDED})
            self._causes.setdefault(state.at, cause)
            self._fail(after, node, known, Raised.BY_SERVER, state)
        if Deed.PAUSED in deeds:
            self._note_released(uses)
            after = after._replace(holding=Holding.RESTS)
        if Deed.IN_VAIN in deeds:
            self._vain[state.at] = next(use.node for use in uses if use.deed is Deed.IN_VAIN)
            after = after._replace(vain=state.at)
        added = {name for use in uses for name in use.names}
        removed = {*self._plan.bound[state.at]} - added
        names = (after.names - removed) | added
        if names:
            after = after._replace(names=names)
            self._onward(after, state, node, self._plan.bind(state.at, known))
        elif after.holding is Holding.HELD:
            self._exits.setdefault(state, True)

    def _made_of_it(self, known: Knowledge) -> frozenset[str]:
        """The names of what is derived from the connection, but for those that are None as yet."""
        return frozenset(name for name in self._derived if (f"{name} is None", True) not in known)

    def _fail(self, state: State, node: Node, known: Knowledge, raised: Raised, parent: State) -> None:
        """Goes on with an exception that comes while the connection is held."""
        for edge in node.edges:
            if edge.way is Way.RAISE and state.holding is Holding.HELD:
                failed = state._replace(at=edge.target, exception=raised, was_raised=True)
                self._go(failed, known, parent)

    def _onward(self, state: State, parent: State, node: Node, known: Knowledge, *, raises: bool = True) -> None:
        """Goes on to what comes next, without what comes by an exception but for a `raise`."""
        for edge in node.edges:
            if edge.way is not Way.RAISE or node.kind is Kind.LEAVE:
                self._follow(edge, state, parent, node, known)
            elif raises and isinstance(node.syntax, cst.Raise):
                self._raise(edge, state, parent, node, known)

    def _raise(self, edge: Edge, state: State, parent: State, node: Node, known: Knowledge) -> None:
        """Goes on with what a `raise` says; in a handler it passes on what has happened before."""
        said = _said(node)
        raised = said or (state.exception if state.was_raised and state.exception else Raised.BY_SERVER)
        is_passed_on = node.handler is not None
        self._go(
            state._replace(at=edge.target, exception=raised, was_raised=state.was_raised or is_passed_on),
            known,
            parent,
        )

    def _follow(self, edge: Edge, state: State, parent: State, node: Node, known: Knowledge) -> None:
        is_leaving = node.kind is Kind.LEAVE and edge.way is Way.RAISE
        if is_leaving and any(each.way is Way.ON for each in node.edges):
            # That leaving it may raise as well is not counted.
            return
        if edge.way is Way.NO and isinstance(node.syntax, cst.For) and is_endless(node.syntax.iter):
            return
        if is_leaving and _swallows(node.syntax, state.exception):
            return
        after = told(node, edge, known, state.names | self._made_of_it(known))
        if after is None:
            return
        is_over = node.kind is Kind.CATCH or (node.kind is Kind.LEAVE and edge.way is Way.CAUGHT)
        exception = "" if is_over else state.exception
        self._go(state._replace(at=edge.target, exception=exception), after, parent)


def _test(node: Node) -> cst.BaseExpression | None:
    """What a node asks, where that is an expression."""
    match node.syntax:
        case cst.Assert(test=test):
            return test
        case cst.BaseExpression() as test:
            return test
        case _:
            return None


def _said(node: Node) -> str:
    """The name of the exception that a `raise` raises."""
    match node.syntax:
        case cst.Raise(exc=cst.Call(func=func)):
            return last_name(func)
        case cst.Raise(exc=cst.Name() | cst.Attribute() as named):
            name = last_name(named)
            return name if name[:1].isupper() else ""
        case _:
            return ""


def _swallows(item: cst.CSTNode | None, exception: str) -> bool:
    """Whether `suppress` surely ends what is on its way."""
    match item:
        case cst.WithItem(item=cst.Call(func=func, args=args)) if last_name(func) == "suppress":
            return _are_caught({last_name(each.value) for each in args}, exception) is True
        case _:
            return False


def _catches(handler: cst.CSTNode, exception: str) -> bool | None:
    """Whether a handler catches what is on its way; None where it may."""
    return True if catches_all(handler) else _are_caught({*exceptions_named(handler)}, exception)


def _are_caught(named: set[str], exception: str) -> bool | None:
    """Whether what is on its way is one of the exceptions named; None where it may be."""
    if named & {"BaseException", "Exception", exception}:
        return True
    if exception == Raised.BY_SERVER and named & CATCHING:
        return True
    # Another exception that a `raise` names may inherit from the one that is caught.
    return None
