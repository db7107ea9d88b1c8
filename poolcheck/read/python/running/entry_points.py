"""How functions are run: again and again, as a route or a task is, or once in a process, as what `main()` is.

What frameworks call their decorators, registrations, base classes and signatures is in the tables below. The names
in them are looked up through imports; where an object's maker is not seen, the shape of the call has to tell.
"""

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.pools.client_pools import Role, role_of
from poolcheck.read.python.running.references import Reference, references
from poolcheck.read.python.syntax.arguments import keyword_of
from poolcheck.read.python.syntax.bindings import dotted, last_name_behind, parameters, returned
from poolcheck.read.python.syntax.bound import openings
from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.values.names import definitions, functions_called
from poolcheck.read.python.values.scope import Class, Definition, Scope, lineage, qualified
from poolcheck.source import Span


class Kind(StrEnum):
    """What runs a function.

    Again and again: `ROUTE` a request, `SOCKET` a websocket, `HOOK` what is called around requests, `DEPENDENCY`
    what FastAPI or Litestar calls for a request, `TASK` a worker that many tasks share, `MESSAGE` a message,
    `TOOL` a model or a user interface, `SERVICER` gRPC, `SCHEDULED` a clock, `LAMBDA` AWS Lambda.

    Once in a process: `STARTUP` the start of an application, `COMMAND` a command line, `MAIN` a program, `FIXTURE`
    a test, `JOB` a worker that makes a process for it, as Airflow and RQ do, `CACHED` whoever asks first.
    """

    ROUTE = "route"
    SOCKET = "websocket"
    HOOK = "hook"
    DEPENDENCY = "dependency"
    TASK = "task"
    MESSAGE = "message handler"
    TOOL = "tool"
    SERVICER = "gRPC method"
    SCHEDULED = "scheduled job"
    LAMBDA = "Lambda handler"
    STARTUP = "startup"
    COMMAND = "command"
    MAIN = "main"
    FIXTURE = "fixture"
    JOB = "job"
    CACHED = "cached"

    @property
    def is_repeated(self) -> bool:
        """Whether one process runs it again and again."""
        return self not in _ONCE


_ONCE = frozenset({Kind.STARTUP, Kind.COMMAND, Kind.MAIN, Kind.FIXTURE, Kind.JOB, Kind.CACHED})


class EntryPoint(NamedTuple):
    """A function that something outside of the project's own code runs, and the place that shows it.

    `package` is the framework's, "" where it is not seen.
    """

    kind: Kind
    name: str
    place: Span
    package: str = ""

    @property
    def occasion(self) -> str:
        """What it is run for, to go on from `each` in a message."""
        return _OCCASIONS.get(self.kind, "call of {}()").format(self.name)


_OCCASIONS: Mapping[Kind, str] = {
    Kind.ROUTE: "request to {}()",
    Kind.SOCKET: "websocket of {}()",
    Kind.HOOK: "request, for which {}() is called,",
    Kind.DEPENDENCY: "request that depends on {}()",
    Kind.TASK: "run of the task {}()",
    Kind.MESSAGE: "message to {}()",
    Kind.SCHEDULED: "run of {}()",
    Kind.LAMBDA: "invocation of {}()",
}


def entry_point(function: Definition) -> EntryPoint | None:
    """How a function is run, as its decorators, its class, its signature and who registers it show.

    None where none of them does: then whoever calls it decides. `Definition(scope.functions[-1], scope.outside)`
    is the function that a scope is inside of.
    """
    node, scope = function
    if not isinstance(node, cst.FunctionDef):
        return None
    return (
        _by_decorators(node, scope)
        or _by_class(node, scope)
        or _by_signature(node, scope)
        or _by_references(function)
        or _by_name(node, scope)
    )


