"""Arguments for connecting that an engine never uses, as something else connects for it."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Severity
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.pools.uses import is_made
from poolcheck.read.python.project.roles import Role
from poolcheck.rule import Rule
from poolcheck.system.whole import System
from poolcheck.value import Known, Table, Value

MAKERS = ("creator", "async_creator", "pool")
"""What connects in place of the engine."""


class CreatorDropsConnectArgs(Rule[System]):
    id = "creator-drops-connect-args"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        for client in system.clients:
            pool = client.pool
            is_engine = pool.constructor.library is Library.SQLALCHEMY and pool.constructor.address is not None
            if is_engine and pool.role is Role.APPLICATION:
                yield from self.of_engine(pool, system)

    def of_engine(self, pool: ClientPool, system: System) -> Iterator[Finding]:
        """What one engine does not use."""
        maker = next((name for name in MAKERS if is_there(pool, name, system)), None)
        if maker is None:
            return
        arguments = pool.arguments.get("connect_args")
        if arguments and says_something(arguments) and "connect_args" not in pool.partly:
            named = names(arguments)
            are = "are" if named == "connect_args" else "is"
            message = f"{named} of {pool.title} {are} never used: {maker} connects"
            yield self.finding(pool.used_at(arguments), message)
        written, address = pool.given(pool.constructor.address), pool.address
        if written and address and address.options and address.dialect != "sqlite":
            options = " and ".join(sorted(address.options))
            are = "are" if len(address.options) > 1 else "is"
            message = f"{options} in the URL of {pool.title} {are} never used: {maker} connects"
            yield self.finding(pool.used_at(written), message)


def is_there(pool: ClientPool, name: str, system: System) -> bool:
    """Whether an argument is given, on every branch, and is not perhaps None, as a parameter may be."""
    if name not in pool.arguments or isinstance(pool.arguments[name], Known) or name in pool.partly:
        return False
    module = system.module(pool.span.path)
    return module is not None and is_made(module.module, pool.span, name)


def says_something(arguments: Value) -> bool:
    """Whether a dictionary of arguments certainly has some."""
    return isinstance(arguments, Table) and bool(arguments.items)


def names(arguments: Value) -> str:
    """The only argument by its name, or all of them."""
    items = arguments.items if isinstance(arguments, Table) else ()
    return items[0][0] if len(items) == 1 else "connect_args"
