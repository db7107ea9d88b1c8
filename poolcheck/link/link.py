"""From documents to one system."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from poolcheck.link.demands import demands
from poolcheck.link.known import Known
from poolcheck.read.document import Fact
from poolcheck.stated import Stated
from poolcheck.system import Client, System

if TYPE_CHECKING:
    from poolcheck.read.python.module import Project


def link(facts: Iterable[Fact], paths: Iterable[str], project: "Project | None", stated: Stated) -> System:
    """One system out of all documents.

    `paths` are those of all files, also of those that hold nothing; without a `project` there is no Python.
    """
    facts, paths = tuple(facts), tuple(paths)
    known = Known(facts, paths, stated)
    found: tuple[Client, ...] = ()
    if project:
        from poolcheck.link.clients import clients
        from poolcheck.link.sources import Sources

        found = tuple(clients(known, Sources(facts, paths, project), stated))
    documents = tuple(known.document(fact) for fact in facts)
    return System(documents, tuple(known.servers), tuple(known.poolers), tuple(demands(known)), found)
