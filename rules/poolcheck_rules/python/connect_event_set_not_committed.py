"""A setting that a listener on new connections makes and does not commit, so that a rollback takes it back."""

import re
from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Note, Severity
from poolcheck.read.python.facts import PythonModule
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.project.roles import Role
from poolcheck.read.python.sql.executed import Executed, executed_in
from poolcheck.read.sql.acts import Act
from poolcheck.read.sql.parameters import is_parameter
from poolcheck.rule import Rule
from poolcheck.source import Edit, Span
from poolcheck.system.whole import System

LISTENS = re.compile(r"listen(?<!\wlisten)(?:s_for)?\s*\(")
ENDS_IT = re.compile(r"commit|isolation_level|\bbegin\b|\btransaction\b", re.IGNORECASE)
"""What a function mentions that ends the transaction, or has none."""
OF_OTHERS = frozenset({"client_encoding", "role", "session_authorization"})
"""What other servers than PostgreSQL have as well, whose SET may outlive a rollback."""
COMMITS_EACH = ("AUTOCOMMIT", "autocommit=True")


class ConnectEventSetNotCommitted(Rule[System]):
    id = "connect-event-set-not-committed"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        pools = {client.pool.span: client.pool for client in system.clients}
        for module in (each for each in system.documents if isinstance(each, PythonModule)):
            if module.role in {Role.APPLICATION, Role.EXAMPLE} and module.module.has(LISTENS):
                for done in executed_in(module.module):
                    if is_lost(done, module) and is_on_postgresql(done, module, pools):
                        yield self.of_setting(done, module, pools)

    def of_setting(self, done: Executed, module: PythonModule, pools: dict[Span, ClientPool]) -> Finding:
        """What comes of one setting."""
        pool = pools.get(done.origin.maker) if done.origin.maker else None
        of = f"a connection of {pool.title}" if pool else "a connection"
        message = f"{done.words} is not committed: the first rollback on {of} takes it back for good"
        notes = [Note(pool.callee, "its connections are rolled back when they are returned")] if pool else []
        return self.finding(done.span, message, notes=notes, fix=committed(done, module))


def is_lost(done: Executed, module: PythonModule) -> bool:
    """Whether something is set in a listener to new connections which leaves the transaction open."""
    is_set = done.act is Act.SET and done.origin.event == "connect"
    if not is_set or done.is_undone or not done.name or not is_parameter(done.name) or done.function is None:
        return False
    # Of an engine from somewhere else it is not known that it is one.
    is_open = done.transaction is not None and not done.transaction.is_single
    if done.origin.library is not None and not (done.origin.library is Library.SQLALCHEMY and is_open):
        return False
    name, body = done.function.value, body_of(done, module)
    first = re.search(rf"\bdef\s+{name}\s*\(\s*(\w+)", body)
    is_managed = first is not None and re.search(rf"\bwith\b[^:\n]*\b{first[1]}\s*(?:[:,]|as\b)", body)
    return not ENDS_IT.search(body) and not is_managed and is_listener(name, done, module)


def body_of(done: Executed, module: PythonModule) -> str:
    """The text of the function, with what it executes."""
    place = done.function.span if done.function else done.span
    return module.module.source.text[place.start : place.end]


def is_listener(name: str, done: Executed, module: PythonModule) -> bool:
    """Whether the function itself is called for each connection, and not by a function that may commit."""
    code, start = module.module.masked.text, done.function.span.start if done.function else 0
    before = code[:start].rstrip().rpartition("\n\n")[2]
    is_decorated = LISTENS.search(before) is not None or LISTENS.search(code, start, start + 200) is not None
    is_named = re.search(rf"\blisten\s*\([^()]*(?:\([^()]*\)[^()]*)*,\s*{re.escape(name)}\b", code) is not None
    return is_decorated or is_named


def is_on_postgresql(done: Executed, module: PythonModule, pools: dict[Span, ClientPool]) -> bool:
    """Whether the engine is PostgreSQL's, as far as is seen, and leaves it to the program to commit."""
    pool = pools.get(done.origin.maker) if done.origin.maker else None
    dialect = pool.address.dialect if pool and pool.address else None
    if dialect not in {None, "postgresql"} or (dialect is None and done.name in OF_OTHERS):
        return False
    if pool:
        return pool.all_known and not pool.arguments.keys() & {"isolation_level", "execution_options"}
    is_told = "isolation_level" in module.module.source.text
    return not is_told and not any(module.module.project.mentions.of(word) for word in COMMITS_EACH)


def committed(done: Executed, module: PythonModule) -> Fix | None:
    """A commit at the end of the function, where that is an ordinary statement."""
    if done.function is None:
        return None
    text, place = module.module.source.text, done.function.span
    body = text[place.start : place.end].rstrip()
    first = re.search(r"\bdef\s+\w+\s*\(\s*(\w+)[^)]*\)[^:]*:[^\n]*\n(?:\s*\n)*(?P<indent>[ \t]+)\S", body)
    last = body.rpartition("\n")[2]
    if first is None or re.match(r"\s*(?:return|raise|yield|pass)\b", last) or "\n" not in body:
        return None
    end = place.start + len(body)
    edit = Edit(Span(place.path, end, end), f"\n{first['indent']}{first[1]}.commit()")
    return Fix("Commit it", (edit,), safe=False)
