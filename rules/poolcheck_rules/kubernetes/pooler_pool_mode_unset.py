"""A pooler of which the pool mode is nowhere said, so that it pools sessions."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Severity, one_for_each_place
from poolcheck.read.pgbouncer.config import PgBouncerConfig, PoolMode
from poolcheck.rule import Rule
from poolcheck.source import Span
from poolcheck.system.containers import PoolerContainer
from poolcheck.system.whole import System


class PoolerPoolModeUnset(Rule[System]):
    id = "pooler-pool-mode-unset"
    severity = Severity.INFO
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        yield from one_for_each_place(found for each in system.contained for found in self.of_container(each))

    def of_container(self, at: PoolerContainer) -> Iterator[Finding]:
        """What is said of the configuration in one container."""
        config = at.pooler.config if at.pooler else None
        if config and is_by_default(config) and not at.workload.is_partial:
            place = place_of(config, at)
            yield self.finding(
                place, f"{at.container.name.value} is told no pool_mode, and pools sessions by default"
            )


def is_by_default(config: PgBouncerConfig) -> bool:
    """Whether all its pools have the mode that nobody chose."""
    modes = [*config.pool_modes()]
    return bool(modes) and all(mode and mode.span is None and mode.value is PoolMode.SESSION for mode in modes)


def place_of(config: PgBouncerConfig, at: PoolerContainer) -> Span:
    """Where the setting would be: the header of its section, or the image that writes it."""
    if config.is_generated:
        return (at.container.image or at.container.name).span
    header = next((each.span for each in config.headers if each.value == "pgbouncer"), None)
    return header or config.span._replace(end=config.span.start)
