"""How functions are run, as frameworks say it, and what leads to a call again and again."""

from collections.abc import Mapping

import libcst as cst
import pytest

from poolcheck.deep import deep
from poolcheck.files import Memory
from poolcheck.read.python.pools.client_pools import pools_of
from poolcheck.read.python.pools.uses import Placed, placed
from poolcheck.read.python.running.entry_points import entry_point
from poolcheck.read.python.running.frameworks import library_of
from poolcheck.read.python.running.holders import Holder, holder_of
from poolcheck.read.python.running.occasions import EntryPoint
from poolcheck.read.python.running.occasions import Occasion as Kind
from poolcheck.read.python.running.recurring import Recurrence, recurrences
from poolcheck.read.python.running.references import references
from poolcheck.read.python.syntax.module import Module, Project
from poolcheck.read.python.syntax.trees import walk
from poolcheck.read.python.values.scope import Class, Definition, Scope


def project_of(files: Mapping[str, str]) -> Project:
    return Project(Memory({path: text.encode() for path, text in files.items()}), [*files])


def module_of(project: Project, path: str) -> Module:
    module = project.module(path)
    assert module
    return module


def function_called(name: str, module: Module) -> Definition:
    """The function of a name, wherever in the module it is defined."""
    for piece in module.pieces:
        owner = Class(module, piece.scope) if piece.scope else None
        for tree, statement in module.statements(piece):
            scope = Scope(module, tree, owner=owner)
            outer = statement if isinstance(statement, cst.FunctionDef) else None
            for node in walk(statement):
                if isinstance(node, cst.FunctionDef) and node.name.value == name:
                    around = scope.inside(outer) if outer and outer is not node else scope
                    return Definition(node, around)
    raise AssertionError(name)


def entry(text: str, name: str = "f", **others: str) -> EntryPoint | None:
    files = {"shop/app.py": text} | {f"shop/{other}.py": content for other, content in others.items()}
    project = project_of(files)
    return deep(lambda: entry_point(function_called(name, module_of(project, "shop/app.py"))))


def kind(text: str, name: str = "f", **others: str) -> Kind | None:
    found = entry(text, name, **others)
    return found.kind if found else None


def made_in(files: Mapping[str, str]) -> Placed:
    """The first pool that is made in the first of these files."""
    project = project_of(files)
    module = module_of(project, next(iter(files)))
    pool = next(pools_of(module))
    made = placed(module, pool.span)
    assert made
    return made


def found(text: str, **others: str) -> list[Recurrence]:
    files = {"shop/app.py": text} | {f"shop/{name}.py": content for name, content in others.items()}
    return deep(lambda: [*recurrences(made_in(files))])


def holder(text: str) -> Holder:
    imports = "from sqlalchemy import create_engine\nfrom sqlalchemy.orm import Session, sessionmaker\n"
    return deep(lambda: holder_of(made_in({"shop/app.py": imports + text})))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from fastapi import FastAPI\napp = FastAPI()\n@app.get('/')\ndef f(): pass", Kind.ROUTE),
        ("from shop.main import router\n@router.post('/orders')\nasync def f(): pass", Kind.ROUTE),
        ("from flask import Blueprint\nbp = Blueprint('a', __name__)\n@bp.route('/')\ndef f(): pass", Kind.ROUTE),
        ("from litestar import get\n@get()\nasync def f() -> None: ...", Kind.ROUTE),
        ("from aiohttp import web\nr = web.RouteTableDef()\n@r.get('/')\nasync def f(request): ...", Kind.ROUTE),
        ("from rest_framework.decorators import api_view\n@api_view(['GET'])\ndef f(request): ...", Kind.ROUTE),
        ("from fastapi import FastAPI\napp = FastAPI()\n@app.websocket('/ws')\ndef f(): pass", Kind.SOCKET),
        ("from flask import Flask\napp = Flask('a')\n@app.before_request\ndef f(): pass", Kind.HOOK),
        ("from fastapi import FastAPI\napp = FastAPI()\n@app.middleware('http')\ndef f(r, n): pass", Kind.HOOK),
        ("from celery import shared_task\n@shared_task\ndef f(): pass", Kind.TASK),
        ("from celery import Celery\napp = Celery()\n@app.task(bind=True)\ndef f(self): pass", Kind.TASK),
        ("from shop.celery_app import celery_app\n@celery_app.task()\ndef f(): pass", Kind.TASK),
        ("import dramatiq\n@dramatiq.actor\ndef f(): pass", Kind.TASK),
        ("from huey import RedisHuey\nhuey = RedisHuey()\n@huey.task()\ndef f(): pass", Kind.TASK),
        ("from airflow.decorators import task\n@task\ndef f(): pass", Kind.JOB),
        ("from prefect import flow\n@flow\ndef f(): pass", Kind.JOB),
        ("from rq.decorators import job\n@job('low')\ndef f(): pass", Kind.JOB),
        ("from faststream.nats import NatsBroker as B\nb = B()\n@b.subscriber('a')\ndef f(m): ...", Kind.MESSAGE),
        ("from aiogram import Router\nr = Router()\n@r.message()\nasync def f(m): ...", Kind.MESSAGE),
        ("from discord.ext import commands\n@commands.command()\nasync def f(c): ...", Kind.MESSAGE),
        ("from mcp.server.fastmcp import FastMCP\nmcp = FastMCP('a')\n@mcp.tool()\ndef f(sql): ...", Kind.TOOL),
        ("import strawberry\n@strawberry.field\ndef f(): ...", Kind.TOOL),
        ("from fastapi_utils.tasks import repeat_every\n@repeat_every(seconds=5)\ndef f(): ...", Kind.SCHEDULED),
        ("from fastapi import FastAPI\napp = FastAPI()\n@app.on_event('startup')\ndef f(): ...", Kind.STARTUP),
        ("from celery.signals import worker_init\n@worker_init.connect\ndef f(**_): ...", Kind.STARTUP),
        ("import click\n@click.command()\n@click.option('--a')\ndef f(a): ...", Kind.COMMAND),
        ("import typer\napp = typer.Typer()\n@app.command('sync')\ndef f(): ...", Kind.COMMAND),
        ("from dishka import Scope, provide\n@provide(scope=Scope.REQUEST)\ndef f(): ...", Kind.DEPENDENCY),
        ("from dishka import Scope, provide\n@provide(scope=Scope.APP)\ndef f(): ...", Kind.CACHED),
        ("import pytest\n@pytest.fixture\ndef f(): ...", Kind.FIXTURE),
        ("from functools import lru_cache\n@lru_cache\ndef f(): ...", Kind.CACHED),
        ("import streamlit as st\n@st.cache_resource\ndef f(): ...", Kind.CACHED),
    ],
)  # fmt: skip
def test_a_decorator_says_how_a_function_is_run(text: str, expected: Kind) -> None:
    assert kind(text) is expected


