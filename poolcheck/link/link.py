"""From documents to one system."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from poolcheck.link.poolers import pooler_alone, version_of
from poolcheck.read.document import Fact
from poolcheck.read.fault import ReadFault, SyntaxFault
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.read.pgbouncer.startup import for_version
from poolcheck.stated import Stated
from poolcheck.system.clients import Client, Sent
from poolcheck.system.whole import System

if TYPE_CHECKING:
    from poolcheck.link.sources import Sources
    from poolcheck.read.pgbouncer.rendered import Rendered
    from poolcheck.read.python.syntax.module import Project


def link(
    facts: Iterable[Fact],
    paths: Iterable[str],
    project: "Project | None",
    stated: Stated,
    *,
    budgeted: bool = False,
) -> System:
    """One system out of all documents.

    `paths` are those of all files, also of those that hold nothing; without a `project` there is no Python. What
    is one configuration alone has no budget that could fail, and gets none unless it is to be `budgeted`.
    """
    facts, paths = tuple(_without_included(tuple(facts))), tuple(paths)
    is_alone = project is None and not (stated.databases or stated.poolers) and all(map(_stands_alone, facts))
    if is_alone and not budgeted:
        return _unlinked(facts, stated)
    from poolcheck.budget.accounts import budget
    from poolcheck.budget.verdicts import verdicts
    from poolcheck.link.contained import pooler_containers
    from poolcheck.link.demands import demands
    from poolcheck.link.facts_of import facts_of
    from poolcheck.link.known import Known
    from poolcheck.link.kustomize.environments import environments
    from poolcheck.link.launched import shadowed, started_per_cpu
    from poolcheck.link.pooler_pods import pooler_pods
    from poolcheck.link.server_containers import server_containers
    from poolcheck.link.wiring.wiring import wiring

    known = Known(facts, paths, stated, project.text if project else None)
    found: tuple[Client, ...] = ()
    sent: tuple[Sent, ...] = ()
    sources: Sources | None = None
    if project:
        from poolcheck.link.clients import clients
        from poolcheck.link.sources import Sources as SourcesOf

        sources = SourcesOf(facts, paths, project, (*known.network.workloads, *known.stacks.workloads))
        found = tuple(clients(known, sources, stated))
        if any(client.target for client in found):
            from poolcheck.link.sent import sent_by

            sent = tuple(sent_by(found, sources))
    documents = tuple(known.document(fact) for fact in (*facts, *known.generated))
    wanted = tuple(demands(known))
    pods = tuple(pooler_pods(facts, known))
    counted = facts_of(known, found, wanted, pods, stated)
    rendered: tuple[Rendered, ...] = ()
    if several := environments(facts):
        from poolcheck.link.counted_apart import counted_apart

        counted, rendered = counted_apart(several, paths, sources, stated)
    contained = tuple(pooler_containers(known))
    return System(
        documents,
        tuple(known.servers),
        tuple(known.poolers),
        wanted,
        found,
        sent,
        contained,
        pods,
        tuple(server_containers(known)),
        tuple(started_per_cpu(known, paths, sources)),
        tuple(shadowed(known, sources)),
        counted,
        tuple(verdicts(budget(counted))),
        wiring(known, sources, found, wanted),
        rendered,
    )


def _without_included(facts: tuple[Fact, ...]) -> Iterator[Fact]:
    """The documents without those that are but a part of another."""
    configs = [fact for fact in facts if isinstance(fact, PgBouncerConfig)]
    included = {part.region for config in configs for part in config.parts[1:]}
    yield from (fact for fact in facts if not (isinstance(fact, PgBouncerConfig) and fact.span in included))


def _stands_alone(fact: Fact) -> bool:
    return isinstance(fact, PgBouncerConfig | SyntaxFault | ReadFault)


def _unlinked(facts: tuple[Fact, ...], stated: Stated) -> System:
    """A system of nothing but configurations of PgBouncer, made without importing what reads the rest."""
    version = version_of(stated.target.pgbouncer)
    documents = tuple(for_version(fact, version) if isinstance(fact, PgBouncerConfig) else fact for fact in facts)
    poolers = tuple(pooler_alone(fact) for fact in documents if isinstance(fact, PgBouncerConfig))
    return System(documents, (), poolers, (), ())
