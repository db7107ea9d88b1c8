"""The databases of a Django project, as its settings come to say them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, TypeAlias

import libcst as cst

from poolcheck.read.python.libraries.constructors import DJANGO, DJANGO_POOL
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.project.roles import role_of
from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.syntax.slices import Kind
from poolcheck.read.python.values.evaluate import evaluate
from poolcheck.read.python.values.names import definitions
from poolcheck.read.python.values.scope import Class, Scope, qualified
from poolcheck.read.python.values.tables import merged
from poolcheck.source import Span
from poolcheck.value import EnvRef, Known, Table, Unknown, Value, entry_of, options_of, text_of

ENGINES: Mapping[str, str] = {
    "django.contrib.gis.db.backends.mysql": "mysql",
    "django.contrib.gis.db.backends.oracle": "oracle",
    "django.contrib.gis.db.backends.postgis": "postgresql",
    "django.contrib.gis.db.backends.spatialite": "sqlite",
    "django.db.backends.mysql": "mysql",
    "django.db.backends.oracle": "oracle",
    "django.db.backends.postgresql": "postgresql",
    "django.db.backends.postgresql_psycopg2": "postgresql",
    "django.db.backends.sqlite3": "sqlite",
    "django_prometheus.db.backends.mysql": "mysql",
    "django_prometheus.db.backends.postgresql": "postgresql",
    "django_prometheus.db.backends.postgis": "postgresql",
}
"""What talks to a server as Django does. Other engines have pools and settings of their own."""
MOST_STATES = 6
"""So many ways through the branches of the settings are told apart."""
DEEPEST = 4
"""So many modules of settings are followed that import one another."""

_PARSERS: Mapping[str, tuple[str, ...]] = {
    "dj_database_url.config": (
        "env", "default", "engine", "conn_max_age", "conn_health_checks", "disable_server_side_cursors",
        "ssl_require",
    ),
    "dj_database_url.parse": (
        "url", "engine", "conn_max_age", "conn_health_checks", "disable_server_side_cursors", "ssl_require",
    ),
}  # fmt: skip
"""dj-database-url's functions with the order of their parameters."""
_SETTINGS: Mapping[str, str] = {
    "conn_health_checks": "CONN_HEALTH_CHECKS",
    "conn_max_age": "CONN_MAX_AGE",
    "disable_server_side_cursors": "DISABLE_SERVER_SIDE_CURSORS",
    "engine": "ENGINE",
}
_OF_ENVIRON = frozenset({"db", "db_url", "dj_db_url"})
"""Methods of django-environ's Env, and of environs', that read the URL of a database."""


class _Database(NamedTuple):
    """One of the databases: what is said of it, and where it is named."""

    table: Value
    place: Span


_State: TypeAlias = Mapping[str, _Database]
"""The databases by their aliases, on one way through the branches."""


def django_pools(module: Module) -> Iterator[ClientPool]:
    """The databases that settings in a module, or in a class of it, name."""
    if "DATABASES" not in module.source.text:
        return
    scopes = dict.fromkeys(piece.scope for piece in module.pieces if "DATABASES" in module.code(piece))
    for scope in scopes:
        for alias, found in _by_alias(_states(module, scope, DEEPEST)):
            own = (each for each in found if each.place.path == module.path)
            yield from (pool for each in own if (pool := _pool(module, alias, each)))


def _by_alias(states: Iterable[_State]) -> Iterator[tuple[str, list[_Database]]]:
    """What each of the databases may be."""
    found: dict[str, list[_Database]] = {}
    for state in states:
        for alias, database in state.items():
            options = found.setdefault(alias, [])
            if database not in options:
                options.append(database)
    yield from found.items()


def _states(module: Module, scope: str, depth: int) -> list[_State]:
    """What DATABASES comes to at the end of a module, on each way through its branches."""
    states: list[_State] | None = None
    owner = Class(module, scope) if scope else None
    for piece in module.pieces:
        is_here = piece.scope == scope and piece.kind in {Kind.STATEMENT, Kind.FILE}
        if not is_here or "DATABASES" not in module.code(piece):
            continue
        for tree, statement in module.statements(piece):
            if states is None:
                states = _imported(module, depth) if depth and not scope else [{}]
            states = _after(statement, states, Scope(module, tree, owner=owner))
    return states or []


def _imported(module: Module, depth: int) -> list[_State]:
    """What DATABASES is where a module begins: what other settings that it imports made of it."""
    for each in reversed(module.imports):
        is_star, is_named = each.name == "*", each.target.endswith(".DATABASES")
        if is_star or is_named:
            found = module.project.find(each.target.rpartition(".")[0], module.path)
            if found and not found[1] and found[0] is not module and (states := _states(found[0], "", depth - 1)):
                return states
    return [{}]


