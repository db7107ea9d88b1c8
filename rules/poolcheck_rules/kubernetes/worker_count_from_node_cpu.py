"""A program that starts a process for each CPU of its node in a container that may use fewer."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity, one_for_each_place
from poolcheck.read.template import has_template
from poolcheck.rule import Rule
from poolcheck.source import Located
from poolcheck.system.whole import System


class WorkerCountFromNodeCpu(Rule[System]):
    id = "worker-count-from-node-cpu"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        yield from one_for_each_place(
            self.finding(
                each.place,
                f"{each.program} starts a process for each CPU of its node, not for {counted(each.limit)}",
                notes=[Note(each.limit.span, "the container may use no more")],
            )
            for each in system.per_cpu
        )


def counted(limit: Located[str]) -> str:
    """The CPUs of a limit, in words."""
    text = limit.value
    if has_template(text):
        return "those of its limit"
    if text.endswith("m"):
        return f"the {text.removesuffix('m')} thousandths of one of its limit"
    return f"the {text} of its limit"
