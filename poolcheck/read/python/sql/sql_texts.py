"""The text that an expression comes to which is executed as SQL, and where its characters are written."""

import re
import warnings
from collections.abc import Iterator
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.syntax.trees import walk
from poolcheck.read.python.values.evaluate import evaluate
from poolcheck.read.python.values.names import definitions
from poolcheck.read.python.values.scope import Scope, Trail, outset, qualified
from poolcheck.source import Span
from poolcheck.value import HOLE, Known, Value, options_of, text_of

TEXT_MAKERS = frozenset(
    {
        "inspect.cleandoc", "psycopg.sql.SQL", "psycopg2.sql.SQL", "sqlalchemy.DDL", "sqlalchemy.schema.DDL",
        "sqlalchemy.sql.expression.text", "sqlalchemy.sql.text", "sqlalchemy.text", "sqlmodel.text",
        "textwrap.dedent",
    }
)  # fmt: skip
"""What makes of its first argument a text that is executed, or the same text laid out otherwise."""

_SAME_TEXT = frozenset({"bindparams", "columns", "execution_options", "format", "lstrip", "rstrip", "strip"})
"""Methods after which a text still goes on as it is written. What `format` puts in is a placeholder."""

_FUNC = frozenset({"sqlalchemy.func", "sqlalchemy.sql.func", "sqlalchemy.sql.expression.func", "sqlmodel.func"})
"""SQLAlchemy's maker of calls of any function of the server."""


class Part(NamedTuple):
    """A stretch of a text: where it begins in the text, and in the file that it is written in as it stands."""

    start: int
    text: str
    written: Span | None = None


class SqlText(NamedTuple):
    """A text with HOLEs for what is not known, and its parts; `span` is the expression that is executed."""

    parts: tuple[Part, ...]
    span: Span

    @property
    def text(self) -> str:
        """The text as a whole."""
        return "".join(part.text for part in self.parts)

    def written(self, start: int, end: int) -> Span | None:
        """Where a stretch of the text is written, where it is so character for character."""
        for part in self.parts:
            if part.start <= start and end <= part.start + len(part.text):
                first = part.written.start + start - part.start if part.written else 0
                return part.written and part.written._replace(start=first, end=first + end - start)
        return None


class FunctionCalled(NamedTuple):
    """A call of a function of the server as SQL, and where the module makes use of it."""

    name: str
    sql: str
    span: Span


MOST_TEXTS = 4
"""A name that may stand for more texts than this is not taken for one of them."""


def sql_texts(node: cst.BaseExpression, scope: Scope) -> Iterator[SqlText]:
    """The texts that an expression may come to: several where a name is bound on several branches."""
    if isinstance(node, cst.IfExp):
        yield from (*sql_texts(node.body, scope), *sql_texts(node.orelse, scope))
    elif found := sql_text(node, scope):
        yield found
    elif isinstance(node, cst.Name):
        bound = definitions(node, scope).definitions
        for each, there in bound if len(bound) <= MOST_TEXTS else ():
            if isinstance(each, cst.BaseExpression) and (text := sql_text(each, there)):
                yield text._replace(span=scope.span(node))


def sql_text(node: cst.CSTNode, scope: Scope, trail: Trail | None = None) -> SqlText | None:
    """The text that an expression comes to; None where it is no text, or one of several."""
    if (on := (trail or outset()).on()) is None:
        return None
    match node:
        case cst.SimpleString() | cst.FormattedString() | cst.ConcatenatedString():
            return _joined(_literal(node, scope, on), scope.span(node))
        case cst.BinaryOperation(left=left, operator=cst.Modulo()):
            return sql_text(left, scope, on)
        case cst.BinaryOperation(left=left, operator=cst.Add(), right=right):
            parts = [*_written_in(left, scope, on), *_written_in(right, scope, on)]
            return _joined(parts, scope.span(node))
        case cst.Call(func=func, args=[argument, *_]) if qualified(func, scope) in TEXT_MAKERS:
            return sql_text(argument.value, scope, on)
        case cst.Call(func=cst.Attribute(value=value, attr=cst.Name(value=method))) if method in _SAME_TEXT:
            return sql_text(value, scope, on)
        case cst.Name() | cst.Attribute():
            return _named(node, scope, on)
        case _:
            return None