def _after(statement: cst.CSTNode, states: list[_State], scope: Scope) -> list[_State]:
    """What a statement makes of the databases."""
    match statement:
        case (
            cst.SimpleStatementLine(body=body) | cst.IndentedBlock(body=body) | cst.SimpleStatementSuite(body=body)
        ):
            for each in body:
                states = _after(each, states, scope)
            return states
        case cst.If(body=body, orelse=orelse):
            return _apart([*_after(body, states, scope), *(_after(orelse, states, scope) if orelse else states)])
        case cst.Else(body=body) | cst.With(body=body) | cst.ExceptHandler(body=body) | cst.Finally(body=body):
            return _after(body, states, scope)
        case cst.Try(body=body, handlers=handlers, orelse=orelse):
            tried = _after(body, states, scope)
            handled = [state for each in handlers for state in _after(each, states, scope)]
            return _apart([*(_after(orelse, tried, scope) if orelse else tried), *handled])
        case cst.For(body=body) | cst.While(body=body):
            return _apart([*states, *_after(body, states, scope)])
        case cst.Assign(targets=[cst.AssignTarget(target=target)], value=value):
            return _assigned(target, value, states, scope)
        case cst.AnnAssign(target=target, value=cst.BaseExpression() as value):
            return _assigned(target, value, states, scope)
        case cst.Expr(value=cst.Call() as call):
            return _called(call, states, scope)
        case _:
            return states


def _apart(states: list[_State]) -> list[_State]:
    """Each of the states once."""
    found: list[_State] = []
    for state in states:
        if state not in found:
            found.append(state)
    return found[:MOST_STATES]


def _assigned(target: cst.CSTNode, value: cst.BaseExpression, states: list[_State], scope: Scope) -> list[_State]:
    """`DATABASES = …`, `DATABASES["default"] = …`, `DATABASES["default"]["OPTIONS"] = …`."""
    keys = _keys(target, scope)
    if keys is None:
        return states
    if not keys:
        return [_databases(value, scope)]
    if None in keys:
        return states
    alias, *inner = [key or "" for key in keys]
    if not inner:
        made = _Database(_database(value, scope), scope.span(target))
        return [{**state, alias: made} for state in states]
    return [_with_entry(state, alias, inner, _database(value, scope), scope.span(target)) for state in states]


def _called(call: cst.Call, states: list[_State], scope: Scope) -> list[_State]:
    """`DATABASES["default"].update(…)` and the like."""
    if not isinstance(call.func, cst.Attribute):
        return states
    keys, method = _keys(call.func.value, scope), call.func.attr.value
    if keys is None or None in keys or not call.args:
        return states
    path, place = [key or "" for key in keys], scope.span(call)
    if method == "update" and not path:
        more = _databases(call.args[0].value, scope)
        return [{**state, **more} for state in states]
    if method == "update" and path:
        parts = [_of_argument(argument, scope) for argument in call.args]
        return [_updated(state, path[0], path[1:], parts, place) for state in states]
    key = text_of(evaluate(call.args[0].value, scope))
    inner = [*path[1:], key]
    if method == "setdefault" and len(call.args) == 2 and path:
        value = _database(call.args[1].value, scope)
        return [
            state if _entry(state, [path[0], *inner]) else _with_entry(state, path[0], inner, value, place)
            for state in states
        ]
    if method == "pop" and path:
        return [_with_entry(state, path[0], inner, None, place) for state in states]
    return states


def _of_argument(argument: cst.Arg, scope: Scope) -> Value:
    value = _database(argument.value, scope)
    place = (scope.span(argument.value),)
    return Table(((argument.keyword.value, value),), is_complete=True, places=place) if argument.keyword else value


def _keys(node: cst.CSTNode, scope: Scope) -> list[str | None] | None:
    """The keys that lead from DATABASES to something, None for one that is not known; None where none do."""
    if isinstance(node, cst.Name):
        return [] if node.value == "DATABASES" else None
    match node:
        case cst.Subscript(value=value, slice=[cst.SubscriptElement(slice=cst.Index(value=key))]):
            outer = _keys(value, scope)
            if outer is None:
                return None
            found = evaluate(key, scope)
            is_text = isinstance(found, Known) and isinstance(found.scalar, str)
            return [*outer, text_of(found) if is_text else None]
        case _:
            return None


def _entry(state: _State, keys: list[str]) -> Value | None:
    database = state.get(keys[0])
    value: Value | None = database.table if database else None
    for key in keys[1:]:
        value = entry_of(value, key) if value is not None else None
    return value


def _with_entry(state: _State, alias: str, keys: list[str], value: Value | None, place: Span) -> _State:
    """A state in which an entry of a database has another value, or none."""
    if alias not in state:
        return state
    return _changed(state, alias, _set(state[alias].table, keys, value), place)


def _changed(state: _State, alias: str, table: Value, place: Span) -> _State:
    """A state in which something else is said of a database, perhaps in another module than names it."""
    named = state[alias].place
    return {**state, alias: _Database(table, named if named.path == place.path else place)}


def _set(table: Value, keys: list[str], value: Value | None) -> Value:
    if not isinstance(table, Table):
        return Unknown(table.places)
    items = dict(table.items)
    first, *rest = keys
    inner = items.get(first, Table((), is_complete=table.is_complete, places=table.places))
    changed = _set(inner, rest, value) if rest else value
    if changed is None:
        items.pop(first, None)
    else:
        items[first] = changed
    return table._replace(items=tuple(items.items()))


