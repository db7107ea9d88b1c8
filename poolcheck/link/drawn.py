"""What a client pool comes to in a process: its size, and where its connections lead."""

from poolcheck.amount import Reason, between
from poolcheck.budget.facts import Lead, PoolFacts, Size
from poolcheck.read.python.pools.capacity import opens_when_asked, sizes
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.pools.uses import placed
from poolcheck.read.python.project.roles import Role
from poolcheck.read.python.running.at_start import is_made_at_start
from poolcheck.read.python.syntax.module import Module
from poolcheck.system.targets import Target
from poolcheck.value import number_of

_AT_START = frozenset(
    {
        "create_app", "init_db", "init_engine", "init_pool", "lifespan", "main", "make_app", "on_startup", "setup",
        "setup_db", "startup",
    }
)  # fmt: skip
"""Functions that are called once, when a process starts."""


def drawn_by(pool: ClientPool, target: Target | None, module: Module | None = None) -> PoolFacts:
    """What a pool with the arguments that its environment gives it comes to in a process.

    Its `module` is asked whether each process makes one, where a workload is known to load it.
    """
    is_counted = pool.constructor.is_pool and pool.constructor.is_counted and pool.role is Role.APPLICATION
    return PoolFacts(
        title=pool.title,
        place=pool.callee,
        choice=_choice(pool),
        sizes=sizes(pool) if is_counted else (Size("", between(0, None)),),
        opens_when_asked=is_counted and opens_when_asked(pool),
        at_start=int(number_of(pool.effective(pool.constructor.least)) or 0),
        made=_made(pool, module) if is_counted else None,
        lead=_lead(pool, target),
    )


def _made(pool: ClientPool, module: Module | None) -> Reason | None:
    """What must hold for each process to make one; None where that is sure."""
    if pool.function is None or pool.function in _AT_START:
        return None
    made = placed(module, pool.span) if module else None
    if made and is_made_at_start(made):
        return None
    made_in = f"{pool.function}()"
    return Reason(f"{pool.title} is made in {made_in}", pool.callee, f"{made_in} makes one in each process")


def _choice(pool: ClientPool) -> str:
    """Where the pool is kept: those under one name in a function, or in settings, take each other's place."""
    if not (pool.function or pool.name):
        return f"{pool.span.path}\n{pool.span.start}"
    path = "" if pool.is_setting else pool.span.path
    return "\n".join((path, pool.function or "", pool.name or ""))


def _lead(pool: ClientPool, target: Target | None) -> Lead:
    address = pool.address
    host, port, database, user = (
        (address.host or None, address.port_number, address.database or None, address.user or None)
        if address
        else (None, None, None, None)
    )
    if target is None:
        return Lead(None, host, port, database, user)
    entry = target.entry.name.value if target.entry else None
    assumption = target.because[0].assumption if target.is_by_default else ""
    return Lead(
        None, host, port, database, user, entry, target.is_certain, target.in_pod, target.because, assumption
    )
