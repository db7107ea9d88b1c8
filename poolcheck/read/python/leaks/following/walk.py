"""One forward walk through a function: what becomes of a connection on every way from where it is taken.

What tests have answered on all ways to where it is taken is known there. From there on the walk follows the names
that it goes by, until it is given back, somebody else has it, or the function ends. Ways that meet with the same
names in hand go on as one, with what all of them know.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from functools import cached_property

import libcst as cst

from poolcheck.read.python.leaks.flow.guards import NOTHING, Knowledge, learned
from poolcheck.read.python.leaks.flow.nodes import Edge, Kind, Node, Way
from poolcheck.read.python.leaks.flow.raised import Raised, catches, said, swallows
from poolcheck.read.python.leaks.following.collected import collected, receiver
from poolcheck.read.python.leaks.following.deed import Deed, Use
from poolcheck.read.python.leaks.following.deeds import Uses, is_endless
from poolcheck.read.python.leaks.following.plan import plan_of, told
from poolcheck.read.python.leaks.following.walked import Branch, Exit, Holding, Reached, Start, State, Walked
from poolcheck.read.python.syntax.bindings import last_name

MOST_STATES = 20_000
"""A walk that meets more states than this gives up."""

MOST_ARRIVALS = 8
"""So many ways to the same end are told apart."""

NAMELESS = ""
"""What a connection goes by that nothing refers to."""

_LEAVING = frozenset({Deed.GONE, Deed.RETURNED, Deed.WRAPPED, Deed.YIELDED})
"""What is somebody else's from then on."""

_COMMITTING = frozenset({"commit", "flush"})
"""Methods of a session that execute statements before they give its connection back."""