def test_what_answers_and_is_cached_is_run_for_requests() -> None:
    text = "from fastapi import FastAPI\nfrom fastapi_cache.decorator import cache\napp = FastAPI()\n"

    assert kind(f"{text}@app.get('/')\n@cache(expire=60)\nasync def f(): ...") is Kind.ROUTE


@pytest.mark.parametrize(
    "text",
    [
        "import requests_mock\n@requests_mock.get('x')\ndef f(): ...",
        "from shop.registry import table\n@table.get('name')\ndef f(): ...",
        "from shop.work import pool\n@pool.task\ndef f(): ...",
        "from fastapi import FastAPI\napp = FastAPI()\n@app.on_event('shutdown')\ndef f(): ...",
        "def handler(event, context): ...",
        "def f(): ...",
    ],
)
def test_what_frameworks_do_not_say_is_not_known(text: str) -> None:
    assert kind(text, "handler" if "def handler" in text else "f") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from app import f\nfrom fastapi import Depends\ndef g(db=Depends(f)): ...", Kind.DEPENDENCY),
        ("from typing import Annotated\nfrom shop.app import f\nDb = Annotated[int, Depends(f)]", Kind.DEPENDENCY),
        ("from shop import app\nfrom django.urls import path\nurlpatterns = [path('a', app.f)]", Kind.ROUTE),
        ("from shop.app import f\nfrom aiohttp import web\nroutes = [web.get('/', f)]", Kind.ROUTE),
        ("from shop.app import f as g\ndef make(app): app.add_api_route('/', g)", Kind.ROUTE),
        ("from shop.app import f\nfrom fastapi import FastAPI\napp = FastAPI(lifespan=f)", Kind.STARTUP),
        ("from shop.app import f\ndef run(scheduler): scheduler.add_job(f, 'interval')", Kind.SCHEDULED),
        ("from shop.app import f\nload = PythonOperator(task_id='a', python_callable=f)", Kind.JOB),
        ("from shop.app import f\nclass WorkerSettings:\n    functions = [f]", Kind.TASK),
        ("from shop.app import f\nclass WorkerSettings:\n    on_startup = f", Kind.STARTUP),
        ("from shop.app import f\nimport pika\ndef run(c): c.basic_consume('a', f)", Kind.MESSAGE),
    ],
)  # fmt: skip
def test_who_registers_a_function_says_how_it_is_run(text: str, expected: Kind) -> None:
    assert kind("def f(*_): ...", other=text.replace("from app", "from shop.app")) is expected


