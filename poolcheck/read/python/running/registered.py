"""What those say of how a function is run who name it: routers, schedulers, clients of message queues."""

from collections.abc import Mapping

import libcst as cst

from poolcheck.read.python.running.decorated import says_shutdown
from poolcheck.read.python.running.frameworks import MESSAGING, imports_any
from poolcheck.read.python.running.occasions import EntryPoint, Occasion
from poolcheck.read.python.running.references import Reference, references
from poolcheck.read.python.syntax.arguments import keyword_of
from poolcheck.read.python.syntax.bindings import last_name_behind
from poolcheck.read.python.values.scope import Definition, Scope, qualified

_REGISTERING: Mapping[str, Occasion] = {
    **dict.fromkeys(("Depends", "Security"), Occasion.DEPENDENCY),
    **dict.fromkeys(
        (
            "APIRoute", "HTTPRoute", "Route", "Rule", "add_api_route", "add_delete", "add_get", "add_patch",
            "add_post", "add_put", "add_route", "add_url_rule", "add_view",
        ),
        Occasion.ROUTE,
    ),
    **dict.fromkeys(("WebSocketRoute", "add_websocket_route", "add_api_websocket_route"), Occasion.SOCKET),
    **dict.fromkeys(
        (
            "CallbackQueryHandler", "CommandHandler", "InlineQueryHandler", "MessageHandler",
            "register_message_handler", "register_callback_query_handler", "basic_consume",
        ),
        Occasion.MESSAGE,
    ),
    **dict.fromkeys(("add_job", "do", "run_daily", "run_repeating", "add_periodic_task"), Occasion.SCHEDULED),
    **dict.fromkeys(("set_defaults", "add_command"), Occasion.COMMAND),
    **dict.fromkeys(("add_startup", "on_startup", "on_event"), Occasion.STARTUP),
    **dict.fromkeys(("Singleton", "Resource", "ThreadSafeSingleton", "lru_cache", "cache"), Occasion.CACHED),
    **dict.fromkeys(("from_function", "add_tool"), Occasion.TOOL),
}  # fmt: skip
_KEYWORDS: Mapping[str, Occasion] = {
    "callback": Occasion.MESSAGE,
    "cb": Occasion.MESSAGE,
    "initializer": Occasion.STARTUP,
    "lifespan": Occasion.STARTUP,
    "on_message_callback": Occasion.MESSAGE,
    "on_startup": Occasion.STARTUP,
    "python_callable": Occasion.JOB,
    "startup": Occasion.STARTUP,
    "view_func": Occasion.ROUTE,
}
"""Names of calls that register a function, and of arguments that do."""
_URLS = frozenset({"path", "re_path", "url"})
_VERBS_OF_AIOHTTP = frozenset({"delete", "get", "patch", "post", "put", "view"})


def by_references(function: Definition) -> EntryPoint | None:
    """What runs a function as those say who hand it to a framework."""
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


def _kind_registered(func: cst.BaseExpression, call: cst.Call, argument: cst.Arg, scope: Scope) -> Occasion | None:
    called, keyword = last_name_behind(func), keyword_of(argument)
    if called in {"Depends", "Security"} or called in {"Singleton", "Resource"}:
        return _REGISTERING[called]
    if called == "Provide":
        is_cached = any(keyword_of(each) == "use_cache" for each in call.args)
        return Occasion.CACHED if is_cached else Occasion.DEPENDENCY
    if keyword in _KEYWORDS and not (keyword == "callback" and not imports_any(scope.module, MESSAGING)):
        return _KEYWORDS[keyword]
    if called in _URLS and argument is not call.args[0]:
        return Occasion.ROUTE if imports_any(scope.module, frozenset({"django"})) else None
    if called in _VERBS_OF_AIOHTTP and argument is not call.args[0]:
        return Occasion.ROUTE if (qualified(func, scope) or "").startswith("aiohttp.web.") else None
    if called == "add_event_handler":
        return None if says_shutdown(call) else Occasion.STARTUP
    if called == "append" and isinstance(func, cst.Attribute):
        lists = {"on_startup": Occasion.STARTUP, "cleanup_ctx": Occasion.STARTUP, "middlewares": Occasion.HOOK}
        return lists.get(last_name_behind(func.value))
    if (
        called == "register"
        and isinstance(func, cst.Attribute)
        and last_name_behind(func.value) in {"message", "callback_query"}
    ):
        return Occasion.MESSAGE
    return _REGISTERING.get(called)


def _of_worker_settings(target: str, name: str, reference: Reference) -> EntryPoint | None:
    """What arq is told in a class: `functions = [sync]`, `on_startup = connect`."""
    if reference.scope.owner is None or reference.scope.functions:
        return None
    kinds = {"functions": Occasion.TASK, "on_startup": Occasion.STARTUP, "on_job_start": Occasion.TASK}
    kind = kinds.get(target)
    return EntryPoint(kind, name, reference.scope.span(reference.node), "arq") if kind else None