def depended_on(reference: Reference, name: str) -> EntryPoint | None:
    """What FastAPI or Litestar calls for each request, where a reference says so."""
    match reference.around[:2]:
        case (cst.Arg(), cst.Call(func=func)) if last_name_behind(func) in {"Depends", "Security"}:
            return EntryPoint(Kind.DEPENDENCY, name, reference.scope.span(reference.node), "fastapi")
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
                return EntryPoint(Kind.LAMBDA, found[1] or word, Span(path, found.start(), found.end() - 1), "aws")
    return None


ADAPTERS = ("Mangum", "make_lambda_handler", "serverless_wsgi", "awsgi")
"""What hands the events of Lambda to applications of ASGI and WSGI."""


def library_of(node: cst.CSTNode, scope: Scope) -> str | None:
    """The dotted name of what a library made an object by, or of what a name stands for in a library."""
    return _library_of(node, scope, 0)


def imports_any(module: Module, packages: frozenset[str]) -> bool:
    """Whether a module imports any of these packages."""
    return any(each.target.partition(".")[0] in packages for each in module.imports)


# What decorators say.

_WEB = frozenset(
    {
        "aiohttp", "apiflask", "aws_lambda_powertools", "azure", "blacksheep", "bottle", "chalice", "cherrypy",
        "connexion", "django", "ellar", "esmerald", "falcon", "fastapi", "flask", "flask_openapi3",
        "flask_restful",
        "flask_restx", "flask_smorest", "functions_framework", "litestar", "microdot", "ninja", "ninja_extra",
        "pyramid", "quart", "rest_framework", "robyn", "sanic", "starlette", "starlite", "tornado",
    }
)  # fmt: skip
_QUEUES = frozenset(
    {"arq", "celery", "dramatiq", "faust", "huey", "procrastinate", "saq", "streaq", "taskiq", "pgqueuer"}
)
_IN_PROCESSES = frozenset({"airflow", "dagster", "django_rq", "luigi", "modal", "prefect", "ray", "rq"})
"""Frameworks that run what they are given in a process of its own, or may."""
_MESSAGING = frozenset(
    {
        "aio_pika", "aiogram", "aiokafka", "chainlit", "confluent_kafka", "discord", "disnake", "faststream",
        "faust",
        "flask_socketio", "interactions", "kafka", "kombu", "nats", "nextcord", "pika", "pyrogram", "slack_bolt",
        "socketio", "telebot", "telegram", "telethon", "twitchio", "vkbottle",
    }
)  # fmt: skip
_TOOLS = frozenset(
    {
        "agents", "agno", "ariadne", "crewai", "dash", "fastmcp", "google", "gradio", "langchain",
        "langchain_core",
        "livekit", "llama_index", "mcp", "nicegui", "pydantic_ai", "smolagents", "strawberry", "strands",
    }
)  # fmt: skip
_CLI = frozenset({"asyncclick", "click", "cyclopts", "flask", "invoke", "rich_click", "typer"})

_FRAMEWORKS = _WEB | _QUEUES | _IN_PROCESSES | _MESSAGING | _TOOLS | (_CLI - {"flask"})
_DISCORD = frozenset({"discord", "disnake", "interactions", "nextcord"})

