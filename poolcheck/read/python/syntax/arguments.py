"""Which expression of a call is the argument for a parameter, as the syntax tells."""

from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.syntax.bindings import dotted


class Passed(NamedTuple):
    """What a call passes for a parameter.

    `node` is the argument where it is written; else one of the dictionaries may hold it that are `spread` by `**`.
    It `is_hidden` where a `*` may hold it.
    """

    node: cst.BaseExpression | None = None
    spread: tuple[cst.BaseExpression, ...] = ()
    is_hidden: bool = False


def passed(call: cst.Call | None, name: str | None, position: int | None) -> Passed:
    """What is passed under a name, as the argument at a position, or either. Without a call, nothing is."""
    at = 0
    spread: list[cst.BaseExpression] = []
    is_hidden = False
    for argument in call.args if call else ():
        if argument.star == "**":
            spread.append(argument.value)
        elif argument.star:
            is_hidden = position is not None
        elif argument.keyword is not None:
            if argument.keyword.value == name:
                return Passed(argument.value)
        else:
            if at == position and not is_hidden:
                return Passed(argument.value)
            at += 1
    return Passed(None, tuple(spread) if name is not None else (), is_hidden)


def order_of(
    parameter: cst.Param, function: cst.FunctionDef, call: cst.Call | None, *, is_method: bool
) -> tuple[str | None, int | None]:
    """Under which name, and at which position, a call of a function passes a parameter; None where it cannot.

    Methods are given their object besides.
    """
    listed = (*function.params.posonly_params, *function.params.params)
    position = next((at for at, each in enumerate(listed) if each is parameter), None)
    if position is not None and is_method and not is_static(function) and not _is_object_written(function, call):
        position -= 1
    return None if parameter in function.params.posonly_params else parameter.name.value, position


def keywords_besides(function: cst.FunctionDef, call: cst.Call | None) -> list[cst.Arg]:
    """The arguments that a call passes for the `**` of a function."""
    named = {each.name.value for each in (*function.params.params, *function.params.kwonly_params)}
    return [
        argument
        for argument in (call.args if call else ())
        if argument.star == "**" or (argument.keyword and argument.keyword.value not in named)
    ]


def is_static(function: cst.FunctionDef) -> bool:
    """Whether a method is given no object."""
    return any(dotted(each.decorator) == "staticmethod" for each in function.decorators)


def keyword_of(argument: cst.Arg) -> str:
    """The name that an argument is given by; "" for a positional one."""
    return argument.keyword.value if argument.keyword else ""


def _is_object_written(function: cst.FunctionDef, call: cst.Call | None) -> bool:
    """Whether the object is an argument as all others, as in `Base.__init__(self, …)`."""
    match call:
        case cst.Call(
            func=cst.Attribute(value=cst.Name(value=name)), args=[cst.Arg(keyword=None, value=first), *_]
        ):
            own = next(iter((*function.params.posonly_params, *function.params.params)), None)
            return name[:1].isupper() and own is not None and dotted(first) == own.name.value == "self"
        case _:
            return False
