"""`poolcheck explain`."""

import sys
from argparse import Namespace
from collections.abc import Iterator

from poolcheck.catalog import RuleFile, installed, load
from poolcheck.command.refused import Refused, told
from poolcheck.report.terminal import has_color
from poolcheck.toml import written
from poolcheck.typed import suggestion


def run(options: Namespace) -> int:
    """Prints a rule's page. Raises Refused."""
    with told():
        rules = installed()
        if options.rule in {rule.group for rule in rules.values()}:
            raise Refused(f"{options.rule} is a group of rules: see poolcheck rules")
        if options.rule not in rules:
            raise Refused(f"no rule is called {options.rule!r}{suggestion(options.rule, rules)}")
        page = "".join(_page(rules[options.rule]))
    if has_color(options.color, sys.stdout):
        from rich.console import Console
        from rich.markdown import Markdown

        Console(file=sys.stdout, force_terminal=True).print(Markdown(page, code_theme="ansi_dark"))
    else:
        sys.stdout.write(page)
    return 0


def _page(rule: RuleFile) -> Iterator[str]:
    """The page, and what it cannot know better than the rule itself."""
    kind = load(rule)
    try:
        with open(rule.page, encoding="utf-8") as file:
            yield file.read()
    except OSError as error:
        raise Refused(f"{rule.id} has no page: {error.strerror}") from error
    yield f"\n## Facts\n\n- Group: `{rule.group}`\n- Severity: {kind.severity}\n- Since: {kind.since}\n"
    for each in kind.options:
        yield f"- Option `{each.name}`, by default `{written(each.default)}`: {each.description}\n"
