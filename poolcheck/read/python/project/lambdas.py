"""Which functions AWS Lambda calls, as the templates of SAM, CloudFormation and the Serverless Framework say."""

import os
import re

from poolcheck.files import Files

TEMPLATES = ("template.yaml", "template.yml", "serverless.yaml", "serverless.yml")
FARTHEST = 6
"""So many folders above a module its template is looked for."""

_HANDLER = re.compile(
    r"^[ \t]*[Hh]andler:[ \t]*[\"']?(?P<module>[\w./-]+)\.(?P<function>\w+)[\"']?[ \t]*(?:#.*)?\r?$", re.MULTILINE
)
"""`Handler: orders.handler`, which may name folders with dots or slashes; the rest of the template is not read."""


class LambdaTemplates:
    """The templates beside and above a project's modules. A file is read when somebody asks."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._handlers: dict[str, frozenset[tuple[str, str]]] = {}

    def names(self, path: str, function: str) -> bool:
        """Whether a template names a function of the module in a file as one that Lambda calls."""
        folder, stem = os.path.dirname(path), path.removesuffix(".py")
        for _ in range(FARTHEST):
            for module, called in self._in(folder):
                if called == function and f"/{stem}".endswith(f"/{module}"):
                    return True
            if folder.rpartition("/")[2] in {"", os.pardir}:
                return False
            folder = os.path.dirname(folder)
        return False

    def _in(self, folder: str) -> frozenset[tuple[str, str]]:
        """The modules, with slashes, and functions that templates in a folder name."""
        if folder not in self._handlers:
            paths = (os.path.normpath(os.path.join(folder, name)).replace(os.sep, "/") for name in TEMPLATES)
            texts = map(self._text, filter(self._files.has, paths))
            found = (each for text in texts for each in _HANDLER.finditer(text))
            self._handlers[folder] = frozenset((_slashed(each["module"]), each["function"]) for each in found)
        return self._handlers[folder]

    def _text(self, path: str) -> str:
        try:
            return self._files.read(path).decode("utf-8", "replace")
        except OSError:
            return ""


def _slashed(module: str) -> str:
    return module.removeprefix("./").replace(".", "/")
