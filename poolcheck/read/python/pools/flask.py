"""The engines that Flask-SQLAlchemy makes of an application's configuration."""

import re
from collections.abc import Iterator, Mapping
from typing import TypeAlias

import libcst as cst

from poolcheck.read.python.libraries.constructors import FLASK
from poolcheck.read.python.pools.call_arguments import spread
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.project.roles import role_of
from poolcheck.read.python.syntax.bindings import dotted
from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.syntax.slices import Kind
from poolcheck.read.python.syntax.trees import children
from poolcheck.read.python.values.evaluate import evaluate
from poolcheck.read.python.values.names import in_class, in_module
from poolcheck.read.python.values.scope import Class, Definition, Scope, lineage
from poolcheck.value import Known, Table, Value, either, options_of, text_of

URI, OPTIONS, BINDS = "SQLALCHEMY_DATABASE_URI", "SQLALCHEMY_ENGINE_OPTIONS", "SQLALCHEMY_BINDS"
LEGACY: Mapping[str, str] = {
    "SQLALCHEMY_MAX_OVERFLOW": "max_overflow",
    "SQLALCHEMY_POOL_RECYCLE": "pool_recycle",
    "SQLALCHEMY_POOL_SIZE": "pool_size",
    "SQLALCHEMY_POOL_TIMEOUT": "pool_timeout",
}
"""What was heeded before Flask-SQLAlchemy 3.0."""

_KEYS = (URI, OPTIONS, BINDS, *LEGACY)
_KEY = re.compile(rf"\b(?:{'|'.join(_KEYS)})\b")
_SETTERS = frozenset({"from_mapping", "update"})

_Settings: TypeAlias = Mapping[str, Value]


def flask_pools(module: Module) -> Iterator[ClientPool]:
    """The engines that a module configures: in classes, in constants, and in an application's `config`."""
    if "SQLALCHEMY_" not in module.source.text or not _KEY.search(module.source.text):
        return
    constants = [piece for piece in module.pieces if piece.kind is Kind.STATEMENT and piece.name in _KEYS]
    for scope in dict.fromkeys(piece.scope for piece in constants):
        if not _is_of_pydantic(module, scope):
            yield from _pools(_constants(module, scope), module)
    yield from _pools(_assigned(module), module)


def _is_of_pydantic(module: Module, scope: str) -> bool:
    """Whether a class is one of pydantic's settings, which somebody makes an engine of by hand."""
    return bool(scope) and any(base.startswith("pydantic") for base in lineage(Class(module, scope)).outside)


def _constants(module: Module, scope: str) -> _Settings:
    """What the constants of a module, or of a class and its bases, are."""
    found: dict[str, Value] = {}
    for key in _KEYS:
        bindings = in_class(Class(module, scope), key) if scope else in_module(module, key)
        values = [value for each in bindings.definitions if (value := _bound(each))]
        if values:
            found[key] = either(values, values[0].places)
    return found


def _bound(definition: Definition) -> Value | None:
    node, scope = definition
    if isinstance(node, cst.AnnAssign):
        return evaluate(node.value, scope) if node.value else None
    return evaluate(node, scope) if isinstance(node, cst.BaseExpression) else None


def _assigned(module: Module) -> _Settings:
    """What code puts into a `config`: `app.config["SQLALCHEMY_…"] = …`, `app.config.update(SQLALCHEMY_…=…)`."""
    found: dict[str, list[Value]] = {}
    for piece in module.pieces:
        if not _KEY.search(module.source.text, piece.start, piece.end):
            continue
        for tree, statement in module.statements(piece):
            for key, value in _settings_in(statement, Scope(module, tree)):
                found.setdefault(key, []).append(value)
    return {key: either(values, values[0].places) for key, values in found.items()}


def _settings_in(root: cst.CSTNode, scope: Scope) -> Iterator[tuple[str, Value]]:
    waiting = [(root, scope)]
    while waiting:
        node, around = waiting.pop()
        yield from _set_by(node, around)
        within = around.inside(node) if isinstance(node, cst.FunctionDef) else around
        waiting += [(child, within) for child in children(node)][::-1]


def _set_by(node: cst.CSTNode, scope: Scope) -> Iterator[tuple[str, Value]]:
    match node:
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Subscript() as target)], value=value):
            key = _key(target, scope)
            if key and _is_config(target.value):
                yield key, evaluate(value, scope)
        case cst.Call(func=cst.Attribute(value=base, attr=cst.Name(value=method)), args=args) if (
            method in _SETTERS
        ):
            if not _is_config(base):
                return
            for argument in args:
                if argument.keyword and argument.keyword.value in _KEYS:
                    yield argument.keyword.value, evaluate(argument.value, scope)
                elif argument.keyword is None and argument.star != "*":
                    tables = [
                        each for each in options_of(evaluate(argument.value, scope)) if isinstance(each, Table)
                    ]
                    yield from (item for each in tables for item in each.items if item[0] in _KEYS)
        case _:
            pass


def _key(target: cst.Subscript, scope: Scope) -> str | None:
    match target.slice:
        case [cst.SubscriptElement(slice=cst.Index(value=key))]:
            written = text_of(evaluate(key, scope))
            return written if written in _KEYS else None
        case _:
            return None


def _is_config(node: cst.CSTNode) -> bool:
    return (dotted(node) or "").rpartition(".")[2] == "config"


def _pools(settings: _Settings, module: Module) -> Iterator[ClientPool]:
    """The engine of the application, and those of its binds."""
    if settings.keys() & {URI, OPTIONS, *LEGACY}:
        yield _pool(settings.get(URI), settings, URI, module)
    for each in options_of(settings[BINDS]) if BINDS in settings else ():
        for alias, bind in each.items if isinstance(each, Table) else ():
            own = dict(bind.items) if isinstance(bind, Table) else {"url": bind}
            options = Table(
                tuple(item for item in own.items() if item[0] != "url"), is_complete=True, places=bind.places
            )
            base = options_of(settings[OPTIONS]) if OPTIONS in settings else ()
            if all(isinstance(other, Table) for other in base):
                yield _pool(own.get("url"), {OPTIONS: options}, f"{BINDS}[{alias!r}]", module)


def _pool(url: Value | None, settings: _Settings, title: str, module: Module) -> ClientPool:
    first = next(iter(settings.values())) if url is None else url
    own = [each for each in (*settings.values(), first) if each.places[0].path == module.path]
    place = first.places[0] if first in own or not own else own[0].places[0]
    options = settings.get(OPTIONS)
    given = spread(options, FLASK, module) if options else None
    pool = ClientPool(
        constructor=FLASK,
        span=place,
        callee=place,
        arguments={
            **(given.values if given else {}),
            **{key: value for key, value in settings.items() if key in LEGACY},
            **({"url": url} if url else {}),
        },
        all_known=(given is None or given.is_complete) and url is not None,
        name=title,
        function=None,
        role=role_of(module.path),
        versions=module.project.versions,
        partly=given.partly if given else frozenset(),
    )
    return pool._replace(arguments={**_legacy(pool), **pool.arguments})


def _legacy(pool: ClientPool) -> Mapping[str, Value]:
    """What the former settings say of the pool, where they count or may."""
    version = pool.version()
    if version.is_since(3, 0):
        return {}
    found: dict[str, Value] = {}
    for key, name in LEGACY.items():
        if value := pool.arguments.get(key):
            default = Known(pool.defaults[name], value.places)
            found[name] = value if version.is_before(3, 0) else either([value, default], value.places)
    return found
