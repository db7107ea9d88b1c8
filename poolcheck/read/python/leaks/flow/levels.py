"""How likely a node of a flow graph raises."""

import libcst as cst

from poolcheck.read.python.leaks.flow.nodes import Kind, Level
from poolcheck.read.python.syntax.bindings import dotted, inside

_QUIET = frozenset(
    {
        "abs", "bool", "bytes", "dict", "enumerate", "filter", "float", "format", "frozenset", "getattr",
        "hasattr", "hash", "id", "int", "isinstance", "issubclass", "iter", "len", "list", "map", "max", "min",
        "print", "range", "repr", "reversed", "round", "set", "sorted", "str", "sum", "super", "tuple", "type",
        "vars", "zip",
    }
)  # fmt: skip
_QUIET_MODULES = frozenset(
    {"datetime", "log", "logger", "logging", "math", "os", "self.log", "self.logger", "time"}
)
"""What hardly ever raises."""

_LOUD = frozenset[type]({cst.Await, cst.Yield})
_FAINT = frozenset[type](
    {
        cst.Attribute, cst.BinaryOperation, cst.Call, cst.Comparison, cst.Del, cst.FormattedString, cst.From,
        cst.Import, cst.ImportFrom, cst.Subscript, cst.UnaryOperation,
    }
)  # fmt: skip
"""Kinds of nodes. To ask whether a node is an instance of them takes several times as long."""


def level_of(kind: Kind, syntax: cst.CSTNode | None) -> Level:
    """How likely a node of this kind raises, as far as its syntax tells."""
    if kind in {Kind.ENTER, Kind.LEAVE, Kind.NEXT}:
        return Level.MEDIUM
    match syntax:
        case cst.Raise():
            return Level.STRONG
        case cst.Assert():
            return Level.WEAK
        case None | cst.FunctionDef() | cst.ExceptHandler() | cst.ExceptStarHandler():
            return Level.NONE
        case cst.MatchCase(guard=None, pattern=pattern) if matches_all(pattern):
            return Level.NONE
        case cst.ClassDef() | cst.MatchCase(guard=None):
            return Level.WEAK
        case cst.MatchCase(guard=cst.BaseExpression() as guard):
            return _loudest(guard)
        case _:
            return _loudest(syntax)


def _loudest(syntax: cst.CSTNode) -> Level:
    found = Level.NONE
    for node in (syntax, *inside(syntax)):
        kind = type(node)
        if kind in _LOUD or (kind is cst.Call and not _is_quiet(cst.ensure_type(node, cst.Call))):
            return Level.MEDIUM
        if kind in _FAINT:
            found = Level.WEAK
    return found


def _is_quiet(call: cst.Call) -> bool:
    name = dotted(call.func) or ""
    owner, _, method = name.rpartition(".")
    return name in _QUIET or owner in _QUIET_MODULES or (not name and method in _QUIET)


def matches_all(pattern: cst.MatchPattern) -> bool:
    """Whether a pattern matches whatever it is given."""
    return isinstance(pattern, cst.MatchAs) and pattern.pattern is None
