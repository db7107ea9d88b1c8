"""What operators make of values: arithmetic, comparisons, choices, and texts that values are put into."""

from collections.abc import Iterable, Iterator, Mapping

import libcst as cst

from poolcheck.read.python.syntax.formats import interpolated
from poolcheck.read.python.values.flow import Worth
from poolcheck.read.python.values.scope import Scope, qualified
from poolcheck.read.python.values.tables import merged
from poolcheck.value import EnvRef, Known, Table, Unknown, Value, compute, entry_of, known_text

_BINARY: Mapping[type[cst.CSTNode], str] = {
    cst.Add: "+",
    cst.AddAssign: "+",
    cst.Subtract: "-",
    cst.SubtractAssign: "-",
    cst.Multiply: "*",
    cst.MultiplyAssign: "*",
    cst.FloorDivide: "//",
    cst.FloorDivideAssign: "//",
    cst.Divide: "/",
    cst.DivideAssign: "/",
}
_COMPARISONS: Mapping[type[cst.BaseCompOp], str] = {
    cst.Equal: "==",
    cst.NotEqual: "!=",
    cst.LessThan: "<",
    cst.LessThanEqual: "<=",
    cst.GreaterThan: ">",
    cst.GreaterThanEqual: ">=",
    cst.Is: "is",
}


def operation(node: cst.CSTNode, scope: Scope, worth: Worth) -> Value:
    """What an operation is worth, or a text that is put together; what is none is not known."""
    place = (scope.span(node),)
    match node:
        case cst.ConcatenatedString(left=left, right=right):
            return compute("join", _all([left, right], scope, worth), place)
        case cst.FormattedString():
            return compute("join", _parts(node, scope, worth), place)
        case cst.UnaryOperation():
            return _unary(node, scope, worth)
        case cst.BinaryOperation(left=left, operator=sign, right=right):
            return _binary(left, sign, right, scope, worth)
        case cst.AugAssign(target=left, operator=sign, value=right):
            return _binary(left, sign, right, scope, worth)
        case cst.BooleanOperation(left=left, operator=sign, right=right):
            function = "or" if isinstance(sign, cst.Or) else "and"
            return compute(function, _all([left, right], scope, worth), place)
        case cst.Comparison(left=left, comparisons=[cst.ComparisonTarget(operator=sign, comparator=right)]):
            return _compared(left, sign, right, scope, worth)
        case cst.IfExp(test=test, body=body, orelse=orelse):
            return compute("if", _all([test, body, orelse], scope, worth), place)
        case cst.Await(expression=expression) | cst.NamedExpr(value=expression):
            return worth(expression, scope)
        case _:
            return Unknown(place)


def _unary(node: cst.UnaryOperation, scope: Scope, worth: Worth) -> Value:
    place, value = (scope.span(node),), worth(node.expression, scope)
    match node.operator:
        case cst.Minus():
            negative = compute("negative", [value], place)
            # `-1` is one number at one place.
            is_literal = isinstance(node.expression, cst.Integer | cst.Float)
            return negative._replace(places=place) if is_literal else negative
        case cst.Not():
            return compute("not", [value], place)
        case _:
            return Unknown(place)


def _binary(
    left: cst.BaseExpression, sign: cst.CSTNode, right: cst.BaseExpression, scope: Scope, worth: Worth
) -> Value:
    place = (scope.span(left),)
    match sign:
        case cst.BitOr() | cst.BitOrAssign():
            return merged(_all([left, right], scope, worth), place)
        case cst.Modulo():
            return _remainder(worth(left, scope), right, scope, worth)
        case _ if type(sign) in _BINARY:
            return compute(_BINARY[type(sign)], _all([left, right], scope, worth), place)
        case _:
            return Unknown(place)


def _all(nodes: Iterable[cst.CSTNode], scope: Scope, worth: Worth) -> list[Value]:
    return [worth(node, scope) for node in nodes]


def _compared(
    left: cst.BaseExpression, sign: cst.BaseCompOp, right: cst.BaseExpression, scope: Scope, worth: Worth
) -> Value:
    place = (scope.span(left),)
    value = worth(left, scope)
    match sign:
        case cst.IsNot():
            return compute("not", [compute("is", [value, worth(right, scope)], place)], place)
        case cst.In():
            return _is_in(value, right, scope, worth)
        case cst.NotIn():
            return compute("not", [_is_in(value, right, scope, worth)], place)
        case _ if type(sign) in _COMPARISONS:
            return compute(_COMPARISONS[type(sign)], [value, worth(right, scope)], place)
        case _:
            return Unknown(place)


def _is_in(value: Value, right: cst.BaseExpression, scope: Scope, worth: Worth) -> Value:
    place = (scope.span(right),)
    if qualified(right, scope) == "os.environ":
        name, nothing = known_text(value), Known(None, place)
        is_missing = compute("is", [EnvRef(name, nothing, place), nothing], place) if name else Unknown(place)
        return compute("not", [is_missing], place)
    if isinstance(right, cst.Tuple | cst.List | cst.Set):
        others = _all([element.value for element in right.elements], scope, worth)
        same = [compute("==", [value, other], place) for other in others]
        return compute("or", [*same, Known(scalar=False, places=place)], place)
    container = worth(right, scope)
    if isinstance(container, Table):
        key = known_text(value)
        found = None if key is None else entry_of(container, key)
        return Known(found is not None, place) if key is not None and container.is_complete else Unknown(place)
    return compute("in", [value, container], place)


def _parts(node: cst.FormattedString, scope: Scope, worth: Worth) -> Iterator[Value]:
    place = (scope.span(node),)
    for part in node.parts:
        if isinstance(part, cst.FormattedStringExpression):
            is_plain = part.format_spec is None and part.equal is None and part.conversion in {None, "s"}
            yield worth(part.expression, scope) if is_plain else Unknown(place)
        elif isinstance(part, cst.FormattedStringText):
            yield Known(part.value.replace("{{", "{").replace("}}", "}"), place)


def _remainder(left: Value, right: cst.BaseExpression, scope: Scope, worth: Worth) -> Value:
    """`"…%s…" % value`, or what is left of a division."""
    written, place = known_text(left), left.places[:1]
    if written is None:
        return compute("%", [left, worth(right, scope)], place)
    if isinstance(right, cst.Tuple):
        given = _all([element.value for element in right.elements], scope, worth)
        return compute("join", interpolated(written, given, {}, place), place)
    value = worth(right, scope)
    named = dict(value.items) if isinstance(value, Table) else {}
    return compute("join", interpolated(written, [value], named, place), place)
