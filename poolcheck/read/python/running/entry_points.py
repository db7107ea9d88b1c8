"""How functions are run: again and again, as a route or a task is, or once in a process, as what `main()` is.

What frameworks call their decorators, registrations, base classes and signatures is in tables. The names in them
are looked up through imports; where an object's maker is not seen, the shape of the call has to tell.
"""

import re
from collections.abc import Iterator

import libcst as cst

from poolcheck.read.python.project.roles import Role, role_of
from poolcheck.read.python.running.decorated import by_decorators
from poolcheck.read.python.running.frameworks import imports_any
from poolcheck.read.python.running.occasions import EntryPoint, Occasion
from poolcheck.read.python.running.references import Reference
from poolcheck.read.python.running.registered import by_references
from poolcheck.read.python.syntax.bindings import last_name_behind, parameters
from poolcheck.read.python.syntax.bound import openings
from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.values.scope import Class, Definition, Scope, lineage
from poolcheck.source import Span


def entry_point(function: Definition) -> EntryPoint | None:
    """How a function is run, as its decorators, its class, its signature and who registers it show.

    None where none of them does: then whoever calls it decides. `Definition(scope.functions[-1], scope.outside)`
    is the function that a scope is inside of.
    """
    node, scope = function
    if not isinstance(node, cst.FunctionDef):
        return None
    return (
        by_decorators(node, scope)
        or _by_class(node, scope)
        or _by_signature(node, scope)
        or by_references(function)
        or _by_name(node, scope)
    )


def depended_on(reference: Reference, name: str) -> EntryPoint | None:
    """What FastAPI or Litestar calls for each request, where a reference says so."""
    match reference.around[:2]:
        case (cst.Arg(), cst.Call(func=func)) if last_name_behind(func) in {"Depends", "Security"}:
            return EntryPoint(Occasion.DEPENDENCY, name, reference.scope.span(reference.node), "fastapi")
        case _:
            return None


def lambda_handler(function: Definition) -> EntryPoint | None:
    """The handler that AWS Lambda calls, where a function certainly is one."""
    node, scope = function
    return _lambda(node, scope) if isinstance(node, cst.FunctionDef) else None


def adapted_to_lambda(module: Module) -> EntryPoint | None:
    """What AWS Lambda calls, where an adapter in a folder above a module makes it of an application.

    As in `handler = Mangum(app)`.
    """
    for word in ADAPTERS:
        for path in module.project.mentions.of(word) or ():
            folder = path.rpartition("/")[0]
            is_around = module.path == path or not folder or module.path.startswith(f"{folder}/")
            other = module.project.module(path) if is_around and role_of(path) is not Role.TEST else None
            found = re.search(rf"(?:\b(\w+)\s*=\s*)?\b{word}\s*[(.]", other.masked.text) if other else None
            if found:
                return EntryPoint(
                    Occasion.LAMBDA, found[1] or word, Span(path, found.start(), found.end() - 1), "aws"
                )
    return None


ADAPTERS = ("Mangum", "make_lambda_handler", "serverless_wsgi", "awsgi")
"""What hands the events of Lambda to applications of ASGI and WSGI."""


_VIEWS = re.compile(
    r"^(?:django\.views|rest_framework\.|flask\.views|flask\.Flask|flask_restful\.|flask_restx\.|starlette\.endpoints"
    r"|tornado\.web|aiohttp\.web|flask_smorest|flask_appbuilder|ninja_extra|litestar|sanic\.views|quart\.views)"
)
_ANSWERING = frozenset(
    {
        "create", "delete", "destroy", "dispatch", "dispatch_request", "form_valid", "get", "get_context_data",
        "get_object", "get_queryset", "head", "list", "partial_update", "patch", "perform_create", "post", "put",
        "retrieve", "update",
    }
)  # fmt: skip


def _by_class(function: cst.FunctionDef, scope: Scope) -> EntryPoint | None:
    if scope.owner is None or scope.functions:
        return None
    name, owner, place = function.name.value, scope.owner.itself, scope.span(function.name)
    outside = lineage(owner).outside
    if name in _ANSWERING and any(map(_VIEWS.match, outside)):
        return EntryPoint(Occasion.ROUTE, name, place)
    if name in {"on_get", "on_post", "on_put", "on_patch", "on_delete"} and _are(function, "self", "req", "resp"):
        return EntryPoint(Occasion.ROUTE, name, place, "falcon")
    if _are(function, "self", "request", "context") and any(map(_is_servicer, _bases(owner))):
        return EntryPoint(Occasion.SERVICER, name, place, "grpc")
    if name == "dispatch" and _are(function, "self", "request", "call_next"):
        return EntryPoint(Occasion.HOOK, name, place, "starlette")
    if name in {"__call__", "process_request", "process_view"} and (
        _are(function, "self", "request") or _are(function, "self", "scope", "receive", "send")
    ):
        return EntryPoint(Occasion.HOOK, name, place)
    if name.startswith("resolve_") and any(each.startswith("graphene.") for each in outside):
        return EntryPoint(Occasion.TOOL, name, place, "graphene")
    if name == "handle" and "django.core.management.base.BaseCommand" in outside:
        return EntryPoint(Occasion.COMMAND, name, place, "django")
    if name == "ready" and "django.apps.AppConfig" in outside:
        return EntryPoint(Occasion.STARTUP, name, place, "django")
    return None


def _bases(owner: Class) -> Iterator[str]:
    """The names of a class's bases, as they are written."""
    for _, statement in openings(owner.module, owner.name):
        yield from (last_name_behind(base.value) for base in statement.bases)


def _is_servicer(base: str) -> bool:
    return base.endswith("Servicer")


def _are(function: cst.FunctionDef, *names: str) -> bool:
    """Whether the first parameters are called so."""
    return tuple(each.name.value for each in parameters(function))[: len(names)] == names


def _by_signature(function: cst.FunctionDef, scope: Scope) -> EntryPoint | None:
    return _lambda(function, scope)


_EVENTS = frozenset({"_event", "event", "evt"})
_CONTEXTS = frozenset({"_", "__", "_context", "context", "ctx", "lambda_context"})
_AWS = frozenset({"aioboto3", "aws_lambda_powertools", "aws_xray_sdk", "boto3", "botocore", "datadog_lambda"})


def _lambda(function: cst.FunctionDef, scope: Scope) -> EntryPoint | None:
    """A function of two parameters at the top of a module that is AWS's to call.

    A template says so; or the name of `lambda_handler(event, context)`, or that and what the module imports.
    """
    if scope.functions or scope.owner:
        return None
    name = function.name.value
    names = [each.name.value for each in parameters(function)]
    if len(names) != 2:
        return None
    is_called_so = names[0] in _EVENTS and names[1] in _CONTEXTS
    is_aws = name == "lambda_handler" or (name.endswith("handler") and imports_any(scope.module, _AWS))
    is_named = not (is_called_so and is_aws) and scope.module.project.lambdas.names(scope.module.path, name)
    if (is_called_so and is_aws) or is_named:
        return EntryPoint(Occasion.LAMBDA, name, scope.span(function.name), "aws")
    return None


_MAIN = frozenset({"_main", "amain", "async_main", "main", "main_async"})


def _by_name(function: cst.FunctionDef, scope: Scope) -> EntryPoint | None:
    is_main = function.name.value in _MAIN and not scope.functions and not scope.owner
    return EntryPoint(Occasion.MAIN, function.name.value, scope.span(function.name)) if is_main else None
