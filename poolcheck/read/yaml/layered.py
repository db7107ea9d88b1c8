"""A mapping that is laid over another: what stands in both is that of the upper one, mappings key by key."""

from collections.abc import Iterator

from poolcheck.read.yaml.nodes import Mapping, Node, Scalar
from poolcheck.source import Located


class Layered(Mapping):
    """A mapping over one below, of another file. Null takes away what is below, lists are taken whole."""

    __slots__ = ("_above", "_below")

    def __init__(self, above: Mapping, below: Mapping) -> None:
        super().__init__(above._document, above._node)
        self._above = above
        self._below = below

    def items(self) -> Iterator[tuple[Scalar, Node]]:
        """The keys and what they stand for, first those of the one below."""
        below = {key.text: key for key, _ in self._below.items()}
        own = {key.text: key for key, _ in self._above.items()}
        for name, key in {**below, **own}.items():
            if (found := self.at(name)) is not None:
                yield key, found

    def key(self, key: str) -> Scalar | None:
        """The key itself, for its place."""
        return self._above.key(key) or self._below.key(key)

    def at(self, *keys: str) -> Node | None:
        """What stands at a path of keys."""
        first, *others = keys
        found = self._layer(first)
        if not others or found is None:
            return found
        return found.at(*others) if isinstance(found, Mapping) else None

    def text(self, *keys: str) -> Located[str] | None:
        """What a scalar at a path of keys says, unless it is null; what the file has where it is no scalar."""
        found = self.at(*keys)
        if found is None or found.is_null:
            return None
        return Located(found.text if isinstance(found, Scalar) else found.written, found.span)

    def _layer(self, key: str) -> Node | None:
        above, below = self._above.at(key), self._below.at(key)
        if isinstance(above, Mapping) and isinstance(below, Mapping):
            return Layered(above, below)
        if above is None:
            return below
        return None if above.is_null else above