_VERBS = frozenset(
    {"api_route", "delete", "get", "head", "options", "patch", "post", "put", "query", "route", "trace", "view"}
)
_HOOKS = frozenset(
    {
        "after_app_request", "after_request", "before_app_request", "before_request", "context_processor",
        "errorhandler", "exception_handler", "http_middleware", "middleware", "on_request", "on_response",
        "request_loader", "teardown_appcontext", "teardown_request", "user_loader",
    }
)  # fmt: skip
_STARTING = frozenset(
    {
        "after_server_start", "after_startup", "before_app_first_request", "before_first_request",
        "before_server_start", "before_serving", "lifespan", "listener", "main_process_start",
        "on_after_configure",
        "on_after_finalize", "on_event", "on_ready", "on_startup", "startup", "while_serving",
        "worker_init", "worker_process_init",
    }
)  # fmt: skip
_TASKS = frozenset({"actor", "agent", "async_task", "cron", "db_task", "shared_task", "task", "timer"})
_MESSAGES = frozenset(
    {
        "action", "business_message", "callback_query", "callback_query_handler", "channel_post", "chat_member",
        "command", "edited_message", "event", "hybrid_command", "inline_query", "message", "message_handler",
        "my_chat_member", "on", "on_callback_query", "on_chat_start", "on_event", "on_message",
        "shortcut", "slash_command",
        "subscriber", "user_command", "view",
    }
)  # fmt: skip
_ASKING = frozenset(
    {
        "action", "call_tool", "callback", "field", "function_tool", "mutation", "query", "read_resource",
        "resource", "subscription", "tool",
    }
)  # fmt: skip
_CLOCKS = frozenset(
    {"db_periodic_task", "interval_task", "periodic_task", "repeat_every", "schedule", "scheduled_job"}
)
_CACHING = re.compile(r"cache|memoi[sz]e|singleton|once|provide|resource", re.IGNORECASE)
"""Names of decorators that may call a function only when there is no answer yet."""


def _by_decorators(function: cst.FunctionDef, scope: Scope) -> EntryPoint | None:
    found = [each for each in (_by_decorator(each, function, scope) for each in function.decorators) if each]
    repeated = (each for each in found if each.kind.is_repeated)
    return next(repeated, found[0] if found else None)


def _by_decorator(decorator: cst.Decorator, function: cst.FunctionDef, scope: Scope) -> EntryPoint | None:
    node = decorator.decorator
    call = node if isinstance(node, cst.Call) else None
    named = call.func if call else node
    if last_name_behind(named) == "connect" and isinstance(named, cst.Attribute):
        # Signals of Celery's: `@worker_process_init.connect`.
        named = named.value
    package = (_maker_of(named, scope) or "").partition(".")[0]
    kind = _kind(_Decorator(last_name_behind(named), call, package, function.name.value, scope))
    return EntryPoint(kind, function.name.value, scope.span(node), package) if kind else None


class _Decorator(NamedTuple):
    """A decorator of a function: its last name, its call if it is one, and who made its object, "" if unknown."""

    name: str
    call: cst.Call | None
    package: str
    function: str
    scope: Scope

    def is_of(self, packages: frozenset[str]) -> bool:
        """Whether it is one of these packages' own; where its maker is unknown, whether the module imports one."""
        is_unknown = self.package not in _FRAMEWORKS
        return self.package in packages or (is_unknown and imports_any(self.scope.module, packages))


class _Row(NamedTuple):
    """What decorators of these names say, of these packages or, where there are none, of any."""

    kind: Kind
    names: frozenset[str]
    packages: frozenset[str] | None = None


_ROWS = (
    _Row(Kind.FIXTURE, frozenset({"fixture"})),
    _Row(Kind.SOCKET, frozenset({"websocket", "websocket_route"})),
    _Row(Kind.ROUTE, frozenset({"api_view"})),
    _Row(Kind.ROUTE, frozenset({"cloud_event", "http"}), frozenset({"functions_framework"})),
    _Row(Kind.SCHEDULED, _CLOCKS),
    _Row(Kind.SCHEDULED, frozenset({"loop"}), _DISCORD),
    _Row(Kind.MESSAGE, frozenset({"listener"}), _DISCORD),
    _Row(Kind.MESSAGE, _MESSAGES, _MESSAGING),
    _Row(Kind.STARTUP, _STARTING),
    _Row(Kind.HOOK, _HOOKS),
    _Row(Kind.JOB, frozenset({"asset", "dag", "flow", "job", "op"})),
    _Row(Kind.JOB, _TASKS, _IN_PROCESSES),
    _Row(Kind.TASK, _TASKS, _QUEUES),
    _Row(Kind.TOOL, _ASKING, _TOOLS),
    _Row(Kind.COMMAND, frozenset({"callback", "command", "group"}), _CLI),
)


