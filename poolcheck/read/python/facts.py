"""What a Python file holds: its client pools, and what becomes of the connections that it takes."""

from collections.abc import Iterator
from typing import NamedTuple

from poolcheck.finding import Unjudged
from poolcheck.read.fault import SyntaxFault
from poolcheck.read.python.leaks.taking.checkouts import Checkout, checkouts_of
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.pools.client_pools import pools_of
from poolcheck.read.python.pools.django import django_pools
from poolcheck.read.python.pools.flask import flask_pools
from poolcheck.read.python.project.roles import Role, role_of
from poolcheck.read.python.syntax.module import Module, Project
from poolcheck.read.python.syntax.trees import syntax_fault
from poolcheck.source import Source, Span


class PythonModule(NamedTuple):
    """The facts about one module, and the module itself for a rule that the facts do not suffice."""

    span: Span
    role: Role
    pools: tuple[ClientPool, ...]
    checkouts: tuple[Checkout, ...]
    module: Module

    @property
    def unjudged(self) -> Iterator[Unjudged]:
        """The connections of which nothing is said, each with the reason why."""
        for checkout in self.checkouts:
            if silence := checkout.silence:
                yield Unjudged(checkout.span, checkout.title, silence.reason, silence.at)


def read_python(source: Source, project: Project) -> Iterator[PythonModule | SyntaxFault]:
    """The facts in one file."""
    module = project.add(source)
    module.forget_refused()
    span = Span(source.path, 0, len(source.text))
    yield PythonModule(span, role_of(source.path), _pools_in(module), tuple(checkouts_of(module)), module)
    if module.is_in_doubt and (fault := syntax_fault(source)):
        yield fault
    project.forget()


def _pools_in(module: Module) -> tuple[ClientPool, ...]:
    """The pools that a module makes, and those that it has the settings of, in order."""
    found = (*pools_of(module), *django_pools(module), *flask_pools(module))
    return tuple(sorted(found, key=lambda pool: pool.span))
