"""What an expression is worth, followed through names, calls, settings classes and other modules."""

import re
from collections.abc import Iterable, Iterator, Mapping

import libcst as cst

from poolcheck.read.names import (
    Class,
    Definition,
    Scope,
    bases_of,
    definitions,
    dotted,
    functions_called,
    in_class,
    inside,
    qualified,
    returned,
)
from poolcheck.value import EnvRef, Known, Places, Scalar, Table, Unknown, Value, compute, either, moved

DEEPEST = 40
"""So many steps a value is followed."""

_BINARY: Mapping[type[cst.BaseBinaryOp], str] = {
    cst.Add: "+",
    cst.Subtract: "-",
    cst.Multiply: "*",
    cst.FloorDivide: "//",
    cst.Divide: "/",
}
_WORDS: Mapping[str, Scalar] = {"True": True, "False": False, "None": None}
_CONVERSIONS = frozenset({"int", "float", "str", "max", "min"})
_TEXT_METHODS = frozenset({"replace", "strip", "lower"})
_PROPERTIES = frozenset({"property", "cached_property", "functools.cached_property", "computed_field"})
_GETENV = frozenset({"os.getenv", "os.environ.get"})
_MAKE_URL = frozenset({"sqlalchemy.make_url", "sqlalchemy.engine.make_url", "sqlalchemy.engine.url.make_url"})
_URL_CREATE = frozenset(
    {"sqlalchemy.URL.create", "sqlalchemy.engine.URL.create", "sqlalchemy.engine.url.URL.create"}
)
_URL_PARTS = ("drivername", "username", "password", "host", "port", "database", "query")
_SETTINGS = frozenset({"pydantic_settings.BaseSettings", "pydantic.BaseSettings", "pydantic.v1.BaseSettings"})


def evaluate(node: cst.CSTNode, scope: Scope, depth: int = 0) -> Value:
    """What an expression is worth."""
    place = (scope.span(node),)
    deeper = depth + 1
    if depth > DEEPEST:
        return Unknown(place)
    match node:
        case cst.Integer() | cst.Float() | cst.SimpleString():
            literal = node.evaluated_value
            return Unknown(place) if isinstance(literal, bytes) else Known(literal, place)
        case cst.FormattedString():
            return compute("join", _parts(node, scope, deeper), place)
        case cst.Name(value=word) if word in _WORDS:
            return Known(_WORDS[word], place)
        case cst.Name() | cst.Attribute():
            return _named(node, scope, deeper)
        case cst.Dict():
            return _table(node, scope, deeper)
        case cst.Subscript():
            return _subscript(node, scope, deeper)
        case cst.Call():
            return _call(node, scope, deeper)
        case _:
            return _operation(node, scope, deeper)


def _operation(node: cst.CSTNode, scope: Scope, depth: int) -> Value:
    place = (scope.span(node),)
    match node:
        case cst.ConcatenatedString(left=left, right=right):
            return compute("join", _all([left, right], scope, depth), place)
        case cst.UnaryOperation(operator=cst.Minus(), expression=expression):
            return compute("negative", _all([expression], scope, depth), place)
        case cst.BinaryOperation(left=left, operator=sign, right=right) if type(sign) in _BINARY:
            return compute(_BINARY[type(sign)], _all([left, right], scope, depth), place)
        case cst.BooleanOperation(left=left, operator=cst.Or(), right=right):
            return compute("or", _all([left, right], scope, depth), place)
        case cst.IfExp(body=body, orelse=orelse):
            return either(_all([body, orelse], scope, depth), place)
        case cst.Await(expression=expression):
            return evaluate(expression, scope, depth)
        case _:
            return Unknown(place)


def _all(nodes: Iterable[cst.CSTNode], scope: Scope, depth: int) -> list[Value]:
    return [evaluate(node, scope, depth) for node in nodes]


def _parts(node: cst.FormattedString, scope: Scope, depth: int) -> Iterator[Value]:
    place = (scope.span(node),)
    for part in node.parts:
        if isinstance(part, cst.FormattedStringExpression):
            is_plain = part.format_spec is None and part.equal is None
            yield evaluate(part.expression, scope, depth) if is_plain else Unknown(place)
        elif isinstance(part, cst.FormattedStringText):
            yield Known(part.value.replace("{{", "{").replace("}}", "}"), place)


