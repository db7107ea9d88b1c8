"""What calls of methods do to the sessions that they are executed in: settings, locks, channels and the like."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.sql.query_sets import is_query_set
from poolcheck.read.python.sql.sql_pieces import EXECUTING
from poolcheck.read.python.sql.sql_texts import SqlText, functions_in, sql_texts
from poolcheck.read.python.sql.transactions import Opened, Site
from poolcheck.read.python.syntax.trees import children
from poolcheck.read.python.values.evaluate import evaluate
from poolcheck.read.python.values.scope import Scope
from poolcheck.read.sql.acts import SESSION_CHARACTERISTICS, Act, Deed, deeds
from poolcheck.read.sql.statements import statements
from poolcheck.read.sql.tokens import HOLE
from poolcheck.source import Span
from poolcheck.value import Known, text_of

_PUT_IN = re.compile(rf"{HOLE}|\{{[^{{}}]*\}}")
"""What Python puts something in for."""


class Done(NamedTuple):
    """What a call does, and what to call it: the beginning of a statement, a function, a method.

    `text` is all of the SQL, `span` where the module does it. `written` is where the deed's part of the SQL
    stands as it is, `statement` where the whole statement does.
    """

    site: Site
    deed: Deed
    words: str
    text: str
    span: Span
    written: Span | None = None
    statement: Span | None = None

    @property
    def function(self) -> cst.FunctionDef | None:
        """The function around it."""
        return self.site.scope.functions[-1] if self.site.scope.functions else None

    @property
    def call(self) -> Span:
        """The place of the whole call."""
        return self.site.scope.span(self.site.call)


_CONDITIONAL = (cst.Else, cst.ExceptHandler, cst.For, cst.MatchCase, cst.While)
"""What is not executed, or not only once."""


class _Waiting(NamedTuple):
    """A node whose calls are still to be told, and what is around it."""

    node: cst.CSTNode
    scope: Scope
    around: tuple[Opened, ...] = ()
    within: frozenset[cst.CSTNode] = frozenset()


def sites_in(root: cst.CSTNode, scope: Scope) -> Iterator[Site]:
    """The calls of methods in a statement, in order."""
    waiting = [_Waiting(root, scope)]
    while waiting:
        here = waiting.pop()
        node = here.node
        if isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute):
            yield Site(node, node.func, here.scope, here.around, here.within)
        waiting += [*_inside(here)][::-1]


def _inside(here: _Waiting) -> Iterator[_Waiting]:
    """What is directly inside of a node."""
    node = here.node
    if isinstance(node, cst.FunctionDef):
        yield from (_Waiting(child, here.scope.inside(node)) for child in children(node))
    elif isinstance(node, cst.With):
        opened = here.around
        for item in node.items:
            yield here._replace(node=item, around=opened)
            opened = (*opened, Opened(item.item, node.body))
        yield here._replace(node=node.body, around=opened)
    else:
        amid = here.within | {node} if isinstance(node, _CONDITIONAL) else here.within
        for child in children(node):
            is_branch = isinstance(node, cst.If) and child is node.body
            yield here._replace(node=child, within=amid | {node} if is_branch else amid)


def done_at(site: Site) -> Iterator[Done]:
    """What a call does to the session, if it executes anything."""
    if special := _done_by_method(site):
        yield special
    arguments = site.call.args
    if site.method not in EXECUTING or not arguments or arguments[0].star:
        return
    given = arguments[0].value
    texts = [*sql_texts(given, site.scope)]
    for text in texts:
        yield from (_done_by_sql(site, deed, text) for deed in deeds(text.text))
    for function in () if texts else functions_in(given, site.scope):
        for deed in deeds(function.sql):
            is_it = function.sql[deed.start : deed.end] == function.name
            place = function.span
            yield Done(site, deed, _words(deed, function.sql), function.sql, place, place if is_it else None)


def _done_by_sql(site: Site, deed: Deed, text: SqlText) -> Done:
    written = text.written(deed.start, deed.end)
    is_here = written and text.span.start <= written.start and written.end <= text.span.end
    place = written if written and is_here and written.path == text.span.path else text.span
    whole = next(each for each in statements(text.text) if each.start <= deed.start <= each.end)
    statement = text.written(whole.start, whole.end)
    return Done(site, deed, _words(deed, text.text), text.text, place, written, statement)


def _words(deed: Deed, text: str) -> str:
    """What to call a deed in a message."""
    if deed.act in {Act.LOCK, Act.SEQUENCE}:
        return f"{deed.name}()"
    words = _PUT_IN.sub("…", " ".join(text[deed.start : deed.end].split()))
    return f"set_config() of {deed.name or '…'}" if words.lower().startswith("set_config") else words


def _done_by_method(site: Site) -> Done | None:
    """What some methods do that are told no SQL for it."""
    arguments, place, nowhere = site.call.args, site.scope.span(site.func.attr), (0, 0)
    match site.method:
        case "add_listener" if len(arguments) == 2:
            channel = text_of(evaluate(arguments[0].value, site.scope))
            return Done(site, Deed(Act.LISTEN, channel, *nowhere), "add_listener()", "", place)
        case "notifies":
            return Done(site, Deed(Act.HEAR, None, *nowhere), "notifies()", "", place)
        case "cursor" if held := _true("withhold", site):
            place = Span(place.path, site.scope.span(held).start, site.scope.span(held.value).end)
            return Done(site, Deed(Act.HOLD, None, *nowhere), "cursor(withhold=True)", "", place)
        case "set_session" if len(arguments) > 1 and _true("autocommit", site):
            return Done(site, Deed(Act.SET, SESSION_CHARACTERISTICS, *nowhere), "set_session()", "", place)
        case "iterator" | "aiterator" if is_query_set(site.of, site.scope):
            return Done(site, Deed(Act.CURSOR, None, *nowhere), f"{site.method}()", "", place)
        case _:
            return None


def _true(name: str, site: Site) -> cst.Arg | None:
    """The argument of a call that is called so, if it is surely true."""
    given = next((each for each in site.call.args if each.keyword and each.keyword.value == name), None)
    value = evaluate(given.value, site.scope) if given else None
    return given if isinstance(value, Known) and value.scalar is True else None