def _updated(state: _State, alias: str, keys: list[str], parts: list[Value], place: Span) -> _State:
    """A state in which more is said of a database, or of an entry of it."""
    found = _entry(state, [alias, *keys])
    if found is None:
        return state
    whole = merged([found, *parts], found.places)
    return _with_entry(state, alias, keys, whole, place) if keys else _changed(state, alias, whole, place)


def _databases(node: cst.BaseExpression, scope: Scope) -> _State:
    """What an expression that DATABASES is set to says of each database."""
    if isinstance(node, cst.Dict):
        found: dict[str, _Database] = {}
        for element in node.elements:
            if isinstance(element, cst.DictElement):
                alias = evaluate(element.key, scope)
                if isinstance(alias, Known):
                    found[text_of(alias)] = _Database(_database(element.value, scope), scope.span(element.key))
        return found
    value, place = evaluate(node, scope), scope.span(node)
    tables = [each for each in options_of(value) if isinstance(each, Table)]
    return {alias: _Database(each, place) for table in tables for alias, each in table.items}


def _database(node: cst.BaseExpression, scope: Scope) -> Value:
    """What an expression says of one database, or of a part of what is said of it."""
    if isinstance(node, cst.Dict):
        parts: list[Value] = []
        for element in node.elements:
            value = _database(element.value, scope)
            if isinstance(element, cst.DictElement):
                key = evaluate(element.key, scope)
                is_text = isinstance(key, Known) and isinstance(key.scalar, str)
                items = ((text_of(key), value),) if is_text else ()
                value = Table(items, is_complete=is_text, places=value.places)
            parts.append(value)
        return merged(parts, (scope.span(node),))
    if isinstance(node, cst.Call) and (table := _parsed(node, scope)):
        return table
    return evaluate(node, scope)


def _parsed(call: cst.Call, scope: Scope) -> Table | None:
    """What dj-database-url's and django-environ's functions return: the URL, and what they are told besides."""
    place = (scope.span(call),)
    name = qualified(call.func, scope) or ""
    if any(argument.star for argument in call.args):
        return None
    parameters = _PARSERS.get(name, ())
    if not parameters and _is_of_environ(call.func, scope):
        parameters = ("env", "default")
    if not parameters:
        return None
    given: dict[str, Value] = {}
    for at, argument in enumerate(call.args):
        name = argument.keyword.value if argument.keyword else parameters[min(at, len(parameters) - 1)]
        given["env" if name in {"name", "var"} else name] = evaluate(argument.value, scope)
    variable = text_of(given["env"]) if "env" in given else "DATABASE_URL"
    url = given.get("url") or EnvRef(variable, given.get("default"), place)
    items = [("URL", url), *((_SETTINGS[key], value) for key, value in given.items() if key in _SETTINGS)]
    return Table(tuple(items), is_complete=True, places=place)


def _is_of_environ(func: cst.BaseExpression, scope: Scope) -> bool:
    """Whether a function is `env.db`, of an `environ.Env()`."""
    if not isinstance(func, cst.Attribute) or func.attr.value not in _OF_ENVIRON:
        return False
    found = definitions(func.value, scope).definitions
    makers = {qualified(each.node.func, each.scope) or "" for each in found if isinstance(each.node, cst.Call)}
    return bool(makers) and makers <= {"environ.Env", "environ.FileAwareEnv", "environs.Env"}


def _pool(module: Module, alias: str, database: _Database) -> ClientPool | None:
    """A database that Django connects to; None where what is said of it is not Django's."""
    table = database.table
    if not isinstance(table, Table):
        return None
    arguments = dict(table.items)
    engine = text_of(arguments.get("ENGINE")) if "ENGINE" in arguments else ""
    if "URL" not in arguments and "." not in engine:
        return None
    dialect = ENGINES.get(engine, "")
    constructor = DJANGO._replace(dialect=dialect)
    options = arguments.get("OPTIONS")
    pool = entry_of(options, "pool") if options is not None else None
    if isinstance(pool, Table) and (pool.items or not pool.is_complete):
        constructor = DJANGO_POOL._replace(dialect=dialect)
        arguments |= {key: value for key, value in pool.items if key not in arguments}
    elif isinstance(pool, Known) and pool.scalar:
        constructor = DJANGO_POOL._replace(dialect=dialect)
    found = ClientPool(
        constructor,
        database.place,
        database.place,
        arguments,
        table.is_complete and not isinstance(pool, Unknown) and (not isinstance(pool, Table) or pool.is_complete),
        f"DATABASES[{alias!r}]",
        None,
        role_of(module.path),
        module.project.versions,
    )
    return found._replace(constructor=constructor._replace(driver=_driver(found, dialect)))


def _driver(pool: ClientPool, dialect: str) -> str | None:
    """The driver that Django's engine takes: psycopg 3 wherever it is installed, else psycopg2."""
    address = pool.address
    match dialect or (address.dialect if address else ""):
        case "mysql":
            return "mysqldb"
        case "postgresql":
            has = [name for name in ("psycopg", "psycopg2") if pool.declares(name)]
            return has[0] if has else None
        case _:
            return None