def _kind(decorator: _Decorator) -> Kind | None:
    """What a decorator says."""
    name = decorator.name
    if name in _VERBS and _is_route(decorator):
        return Kind.ROUTE
    if name == "command" and _is_command(decorator):
        return Kind.COMMAND
    if name in {"event", "listener"} and decorator.function in _READY:
        return Kind.STARTUP
    if name in _TASKS and _is_called_a_queue(decorator):
        return Kind.TASK
    if name == "on_event" and _says_shutdown(decorator.call):
        return None
    if name == "provide" and _is_for_requests(decorator.call):
        return Kind.DEPENDENCY
    rows = (each for each in _ROWS if name in each.names)
    found = next((each for each in rows if each.packages is None or decorator.is_of(each.packages)), None)
    return found.kind if found else Kind.CACHED if _CACHING.search(name) else None


def _is_for_requests(call: cst.Call | None) -> bool:
    """What dishka is told by `scope=Scope.REQUEST`."""
    return any(last_name_behind(each.value) == "REQUEST" for each in (call.args if call else ()))


_READY = frozenset({"on_connect", "on_ready", "setup_hook"})
"""What bots call when they are ready."""


def _is_route(decorator: _Decorator) -> bool:
    is_unknown = decorator.package not in _FRAMEWORKS
    return decorator.package in _WEB or (is_unknown and _has_path(decorator.call))


def _has_path(call: cst.Call | None) -> bool:
    """Whether a decorator is told a path, as only that of a route is."""
    for argument in call.args if call else ():
        match argument:
            case cst.Arg(keyword=None, value=cst.SimpleString() as text):
                return str(text.evaluated_value).startswith("/") or text.evaluated_value == ""
            case cst.Arg(keyword=cst.Name("path" | "rule" | "uri")):
                return True
            case cst.Arg(keyword=None):
                return False
            case _:
                pass
    return False


def _is_command(decorator: _Decorator) -> bool:
    """Whether `command` is that of a command line, and not that of a chat."""
    module = decorator.scope.module
    is_imported = imports_any(module, _CLI - {"flask"}) and not imports_any(module, _MESSAGING)
    return decorator.package in _CLI or (not decorator.package and is_imported)


def _says_shutdown(call: cst.Call | None) -> bool:
    match call:
        case cst.Call(args=[cst.Arg(value=cst.SimpleString() as text), *_]):
            return "startup" not in str(text.evaluated_value)
        case _:
            return False


def _is_called_a_queue(decorator: _Decorator) -> bool:
    """Whether the object is unknown but imported as what is a queue: `from app.celery_app import celery`."""
    call = decorator.call
    first = (dotted(call.func) or "").partition(".")[0] if call else ""
    target = decorator.scope.module.imported(first) or ""
    words = f"{target}.{first}".lower()
    is_unknown = decorator.package not in _FRAMEWORKS
    return is_unknown and any(each in words for each in ("celery", "dramatiq", "huey", "taskiq"))


def _maker_of(named: cst.BaseExpression, scope: Scope) -> str | None:
    """What a decorator is of: its own name in a library, or what made the object that it is a method of."""
    found = qualified(named, scope)
    if found and found.partition(".")[0] in _FRAMEWORKS | {"pytest", "pytest_asyncio", "functools"}:
        return found
    base = named
    while isinstance(base, cst.Attribute):
        base = base.value
        if maker := library_of(base, scope):
            return maker
    return found


def _library_of(node: cst.CSTNode, scope: Scope, depth: int) -> str | None:
    if depth > MOST_STEPS:
        return None
    match node:
        case cst.Await(expression=inner):
            return _library_of(inner, scope, depth)
        case cst.Call(func=func):
            return qualified(func, scope) or _library_returned(func, scope, depth)
        case cst.Name() | cst.Attribute():
            bound = definitions(node, scope).definitions
            makers = (_library_bound(each, depth + 1) for each in bound)
            return next(filter(None, makers), None) or qualified(node, scope)
        case _:
            return None


