"""A checkout that waits without end for a connection when all are taken."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Note, Severity
from poolcheck.read.python.capacity import is_unlimited
from poolcheck.read.python.checkouts import SHORTCUTS, Checkout
from poolcheck.read.python.constructors import Library
from poolcheck.read.python.facts import PythonModule
from poolcheck.read.python.pools import ClientPool, Role
from poolcheck.rule import Rule
from poolcheck.source import Edit, Span
from poolcheck.value import Known

ENDLESS = frozenset({Library.ASYNCPG, Library.AIOMYSQL, Library.ASYNCMY})
"""Libraries whose pools have no limit of their own to the wait. Observed: acquire() never returned."""
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
        for checkout in endless:
            if checkout.method == "acquire":
                message = f"{checkout.title} waits without end when all connections are taken"
                fix = with_timeout(checkout, module.module.source.text)
                yield self.finding(checkout.span, message, fix=fix, severity=self.severity_of(checkout))
        yield from self.by_shortcuts([each for each in endless if each.method in SHORTCUTS])

    def by_pool(self, pool: ClientPool) -> Iterator[Finding]:
        """A pool that is told, or is told nothing else than, to let everybody wait."""
        name = pool.constructor.wait
        value = pool.effective(name)
        if isinstance(value, Known) and value.scalar in pool.constructor.waits_forever and not is_unlimited(pool):
            why = f"{name}={value.scalar}" + ("" if pool.given(name) else " by default")
            message = f"a checkout from {pool.title} waits without end when all connections are taken: {why}"
            yield self.finding(value.places[0], message)

    def by_shortcuts(self, checkouts: list[Checkout]) -> Iterator[Finding]:
        """Statements that take a connection by themselves: one finding for each pool, as they are many."""
        pools = dict.fromkeys(pool_of(checkout) for checkout in checkouts)
        for pool in pools:
            first, *more = [checkout for checkout in checkouts if pool_of(checkout) == pool]
            message = f"{first.title} waits without end when all connections are taken, whatever its timeout"
            notes = [Note(each.span, f"so does {each.title}") for each in more[:MOST_NOTES]]
            yield self.finding(first.span, message, notes=notes, severity=self.severity_of(first))

    def severity_of(self, checkout: Checkout) -> Severity:
        """Nobody but itself keeps a script waiting."""
        return self.severity.milder if checkout.runs_once else self.severity


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


def with_timeout(checkout: Checkout, text: str) -> Fix | None:
    """A limit of ten seconds for asyncpg's acquire(), where it has no arguments."""
    if checkout.maker is None or checkout.maker.library is not Library.ASYNCPG:
        return None
    if not text[checkout.span.start : checkout.span.end].endswith("()"):
        return None
    inside = Span(checkout.span.path, checkout.span.end - 1, checkout.span.end - 1)
    return Fix("Wait for ten seconds at most", (Edit(inside, "timeout=10"),), safe=False)