class Walk:
    """The walk of one connection."""

    def __init__(self, function: cst.FunctionDef, uses: Uses, start: Start, *, lends: bool) -> None:
        self._plan = plan_of(function)
        self._uses = uses
        self._start = start
        self._lends = lends
        self._sites = frozenset(self._plan.holding(start.site, uses)) if start.site else frozenset({0})
        self._at, self._derived, self._releases, self._pools = collected(uses, start.use.names, start.use.derived)
        self._known: dict[State, Knowledge] = {}
        self._parents: dict[State, State] = {}
        self._ended: dict[Use, None] = {}
        self._released: dict[Use, None] = {}
        self._causes: dict[int, cst.CSTNode] = {}
        self._interrupting: dict[int, cst.CSTNode] = {}
        self._set_up: dict[cst.CSTNode, None] = {}
        self._vain: dict[int, cst.CSTNode] = {}
        self._exits: dict[State, bool] = {}
        self._arrivals: dict[State, list[State]] = {}
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
            holding = Holding.RESTS if self._start.rests else Holding.HELD
            first = State(0, holding, frozenset(self._start.use.names))
            self._known[first] = NOTHING
            self._waiting.append(first)
        else:
            for at in sorted(self._sites & self._plan.known.keys()):
                self._take(State(at, Holding.RESTS), self._plan.graph.nodes[at], self._plan.known[at])
        while self._waiting and len(self._known) <= MOST_STATES:
            self._step(self._waiting.popleft())
        exits = tuple(
            self._exit(state, before, is_overwritten=lost)
            for state, lost in self._exits.items()
            for before in self._arrivals.get(state) or (self._parents.get(state),)
        )
        together = (*self._released, *self._releases)
        ended, released, given_up = tuple(self._ended), tuple(self._released), bool(self._waiting)
        return Walked(exits, ended, released, together, given_up, self._derived, tuple(self._set_up))

    def reached(self) -> Iterator[Reached]:
        """What is reached while the connection is held, each node once."""
        self.walked()
        nodes = self._plan.graph.nodes
        taken: dict[State, int | None] = {}
        seen: set[int] = set()
        for state in self._known:
            before = self._parents.get(state)
            if before and before.holding is Holding.HELD:
                taken[state] = taken.get(before)
            else:
                taken[state] = before.at if before else None
            if state.holding is Holding.HELD and state.at not in seen:
                seen.add(state.at)
                at = taken[state]
                yield Reached(nodes[state.at], nodes[at].syntax if at is not None else None)

    def _exit(self, last: State, arriving: State | None, *, is_overwritten: bool) -> Exit:
        """The way that leads to a state, by another that may have come before it."""
        nodes = self._plan.graph.nodes
        raising: cst.CSTNode | None = None
        left_by_raise = nodes[last.at].kind is Kind.RAISED
        leaving = cst.Raise if left_by_raise else (cst.Return, cst.Break, cst.Continue)
        node = nodes[last.at]
        branch: Branch | None = None
        handler: cst.CSTNode | None = None
        exception = ""
        state: State | None = last
        while state:
            before = arriving if state is last else self._parents.get(state)
            if before and state.was_raised and not before.was_raised:
                exception = state.exception
                causes = self._interrupting if exception == Raised.CANCELLED else self._causes
                raising = causes.get(before.at) or nodes[before.at].syntax
            if before and branch is None and not last.was_raised:
                branch = self._branch(before.at, state.at)
            here = nodes[state.at]
            is_leaving = isinstance(here.syntax, leaving) and not isinstance(node.syntax, leaving)
            is_later = is_overwritten and isinstance(here.syntax, cst.Return | cst.Raise)
            if node.syntax is None or (is_leaving and not is_later):
                node = here
            if here.kind is Kind.CATCH and handler is None and not left_by_raise:
                handler = here.syntax
            state = before
        vain = self._vain.get(last.vain) if last.vain is not None else None
        is_owned = any("." in name for name in last.names)
        return Exit(
            node, raising, vain, left_by_raise, is_overwritten, is_owned,
            branch=branch if raising is None else None,
            handler=handler if raising else None,
            exception=exception,
        )  # fmt: skip

    def _branch(self, at: int, target: int) -> Branch | None:
        """The answer to a test that leads away from all that releases, where the other does not."""
        node = self._plan.graph.nodes[at]
        ways = {edge.way for edge in node.edges if edge.target == target} & {Way.YES, Way.NO}
        if len(ways) != 1 or target in self._ahead:
            return None
        others = [edge.target for edge in node.edges if edge.way in {Way.YES, Way.NO} - ways]
        return Branch(node, ways.pop()) if self._ahead.intersection(others) else None

    @cached_property
    def _ahead(self) -> set[int]:
        """The nodes that release, and those that one follows without an exception."""
        nodes = self._plan.graph.nodes
        waiting = [at for at, uses in self._at.items() if any(use.deed is Deed.RELEASED for _, use in uses)]
        found: set[int] = set()
        while waiting:
            at = waiting.pop()
            if at not in found:
                found.add(at)
                before = () if at in self._sites else self._plan.before[at]
                waiting += [each for each in before if _goes_on(nodes[each], at)]
        return found

    def _go(self, state: State, known: Knowledge, parent: State) -> None:
        """Goes on in a state, unless as much is known of it already."""
        before = self._known.get(state)
        if self._plan.graph.nodes[state.at].kind in {Kind.END, Kind.RAISED}:
            arrivals = self._arrivals.setdefault(state, [])
            if len(arrivals) < MOST_ARRIVALS and all(each.at != parent.at for each in arrivals):
                arrivals.append(parent)
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
            is_caught = catches(handler, state.exception) if handler else True
            if is_caught is not False:
                self._go(state._replace(at=edge.target), known, state)
            if is_caught:
                return

    def _execute(self, state: State, node: Node, known: Knowledge) -> None:
        if node.kind is Kind.LEAVE and node.syntax is self._start.lent_by:
            return
        uses = self._uses_at(state)
        leaving = _LEAVING if state.vain is None else _LEAVING - {Deed.WRAPPED, Deed.YIELDED}
        deeds = {use.deed for use in uses}
        is_lent = self._start.lent_by is not None and not self._start.rests
        if deeds & leaving and Deed.RELEASED not in deeds and not is_lent:
            self._end([use for use in uses if use.deed in leaving])
            return
        if Deed.RELEASED in deeds:
            self._note_released(uses)
            return
        handed = [use for use in uses if use.deed is Deed.HANDED]
        if handed and state.vain is None and not is_lent and not self._is_followed(state.at):
            self._end(handed)
            return
        self._use(state, node, known, uses)

    def _is_followed(self, at: int) -> bool:
        """Whether the function shows that it still owns the connection behind a node."""
        return self._start.lent_by is None and at in self._followed

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
        for pool in (*receiver(called), *self._pools):
            yield pool, True

    def _use(self, state: State, node: Node, known: Knowledge, uses: list[Use]) -> None:
        """Nothing that is done here ends it."""
        deeds = {use.deed for use in uses}
        asks = not deeds.isdisjoint({Deed.ASKED, Deed.HANDED, Deed.LENT})
        after = state
        if asks and state.holding is Holding.RESTS:
            after = after._replace(holding=Holding.HELD)
        self._raise_here(after, state, node, known, uses)
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

    def _raise_here(self, after: State, state: State, node: Node, known: Knowledge, uses: list[Use]) -> None:
        """Goes on with what a node may raise while the connection is held."""
        deeds = {use.deed for use in uses}
        if self._lends and self._plan.yields[state.at]:
            self._causes.setdefault(state.at, self._plan.yielding(state.at))
            self._fail(after, node, known, Raised.ANYTHING, state)
        elif not deeds.isdisjoint({Deed.ASKED, Deed.HANDED}):
            cause = next(use.node for use in uses if use.deed in {Deed.ASKED, Deed.HANDED})
            self._causes.setdefault(state.at, cause)
            self._fail(after, node, known, Raised.BY_SERVER, state)
        elif after.holding is Holding.HELD and not state.was_raised and self._is_open_to_the_caller(node):
            self._set_up |= dict.fromkeys(use.node for use in uses if use.deed is Deed.LOOKED)
        if self._start.is_ended and not state.was_raised and (end := self._plan.ending(state.at)):
            self._interrupting.setdefault(state.at, end)
            self._fail(after, node, known, Raised.CANCELLED, state)
        if committing := next((use for use in uses if _commits(use)), None):
            self._causes.setdefault(state.at, committing.node)
            self._fail(state._replace(holding=Holding.HELD), node, known, Raised.BY_SERVER, state)

    def _is_open_to_the_caller(self, node: Node) -> bool:
        """Whether an exception at a node leaves the function at once."""
        nodes = self._plan.graph.nodes
        return any(edge.way is Way.RAISE and nodes[edge.target].kind is Kind.RAISED for edge in node.edges)

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
        raised = said(node) or (state.exception if state.was_raised and state.exception else Raised.BY_SERVER)
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
        if is_leaving and swallows(node.syntax, state.exception):
            return
        if edge.way is Way.CAUGHT and state.exception == Raised.CANCELLED and node.kind is Kind.LEAVE:
            return
        after = told(node, edge, known, state.names | self._made_of_it(known))
        if after is None:
            return
        is_over = node.kind is Kind.CATCH or (node.kind is Kind.LEAVE and edge.way is Way.CAUGHT)
        exception = "" if is_over else state.exception
        self._go(state._replace(at=edge.target, exception=exception), after, parent)


def _commits(use: Use) -> bool:
    """Whether a session is told to write what it has. Where that fails, it keeps the connection."""
    return use.deed is Deed.PAUSED and isinstance(use.node, cst.Call) and last_name(use.node.func) in _COMMITTING


def _goes_on(node: Node, target: int) -> bool:
    """Whether a node leads to another without an exception of its own."""
    is_passing = node.kind in {Kind.DISPATCH, Kind.LEAVE} or isinstance(node.syntax, cst.Raise)
    return is_passing or any(edge.target == target and edge.way is not Way.RAISE for edge in node.edges)
