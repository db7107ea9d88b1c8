"""Whether what a call makes differs from one time to the next, with parameters or with the turns of a loop."""

import re
from collections.abc import Iterable, Iterator, Sequence

import libcst as cst

from poolcheck.read.python.syntax.bindings import bound_in, dotted, parameters
from poolcheck.read.python.syntax.trees import children, walk
from poolcheck.read.python.values.scope import Scope


def depends_on_parameters(call: cst.CSTNode, scope: Scope, *, around: bool = False) -> bool:
    """Whether the arguments of a call have names in them that the parameters of the function lead to.

    If `around`, those of the functions around the function, of which it uses variables.
    """
    if not isinstance(call, cst.Call) or not scope.functions:
        return False
    *outer, inner = scope.functions
    functions = outer if around else [inner]
    method = scope.functions[0] if scope.owner else None
    names = {name for function in functions for name in _given(function, is_method=function is method)}
    bound = [bound_in(function) for function in scope.functions]
    waiting = {name for each in call.args for name in _names_in(each.value)}
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        values = next((each[name] for each in reversed(bound) if name in each), ())
        if name in names and any(isinstance(each, cst.Param) for each in values):
            return True
        for each in values:
            # What a loop or a `with` binds may be anything.
            if each is None or isinstance(each, cst.WithItem):
                return True
            if isinstance(each, cst.BaseExpression | cst.AnnAssign):
                waiting |= {*_names_in(each)} - seen
    return False


def _names_in(root: cst.CSTNode) -> Iterator[str]:
    """The names in an expression, but for what is the same for all requests: `request.app.state.url`."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, cst.Name):
            yield node.value
        if not (isinstance(node, cst.Attribute) and _OF_THE_PROCESS.search(f"{dotted(node)}.")):
            waiting += children(node)


_OF_THE_PROCESS = re.compile(r"^\w+\.(?:app|application|bot|config|settings)\.")


def _given(function: cst.FunctionDef, *, is_method: bool) -> Iterator[str]:
    """The parameters of a function whose arguments may be others each time."""
    for at, parameter in enumerate(parameters(function)):
        if not (is_method and at == 0) and not _is_injected(parameter):
            yield parameter.name.value


_SETTINGS = re.compile(r"conf|setting|^cfg$|^env$|^app$|^ctx$|^context$|^self$|^cls$", re.IGNORECASE)


def _is_injected(parameter: cst.Param) -> bool:
    """Whether a parameter is the same for all: one with a default that a framework provides, or settings."""
    return isinstance(parameter.default, cst.Call) or _SETTINGS.search(parameter.name.value) is not None


def follows_loop(call: cst.CSTNode, around: Sequence[cst.CSTNode]) -> bool:
    """Whether what is made is another one for each turn of the loop, as for a list of databases."""
    loop = next((each for each in around if isinstance(each, cst.For | cst.While)), None)
    if loop is None or not isinstance(call, cst.Call):
        return False
    bound = {name for node in (loop, *walk(loop.body)) for name in _bound_names(node)}
    arguments = (argument.value for argument in call.args)
    return any(isinstance(node, cst.Name) and node.value in bound for each in arguments for node in walk(each))


def _bound_names(node: cst.CSTNode) -> Iterable[str]:
    match node:
        case cst.For(target=target):
            return [each.value for each in walk(target) if isinstance(each, cst.Name)]
        case cst.AssignTarget(target=cst.Name(value=name)) | cst.AnnAssign(target=cst.Name(value=name)):
            return [name]
        case _:
            return []
