"""The facts of a project's budget, where they are not the same in all of its environments."""

import posixpath
from collections.abc import Iterable
from typing import TYPE_CHECKING

from poolcheck.budget.apart import apart
from poolcheck.budget.facts import Facts
from poolcheck.link.demands import demands
from poolcheck.link.facts_of import facts_of
from poolcheck.link.known import Known
from poolcheck.link.kustomize.environments import Environment
from poolcheck.link.pooler_pods import pooler_pods
from poolcheck.read.kubernetes.kustomization import NAMES
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.read.pgbouncer.rendered import Rendered
from poolcheck.stated import Stated
from poolcheck.system.clients import Client

if TYPE_CHECKING:
    from poolcheck.link.sources import Sources


def counted_apart(
    environments: Iterable[Environment], paths: Iterable[str], sources: "Sources | None", stated: Stated
) -> tuple[Facts, tuple[Rendered, ...]]:
    """The facts of all environments, and the configurations that are written for one of them.

    Of the files at these `paths`, none may change any more what is built.
    """
    paths = [path for path in paths if posixpath.basename(path) not in NAMES]
    found: list[tuple[frozenset[str], Facts]] = []
    rendered: list[Rendered] = []
    for each in environments:
        known = Known(each.facts, paths, stated, sources.text if sources else None)
        found.append((each.stages, each.placed(_counted(each, known, sources, stated))))
        configs = (fact for fact in known.generated if isinstance(fact, PgBouncerConfig))
        rendered += [config.rendered for config in configs if config.rendered]
    return apart(found), tuple(rendered)


def _counted(environment: Environment, known: Known, sources: "Sources | None", stated: Stated) -> Facts:
    found: tuple[Client, ...] = ()
    if sources:
        from poolcheck.link.clients import clients

        found = tuple(clients(known, sources, stated))
    pods = pooler_pods(environment.facts, known)
    return facts_of(known, found, tuple(demands(known)), tuple(pods), stated)
