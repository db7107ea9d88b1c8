"""What an expression is worth, followed through names, calls, settings classes and other modules."""

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence

import libcst as cst

from poolcheck.read.python.bindings import dotted, inside, returned
from poolcheck.read.python.changes import Act, Change, changes, is_changed_somewhere
from poolcheck.read.python.formats import formatted, interpolated
from poolcheck.read.python.names import (
    Class,
    Definition,
    Scope,
    Trail,
    definitions,
    functions_called,
    in_class,
    lineage,
    outset,
    qualified,
)
from poolcheck.source import Span
from poolcheck.value import (
    EnvRef,
    Known,
    Places,
    Scalar,
    Table,
    Unknown,
    Value,
    compute,
    either,
    entry_of,
    moved,
    options_of,
)

MOST_TABLES = 8
"""What a dictionary may have become, for each way through the branches behind it."""

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


def evaluate(node: cst.CSTNode, scope: Scope, trail: Trail | None = None) -> Value:
    """What an expression is worth."""
    place = (scope.span(node),)
    if (on := (trail or outset()).on()) is None:
        return Unknown(place)
    match node:
        case cst.Integer() | cst.Float() | cst.SimpleString():
            return _literal(node, place)
        case cst.FormattedString():
            return compute("join", _parts(node, scope, on), place)
        case cst.Name(value=word) if word in _WORDS:
            return Known(_WORDS[word], place)
        case cst.Name() | cst.Attribute():
            return _named(node, scope, on)
        case cst.Dict():
            return _table(node, scope, on)
        case cst.Subscript():
            return _subscript(node, scope, on)
        case cst.Call():
            return _call(node, scope, on)
        case _:
            return _operation(node, scope, on)


def merged(tables: Iterable[Value], places: Places) -> Table:
    """Dictionaries put into one, the later over the earlier."""
    items: dict[str, Value] = {}
    is_complete = True
    for table in tables:
        if not isinstance(table, Table) or not table.is_complete:
            # What is not seen may be in place of anything before it.
            items, is_complete = {}, False
        if isinstance(table, Table):
            items |= dict(table.items)
    return Table(tuple(items.items()), is_complete, places)


def _literal(node: cst.Integer | cst.Float | cst.SimpleString, place: Places) -> Value:
    with warnings.catch_warnings():
        # Python has something to say about "\d", and who wrote the file has heard it.
        warnings.simplefilter("ignore")
        try:
            literal = node.evaluated_value
        except (SyntaxError, ValueError):
            return Unknown(place)
    return Unknown(place) if isinstance(literal, bytes) else Known(literal, place)


def _operation(node: cst.CSTNode, scope: Scope, trail: Trail) -> Value:
    place = (scope.span(node),)
    match node:
        case cst.ConcatenatedString(left=left, right=right):
            return compute("join", _all([left, right], scope, trail), place)
        case cst.UnaryOperation(operator=cst.Minus(), expression=expression):
            negative = compute("negative", _all([expression], scope, trail), place)
            # `-1` is one number at one place.
            is_literal = isinstance(expression, cst.Integer | cst.Float)
            return negative._replace(places=place) if is_literal else negative
        case cst.BinaryOperation(left=left, operator=cst.BitOr(), right=right):
            return merged(_all([left, right], scope, trail), place)
        case cst.BinaryOperation(left=left, operator=cst.Modulo(), right=right):
            return _interpolated(evaluate(left, scope, trail), right, scope, trail)
        case cst.BinaryOperation(left=left, operator=sign, right=right) if type(sign) in _BINARY:
            return compute(_BINARY[type(sign)], _all([left, right], scope, trail), place)
        case cst.BooleanOperation(left=left, operator=cst.Or(), right=right):
            return compute("or", _all([left, right], scope, trail), place)
        case cst.IfExp(body=body, orelse=orelse):
            return either(_all([body, orelse], scope, trail), place)
        case cst.Await(expression=expression):
            return evaluate(expression, scope, trail)
        case _:
            return Unknown(place)


def _all(nodes: Iterable[cst.CSTNode], scope: Scope, trail: Trail) -> list[Value]:
    return [evaluate(node, scope, trail) for node in nodes]


