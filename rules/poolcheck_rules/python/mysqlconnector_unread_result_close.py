"""A connection of mysql-connector's pool that is given back while rows wait on it."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.python.facts import PythonModule
from poolcheck.read.python.leaks.outliving.unread import unread_in
from poolcheck.read.python.project.roles import Role
from poolcheck.rule import Rule


class MysqlconnectorUnreadResultClose(Rule[PythonModule]):
    id = "mysqlconnector-unread-result-close"
    severity = Severity.INFO
    since = "0.1"

    def check(self, module: PythonModule) -> Iterator[Finding]:
        for unread in unread_in(module.module) if module.role is not Role.TEST else ():
            message = (
                f"{unread.function}() gives {unread.connection} back with these rows unread: "
                "the pool cannot reset it, and has one connection less"
            )
            yield self.finding(unread.span, message, notes=[Note(unread.taken_at, "taken here")])