def test_a_class_says_how_its_methods_are_run() -> None:
    servicer = (
        "import shop_pb2_grpc\nclass S(shop_pb2_grpc.ShopServicer):\n    def Quote(self, request, context): ..."
    )
    view = "from rest_framework.views import APIView\nclass V(APIView):\n    def get(self, request): ..."
    command = (
        "from django.core.management import base\nclass Command(base.BaseCommand):\n    def handle(self): ..."
    )

    assert kind(servicer, "Quote") is Kind.SERVICER
    assert kind(view, "get") is Kind.ROUTE
    assert kind(command, "handle") is Kind.COMMAND


def test_a_lambda_handler_is_told_by_its_signature_and_what_it_imports() -> None:
    assert kind("def lambda_handler(event, _): ...", "lambda_handler") is Kind.LAMBDA
    assert kind("import boto3\ndef handler(event, context): ...", "handler") is Kind.LAMBDA
    assert kind("import boto3\ndef handler(event, context, more): ...", "handler") is None


def test_references_are_found_under_other_names_and_not_in_tests() -> None:
    project = project_of(
        {
            "shop/app.py": "def f(): ...\nf()",
            "shop/other.py": "from shop.app import f as g\ndef run():\n    g()",
            "shop/same.py": "def f(): ...\nf()",
            "tests/test_app.py": "from shop.app import f\nf()",
        }
    )

    found = deep(lambda: [*references(function_called("f", module_of(project, "shop/app.py")))])

    assert [(each.scope.module.path, each.call is not None) for each in found] == [
        ("shop/app.py", True),
        ("shop/other.py", True),
    ]


def test_the_library_of_an_object_is_that_of_what_a_function_of_the_project_returns() -> None:
    text = "from celery import Celery\ndef make():\n    app = Celery()\n    return app\nqueue = make()\nqueue"
    module = module_of(project_of({"shop/app.py": text}), "shop/app.py")

    def asked() -> str | None:
        tree, statement = next(iter(module.statements(module.pieces[-1])))
        name = next(node for node in walk(statement) if isinstance(node, cst.Name))
        return library_of(name, Scope(module, tree))

    assert deep(asked) == "celery.Celery"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("create_engine(url)", Holder.NOBODY),
        ("e = create_engine(url)\n    with e.connect() as c: c.execute('a')", Holder.NOBODY),
        ("e = create_engine(url)\n    S = sessionmaker(bind=e)\n    with S() as s: yield s", Holder.NOBODY),
        ("return create_engine(url)", Holder.CALLER),
        ("e = create_engine(url)\n    return Session(e)", Holder.USER),
        ("return create_engine(url).connect()", Holder.USER),
        ("e = create_engine(url)\n    try: e.connect()\n    finally: e.dispose()", Holder.CLOSED),
        ("s = Session(create_engine(url))\n    s.close()", Holder.NOBODY),
        ("s = Session(create_engine(url))\n    s.get_bind().dispose()", Holder.CLOSED),
        ("global e\n    e = create_engine(url)", Holder.OTHERS),
        ("e = create_engine(url)\n    app.state.engine = e", Holder.OTHERS),
        ("engines[url] = create_engine(url)", Holder.OTHERS),
        ("e = create_engine(url)\n    register(e)", Holder.OTHERS),
        ("e = create_engine(url)\n    def g(): return e\n    return g", Holder.OTHERS),
        ("return [create_engine(each) for each in url]", Holder.OTHERS),
        ("return known or create_engine(url)", Holder.OTHERS),
        ("url = create_engine(url)\n    return url", Holder.OTHERS),
    ],
)
def test_who_has_an_object_when_the_function_is_done(body: str, expected: Holder) -> None:
    assert holder(f"def f(url):\n    {body}\n") is expected


def test_an_object_that_a_function_of_the_project_closes_is_closed() -> None:
    text = "def end(e):\n    e.dispose()\ndef show(e):\n    print(e.url)\n"

    assert holder(f"{text}def f(url):\n    e = create_engine(url)\n    end(e)\n") is Holder.CLOSED
    assert holder(f"{text}def f(url):\n    e = create_engine(url)\n    show(e)\n") is Holder.NOBODY


APP = (
    "from fastapi import FastAPI\nfrom shop.app import engine\napp = FastAPI()\n@app.get('/')\ndef index():\n    "
)
ENGINE = (
    "from sqlalchemy import create_engine\ndef engine(url='postgresql://db/a'):\n    return create_engine(url)\n"
)


def test_what_leads_from_a_route_to_an_engine_is_told() -> None:
    (route,) = found(ENGINE, api=f"{APP}engine().connect()\n")

    assert route.entry
    assert route.entry.kind is Kind.ROUTE
    assert route.occasion == "request to index()"
    assert [step.callee for step in route.steps] == ["engine"]
    assert not route.varies


