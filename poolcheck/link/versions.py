"""The version of the PgBouncer that reads a configuration."""

from collections import defaultdict
from collections.abc import Iterable

from poolcheck.link.composed import readers
from poolcheck.read.compose.facts import ComposeFile
from poolcheck.read.document import Fact
from poolcheck.read.pgbouncer.config import PgBouncerConfig, Version
from poolcheck.read.pgbouncer.startup import for_version
from poolcheck.source import Span


def only_version(versions: Iterable[Version | None], target: Version | None) -> Version | None:
    """The version, where it is the only one; the target stands for one that is not told."""
    found = {version or target for version in versions}
    return found.pop() if len(found) == 1 else None


class Versions:
    """The versions that read the configurations of a project; first those of which Compose files tell."""

    def __init__(self, facts: Iterable[Fact], target: Version | None) -> None:
        facts = tuple(facts)
        self._target = target
        self._configs = {fact.span: fact for fact in facts if isinstance(fact, PgBouncerConfig)}
        self._found: dict[Span, set[Version | None]] = defaultdict(set)
        by_path, files = self.by_path, (fact for fact in facts if isinstance(fact, ComposeFile))
        for path, versions in readers(files, by_path).items():
            self.add(by_path[path], versions)

    @property
    def by_path(self) -> dict[str, PgBouncerConfig]:
        """The configurations by the paths of their files."""
        return {config.span.path: config for config in self._configs.values()}

    def add(self, config: PgBouncerConfig, versions: Iterable[Version | None]) -> None:
        """Adds versions that read a configuration, None for one that is not told."""
        self._found[config.span].update(versions)
        self._configs[config.span] = config

    def known(self, config: PgBouncerConfig) -> PgBouncerConfig:
        """A configuration as it is read; with no version where several read it, or none is known."""
        version = only_version(self._found.get(config.span, (None,)), self._target)
        self._configs[config.span] = for_version(self._configs.get(config.span, config), version)
        return self._configs[config.span]
