"""Who forks processes after modules were imported: gunicorn that preloads, Celery, multiprocessing."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import libcst as cst

from poolcheck.read.kubernetes.manifest import Manifest
from poolcheck.read.python.pools.uses import calls_in
from poolcheck.read.python.project.roles import Role, role_of
from poolcheck.read.python.project.served import Start
from poolcheck.read.python.running.asgi import starts_of
from poolcheck.read.python.running.entry_points import entry_point
from poolcheck.read.python.running.gunicorn import setting
from poolcheck.read.python.running.loading import loads
from poolcheck.read.python.running.occasions import Occasion
from poolcheck.read.python.running.opened import Opened
from poolcheck.read.python.running.reached import Function, kept_in, reached
from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.syntax.slices import Kind
from poolcheck.read.python.values.names import definitions, functions_called
from poolcheck.read.python.values.scope import Class, Definition, Scope, qualified
from poolcheck.source import Span
from poolcheck.value import Known

PREFORK = frozenset({"", "prefork", "processes"})
RENEWING = ("register_at_fork", "worker_process_init")
"""Words of a project that has something done in forked processes."""

_RENEWS = re.compile(
    r"\bdispose\s*\(|\bclose(?:all)?\s*\(|\bopen\s*\(|\bcreate_engine\s*\(|\w*Pool\s*\(|\bgetpid\s*\("
)
"""Code that lets go of inherited connections, or makes a pool anew."""
_SPAWNS = re.compile(r"""["'](?:spawn|forkserver)["']|\bmp_context\b""")
_FORKS = re.compile(r"""\(\s*["']fork["']""")
_PROCESSES = frozenset(
    {"multiprocessing.Process", "multiprocessing.context.Process", "multiprocessing.process.Process"}
)
_POOLS = frozenset(
    {
        "concurrent.futures.ProcessPoolExecutor", "concurrent.futures.process.ProcessPoolExecutor",
        "multiprocessing.Pool", "multiprocessing.pool.Pool",
    }
)  # fmt: skip
_MAPPING = frozenset(
    {"apply", "apply_async", "imap", "imap_unordered", "map", "map_async", "starmap", "starmap_async", "submit"}
)
_STARTING = re.compile(r"Process|ool\b|\bfork\b|\b(?:apply|submit|map|imap|starmap)")
_TASK = re.compile(r"@\s*(?:[\w.]+\s*\.\s*)?(?:shared_task|task)\b")


class Fork(NamedTuple):
    """Who forks, in words, and where that is seen, if in a file that is read.

    It `is_certain` where the way in which processes are started is seen.
    """

    who: str
    place: Span | None
    is_certain: bool


def forks_after(opened: Opened, manifests: Sequence[Manifest]) -> Iterator[Fork]:
    """Who forks after a pool was opened, without anything that renews it in the new processes."""
    project, home = opened.opener.project, opened.opener
    if any(project.mentions.of(word) for word in RENEWING):
        return
    starts = [*starts_of(home, manifests)]
    yield from _preloaded(opened, starts)
    yield from _by_celery(opened, starts)
    yield from _by_multiprocessing(opened)


def _preloaded(opened: Opened, starts: Iterable[Start]) -> Iterator[Fork]:
    """A gunicorn that imports the application before it forks its workers."""
    home = opened.opener
    for start in starts:
        dotted = start.module.partition(":")[0]
        if start.program != "gunicorn" or not dotted or start.is_for_development:
            continue
        path = os.path.normpath(os.path.join(os.path.dirname(start.path), start.config)).replace(os.sep, "/")
        config = home.project.module(path) if start.config and home.project.starts.has(path) else None
        if config and re.search(r"\bdef\s+post_(?:fork|worker_init)\b", config.masked.text):
            continue
        told = setting(config, "preload_app") if config else None
        if "--preload" not in start.words and not (isinstance(told, Known) and told.scalar is True):
            continue
        found = home.project.find(dotted, home.path)
        if found and loads(found[0], home.path):
            where = os.path.basename(path if told else start.path)
            place = told.places[-1] if isinstance(told, Known) and "--preload" not in start.words else None
            yield Fork(
                f"gunicorn ({where}) forks its workers after it has imported the application",
                place,
                is_certain=True,
            )
            return


def _by_celery(opened: Opened, starts: Iterable[Start]) -> Iterator[Fork]:
    """A task that uses the pool, which Celery imports before it forks the processes that run tasks."""
    own = [start for start in starts if start.program == "celery" and "worker" in start.words]
    project = opened.opener.project
    if any(start.kind not in PREFORK for start in own) or project.mentions.of("worker_pool"):
        return
    for path in project.mentions.of("elery") or ():
        module = project.module(path) if role_of(path) is Role.APPLICATION else None
        if module is None or not module.has(_TASK) or not loads(module, opened.opener.path):
            continue
        for function, name, place in _tasks(module):
            if any(_uses(each, opened) for each in reached(function)):
                who = f"Celery forks the processes that run the task {name}() after it has imported it"
                yield Fork(who, place, is_certain=bool(own))
                return


def _tasks(module: Module) -> Iterator[tuple[Definition, str, Span]]:
    """The functions of a module that Celery runs."""
    for piece in module.mentioning(_TASK):
        owner = Class(module, piece.scope) if piece.scope else None
        for tree, statement in module.statements(piece) if piece.kind is Kind.FUNCTION else ():
            if isinstance(statement, cst.FunctionDef):
                function = Definition(statement, Scope(module, tree, owner=owner))
                entry = entry_point(function)
                if entry and entry.kind is Occasion.TASK and entry.package in {"", "celery"}:
                    yield function, statement.name.value, function.scope.span(statement.name)


def _uses(function: Function, opened: Opened) -> bool:
    """Whether a function uses the pool, and does not renew it."""
    pool = opened.pool.span
    return any(
        each.scope.module.path == pool.path and each.scope.span(each.call) == pool for _, each in kept_in(function)
    )


def _by_multiprocessing(opened: Opened) -> Iterator[Fork]:
    """Processes that the project starts itself and that run functions which use the pool."""
    project = opened.opener.project
    words = ("Process", "ProcessPoolExecutor", "Pool", "os.fork")
    paths = dict.fromkeys(path for word in words for path in project.mentions.of(word) or ())
    for path in paths:
        module = project.module(path) if role_of(path) is Role.APPLICATION else None
        if module is None or not _may_fork(module) or not loads(module, opened.opener.path):
            continue
        for who, place, function in _processes(module):
            functions = [*reached(function)]
            if any(_uses(each, opened) for each in functions) and not any(map(_renews, functions)):
                is_certain = who.startswith("os.fork") or _FORKS.search(module.source.text) is not None
                yield Fork(who, place, is_certain)
                return


@lru_cache(maxsize=1024)
def _may_fork(module: Module) -> bool:
    packages = ("concurrent.futures", "multiprocessing", "os")
    has = any(each.target.startswith(packages) for each in module.imports)
    return has and not _SPAWNS.search(module.source.text)


def _renews(function: Function) -> bool:
    place = function.scope.span(function.node)
    return _RENEWS.search(function.scope.module.masked.text, place.start, place.end) is not None


def _processes(module: Module) -> Iterator[tuple[str, Span, Definition]]:
    """The functions that a module has run in processes of their own, and where."""
    for piece in module.pieces:
        code = module.code(piece)
        if not _STARTING.search(code):
            continue
        owner = Class(module, piece.scope) if piece.scope else None
        for tree, statement in module.statements(piece):
            for call, scope, _ in calls_in(statement, Scope(module, tree, owner=owner)):
                if scope.functions and qualified(call.func, scope) == "os.fork":
                    around = Definition(scope.functions[-1], scope.outside)
                    yield "os.fork() is called", scope.span(call.func), around
                for title, target in _handed(call, scope):
                    for function in functions_called(target, scope):
                        yield f"{title} forks", scope.span(call.func), function


def _handed(call: cst.Call, scope: Scope) -> Iterator[tuple[str, cst.BaseExpression]]:
    """What a call has run in another process."""
    if qualified(call.func, scope) in _PROCESSES:
        yield from (
            ("Process()", each.value) for each in call.args if each.keyword and each.keyword.value == "target"
        )
        return
    match call.func:
        case cst.Attribute(value=pool, attr=cst.Name(value=method)) if method in _MAPPING and call.args:
            found = definitions(pool, scope).definitions
            for each in found:
                made = each.node.item if isinstance(each.node, cst.WithItem) else each.node
                if isinstance(made, cst.Call) and qualified(made.func, each.scope) in _POOLS:
                    told = {argument.keyword.value for argument in made.args if argument.keyword}
                    if not told & {"initializer", "mp_context"}:
                        name = (qualified(made.func, each.scope) or "").rpartition(".")[2]
                        yield f"{name}()", call.args[0].value
        case _:
            pass
