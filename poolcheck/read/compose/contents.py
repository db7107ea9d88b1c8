"""The configurations of PgBouncer that stand in a Compose file itself, as the content of a config."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from poolcheck.read.fault import SyntaxFault
from poolcheck.read.yaml.embedded import is_pgbouncer_ini, read_in_scalar
from poolcheck.read.yaml.nodes import Mapping, Scalar, TooManyAliases, compose, regions
from poolcheck.source import Source

if TYPE_CHECKING:
    from poolcheck.read.pgbouncer.config import PgBouncerConfig


def read_contents(source: Source) -> "Iterator[PgBouncerConfig | SyntaxFault]":
    """The configurations in a file, each with what is wrong with the form of its lines."""
    if "[pgbouncer]" in source.text:
        try:
            for region in regions(source):
                for root in compose(source, region):
                    if isinstance(root, Mapping):
                        yield from _in_configs(root, source)
        except TooManyAliases:
            return


def _in_configs(root: Mapping, source: Source) -> "Iterator[PgBouncerConfig | SyntaxFault]":
    configs = root.mapping("configs")
    for name, config in configs.items() if configs else ():
        content = config.at("content") if isinstance(config, Mapping) else None
        if isinstance(content, Scalar) and is_pgbouncer_ini(name.text, content.text):
            yield from read_in_scalar(content, source, name.text, {})