def _parts(node: cst.FormattedString, scope: Scope, trail: Trail) -> Iterator[Value]:
    place = (scope.span(node),)
    for part in node.parts:
        if isinstance(part, cst.FormattedStringExpression):
            is_plain = part.format_spec is None and part.equal is None
            yield evaluate(part.expression, scope, trail) if is_plain else Unknown(place)
        elif isinstance(part, cst.FormattedStringText):
            yield Known(part.value.replace("{{", "{").replace("}}", "}"), place)


def _interpolated(text: Value, right: cst.BaseExpression, scope: Scope, trail: Trail) -> Value:
    """`"…%s…" % value`."""
    written, place = _text(text), text.places[:1]
    if written is None:
        return Unknown(place)
    if isinstance(right, cst.Tuple):
        given = _all([element.value for element in right.elements], scope, trail)
        return compute("join", interpolated(written, given, {}, place), place)
    value = evaluate(right, scope, trail)
    named = dict(value.items) if isinstance(value, Table) else {}
    return compute("join", interpolated(written, [value], named, place), place)


def _named(node: cst.Name | cst.Attribute, scope: Scope, trail: Trail) -> Value:
    """What a name, or an attribute, is bound to; one of several where several things bind it."""
    place = (scope.span(node),)
    bindings = definitions(node, scope, trail)
    values: list[Value] = []
    for each in bindings.definitions:
        value = moved(_defined(each, trail), place)
        is_table = any(isinstance(option, Table) for option in options_of(value))
        values.append(_changed(value, each, node, scope, trail) if is_table else value)
    if not bindings.is_complete:
        values.append(Unknown(place))
    return either(values, place) if values else Unknown(place)


def _changed(
    value: Value, definition: Definition, node: cst.Name | cst.Attribute, scope: Scope, trail: Trail
) -> Value:
    """A dictionary as it is where it is used, behind what was done to it since it was made."""
    if isinstance(node, cst.Attribute) or definition.scope.module is not scope.module:
        names = {dotted(node) or "", (dotted(node) or "").rpartition(".")[2]}
        modules = (scope.module, definition.scope.module)
        is_changed = any(is_changed_somewhere(name, module) for module in modules for name in names)
        return Table((), is_complete=False, places=value.places) if is_changed else value
    made, used = definition.scope.span(definition.node), scope.span(node)
    options = [*options_of(value)]
    for change in changes(node.value, scope):
        is_before = change.scope.functions == definition.scope.functions and change.place.end <= made.end
        is_behind = change.scope.functions == scope.functions and change.place.end > used.start
        if (is_before and not _holds(change.loop, made)) or (is_behind and not _holds(change.loop, used)):
            continue
        after = [_after(change, each, trail) for each in options]
        options = after if change.is_certain else [*dict.fromkeys((*options, *after))]
        if len(options) > MOST_TABLES:
            return Unknown(value.places)
    return either(options, value.places)


def _holds(loop: Span | None, place: Span) -> bool:
    return loop is not None and loop.start <= place.start and place.end <= loop.end


def _after(change: Change, before: Value, trail: Trail) -> Value:
    """What a dictionary becomes."""
    if not isinstance(before, Table):
        return before
    unseen = Table((), is_complete=False, places=before.places)
    key = _text(evaluate(change.key, change.scope, trail)) if change.key else None
    given = [evaluate(argument.value, change.scope, trail) for argument in change.arguments]
    items = dict(before.items)
    match change.act:
        case Act.UPDATE:
            return merged([before, _pairs(change.arguments, given, before.places)], before.places)
        case Act.SET if key is not None:
            items[key] = given[0]
        case Act.DEFAULT if key is not None:
            if key in items or not before.is_complete:
                return before
            items[key] = given[0] if given else Known(None, before.places)
        case Act.REMOVE if key is not None:
            items.pop(key, None)
        case _:
            return unseen
    return before._replace(items=tuple(items.items()))


def _defined(definition: Definition, trail: Trail) -> Value:
    node, scope = definition
    if isinstance(node, cst.WithItem):
        return Unknown((scope.span(node),))
    if isinstance(node, cst.FunctionDef):
        is_property = any(dotted(each.decorator) in _PROPERTIES for each in node.decorators)
        return _returned(definition, trail) if is_property else Unknown((scope.span(node.name),))
    if not isinstance(node, cst.AnnAssign):
        return evaluate(node, scope, trail)
    if scope.owner and not scope.functions:
        return _field(node, scope, scope.owner, trail)
    return evaluate(node.value, scope, trail) if node.value else Unknown((scope.span(node),))


