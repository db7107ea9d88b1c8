"""Whether a Django project is served over ASGI, as the commands that start it tell, or else its settings."""

import os
import re
from collections.abc import Iterable, Iterator

from poolcheck.read.kubernetes.manifest import Manifest
from poolcheck.read.python.project.served import Start, speaks_asgi
from poolcheck.read.python.running.gunicorn import setting
from poolcheck.read.python.syntax.module import Module
from poolcheck.value import Known, text_of

_OF_DJANGO = re.compile(r"\bget_asgi_application\b|\bget_default_application\b|\bProtocolTypeRouter\b")
_APPLICATION = re.compile(r"^ASGI_APPLICATION\s*=", re.MULTILINE)
_APPS = re.compile(r"""["'](channels|daphne)["']""")
DEEPEST = 4


def asgi_starts(settings: Module, manifests: Iterable[Manifest]) -> Iterator[Start]:
    """The commands that serve the Django project of some settings over ASGI, if any of its commands do."""
    for start in starts_of(settings, manifests):
        if _is_asgi(start, settings) and not start.is_for_development:
            dotted = start.module.partition(":")[0]
            found = settings.project.find(dotted, settings.path) if dotted else None
            if found and not found[1] and found[0].has(_OF_DJANGO):
                yield start


def starts_of(module: Module, manifests: Iterable[Manifest]) -> Iterator[Start]:
    """The commands that start the project of a module: those beside it, and those of containers."""
    yield from module.project.starts.near(module.path)
    for manifest in manifests:
        yield from module.project.starts.in_containers(manifest)


def _is_asgi(start: Start, settings: Module) -> bool:
    if start.is_asynchronous:
        return True
    if start.program != "gunicorn" or start.kind or not start.config:
        return False
    path = os.path.normpath(os.path.join(os.path.dirname(start.path), start.config)).replace(os.sep, "/")
    file = settings.project.module(path) if settings.project.starts.has(path) else None
    told = setting(file, "worker_class") if file else None
    return isinstance(told, Known) and speaks_asgi(text_of(told))


def server_in_settings(settings: Module, depth: int = DEEPEST) -> str | None:
    """The application in the settings, or in those they import, that serves ASGI_APPLICATION; None without it."""
    app = _APPS.search(settings.source.text)
    if app and settings.has(_APPLICATION):
        return app[1]
    for each in settings.imports if depth else ():
        if each.name == "*":
            found = settings.project.find(each.target.removesuffix(".*"), settings.path)
            if (
                found
                and not found[1]
                and found[0] is not settings
                and (app_there := server_in_settings(found[0], depth - 1))
            ):
                return app_there
    return None
