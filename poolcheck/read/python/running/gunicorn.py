"""What a configuration file of gunicorn's says of the processes it starts."""

import re

import libcst as cst

from poolcheck.amount import Amount, Reason, amount_of, between
from poolcheck.read.kubernetes.launchers import Launch
from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.values.evaluate import evaluate
from poolcheck.read.python.values.names import in_module
from poolcheck.read.python.values.scope import Definition
from poolcheck.value import Known, Lookup, Unknown, Value, resolve

_BOUNDED = frozenset({"sync", "gthread"})
"""The worker classes that do as many things at once as they have threads."""


def configured(launch: Launch, file: Module, environment: Lookup) -> Launch:
    """What is started with a configuration file, which is weaker than options and stronger than variables."""
    told: dict[str, Value] = {}
    for name in ("workers", "threads", "worker_class"):
        value = None if name in launch.given else setting(file, name)
        if value is not None:
            told[name] = resolve(value, environment)
    return launch._replace(processes=_processes(launch, told), threads=_threads(launch, told))


def _processes(launch: Launch, told: dict[str, Value]) -> Amount:
    workers = told.get("workers")
    return _at_least_one(workers, "workers") if workers else launch.processes


def _threads(launch: Launch, told: dict[str, Value]) -> Amount | None:
    """What a process does at once; None where nothing bounds it."""
    kind, threads = told.get("worker_class"), told.get("threads")
    if isinstance(kind, Known) and kind.scalar not in _BOUNDED:
        return None
    if kind and not isinstance(kind, Known):
        return between(1, None, Reason("worker_class is not known"))
    if threads and launch.threads:
        return _at_least_one(threads, "threads")
    return launch.threads


def _at_least_one(value: Value, name: str) -> Amount:
    found = amount_of(value, name)
    return between(1, None, Reason(f"{name} is not known")) if found.is_open else found


def setting(file: Module, name: str) -> Value | None:
    """The value of a setting; None where the file does not set it."""
    if not re.search(rf"^{name}\b", file.masked.text, re.MULTILINE):
        return None
    found = in_module(file, name)
    is_told = found.is_complete and len(found.definitions) == 1
    return _value(found.definitions[0]) if is_told else Unknown(())


def _value(definition: Definition) -> Value:
    node, scope = definition
    if isinstance(node, cst.AnnAssign) and node.value:
        node = node.value
    return evaluate(node, scope) if isinstance(node, cst.BaseExpression) else Unknown(())
