"""What the decorators of a function say of how it is run."""

import re
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.running.frameworks import (
    CLI,
    DISCORD,
    FRAMEWORKS,
    IN_PROCESSES,
    MESSAGING,
    QUEUES,
    TOOLS,
    WEB,
    imports_any,
    library_of,
)
from poolcheck.read.python.running.occasions import EntryPoint, Occasion
from poolcheck.read.python.syntax.bindings import dotted, last_name_behind
from poolcheck.read.python.values.scope import Scope, qualified

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
        "on_after_configure", "on_after_finalize", "on_event", "on_ready", "on_startup", "startup",
        "while_serving", "worker_init", "worker_process_init",
    }
)  # fmt: skip
_TASKS = frozenset({"actor", "agent", "async_task", "cron", "db_task", "shared_task", "task", "timer"})
_MESSAGES = frozenset(
    {
        "action", "business_message", "callback_query", "callback_query_handler", "channel_post", "chat_member",
        "command", "edited_message", "event", "hybrid_command", "inline_query", "message", "message_handler",
        "my_chat_member", "on", "on_callback_query", "on_chat_start", "on_event", "on_message", "shortcut",
        "slash_command", "subscriber", "user_command", "view",
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


def by_decorators(function: cst.FunctionDef, scope: Scope) -> EntryPoint | None:
    """What runs a function as its decorators say; what runs it again and again where they say several things."""
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
        is_unknown = self.package not in FRAMEWORKS
        return self.package in packages or (is_unknown and imports_any(self.scope.module, packages))


class _Row(NamedTuple):
    """What decorators of these names say, of these packages or, where there are none, of any."""

    kind: Occasion
    names: frozenset[str]
    packages: frozenset[str] | None = None


_ROWS = (
    _Row(Occasion.FIXTURE, frozenset({"fixture"})),
    _Row(Occasion.SOCKET, frozenset({"websocket", "websocket_route"})),
    _Row(Occasion.ROUTE, frozenset({"api_view"})),
    _Row(Occasion.ROUTE, frozenset({"cloud_event", "http"}), frozenset({"functions_framework"})),
    _Row(Occasion.SCHEDULED, _CLOCKS),
    _Row(Occasion.SCHEDULED, frozenset({"loop"}), DISCORD),
    _Row(Occasion.MESSAGE, frozenset({"listener"}), DISCORD),
    _Row(Occasion.MESSAGE, _MESSAGES, MESSAGING),
    _Row(Occasion.STARTUP, _STARTING),
    _Row(Occasion.HOOK, _HOOKS),
    _Row(Occasion.JOB, frozenset({"asset", "dag", "flow", "job", "op"})),
    _Row(Occasion.JOB, _TASKS, IN_PROCESSES),
    _Row(Occasion.TASK, _TASKS, QUEUES),
    _Row(Occasion.TOOL, _ASKING, TOOLS),
    _Row(Occasion.COMMAND, frozenset({"callback", "command", "group"}), CLI),
)


def _kind(decorator: _Decorator) -> Occasion | None:
    """What a decorator says."""
    name = decorator.name
    if name in _VERBS and _is_route(decorator):
        return Occasion.ROUTE
    if name == "command" and _is_command(decorator):
        return Occasion.COMMAND
    if name in {"event", "listener"} and decorator.function in _READY:
        return Occasion.STARTUP
    if name in _TASKS and _is_called_a_queue(decorator):
        return Occasion.TASK
    if name == "on_event" and says_shutdown(decorator.call):
        return None
    if name == "provide" and _is_for_requests(decorator.call):
        return Occasion.DEPENDENCY
    rows = (each for each in _ROWS if name in each.names)
    found = next((each for each in rows if each.packages is None or decorator.is_of(each.packages)), None)
    return found.kind if found else Occasion.CACHED if _CACHING.search(name) else None


def _is_for_requests(call: cst.Call | None) -> bool:
    """What dishka is told by `scope=Scope.REQUEST`."""
    return any(last_name_behind(each.value) == "REQUEST" for each in (call.args if call else ()))


_READY = frozenset({"on_connect", "on_ready", "setup_hook"})
"""What bots call when they are ready."""


def _is_route(decorator: _Decorator) -> bool:
    is_unknown = decorator.package not in FRAMEWORKS
    return decorator.package in WEB or (is_unknown and _has_path(decorator.call))


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
    is_imported = imports_any(module, CLI - {"flask"}) and not imports_any(module, MESSAGING)
    return decorator.package in CLI or (not decorator.package and is_imported)


def says_shutdown(call: cst.Call | None) -> bool:
    """Whether an event that a function is registered for is not the start, as in `on_event("shutdown")`."""
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
    is_unknown = decorator.package not in FRAMEWORKS
    return is_unknown and any(each in words for each in ("celery", "dramatiq", "huey", "taskiq"))


def _maker_of(named: cst.BaseExpression, scope: Scope) -> str | None:
    """What a decorator is of: its own name in a library, or what made the object that it is a method of."""
    found = qualified(named, scope)
    if found and found.partition(".")[0] in FRAMEWORKS | {"pytest", "pytest_asyncio", "functools"}:
        return found
    base = named
    while isinstance(base, cst.Attribute):
        base = base.value
        if maker := library_of(base, scope):
            return maker
    return found