def _named(node: cst.Name | cst.Attribute, scope: Scope, depth: int) -> Value:
    """What a name, or an attribute, is bound to; one of several where several things bind it."""
    place = (scope.span(node),)
    bindings = definitions(node, scope)
    values = [moved(_defined(each, dotted(node) or "", depth), place) for each in bindings.definitions]
    if not bindings.is_complete:
        values.append(Unknown(place))
    return _unless_changed(either(values, place), node, scope) if values else Unknown(place)


def _unless_changed(value: Value, node: cst.Name | cst.Attribute, scope: Scope) -> Value:
    """A dictionary to which nothing is added behind its definition; else one that may hold anything."""
    if not isinstance(value, Table):
        return value
    name = re.escape(dotted(node) or "")
    changed = re.compile(rf"\b{name}\s*\[[^\]\n]*\]\s*=(?!=)|\b{name}\s*\.\s*(?:update|setdefault|pop|clear)\b")
    return value._replace(items=(), is_complete=False) if changed.search(scope.module.masked.text) else value


def _defined(definition: Definition, name: str, depth: int) -> Value:
    node, scope = definition
    if isinstance(node, cst.WithItem):
        return Unknown((scope.span(node),))
    if isinstance(node, cst.FunctionDef):
        is_property = any(dotted(each.decorator) in _PROPERTIES for each in node.decorators)
        return _returned(definition, depth) if is_property else Unknown((scope.span(node.name),))
    if not isinstance(node, cst.AnnAssign):
        return evaluate(node, scope, depth)
    if scope.owner and not scope.functions and _is_settings(scope.owner):
        return _setting(node, scope, name.rpartition(".")[2], depth)
    return evaluate(node.value, scope, depth) if node.value else Unknown((scope.span(node),))


def _returned(function: Definition, depth: int) -> Value:
    """What a function of the project returns, as far as that does not depend on its arguments."""
    node, scope = function
    place = (scope.span(node),)
    if not isinstance(node, cst.FunctionDef):
        return Unknown(place)
    values = _all(returned(node), scope.inside(node), depth)
    return either(values, ()) if values else Unknown(place)


def _table(node: cst.Dict, scope: Scope, depth: int) -> Table:
    items: dict[str, Value] = {}
    is_complete = True
    for element in node.elements:
        value = evaluate(element.value, scope, depth)
        key = evaluate(element.key, scope, depth) if isinstance(element, cst.DictElement) else None
        if isinstance(key, Known) and isinstance(key.scalar, str):
            items[key.scalar] = value
        elif key is None and isinstance(value, Table):
            items |= dict(value.items)
            is_complete = is_complete and value.is_complete
        else:
            is_complete = False
    return Table(tuple(items.items()), is_complete, (scope.span(node),))


def _subscript(node: cst.Subscript, scope: Scope, depth: int) -> Value:
    place = (scope.span(node),)
    match node.slice:
        case [cst.SubscriptElement(slice=cst.Index(value=index))]:
            key = _text(evaluate(index, scope, depth))
        case _:
            return Unknown(place)
    if key is None:
        return Unknown(place)
    if qualified(node.value, scope) == "os.environ":
        return EnvRef(key, None, place)
    return _entry(evaluate(node.value, scope, depth), key, Unknown(place), place)


def _entry(table: Value, key: str, otherwise: Value, place: Places) -> Value:
    if not isinstance(table, Table):
        return Unknown(place)
    found = dict(table.items).get(key)
    if found is None:
        return moved(otherwise, place) if table.is_complete else Unknown(place)
    return moved(found, place)


def _call(node: cst.Call, scope: Scope, depth: int) -> Value:
    place = (scope.span(node),)
    name = qualified(node.func, scope)
    arguments = _all([argument.value for argument in node.args if not argument.star], scope, depth)
    if name in _GETENV:
        return _variable(node, arguments, place)
    if name in _MAKE_URL and arguments:
        return moved(arguments[0], place)
    if name in _URL_CREATE:
        return _url(node, arguments, place)
    match node.func:
        case cst.Name(value=word) if word in _CONVERSIONS and not definitions(node.func, scope).definitions:
            return compute(word, arguments, place)
        case cst.Name(value="dict") if not any(argument.keyword is None for argument in node.args):
            pairs = zip(node.args, arguments, strict=True)
            items = tuple((argument.keyword.value, value) for argument, value in pairs if argument.keyword)
            return Table(items, is_complete=True, places=place)
        case cst.Attribute(value=base, attr=cst.Name(value=word)) if word in _TEXT_METHODS and name is None:
            return compute(word, [evaluate(base, scope, depth), *arguments], place)
        case cst.Attribute(value=base, attr=cst.Name(value="get")) if arguments and name is None:
            key = _text(arguments[0])
            otherwise = arguments[1] if len(arguments) > 1 else Known(None, place)
            return _entry(evaluate(base, scope, depth), key, otherwise, place) if key else Unknown(place)
        case _:
            values = [_returned(each, depth) for each in functions_called(node.func, scope)]
            return moved(either(values, ()), place) if values else Unknown(place)


