"""Packages that call functions of a project, by what they are for, and what made an object, where it is seen."""

import libcst as cst

from poolcheck.read.python.syntax.bindings import returned
from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.values.names import definitions, functions_called
from poolcheck.read.python.values.scope import Definition, Scope, qualified

WEB = frozenset(
    {
        "aiohttp", "apiflask", "aws_lambda_powertools", "azure", "blacksheep", "bottle", "chalice", "cherrypy",
        "connexion", "django", "ellar", "esmerald", "falcon", "fastapi", "flask", "flask_openapi3",
        "flask_restful", "flask_restx", "flask_smorest", "functions_framework", "litestar", "microdot", "ninja",
        "ninja_extra", "pyramid", "quart", "rest_framework", "robyn", "sanic", "starlette", "starlite",
        "tornado",
    }
)  # fmt: skip
QUEUES = frozenset(
    {"arq", "celery", "dramatiq", "faust", "huey", "procrastinate", "saq", "streaq", "taskiq", "pgqueuer"}
)
IN_PROCESSES = frozenset({"airflow", "dagster", "django_rq", "luigi", "modal", "prefect", "ray", "rq"})
"""Frameworks that run what they are given in a process of its own, or may."""
MESSAGING = frozenset(
    {
        "aio_pika", "aiogram", "aiokafka", "chainlit", "confluent_kafka", "discord", "disnake", "faststream",
        "faust", "flask_socketio", "interactions", "kafka", "kombu", "nats", "nextcord", "pika", "pyrogram",
        "slack_bolt", "socketio", "telebot", "telegram", "telethon", "twitchio", "vkbottle",
    }
)  # fmt: skip
TOOLS = frozenset(
    {
        "agents", "agno", "ariadne", "crewai", "dash", "fastmcp", "google", "gradio", "langchain",
        "langchain_core", "livekit", "llama_index", "mcp", "nicegui", "pydantic_ai", "smolagents", "strawberry",
        "strands",
    }
)  # fmt: skip
CLI = frozenset({"asyncclick", "click", "cyclopts", "flask", "invoke", "rich_click", "typer"})

FRAMEWORKS = WEB | QUEUES | IN_PROCESSES | MESSAGING | TOOLS | (CLI - {"flask"})
DISCORD = frozenset({"discord", "disnake", "interactions", "nextcord"})


def library_of(node: cst.CSTNode, scope: Scope) -> str | None:
    """The dotted name of what a library made an object by, or of what a name stands for in a library."""
    return _library_of(node, scope, 0)


def imports_any(module: Module, packages: frozenset[str]) -> bool:
    """Whether a module imports any of these packages."""
    return any(each.target.partition(".")[0] in packages for each in module.imports)


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
