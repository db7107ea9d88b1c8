"""The pods that poolers run in, and what else in the project bears on them."""

from collections.abc import Iterable, Iterator

from poolcheck.amount import Amount, exactly
from poolcheck.link.known import Known
from poolcheck.link.network import same_namespace
from poolcheck.read.document import Fact
from poolcheck.read.kubernetes.manifest import Container, DisruptionBudget, Manifest, Workload
from poolcheck.read.kubernetes.pooler_containers import is_companion, is_pgbouncer, is_pooler, running_containers
from poolcheck.read.kubernetes.stages import may_meet
from poolcheck.read.template import has_template
from poolcheck.system.poolers import PoolerPods


def pooler_pods(facts: Iterable[Fact], known: Known) -> Iterator[PoolerPods]:
    """The containers of poolers in workloads that are written out."""
    budgets = [each for fact in facts if isinstance(fact, Manifest) for each in fact.disruption_budgets]
    for workload in known.network.workloads:
        if workload.is_partial:
            continue
        for container in running_containers(workload):
            pooler = known.pooler_in(container)
            if pooler is None and not is_pooler(container):
                continue
            over = tuple(_laid_over(workload, known))
            near = [each for each in budgets if _may_meet(each, workload)]
            yield PoolerPods(
                workload,
                container,
                known.pods.of(workload),
                pooler,
                pooler is not None or is_pgbouncer(container),
                all(_serves(each, known) for each in running_containers(workload)),
                tuple(each for each in near if picks(each, workload)),
                may_have_others=any(_is_unknown(each) for each in near),
                may_differ=bool(over) or _is_base(workload, known),
                patches=tuple(_same(container, over)),
            )


def _serves(container: Container, known: Known) -> bool:
    """Whether it is a pooler, or is there for one."""
    return is_pooler(container) or known.pooler_in(container) is not None or is_companion(container)


def picks(budget: DisruptionBudget, workload: Workload) -> bool:
    """Whether the pods of a workload are those of a budget."""
    return budget.selector is not None and not _is_unknown(budget) and budget.selector <= workload.labels


def _is_unknown(budget: DisruptionBudget) -> bool:
    return budget.selector is None or any(has_template(text) for label in budget.selector for text in label)


def _may_meet(budget: DisruptionBudget, workload: Workload) -> bool:
    is_near = same_namespace(budget.namespace, workload.namespace)
    return is_near and may_meet(budget.span.path, workload.span.path)


def _is_base(workload: Workload, known: Known) -> bool:
    """Whether it is in a folder that overlays build from."""
    one: Amount = known.overlays.as_written(exactly(1), workload.span.path)
    return one.is_assumed


def _laid_over(workload: Workload, known: Known) -> Iterator[Workload]:
    """The patches of a workload, for one stage or the other."""
    for each in known.network.workloads:
        is_named = (each.kind, each.name.value) == (workload.kind, workload.name.value)
        is_near = same_namespace(each.namespace, workload.namespace)
        if each.is_partial and is_named and is_near and may_meet(each.span.path, workload.span.path):
            yield each


def _same(container: Container, patches: Iterable[Workload]) -> Iterator[Container]:
    """What patches say of a container."""
    named = (each for patch in patches for each in (*patch.containers, *patch.init_containers))
    return (each for each in named if each.name.value == container.name.value)
