"""PyYAML's loaders, as they compose what Kubernetes reads: without types, and not too deep."""

import re
from collections.abc import Callable, Iterator
from operator import methodcaller
from typing import TypeAlias

import yaml

DEEPEST = 200
"""Levels of nesting: more than anybody writes, and few enough for the stack of either of PyYAML's composers."""
TOO_DEEP = f"nested more than {DEEPEST} levels deep"

_FAR_RIGHT = re.compile(rf"[\r\n\x85\u2028\u2029][ \t?:-]{{{DEEPEST // 4}}}")
_NEXT_EVENT: Callable[[yaml.SafeLoader], object] = methodcaller("peek_event")
"""PyYAML's types do not tell what that returns."""
_TWICE = "found duplicate anchor"
"""PyYAML refuses an anchor that is set again; YAML has it stand for the later node from there on."""


def composed(text: str) -> Iterator[yaml.Node]:
    """The documents in a text. Raises YAMLError, and UnicodeEncodeError for what libyaml cannot be given."""
    found = 0
    try:
        for node in yaml.compose_all(text, Loader=LOADERS[_may_be_deep(text)]):
            yield node
            found += 1
    except yaml.MarkedYAMLError as error:
        if _TWICE not in f"{error.context} {error.problem}":
            raise
        yield from list(yaml.compose_all(text, Loader=PureLoader))[found:]


class _Untagged:
    """Gives scalars no tag but one that is written: what Kubernetes makes of them is not what PyYAML would."""

    def resolve(self, kind: object, value: object, implicit: object) -> str:  # noqa: ARG002 (PyYAML's names)
        return ""

    def descend_resolver(self, current_node: yaml.Node | None, current_index: object) -> None:
        pass

    def ascend_resolver(self) -> None:
        pass


class _Guarded(_Untagged):
    """Refuses nesting before it fills the stack: the composer tells of every node that it begins and ends."""

    _depth = 0

    def descend_resolver(self, current_node: yaml.Node | None, current_index: object) -> None:  # noqa: ARG002
        self._depth += 1
        if current_node and self._depth > DEEPEST:
            raise yaml.MarkedYAMLError(problem=TOO_DEEP, problem_mark=current_node.start_mark)

    def ascend_resolver(self) -> None:
        self._depth -= 1


class PureLoader(_Guarded, yaml.SafeLoader):
    """Composes nodes in Python, twenty times slower than libyaml. It takes anchors that are set again."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """The next node. What an anchor of the same name stood for before is forgotten."""
        event = _NEXT_EVENT(self)
        if isinstance(event, yaml.NodeEvent) and not isinstance(event, yaml.AliasEvent):
            self.anchors.pop(event.anchor, None)
        return super().compose_node(parent, index)


_Loader: TypeAlias = type[yaml.SafeLoader | yaml.CSafeLoader]


def _loaders() -> tuple[_Loader, _Loader]:
    """The loaders for what cannot be nested deep and for what may be; the same where PyYAML is without libyaml."""
    if not yaml.__with_libyaml__:
        return PureLoader, PureLoader

    class QuickLoader(_Untagged, yaml.CSafeLoader):
        pass

    class CarefulLoader(_Guarded, yaml.CSafeLoader):
        pass

    return QuickLoader, CarefulLoader


LOADERS = _loaders()


def _may_be_deep(text: str) -> bool:
    """Whether there are brackets enough to nest deep, or a line far to the right: a column nests twice at most."""
    return text.count("[") + text.count("{") > DEEPEST // 2 or _FAR_RIGHT.search(f"\n{text}") is not None