def _variable(node: cst.Call, arguments: list[Value], place: Places) -> Value:
    """`os.getenv(name, default)`: without a default it is None where the variable is not set."""
    if not arguments or any(argument.star for argument in node.args):
        return Unknown(place)
    name = _text(arguments[0])
    default = arguments[1] if len(arguments) > 1 else Known(None, place)
    return EnvRef(name, default, place) if name else Unknown(place)


def _url(node: cst.Call, arguments: list[Value], place: Places) -> Value:
    """`URL.create(...)` as the text of the URL that it makes."""
    if any(argument.star for argument in node.args):
        return Unknown(place)
    parts: dict[str, Value] = {}
    for at, (argument, value) in enumerate(zip(node.args, arguments, strict=True)):
        parts[argument.keyword.value if argument.keyword else _URL_PARTS[at % len(_URL_PARTS)]] = value
    nothing = Known("", place)
    pieces = [parts.get("drivername", Unknown(place)), Known("://", place)]
    if "username" in parts:
        pieces += [parts["username"], Known("@", place)]
    pieces.append(parts.get("host", nothing))
    if "port" in parts:
        pieces += [Known(":", place), parts["port"]]
    pieces += [Known("/", place), parts.get("database", nothing)]
    if "query" in parts:
        pieces += [Known("?", place), Unknown(place)]
    return compute("join", pieces, place)


def _is_settings(owner: Class, steps: int = 0) -> bool:
    """Whether a class takes its fields from the environment, as pydantic's BaseSettings does."""
    inside_project, outside = bases_of(owner)
    return bool(_SETTINGS & {*outside}) or (
        steps < DEEPEST and any(_is_settings(base, steps + 1) for base in inside_project)
    )


def _setting(node: cst.AnnAssign, scope: Scope, field: str, depth: int) -> Value:
    """A field of a settings class: the variable that it is read from, and its default."""
    place = (scope.span(node),)
    prefix = _env_prefix(scope, depth)
    if prefix is None:
        return Unknown(place)
    default, name = _default_and_alias(node, scope, depth)
    variable = EnvRef(name or f"{prefix}{field}".upper(), default, place)
    types = {each.value for each in inside(node.annotation) if isinstance(each, cst.Name)}
    return compute("int", [variable], place) if "int" in types else variable


def _env_prefix(scope: Scope, depth: int) -> str | None:
    """What the names of a settings class's variables begin with; None where that is not known."""
    owner = scope.owner
    if owner is None:
        return None
    for definition in in_class(owner, "model_config").definitions:
        if isinstance(definition.node, cst.Call):
            for argument in definition.node.args:
                if argument.keyword and argument.keyword.value == "env_prefix":
                    return _text(evaluate(argument.value, definition.scope, depth))
    for definition in in_class(Class(owner.module, f"{owner.name}.Config"), "env_prefix").definitions:
        if not isinstance(definition.node, cst.FunctionDef | cst.WithItem | cst.AnnAssign):
            return _text(evaluate(definition.node, definition.scope, depth))
    return ""


def _text(value: Value) -> str | None:
    return value.scalar if isinstance(value, Known) and isinstance(value.scalar, str) else None


def _default_and_alias(node: cst.AnnAssign, scope: Scope, depth: int) -> tuple[Value | None, str | None]:
    """A field's default, None where it must be set; and its variable's name where that is not the field's own."""
    if not isinstance(node.value, cst.Call) or (dotted(node.value.func) or "").rpartition(".")[2] != "Field":
        return (evaluate(node.value, scope, depth) if node.value else None), None
    named = {argument.keyword.value: argument.value for argument in node.value.args if argument.keyword}
    given = [argument.value for argument in node.value.args if argument.keyword is None]
    default = named.get("default", given[0] if given else None)
    alias = next((named[key] for key in ("validation_alias", "alias", "env") if key in named), None)
    is_required = default is None or isinstance(default, cst.Ellipsis)
    if is_required and "default_factory" in named:
        return Unknown((scope.span(node),)), None
    name = _text(evaluate(alias, scope, depth)) if alias else None
    return (None if is_required or default is None else evaluate(default, scope, depth)), name
