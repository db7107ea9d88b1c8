"""`poolcheck config`."""

import os
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping

from poolcheck.catalog import installed
from poolcheck.command.refused import told
from poolcheck.config import Configuration, Settings, check_names, nearest, read
from poolcheck.discover import NoSuchPath
from poolcheck.report.positions import Positions
from poolcheck.toml import place, written
from poolcheck.typed import Keys, is_table, schema

WIDEST = 70
"""Behind a setting that is longer its origin is out of line."""


def run(options: Namespace) -> int:
    """Prints the settings in effect for a file or folder, and where each is set. Raises Refused."""
    if options.schema:
        _print_schema()
        return 0
    with told():
        configuration = _configuration(options)
    settings = configuration.settings if configuration else Settings()
    rows = [(_assigned(keys, value), _origin(configuration, keys)) for keys, value in _flat(settings)]
    width = max(len(setting) for setting, _ in rows if len(setting) < WIDEST)
    sys.stdout.writelines(f"{setting:{width}}  # {origin}\n" for setting, origin in rows)
    return 0


def _assigned(keys: Keys, value: object) -> str:
    return f"{'.'.join(keys)} = {'unset' if value is None else written(value)}"


def _print_schema() -> None:
    import json

    described = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "poolcheck",
        **schema(Settings),
    }
    json.dump(described, sys.stdout, indent=2)
    sys.stdout.write("\n")


def _configuration(options: Namespace) -> Configuration | None:
    if not os.path.exists(options.path):
        raise NoSuchPath(options.path)
    folder = options.path if os.path.isdir(options.path) else os.path.dirname(options.path)
    path = options.config or (None if options.isolated else nearest(folder))
    if path is None:
        return None
    configuration = read(path)
    check_names(configuration, installed())
    return configuration


def _flat(settings: Settings) -> Iterator[tuple[Keys, object]]:
    """Every setting with its keys; of a table, every entry of it."""
    for name, value in settings._asdict().items():
        if name != "folder":
            yield from _entries((name.replace("_", "-"),), value)


def _entries(keys: Keys, value: object) -> Iterator[tuple[Keys, object]]:
    fields = value if is_table(value) else _fields(value)
    if fields:
        for key, entry in fields.items():
            yield from _entries((*keys, key), entry)
    else:
        yield keys, value


def _fields(value: object) -> Mapping[str, object] | None:
    """The fields of a record that are set, or all where none is."""
    as_dict = getattr(value, "_asdict", None)
    if as_dict is None:
        return None
    fields: dict[str, object] = as_dict()
    return {name: entry for name, entry in fields.items() if entry is not None} or fields


def _origin(configuration: Configuration | None, keys: Keys) -> str:
    if configuration is None or keys[0] not in configuration.given:
        return "default"
    prefix = ("tool", "poolcheck") if os.path.basename(configuration.path) == "pyproject.toml" else ()
    found = place(configuration.path, configuration.text, prefix + keys)
    return f"{found.path}:{Positions(configuration.text).position(found.start).line}"
