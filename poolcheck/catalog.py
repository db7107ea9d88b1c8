"""Which rules there are: rule packs found by entry point, their rules by the names of their files.

Listing rules imports none of them. A rule is imported when something it looks at was read, so that checking one
pgbouncer.ini does not pay for the rules about Python.
"""

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from configparser import Error as ConfigParserError
from typing import NamedTuple, TypeGuard

from poolcheck.rule import AnyRule, Rule

GROUP = "poolcheck.rules"


class RuleFile(NamedTuple):
    """A rule as its file tells it: `inline_comment.py` in the folder `pgbouncer` of the pack `builtin`."""

    id: str
    group: str
    pack: str
    module: str
    page: str


class BrokenRulePack(Exception):
    """A rule pack that cannot be used; the message names it and says why."""


def installed() -> dict[str, RuleFile]:
    """Every rule of every installed pack, by id. Raises BrokenRulePack."""
    rules: dict[str, RuleFile] = {}
    for pack, package in sorted(_entry_points().items()):
        for rule in rules_of(pack, package):
            if rule.id in rules:
                raise BrokenRulePack(
                    f"rule pack {pack!r} defines {rule.id}, as does rule pack {rules[rule.id].pack!r}"
                )
            rules[rule.id] = rule
    return rules


def rules_of(pack: str, package: str) -> Iterator[RuleFile]:
    """The rules of one pack, in the order of their names. Raises BrokenRulePack.

    A rule is a file of the package or of one of its folders; the folder is the rule's group. Files whose names
    begin with an underscore are the pack's own business.
    """
    for folder in _folders(pack, package):
        yield from _rules_in(folder, package, pack, group=package.rpartition(".")[2])
        for group in sorted(entry.name for entry in os.scandir(folder) if entry.is_dir()):
            if not group.startswith(("_", ".")):
                yield from _rules_in(os.path.join(folder, group), f"{package}.{group}", pack, group)


def may_look_at(rule: RuleFile, kind: str) -> bool:
    """Whether a rule's file says that the rule looks at a kind of subject: `Rule[System]`, `Rule[system.System]`.

    The file is read, for to import it takes ten times as long. One that is imported already costs nothing to ask.
    """
    text = "" if rule.module in sys.modules else _text(f"{os.path.splitext(rule.page)[0]}.py")
    return not text or f"[{kind}]" in text or f".{kind}]" in text


def load(rule: RuleFile) -> type[AnyRule]:
    """The rule's class. Raises BrokenRulePack when its file does not hold what its name promises."""
    try:
        module = importlib.import_module(rule.module)
    except Exception as error:
        raise BrokenRulePack(f"rule pack {rule.pack!r}: cannot import {rule.module}: {error!r}") from error
    found = [value for value in vars(module).values() if _is_rule(value) and value.__module__ == rule.module]
    if len(found) != 1:
        raise BrokenRulePack(f"rule pack {rule.pack!r}: {rule.module} defines {len(found)} rules, not one")
    if found[0].id != rule.id:
        raise BrokenRulePack(f"rule pack {rule.pack!r}: {rule.module} calls its rule {found[0].id!r}")
    return found[0]


def summary(kind: type[AnyRule]) -> str:
    """What is wrong where the rule finds something, in a sentence: the first line of its file."""
    return (sys.modules[kind.__module__].__doc__ or "").strip().partition("\n")[0]


def _is_rule(value: object) -> TypeGuard[type[AnyRule]]:
    return isinstance(value, type) and issubclass(value, Rule)


def _folders(pack: str, package: str) -> list[str]:
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError) as error:
        raise BrokenRulePack(f"rule pack {pack!r}: cannot find {package}: {error}") from error
    if spec is None or spec.submodule_search_locations is None:
        raise BrokenRulePack(f"rule pack {pack!r}: there is no package {package}")
    return list(spec.submodule_search_locations)


def _rules_in(folder: str, package: str, pack: str, group: str) -> Iterator[RuleFile]:
    for name in sorted(os.listdir(folder)):
        stem, suffix = os.path.splitext(name)
        if suffix == ".py" and not stem.startswith("_"):
            page = os.path.join(folder, f"{stem}.md")
            yield RuleFile(stem.replace("_", "-"), group.replace("_", "-"), pack, f"{package}.{stem}", page)


def _entry_points() -> dict[str, str]:
    """Packages by entry-point name.

    importlib.metadata would cost more than everything else that a run on one file imports, so this reads what
    it reads: the `entry_points.txt` of each installed distribution, in the form the packaging specification gives.
    """
    found: dict[str, str] = {}
    for folder in sys.path:
        for name in _listed(folder or os.curdir):
            if name.endswith((".dist-info", ".egg-info")):
                text = _text(os.path.join(folder, name, "entry_points.txt"))
                if GROUP in text:
                    found = {**_declared(name, text), **found}
    return found


def _declared(distribution: str, text: str) -> dict[str, str]:
    parser = _EntryPoints(delimiters=("=",), interpolation=None)
    try:
        parser.read_string(text)
    except ConfigParserError as error:
        raise BrokenRulePack(f"{distribution}: entry_points.txt: {error}") from error
    return dict(parser[GROUP]) if parser.has_section(GROUP) else {}


class _EntryPoints(ConfigParser):
    def optionxform(self, optionstr: str) -> str:
        """Entry-point names keep their case."""
        return optionstr


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""
