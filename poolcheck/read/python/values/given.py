"""The arguments of a call as values, each worked out when somebody asks for it."""

from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.syntax.arguments import passed
from poolcheck.read.python.values.flow import Worth
from poolcheck.read.python.values.scope import Scope
from poolcheck.read.python.values.tables import pairs
from poolcheck.value import Places, Unknown, Value, entry_of, known_text, moved


class Given(NamedTuple):
    """The arguments of a call in a scope."""

    call: cst.Call
    scope: Scope
    worth: Worth

    def value(self, name: str | None, position: int | None = None) -> Value | None:
        """The argument of a name, or at a position; None where it surely is not given."""
        found = passed(self.call, name, position)
        if found.node:
            return self.worth(found.node, self.scope)
        if found.is_hidden:
            return Unknown((self.scope.span(self.call),))
        value: Value | None = None
        for each in found.spread:
            entry = entry_of(self.worth(each, self.scope), name or "")
            value = value if entry is None else moved(entry, (self.scope.span(each),))
        return value

    def text(self, name: str | None, position: int | None = None) -> str | None:
        """The same, where it is a known text."""
        return known_text(self.value(name, position))

    def node(self, name: str | None, position: int | None = None) -> cst.BaseExpression | None:
        """The expression that the argument is, where it is written."""
        return passed(self.call, name, position).node

    def positional(self) -> list[Value] | None:
        """All arguments, where they are given by position only."""
        if any(each.star or each.keyword for each in self.call.args):
            return None
        return [self.worth(each.value, self.scope) for each in self.call.args]

    def as_table(self, place: Places) -> Value:
        """What `dict` makes of the arguments."""
        if any(argument.star == "*" for argument in self.call.args):
            return Unknown(place)
        return pairs(self.call.args, [self.worth(each.value, self.scope) for each in self.call.args], place)
