"""A checkout that waits without end for a connection when all are taken."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Note, Severity
from poolcheck.read.python.facts import PythonModule
from poolcheck.read.python.leaks.taking.checkouts import Checkout
from poolcheck.read.python.leaks.taking.sources import SHORTCUTS
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.pools.capacity import is_unlimited
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.project.roles import Role
from poolcheck.rule import Rule
from poolcheck.source import Edit, Span
from poolcheck.value import Known

ENDLESS = frozenset({Library.ASYNCPG, Library.AIOMYSQL, Library.ASYNCMY})
"""Libraries whose pools have no limit of their own to the wait. Observed: acquire() never returned."""
CREATORS = ("async_creator", "creator")
MOST_NOTES = 4


class CheckoutWaitsForever(Rule[PythonModule]):
    id = "checkout-waits-forever"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, module: PythonModule) -> Iterator[Finding]:
        if module.role is not Role.APPLICATION:
            return
        for pool in module.pools:
            yield from self.by_pool(pool)
        endless = [checkout for checkout in module.checkouts if waits(checkout)]
        for name in dict.fromkeys(map(pool_of, endless)):
            here = [checkout for checkout in endless if pool_of(checkout) == name]
            yield from self.by_acquire([each for each in here if each.method == "acquire"], module)
            yield from self.by_shortcuts([each for each in here if each.method in SHORTCUTS])

    def by_pool(self, pool: ClientPool) -> Iterator[Finding]:
        """A pool that is told, or is told nothing else than, to let everybody wait."""
        name = pool.constructor.wait
        value = None if is_of_a_file(pool) else pool.effective(name)
        if isinstance(value, Known) and value.scalar in pool.constructor.waits_forever and not is_unlimited(pool):
            why = f"{name}={value.scalar}" + ("" if pool.given(name) else " by default")
            message = f"a checkout from {pool.title} waits without end when all connections are taken: {why}"
            yield self.finding(value.places[0], message)

    def by_acquire(self, checkouts: list[Checkout], module: PythonModule) -> Iterator[Finding]:
        """Checkouts from one pool in one module: one finding, as whoever sets no limit does so everywhere."""
        if not checkouts:
            return
        first = min(checkouts, key=lambda each: -self.severity_of(each).rank)
        others = [each for each in checkouts if each is not first]
        edits = [edit for each in checkouts for edit in with_timeout(each, module.module.source.text)]
        yield self.finding(
            first.span,
            f"{first.title} waits without end when all connections are taken{as_well(others)}",
            notes=notes(others),
            fix=Fix("Wait for ten seconds at most", tuple(edits), safe=False) if edits else None,
            severity=self.severity_of(first),
        )

    def by_shortcuts(self, checkouts: list[Checkout]) -> Iterator[Finding]:
        """Statements that take a connection from one pool by themselves: one finding, as they are many."""
        if not checkouts:
            return
        first, *others = checkouts
        message = f"{first.title} waits without end when all connections are taken, whatever its timeout"
        yield self.finding(first.span, message, notes=notes(others), severity=Severity.INFO)

    def severity_of(self, checkout: Checkout) -> Severity:
        """Nobody but itself keeps a script waiting."""
        return self.severity.milder if checkout.runs_once else self.severity


def is_of_a_file(pool: ClientPool) -> bool:
    """Whether the pool is in front of a file, or may be: who connects for it knows what to."""
    dialect = pool.address.dialect if pool.address else None
    return dialect == "sqlite" or (dialect is None and any(name in pool.arguments for name in CREATORS))


def waits(checkout: Checkout) -> bool:
    """Whether a checkout is from a pool without a limit to the wait, and is given none.

    From a pool that the function made just before, nobody else has taken anything.
    """
    if checkout.maker is None or checkout.maker.library not in ENDLESS:
        return False
    if checkout.is_bounded or checkout.pool_is_local or checkout.is_wrapped:
        return False
    limit = checkout.arguments.get("timeout")
    return checkout.method in SHORTCUTS or limit is None or (isinstance(limit, Known) and limit.scalar is None)


def pool_of(checkout: Checkout) -> str:
    """What the call is made on."""
    return checkout.title.rpartition(".")[0]


def as_well(others: list[Checkout]) -> str:
    """How many more there are, to go on with in a message."""
    match len(others):
        case 0:
            return ""
        case 1:
            return ", as does another checkout here"
        case more:
            return f", as do {more} other checkouts here"


def notes(others: list[Checkout]) -> Iterator[Note]:
    """The next few of them."""
    return (Note(each.span, f"so does {each.title}") for each in others[:MOST_NOTES])


def with_timeout(checkout: Checkout, text: str) -> tuple[Edit, ...]:
    """A limit of ten seconds for asyncpg's acquire(), where it has no other arguments."""
    if checkout.maker is None or checkout.maker.library is not Library.ASYNCPG:
        return ()
    span, limit = checkout.span, checkout.arguments.get("timeout")
    if limit and len(limit.places) == 1:
        return (Edit(limit.places[0], "10"),)
    if limit or not text[span.start : span.end].endswith("()"):
        return ()
    return (Edit(Span(span.path, span.end - 1, span.end - 1), "timeout=10"),)