def _library_returned(func: cst.BaseExpression, scope: Scope, depth: int) -> str | None:
    """What made what a function of the project returns."""
    for function, around in functions_called(func, scope):
        if isinstance(function, cst.FunctionDef):
            for value in returned(function):
                if name := _library_of(value, around.inside(function), depth + 1):
                    return name
    return None


def _library_bound(definition: Definition, depth: int) -> str | None:
    """What made what a name is bound to, or what a parameter is declared to be."""
    bound, scope = definition
    match bound:
        case cst.Param(annotation=cst.Annotation(annotation=annotation)):
            return qualified(annotation, scope)
        case cst.AnnAssign(value=cst.BaseExpression() as value):
            return _library_of(value, scope, depth)
        case cst.BaseExpression():
            return _library_of(bound, scope, depth)
        case _:
            return None


MOST_STEPS = 3


# What classes, signatures and names say.

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
        return EntryPoint(Kind.ROUTE, name, place)
    if name in {"on_get", "on_post", "on_put", "on_patch", "on_delete"} and _are(function, "self", "req", "resp"):
        return EntryPoint(Kind.ROUTE, name, place, "falcon")
    if _are(function, "self", "request", "context") and any(map(_is_servicer, _bases(owner))):
        return EntryPoint(Kind.SERVICER, name, place, "grpc")
    if name == "dispatch" and _are(function, "self", "request", "call_next"):
        return EntryPoint(Kind.HOOK, name, place, "starlette")
    if name in {"__call__", "process_request", "process_view"} and (
        _are(function, "self", "request") or _are(function, "self", "scope", "receive", "send")
    ):
        return EntryPoint(Kind.HOOK, name, place)
    if name.startswith("resolve_") and any(each.startswith("graphene.") for each in outside):
        return EntryPoint(Kind.TOOL, name, place, "graphene")
    if name == "handle" and "django.core.management.base.BaseCommand" in outside:
        return EntryPoint(Kind.COMMAND, name, place, "django")
    if name == "ready" and "django.apps.AppConfig" in outside:
        return EntryPoint(Kind.STARTUP, name, place, "django")
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
        return EntryPoint(Kind.LAMBDA, name, scope.span(function.name), "aws")
    return None


_MAIN = frozenset({"_main", "amain", "async_main", "main", "main_async"})


def _by_name(function: cst.FunctionDef, scope: Scope) -> EntryPoint | None:
    is_main = function.name.value in _MAIN and not scope.functions and not scope.owner
    return EntryPoint(Kind.MAIN, function.name.value, scope.span(function.name)) if is_main else None


# What those say who name a function.

_REGISTERING: Mapping[str, Kind] = {
    **dict.fromkeys(("Depends", "Security"), Kind.DEPENDENCY),
    **dict.fromkeys(
        (
            "APIRoute", "HTTPRoute", "Route", "Rule", "add_api_route", "add_delete", "add_get", "add_patch",
            "add_post",
            "add_put", "add_route", "add_url_rule", "add_view",
        ),
        Kind.ROUTE,
    ),
    **dict.fromkeys(("WebSocketRoute", "add_websocket_route", "add_api_websocket_route"), Kind.SOCKET),
    **dict.fromkeys(
        (
            "CallbackQueryHandler", "CommandHandler", "InlineQueryHandler", "MessageHandler",
            "register_message_handler", "register_callback_query_handler", "basic_consume",
        ),
        Kind.MESSAGE,
    ),
    **dict.fromkeys(("add_job", "do", "run_daily", "run_repeating", "add_periodic_task"), Kind.SCHEDULED),
    **dict.fromkeys(("set_defaults", "add_command"), Kind.COMMAND),
    **dict.fromkeys(("add_startup", "on_startup", "on_event"), Kind.STARTUP),
    **dict.fromkeys(("Singleton", "Resource", "ThreadSafeSingleton", "lru_cache", "cache"), Kind.CACHED),
    **dict.fromkeys(("from_function", "add_tool"), Kind.TOOL),
}  # fmt: skip
_KEYWORDS: Mapping[str, Kind] = {
    "callback": Kind.MESSAGE,
    "cb": Kind.MESSAGE,
    "initializer": Kind.STARTUP,
    "lifespan": Kind.STARTUP,
    "on_message_callback": Kind.MESSAGE,
    "on_startup": Kind.STARTUP,
    "python_callable": Kind.JOB,
    "startup": Kind.STARTUP,
    "view_func": Kind.ROUTE,
}
"""Names of calls that register a function, and of arguments that do."""
_URLS = frozenset({"path", "re_path", "url"})
_VERBS_OF_AIOHTTP = frozenset({"delete", "get", "patch", "post", "put", "view"})