def _returned(function: Definition, trail: Trail) -> Value:
    """What a function of the project returns, as far as that does not depend on its arguments."""
    node, scope = function
    place = (scope.span(node),)
    if not isinstance(node, cst.FunctionDef) or any(isinstance(each, cst.Yield) for each in inside(node)):
        return Unknown(place)
    values = _all(returned(node), scope.inside(node), trail)
    return either(values, ()) if values else Unknown(place)


def _table(node: cst.Dict, scope: Scope, trail: Trail) -> Table:
    place = (scope.span(node),)
    parts: list[Value] = []
    for element in node.elements:
        value = evaluate(element.value, scope, trail)
        if isinstance(element, cst.DictElement):
            key = _text(evaluate(element.key, scope, trail))
            value = Unknown(place) if key is None else Table(((key, value),), is_complete=True, places=place)
        parts.append(value)
    return merged(parts, place)


def _pairs(arguments: Sequence[cst.Arg], values: Sequence[Value], places: Places) -> Table:
    """What `dict(…)` makes of its arguments, and `update(…)` of its own."""
    parts = [
        Table(((argument.keyword.value, value),), is_complete=True, places=places) if argument.keyword else value
        for argument, value in zip(arguments, values, strict=True)
    ]
    return merged(parts, places)


def _subscript(node: cst.Subscript, scope: Scope, trail: Trail) -> Value:
    place = (scope.span(node),)
    match node.slice:
        case [cst.SubscriptElement(slice=cst.Index(value=index))]:
            key = _text(evaluate(index, scope, trail))
        case _:
            return Unknown(place)
    if key is None:
        return Unknown(place)
    if qualified(node.value, scope) == "os.environ":
        return EnvRef(key, None, place)
    return _entry(evaluate(node.value, scope, trail), key, Unknown(place), place)


def _entry(table: Value, key: str, otherwise: Value, place: Places) -> Value:
    found = entry_of(table, key)
    return moved(otherwise if found is None else found, place)


def _call(node: cst.Call, scope: Scope, trail: Trail) -> Value:
    place = (scope.span(node),)
    name = qualified(node.func, scope)
    values = _all([argument.value for argument in node.args], scope, trail)
    has_star = any(argument.star for argument in node.args)
    if name in _GETENV:
        return Unknown(place) if has_star else _variable(values, place)
    if name in _MAKE_URL and values:
        return moved(values[0], place)
    if name in _URL_CREATE:
        return Unknown(place) if has_star else _url(node, values, place)
    match node.func:
        case cst.Name(value=word) if word in _CONVERSIONS and not definitions(node.func, scope, trail).definitions:
            return Unknown(place) if has_star else compute(word, values, place)
        case cst.Name(value="dict") if not any(argument.star == "*" for argument in node.args):
            return _pairs(node.args, values, place)
        case cst.Attribute(value=base, attr=cst.Name(value="copy")) if name is None and not node.args:
            return _copied(evaluate(base, scope, trail), place)
        case cst.Attribute(value=base, attr=cst.Name(value=word)) if word in _TEXT_METHODS and name is None:
            return Unknown(place) if has_star else compute(word, [evaluate(base, scope, trail), *values], place)
        case cst.Attribute(value=base, attr=cst.Name(value="format")) if name is None:
            return _formatted(evaluate(base, scope, trail), node, values, place)
        case cst.Attribute(value=base, attr=cst.Name(value="get")) if values and name is None:
            key = _text(values[0])
            otherwise = values[1] if len(values) > 1 else Known(None, place)
            return _entry(evaluate(base, scope, trail), key, otherwise, place) if key else Unknown(place)
        case _:
            found = [_returned(each, trail) for each in functions_called(node.func, scope, trail)]
            return moved(either(found, ()), place) if found else Unknown(place)


