"""`poolcheck rules`."""

import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from itertools import groupby

from poolcheck.catalog import RuleFile, installed, load, summary
from poolcheck.command.refused import told
from poolcheck.report.styled import Line, Segment, Style, write
from poolcheck.report.terminal import has_color
from poolcheck.rule import AnyRule


def run(options: Namespace) -> int:
    """Prints all rules, group by group. Raises Refused."""
    with told():
        files = sorted(installed().values(), key=lambda rule: (rule.group, rule.id))
        kinds = [load(rule) for rule in files]
    if options.output_format == "json":
        _print_json(files, kinds)
    else:
        write(_listed(files, kinds), sys.stdout, color=has_color(options.color, sys.stdout))
    return 0


def _listed(files: Sequence[RuleFile], kinds: Sequence[type[AnyRule]]) -> Iterator[Line]:
    width = max(len(rule.id) for rule in files)
    for group, rules in groupby(zip(files, kinds, strict=True), key=lambda rule: rule[0].group):
        yield (Segment(group, Style.MESSAGE),)
        for rule, kind in rules:
            severity = Segment(f"{kind.severity:8}", Style(kind.severity))
            yield Segment(f"  {rule.id:{width}}  "), severity, Segment(summary(kind))
        yield ()


def _print_json(files: Sequence[RuleFile], kinds: Sequence[type[AnyRule]]) -> None:
    import json

    rules = [
        {
            "id": rule.id,
            "group": rule.group,
            "severity": str(kind.severity),
            "since": kind.since,
            "pack": rule.pack,
            "summary": summary(kind),
            "options": [
                {"name": each.name, "default": each.default, "description": each.description}
                for each in kind.options
            ],
        }
        for rule, kind in zip(files, kinds, strict=True)
    ]
    json.dump({"version": 1, "rules": rules}, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
