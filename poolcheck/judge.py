"""The rules that hold for a file, brought to what they look at."""

from collections.abc import Iterator, Mapping

from poolcheck.catalog import RuleFile, load, may_look_at
from poolcheck.config import Configurations, Settings
from poolcheck.finding import Finding
from poolcheck.rule import AnyRule
from poolcheck.selection import is_ignored_in, is_selected
from poolcheck.stated import Stated

GROUPS: Mapping[str, frozenset[str]] = {
    "PgBouncerConfig": frozenset({"pgbouncer"}),
    "Manifest": frozenset({"kubernetes"}),
    "ComposeFile": frozenset({"kubernetes"}),
    "PythonModule": frozenset({"python"}),
    "System": frozenset({"system"}),
    "SystemWithClients": frozenset({"system"}),
    "SystemWithLinks": frozenset({"system"}),
    "SystemWithVerdicts": frozenset({"system"}),
}
"""The groups of our own rule pack whose rules look at a kind of subject; `engine` at all others. See `_groups`."""
WHOLE = ("System", "SystemWithClients", "SystemWithLinks", "SystemWithVerdicts")
"""The kinds of subject that every document is a part of."""
BUILT_IN = "builtin"
"""Our own rule pack. Of the groups of others it is not known what their rules look at."""


class RuleFailed(Exception):
    """A bug in a rule; the message names the rule and what it was looking at."""


class Judge:
    """Makes each rule once for each configuration, and imports none before something it may look at turns up."""

    def __init__(self, rules: Mapping[str, RuleFile], configurations: Configurations) -> None:
        self.known = rules
        self._configurations = configurations
        self._kinds: set[str] = set()
        self._made: dict[tuple[int, type], list[AnyRule]] = {}

    @property
    def stated(self) -> Stated:
        """What the settings of the working directory state about the system."""
        return self._configurations.in_folder("").stated

    def findings(self, subject: object, path: str) -> Iterator[Finding]:
        """What the rules that look at such a subject find in it. Raises RuleFailed and BrokenRulePack.

        `path` is the file that the subject is from; "" for what is from several.
        """
        self._kinds.add(type(subject).__name__)
        for rule in self._for(type(subject), self._configurations.of(path)):
            try:
                yield from rule.check(subject)
            except Exception as error:
                raise RuleFailed(f"rule {rule.id} failed on {path or 'the system'}: {error!r}") from error

    def active(self, path: str) -> set[str]:
        """The ids of the rules that are asked for in a file."""
        return {rule.id for rule in self.known.values() if self._is_active(rule, path)}

    def is_asked_for(self, finding: Finding) -> bool:
        """Whether the settings of the file that the finding is in ask for it."""
        least = self._configurations.of(finding.span.path).min_severity
        is_severe = finding.severity.rank >= least.rank
        return is_severe and self._is_active(self.known[finding.rule], finding.span.path)

    def _is_active(self, rule: RuleFile, path: str) -> bool:
        settings = self._configurations.of(path)
        return is_selected(rule, settings) and not is_ignored_in(path, rule, settings)

    def _for(self, kind: type, settings: Settings) -> list[AnyRule]:
        key = id(settings), kind
        if key not in self._made:
            wanted = [rule for rule in self._about(kind.__name__) if is_selected(rule, settings)]
            loaded = [load(rule) for rule in wanted]
            self._made[key] = [rule(**_options(settings, rule.id)) for rule in loaded if rule.subject is kind]
        return self._made[key]

    def _about(self, kind: str) -> Iterator[RuleFile]:
        """The rules that may look at a kind: those of others, and ours that say so."""
        groups = self._groups(kind)
        for rule in self.known.values():
            if rule.pack != BUILT_IN or (rule.group in groups and may_look_at(rule, kind)):
                yield rule

    def _groups(self, kind: str) -> frozenset[str]:
        """The groups with rules about a kind. Rules about the system may be in the group of any document in it."""
        own = GROUPS.get(kind, frozenset({"engine"}))
        return own.union(*(GROUPS.get(seen, ()) for seen in self._kinds)) if kind in WHOLE else own


def _options(settings: Settings, rule: str) -> dict[str, object]:
    return {name.replace("-", "_"): value for name, value in settings.rules.get(rule, {}).items()}