def _by_references(function: Definition) -> EntryPoint | None:
    found: EntryPoint | None = None
    for reference in references(function):
        entry = _registered(reference, function)
        if entry and entry.kind.is_repeated:
            return entry
        found = found or entry
    return found


def _registered(reference: Reference, function: Definition) -> EntryPoint | None:
    """What the call says that a function is handed to."""
    name = function.node.name.value if isinstance(function.node, cst.FunctionDef) else ""
    argument: cst.Arg | None = None
    for node in reference.around:
        match node:
            case cst.Element() | cst.List() | cst.Tuple():
                pass
            case cst.Arg():
                argument = node
            case cst.Call(func=func) as call if argument:
                kind = _kind_registered(func, call, argument, reference.scope)
                return EntryPoint(kind, name, reference.scope.span(reference.node)) if kind else None
            case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=target))]):
                return _of_worker_settings(target, name, reference)
            case _:
                return None
    return None


def _kind_registered(func: cst.BaseExpression, call: cst.Call, argument: cst.Arg, scope: Scope) -> Kind | None:
    called, keyword = last_name_behind(func), keyword_of(argument)
    if called in {"Depends", "Security"} or called in {"Singleton", "Resource"}:
        return _REGISTERING[called]
    if called == "Provide":
        is_cached = any(keyword_of(each) == "use_cache" for each in call.args)
        return Kind.CACHED if is_cached else Kind.DEPENDENCY
    if keyword in _KEYWORDS and not (keyword == "callback" and not imports_any(scope.module, _MESSAGING)):
        return _KEYWORDS[keyword]
    if called in _URLS and argument is not call.args[0]:
        return Kind.ROUTE if imports_any(scope.module, frozenset({"django"})) else None
    if called in _VERBS_OF_AIOHTTP and argument is not call.args[0]:
        return Kind.ROUTE if (qualified(func, scope) or "").startswith("aiohttp.web.") else None
    if called == "add_event_handler":
        return None if _says_shutdown(call) else Kind.STARTUP
    if called == "append" and isinstance(func, cst.Attribute):
        lists = {"on_startup": Kind.STARTUP, "cleanup_ctx": Kind.STARTUP, "middlewares": Kind.HOOK}
        return lists.get(last_name_behind(func.value))
    if (
        called == "register"
        and isinstance(func, cst.Attribute)
        and last_name_behind(func.value) in {"message", "callback_query"}
    ):
        return Kind.MESSAGE
    return _REGISTERING.get(called)


def _of_worker_settings(target: str, name: str, reference: Reference) -> EntryPoint | None:
    """What arq is told in a class: `functions = [sync]`, `on_startup = connect`."""
    if reference.scope.owner is None or reference.scope.functions:
        return None
    kinds = {"functions": Kind.TASK, "on_startup": Kind.STARTUP, "on_job_start": Kind.TASK}
    kind = kinds.get(target)
    return EntryPoint(kind, name, reference.scope.span(reference.node), "arq") if kind else None
