"""`poolcheck budget`."""

import json
import os
import sys
from argparse import Namespace
from collections.abc import Iterator

from poolcheck import __version__
from poolcheck.budget.accounts import Budget, budget
from poolcheck.budget.exchange import document
from poolcheck.budget.facts import Facts
from poolcheck.budget.what_if import NotThere, changed, knob, rooms
from poolcheck.command.project import budgeted
from poolcheck.command.refused import Refused
from poolcheck.report.places import Places
from poolcheck.report.styled import Line, write
from poolcheck.report.terminal import has_color


def run(options: Namespace) -> int:
    """Prints the connection budget, or how large a number may be. Raises Refused."""
    project = budgeted(options)
    facts, places = project.facts, Places(project.texts, project.renderings)
    if options.facts:
        _write_facts(facts, options, places)
    try:
        for written, number in map(_asked, options.set):
            facts = changed(facts, knob(written), number)
        if options.solve:
            _print_rooms(facts, options)
            return 0
    except NotThere as error:
        raise Refused(str(error)) from None
    _print(budget(facts), places, options)
    return 0


def _asked(written: str) -> tuple[str, int]:
    """`web.replicas=40`. Raises Refused."""
    name, _, number = written.partition("=")
    if not number.isdecimal():
        raise Refused(f"--set {written}: it is NAME.WHAT=NUMBER, such as web.replicas=40")
    return name, int(number)


def _print(found: Budget, places: Places, options: Namespace) -> None:
    if options.output_format == "json":
        from poolcheck.report.budget_json import print_budget

        print_budget(found, places, sys.stdout)
    elif options.output_format == "markdown":
        from poolcheck.report import budget_markdown

        write(budget_markdown.described(found, places), sys.stdout, color=False)
    else:
        from poolcheck.report import budget_text

        _write(budget_text.described(found, places), options)


def _print_rooms(facts: Facts, options: Namespace) -> None:
    from poolcheck.report.rooms import described, print_rooms

    found = list(rooms(facts, knob(options.solve)))
    if options.output_format == "json":
        print_rooms(options.solve, found, sys.stdout)
    else:
        _write(described(options.solve, found), options)


def _write(lines: Iterator[Line], options: Namespace) -> None:
    write(lines, sys.stdout, color=has_color(options.color, sys.stdout))


def _write_facts(facts: Facts, options: Namespace, places: Places) -> None:
    """Writes the facts into the file that is asked for. Raises Refused."""
    name = options.project or os.path.basename(os.path.abspath(os.curdir))
    text = json.dumps(document(facts, name, __version__, places.exact), ensure_ascii=False, indent=1)
    try:
        with open(options.facts, "w", encoding="utf-8", newline="") as file:
            file.write(text + "\n")
    except OSError as error:
        raise Refused(f"{options.facts}: cannot be written: {error.strerror or error}") from None