def _formatted(text: Value, node: cst.Call, values: Sequence[Value], place: Places) -> Value:
    """`"…{}…".format(value)`."""
    written = _text(text)
    if written is None or any(argument.star == "*" for argument in node.args):
        return Unknown(place)
    given = [value for argument, value in zip(node.args, values, strict=True) if argument.keyword is None]
    pairs = [pair for pair in zip(node.args, values, strict=True) if pair[0].keyword or pair[0].star]
    named = _pairs([argument for argument, _ in pairs], [value for _, value in pairs], place)
    return compute("join", formatted(written, given, dict(named.items), place), place)


def _copied(value: Value, place: Places) -> Value:
    return moved(value, place) if isinstance(value, Table) else Unknown(place)


def _variable(values: Sequence[Value], place: Places) -> Value:
    """`os.getenv(name, default)`: without a default it is None where the variable is not set."""
    name = _text(values[0]) if values else None
    default = values[1] if len(values) > 1 else Known(None, place)
    return EnvRef(name, default, place) if name else Unknown(place)


def _url(node: cst.Call, values: Sequence[Value], place: Places) -> Value:
    """`URL.create(...)` as the text of the URL that it makes."""
    parts: dict[str, Value] = {}
    for at, (argument, value) in enumerate(zip(node.args, values, strict=True)):
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


def _field(node: cst.AnnAssign, scope: Scope, owner: Class, trail: Trail) -> Value:
    """A field of a class: its default, or the variable that pydantic's BaseSettings take it from."""
    place = (scope.span(node),)
    named = _named_arguments(node.value)
    default = _default(node, named, scope, trail)
    if not lineage(owner).outside & _SETTINGS:
        return default or Unknown(place)
    alias = next((named[key] for key in ("validation_alias", "alias", "env") if key in named), None)
    name = _text(evaluate(alias, scope, trail)) if alias else _prefixed(dotted(node.target) or "", owner, trail)
    if name is None:
        return Unknown(place)
    variable = EnvRef(name, default, place)
    types = {each.value for each in inside(node.annotation) if isinstance(each, cst.Name)}
    conversion = next((each for each in ("int", "float") if each in types), None)
    return compute(conversion, [variable], place) if conversion else variable


def _default(
    node: cst.AnnAssign, named: Mapping[str, cst.BaseExpression], scope: Scope, trail: Trail
) -> Value | None:
    """What a field is where nothing else is given; None where something must be."""
    if (
        not isinstance(node.value, cst.Call)
        or (dotted(node.value.func) or "").lower().rpartition(".")[2] != "field"
    ):
        return evaluate(node.value, scope, trail) if node.value else None
    given = [argument.value for argument in node.value.args if argument.keyword is None]
    written = named.get("default", given[0] if given else None)
    if written is None or isinstance(written, cst.Ellipsis):
        return Unknown((scope.span(node),)) if "default_factory" in named else None
    return evaluate(written, scope, trail)


def _named_arguments(call: cst.BaseExpression | None) -> Mapping[str, cst.BaseExpression]:
    arguments = call.args if isinstance(call, cst.Call) else ()
    return {argument.keyword.value: argument.value for argument in arguments if argument.keyword}


def _prefixed(field: str, owner: Class, trail: Trail) -> str | None:
    """The variable that a field of a settings class is read from; None where its name is not known."""
    for each in lineage(owner).classes:
        for definition in in_class(each, "model_config").definitions:
            config = _config(definition, trail)
            prefix = dict(config.items).get("env_prefix")
            if prefix or not config.is_complete:
                written = _text(prefix) if prefix else None
                return None if written is None else f"{written}{field}".upper()
        for definition in in_class(Class(each.module, f"{each.name}.Config"), "env_prefix").definitions:
            written = _text(_defined(definition, trail))
            return None if written is None else f"{written}{field}".upper()
    return field.upper()


def _config(definition: Definition, trail: Trail) -> Table:
    """`SettingsConfigDict(…)` is a dictionary of its arguments."""
    node, scope = definition
    place = (scope.span(node),)
    if isinstance(node, cst.AnnAssign) and node.value:
        return _config(Definition(node.value, scope), trail)
    if isinstance(node, cst.Call):
        return _pairs(node.args, _all([each.value for each in node.args], scope, trail), place)
    return merged([_defined(definition, trail)], place)


def _text(value: Value) -> str | None:
    return value.scalar if isinstance(value, Known) and isinstance(value.scalar, str) else None