def functions_in(node: cst.BaseExpression, scope: Scope) -> Iterator[FunctionCalled]:
    """The functions of the server that an expression of SQLAlchemy's calls, or the one that a name is bound to."""
    roots = [(node, scope)]
    if isinstance(node, cst.Name):
        bound = definitions(node, scope).definitions
        roots = [(each.node, each.scope) for each in bound if isinstance(each.node, cst.BaseExpression)]
    for root, around in roots[:1] if len(roots) == 1 else ():
        for call in walk(root):
            match call:
                case cst.Call(func=cst.Attribute(value=base, attr=cst.Name(value=name) as attr)) if (
                    qualified(base, around) in _FUNC
                ):
                    sql = f"SELECT {name}({', '.join(_as_sql(each.value, around) for each in call.args)})"
                    yield FunctionCalled(name, sql, scope.span(attr if root is node else node))
                case _:
                    pass


def _as_sql(node: cst.BaseExpression, scope: Scope) -> str:
    value = evaluate(node, scope)
    if not isinstance(value, Known) or value.scalar is None:
        return HOLE
    scalar = value.scalar
    return "'{}'".format(scalar.replace("'", "''")) if isinstance(scalar, str) else str(scalar)


def _joined(parts: Iterator[Part] | list[Part], span: Span) -> SqlText:
    """Parts one after the other."""
    found: list[Part] = []
    length = 0
    for part in parts:
        found.append(part._replace(start=length))
        length += len(part.text)
    return SqlText(tuple(found), span)


def _written_in(node: cst.BaseExpression, scope: Scope, trail: Trail) -> tuple[Part, ...]:
    found = sql_text(node, scope, trail)
    return found.parts if found else (Part(0, HOLE),)


def _literal(node: cst.BaseExpression, scope: Scope, trail: Trail) -> Iterator[Part]:
    match node:
        case cst.ConcatenatedString(left=left, right=right):
            yield from _literal(left, scope, trail)
            yield from _literal(right, scope, trail)
        case cst.SimpleString():
            yield _simple(node, scope)
        case cst.FormattedString():
            yield from _formatted(node, scope, trail)
        case _:
            yield Part(0, HOLE)


def _formatted(node: cst.FormattedString, scope: Scope, trail: Trail) -> Iterator[Part]:
    """The parts of an f-string, with what is put in where that is known."""
    place = scope.span(node)
    at = place.start + len(node.start)
    for part in node.parts:
        if isinstance(part, cst.FormattedStringText):
            text = part.value.replace("{{", "{").replace("}}", "}")
            if "r" not in node.prefix.lower():
                text = _ESCAPE.sub(_unescaped, text)
            yield _as_written(text, part.value, place._replace(start=at, end=at + len(part.value)))
            at += len(part.value)
        elif isinstance(part, cst.FormattedStringExpression):
            yield Part(0, _put_in(evaluate(part.expression, scope, trail)))
            at = scope.span(part).end


def _simple(node: cst.SimpleString, scope: Scope) -> Part:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            text = node.evaluated_value
        except (SyntaxError, ValueError):
            return Part(0, HOLE)
    if isinstance(text, bytes):
        return Part(0, HOLE)
    span, quotes = scope.span(node), len(node.quote)
    inside = span._replace(start=span.start + len(node.prefix) + quotes, end=span.end - quotes)
    return _as_written(text, node.raw_value, inside)


def _as_written(text: str, raw: str, span: Span) -> Part:
    return Part(0, text, span if text == raw and span.end - span.start == len(raw) else None)


_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\n": ""}


def _unescaped(escape: re.Match[str]) -> str:
    """A blank, or the character itself; SQL has hardly any others that Python writes with a backslash."""
    return _ESCAPES.get(escape[1], escape[1])


def _put_in(value: Value) -> str:
    """What an f-string has for a value: as it is where it is known, and one word."""
    scalar = value.scalar if isinstance(value, Known) else None
    return scalar if isinstance(scalar, str) and scalar.isidentifier() else HOLE


def _named(node: cst.Name | cst.Attribute, scope: Scope, trail: Trail) -> SqlText | None:
    """The text that a name is bound to, where it is bound once."""
    bindings = definitions(node, scope, trail)
    span = scope.span(node)
    if bindings.is_complete and len(bindings.definitions) == 1:
        bound, there = bindings.definitions[0]
        value = bound.value if isinstance(bound, cst.AnnAssign) else bound
        if isinstance(value, cst.BaseExpression) and (found := sql_text(value, there, trail)):
            return found._replace(span=span)
    options = options_of(evaluate(node, scope, trail))
    text = text_of(options[0])
    return SqlText((Part(0, text),), span) if len(options) == 1 and text != HOLE else None