def test_to_close_a_session_closes_no_engine() -> None:
    session = ENGINE.replace("return create_engine(url)", "return sessionmaker(bind=create_engine(url))()")
    session = f"from sqlalchemy.orm import sessionmaker\n{session}"

    assert found(session, api=f"{APP}s = engine()\n    s.close()\n")
    assert not found(session, api=f"{APP}s = engine()\n    s.close()\n    s.bind.dispose()\n")


def test_an_engine_varies_with_what_a_request_asks_for() -> None:
    api = APP.replace("index()", "index(url: str)")

    (route,) = found(ENGINE, api=f"{api}engine(url).connect()\n")

    assert route.varies


def test_what_a_function_inside_of_a_function_connects_to_varies_with_what_the_outer_is_given() -> None:
    text = "from fastapi import FastAPI\nimport psycopg\napp = FastAPI()\n@app.get('/')\ndef f(host: str):\n"
    text += "    def ask():\n        psycopg.connect(host).execute('SELECT 1')\n    run_in_threadpool(ask)\n"

    (route,) = found(text)

    assert route.varies


@pytest.mark.parametrize(
    "api",
    [
        f"{APP}app.state.engine = engine()\n",
        f"{APP}e = engine()\n    try: e.connect()\n    finally: e.dispose()\n",
        "from shop.app import engine\nDB = engine()\n",
        "from shop.app import engine\ndef main():\n    engine().connect()\nmain()\n",
        "from functools import cache\nfrom shop.app import engine\n@cache\ndef kept(): return engine()\n"
        "from fastapi import Depends\ndef g(e=Depends(kept)): ...\n",
        "from shop.app import engine\ndef unknown():\n    engine().connect()\n",
    ],
)
def test_an_engine_that_is_kept_or_made_once_does_not_recur(api: str) -> None:
    assert found(ENGINE, api=api) == []


def test_loops_recur_unless_they_try_until_it_works_or_make_another_for_each_turn() -> None:
    start = "from sqlalchemy import create_engine\ndef f(urls):\n    "

    assert found(f"{start}while True:\n        create_engine('postgresql://db/a').connect()\n")
    assert not found(f"{start}while True:\n        create_engine('postgresql://db/a').connect()\n        break\n")
    assert not found(f"{start}for url in urls:\n        create_engine(url).connect()\n")
    assert not found(f"{start}while not up():\n        create_engine('postgresql://db/a').connect()\n")
    assert not found(f"{start}for _ in range(5):\n        create_engine('postgresql://db/a').connect()\n")


def test_functions_that_call_each_other_come_to_an_end() -> None:
    text = "from sqlalchemy import create_engine\ndef f():\n    create_engine('postgresql://db/a')\n    g()\n"

    assert found(f"{text}def g():\n    f()\n") == []


@pytest.mark.parametrize("handler", ["orders/app.run", "app.run", "orders.app.run", "./orders/app.run  # POST"])
def test_a_template_names_what_lambda_calls(handler: str) -> None:
    project = project_of(
        {
            "functions/template.yaml": f"Resources:\n  Orders:\n    Properties:\n      Handler: {handler}\n",
            "functions/orders/app.py": "def run(request, _): ...\ndef other(a, b): ...\n",
        }
    )
    module = module_of(project, "functions/orders/app.py")

    def asked(name: str) -> EntryPoint | None:
        return deep(lambda: entry_point(function_called(name, module)))

    assert (run := asked("run")) is not None
    assert run.kind is Kind.LAMBDA
    assert asked("other") is None


def test_a_template_names_no_function_of_another_module() -> None:
    project = project_of(
        {
            "serverless.yml": "functions:\n  a:\n    handler: handlers/orders.run\n",
            "other/stock.py": "def run(event, context): ...\n",
        }
    )

    assert deep(lambda: entry_point(function_called("run", module_of(project, "other/stock.py")))) is None


def test_a_property_makes_another_engine_each_time_it_is_read() -> None:
    text = (
        "from fastapi import FastAPI\nfrom sqlalchemy import create_engine\napp = FastAPI()\nclass Store:\n"
        "    @property\n    def engine(self):\n        return create_engine('postgresql://db/a')\n"
        "    def all(self):\n        return self.engine.connect().execute('SELECT 1').all()\n"
        "store = Store()\n@app.get('/')\ndef index():\n    return store.all()\n"
    )

    (route,) = found(text)

    assert [step.callee for step in route.steps] == ["all", "engine"]


def test_an_object_of_which_there_is_only_one_is_made_once() -> None:
    text = (
        "from fastapi import FastAPI\nfrom sqlalchemy import create_engine\napp = FastAPI()\nclass Store:\n"
        "    {}def __init__(self):\n        self.engine = create_engine('postgresql://db/a')\n"
        "@app.get('/')\ndef index():\n    Store().engine.connect()\n"
    )

    assert found(text.format(""))
    assert not found(text.format("_instance = None\n    "))
