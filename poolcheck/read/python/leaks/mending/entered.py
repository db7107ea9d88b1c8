"""A `with` statement that is over a connection as it is taken, and fixes that have it close the connection too."""

import re
from typing import NamedTuple

import libcst as cst

from poolcheck.finding import Fix
from poolcheck.read.python.leaks.following.deed import Deed
from poolcheck.read.python.leaks.mending.objects import hands_out_objects, needing
from poolcheck.read.python.leaks.mending.standing import Standing, is_done_with
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.libraries.terms import With
from poolcheck.read.python.syntax.bindings import bound_in
from poolcheck.read.python.syntax.importing import imported
from poolcheck.source import Edit, Span


class Entered(NamedTuple):
    """A `with` statement that is over the call that takes a connection, and names it."""

    name: str
    statement: cst.With
    item: cst.WithItem

    def span(self, taken: Standing) -> Span:
        """The place of the call and the name, and of `as` between them."""
        named = cst.ensure_type(self.item.asname, cst.AsName).name
        return taken.scope.span(self.item.item)._replace(end=taken.scope.span(named).end)


def entered_as(taken: Standing) -> Entered | None:
    """The `with` statement that is over what is taken, or over a flag of it, and that names it."""
    node = taken.site
    outer = taken.around.parent(node)
    if isinstance(outer, cst.Attribute):
        node, outer = outer, taken.around.parent(outer)
    statement = taken.around.parent(outer) if outer else None
    match outer, statement:
        case cst.WithItem(asname=cst.AsName(name=cst.Name(value=name))) as item, cst.With():
            found = Entered(name, statement, item)
            between = taken.text[taken.scope.span(node).end : found.span(taken).end]
            return found if re.fullmatch(rf"\s+as\s+{name}", between) else None
        case _:
            return None


def is_over_behind(entered: Entered, taken: Standing) -> bool:
    """Whether the connection has one name, nothing in the `with` statement ends it, and nothing behind uses it."""
    statement = entered.statement
    span = taken.scope.span(statement)
    is_ended = taken.used_in(span.start, span.end, {Deed.RELEASED, Deed.IN_VAIN})
    if taken.is_gone or is_ended or {*taken.own} != {entered.name} or entered.name in bound_in(statement.body):
        return False
    return is_done_with(needing(taken), statement, taken)


def closed_behind(taken: Standing) -> Fix | None:
    """`with psycopg2.connect() as conn` becomes `with closing(psycopg2.connect()) as conn, conn`."""
    entered = entered_as(taken)
    is_known = taken.library is Library.PSYCOPG2 and taken.checkout.is_opened
    if entered is None or not is_known or taken.is_awaited or entered.item.item is not taken.call:
        return None
    if taken.terms.entered is not With.ENDS_TRANSACTION or not is_over_behind(entered, taken):
        return None
    found = imported("contextlib", "closing", taken.module)
    if found is None or found.name.partition(".")[0] in bound_in(taken.function):
        return None
    span, call = entered.span(taken), taken.scope.span(taken.call)
    edits = (
        *found.edits,
        inserted(call, call.start, f"{found.name}("),
        inserted(call, call.end, ")"),
        inserted(span, span.end, f", {entered.name}"),
    )
    return Fix("Close it behind the with block", edits)


def entered_besides(taken: Standing) -> Fix | None:
    """`with Session().no_autoflush as session` becomes `with Session() as session, session.no_autoflush`."""
    entered = entered_as(taken)
    if entered is None or taken.is_awaited or entered.statement.asynchronous or taken.terms.is_lost:
        return None
    match entered.item.item:
        case cst.Attribute(value=session, attr=cst.Name("no_autoflush")) if session is taken.call:
            pass
        case _:
            return None
    is_handing_out = hands_out_objects(taken, [entered.statement])
    if not taken.terms.is_session or is_handing_out or not is_over_behind(entered, taken):
        return None
    span, end = entered.span(taken), taken.scope.span(taken.call).end
    flag = Span(span.path, end, taken.scope.span(entered.item.item).end)
    edits = Edit(flag, ""), inserted(span, span.end, f", {entered.name}.no_autoflush")
    return Fix("Close it behind the with block", edits)


def inserted(span: Span, at: int, written: str) -> Edit:
    """An edit that inserts something in the file that a span is in."""
    return Edit(Span(span.path, at, at), written)
