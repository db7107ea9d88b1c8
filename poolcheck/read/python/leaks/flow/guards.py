"""What is known of tests on a way through a function: what they answered before, they answer again.

A test is known by its text, without `not`, and forgotten when a name in it is bound again. A connection that is
held under a name is one, is not None, is open, and is among the local variables.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import TypeAlias

import libcst as cst

from poolcheck.read.python.syntax.bindings import dotted

Knowledge: TypeAlias = frozenset[tuple[str, bool]]
"""What tests are known to answer, by their text."""

NOTHING: Knowledge = frozenset()

_OPEN = frozenset({"connected", "is_connected", "is_open", "is_usable", "is_valid", "open", "opened"})
_CLOSED = frozenset({"_closed", "closed", "invalidated", "is_closed", "is_closing"})
"""Attributes and methods that tell whether a connection is open."""

_NAMESPACES = frozenset({"dir", "globals", "locals", "vars"})
_FETCHES = re.compile(r"\b(?:fetch\w*|get_nowait|next|pop\w*|read\w*|recv\w*)\s*\(")
"""Tests that ask for the next of several, and so may answer otherwise the next time."""

_SAME = " := "
"""Between a flag and the test that it stands for."""


def answer(test: cst.BaseExpression, known: Knowledge, held: frozenset[str]) -> bool | None:
    """What a test answers when connections are held under some names; None where it may answer either."""
    match test:
        case cst.UnaryOperation(operator=cst.Not(), expression=inner):
            found = answer(inner, known, held)
            return None if found is None else not found
        case cst.BooleanOperation(left=left, operator=operator, right=right):
            deciding = isinstance(operator, cst.Or)
            answers = answer(left, known, held), answer(right, known, held)
            if deciding in answers:
                return deciding
            return None if None in answers else not deciding
        case cst.NamedExpr(target=target) if isinstance(target, cst.Name):
            return True if target.value in held else None
        case cst.Comparison(
            left=left, comparisons=[cst.ComparisonTarget(comparator=cst.Name(value="True" | "False"))]
        ):
            text, is_straight = _asked(test)
            found = answer(left, known, held) if text == _asked(left)[0] else _known(text, known)
            return found if found is None or is_straight is _asked(left)[1] else not found
        case cst.Name(value="True") | cst.Name(value="False") | cst.Name(value="None"):
            return test.value == "True"
        case cst.Integer(value=value):
            return value != "0"
        case _:
            text, is_straight = _asked(test)
            found = _of_held(test, held)
            found = _known(text, known) if found is None else found
            return found if found is None or is_straight else not found


def learned(test: cst.BaseExpression, known: Knowledge, *, outcome: bool) -> Knowledge:
    """What is known when a test has answered."""
    match test:
        case cst.UnaryOperation(operator=cst.Not(), expression=inner):
            return learned(inner, known, outcome=not outcome)
        case cst.BooleanOperation(left=left, operator=operator, right=right):
            if isinstance(operator, cst.And) == outcome:
                return learned(right, learned(left, known, outcome=outcome), outcome=outcome)
            return _with(code(test), known, outcome=outcome)
        case cst.NamedExpr(target=cst.Name() as target):
            return learned(target, known, outcome=outcome)
        case _:
            text, is_straight = _asked(test)
            return _with(text, known, outcome=outcome is is_straight)


def assigned(name: str, value: cst.BaseExpression | None, known: Knowledge) -> Knowledge:
    """What is known when a name has been bound to what an expression is worth."""
    before = known
    known = forgotten((name,), known)
    match value:
        case cst.Name(value="None"):
            return known | {(f"{name} is None", True)}
        case cst.Name(value="True") | cst.Name(value="False"):
            return known | {(name, value.value == "True")}
        case cst.Integer(value=number):
            return known | {(name, number != "0")}
        case cst.SimpleString():
            return known | {(name, bool(value.evaluated_value))}
        case cst.Comparison() | cst.UnaryOperation() | cst.Name() | cst.Attribute() | cst.BooleanOperation():
            bare, is_negated = _bare(value)
            text, is_straight = _asked(bare)
            is_straight = is_straight is not is_negated
            found = _known(text, before)
            if found is not None:
                return known | {(name, found is is_straight)}
            return known if mentions(text, (name,)) else known | {(f"{name}{_SAME}{text}", is_straight)}
        case _:
            return known


def forgotten(names: Iterable[str], known: Knowledge) -> Knowledge:
    """What is still known when names have been bound to something else."""
    names = tuple(names)
    return frozenset(each for each in known if not mentions(each[0], names)) if known and names else known


def mentions(text: str, names: Iterable[str]) -> bool:
    """Whether a test asks about any of the names."""
    return any(re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", text) for name in names)


@lru_cache(maxsize=4096)
def code(node: cst.CSTNode) -> str:
    """The text of an expression, without the parentheses around it."""
    text = cst.Module([]).code_for_node(node)
    for _ in range(len(getattr(node, "lpar", ()))):
        text = text.strip()[1:-1]
    return " ".join(text.split())


def _bare(test: cst.BaseExpression) -> tuple[cst.BaseExpression, bool]:
    is_negated = False
    while isinstance(test, cst.UnaryOperation) and isinstance(test.operator, cst.Not):
        test, is_negated = test.expression, not is_negated
    return test, is_negated


def _asked(test: cst.BaseExpression) -> tuple[str, bool]:
    """What a test is known by, and whether it is that and not the opposite of it."""
    match test:
        case cst.Comparison(left=left, comparisons=[cst.ComparisonTarget(operator=operator, comparator=right)]):
            is_straight = not isinstance(operator, cst.IsNot | cst.NotEqual | cst.NotIn)
            other = code(right)
            if isinstance(operator, cst.Is | cst.IsNot | cst.Equal | cst.NotEqual):
                if other in {"True", "False"}:
                    text, straight = _asked(left)
                    return text, (straight is (other == "True")) is is_straight
                return f"{code(left)} is {other}", is_straight
            if isinstance(operator, cst.In | cst.NotIn):
                return f"{code(left)} in {other}", is_straight
            return code(test), True
        case cst.Call(func=cst.Name("bool"), args=[cst.Arg(value=inner)]):
            return _asked(inner)
        case _:
            return code(test), True


def _known(text: str, known: Knowledge) -> bool | None:
    if not known:
        return None
    for found in (True, False):
        if (text, found) in known:
            return found
    name = text.removesuffix(" is None")
    if name != text:
        return False if (name, True) in known else None
    if (f"{text} is None", True) in known:
        return False
    return None


def _with(text: str, known: Knowledge, *, outcome: bool) -> Knowledge:
    """What is known with one more answer, also of the flags that stand for the test, or that it stands for."""
    if _FETCHES.search(text):
        return known
    found = {(text, outcome)}
    for each, is_straight in known:
        flag, same, meant = each.partition(_SAME)
        if same and meant == text:
            found.add((flag, outcome is is_straight))
        elif same and flag == text:
            found.add((meant, outcome is is_straight))
    nothing = f"{text} is None"
    if not outcome:
        found |= {(flag, is_straight) for each, is_straight in known for flag in [_flag_of(each, nothing)] if flag}
    if text.endswith(" is None") and outcome:
        found.add((text.removesuffix(" is None"), False))
    opposite = {(each, not answered) for each, answered in found}
    return (known - opposite) | found


def _flag_of(each: str, test: str) -> str:
    """The flag that stands for a test."""
    flag, same, meant = each.partition(_SAME)
    return flag if same and meant == test else ""


def _named(node: cst.BaseExpression) -> cst.BaseExpression:
    return node.target if isinstance(node, cst.NamedExpr) else node


def _of_held(test: cst.BaseExpression, held: frozenset[str]) -> bool | None:
    """What a test answers that asks about a connection that is held."""
    if not held:
        return None
    match test:
        case cst.Comparison(left=left, comparisons=[cst.ComparisonTarget(operator=operator, comparator=right)]):
            if isinstance(operator, cst.Is | cst.IsNot | cst.Equal | cst.NotEqual):
                name, other = dotted(_named(left)), dotted(right)
                if name in held and other == "None":
                    return False
                if code(right) == "0" and (found := _state(left, held)) is not None:
                    return not found
            is_asked = isinstance(right, cst.Call) and dotted(right.func) in _NAMESPACES
            is_member = isinstance(operator, cst.In | cst.NotIn) and is_asked
            return True if is_member and _text(left) in held else None
        case cst.Name() | cst.Attribute() if dotted(test) in held:
            return True
        case cst.Call(func=cst.Name("hasattr" | "callable"), args=[cst.Arg(value=first), *_]):
            return True if dotted(first) in held else None
        case cst.Call(func=cst.Attribute(value=cst.Call(func=func), attr=cst.Name("get")), args=[first, *_]):
            return True if dotted(func) in _NAMESPACES and _text(first.value) in held else None
        case _:
            return _state(test, held)


def _text(node: cst.BaseExpression) -> str | None:
    return str(node.evaluated_value) if isinstance(node, cst.SimpleString) else None


def _state(test: cst.BaseExpression, held: frozenset[str]) -> bool | None:
    """What an attribute, or a method, of a connection tells about its state."""
    asked = test.func if isinstance(test, cst.Call) else test
    if not isinstance(asked, cst.Attribute) or dotted(asked.value) not in held:
        return None
    name = asked.attr.value
    return True if name in _OPEN else False if name in _CLOSED else None
