"""Every rule, tested through its page."""

import os
from itertools import pairwise
from pathlib import Path

import pytest

from poolcheck.catalog import RuleFile, installed, load, rules_of
from poolcheck.config import Configurations, Settings
from poolcheck.files import Memory
from poolcheck.judge import GROUPS
from poolcheck.run import check
from poolcheck.testing import SETTINGS, Example, examples_of, expected, found, mended, page_of, report_on

RULES = list(rules_of("builtin", "poolcheck_rules"))
PAGED = [rule for rule in RULES if os.path.isfile(rule.page)]
SHOWN = [example for rule in PAGED for example in examples_of(rule)]
DRAWN = [example for example in SHOWN if not example.title.startswith("Fixed")]
MENDED = [(before, fixed) for before, fixed in pairwise(SHOWN) if fixed.title.startswith("Fixed")]

of_every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
of_every_page = pytest.mark.parametrize("rule", PAGED, ids=lambda rule: rule.id)
of_every_example = pytest.mark.parametrize("example", DRAWN, ids=str)
of_everything_mended = pytest.mark.parametrize(
    ("before", "fixed"), MENDED, ids=[str(before) for before, _ in MENDED]
)


def has_fix(example: Example) -> bool:
    return any(finding.fix for finding in report_on(example).findings)


@of_every_rule
def test_every_rule_has_a_page(rule: RuleFile) -> None:
    assert os.path.isfile(rule.page)


@of_every_example
def test_findings_are_the_marks_drawn_in_the_page(example: Example) -> None:
    assert found(example) == expected(example)


@of_every_page
def test_every_page_shows_a_bad_and_a_good_case(rule: RuleFile) -> None:
    kinds = {example.title.partition(":")[0] for example in examples_of(rule)}

    assert kinds >= {"Bad", "Good"}


@of_every_example
def test_what_is_bad_has_findings_and_what_is_good_has_none(example: Example) -> None:
    is_bad = any(mark.severity for mark in example.marks)

    assert example.title.partition(":")[0] == ("Bad" if is_bad else "Good")


@of_every_page
def test_every_page_is_called_like_its_rule_and_names_its_sources(rule: RuleFile) -> None:
    page = page_of(rule)

    assert page.startswith(f"# {rule.id}\n\n")
    assert page.partition("\n## Sources\n")[2].strip()


@of_every_rule
def test_the_id_is_the_files_name_and_the_group_its_folder(rule: RuleFile) -> None:
    *_, folder, name = load(rule).__module__.split(".")

    assert load(rule).id == name.replace("_", "-")
    assert load(rule).group == folder


@of_every_rule
def test_a_rule_looks_at_what_its_group_is_about(rule: RuleFile) -> None:
    """Otherwise it is never asked: rules are imported when something turns up that their group is about."""
    subject = load(rule).subject.__name__

    assert subject == "System" or rule.group in GROUPS.get(subject, {"engine"})
    text = Path(rule.page).with_suffix(".py").read_text(encoding="utf-8")
    assert f"(Rule[{subject}])" in text or f".{subject}])" in text


@of_every_rule
def test_no_option_is_left_undecorated(rule: RuleFile) -> None:
    kind = load(rule)
    annotated = {name for name in vars(kind).get("__annotations__", {}) if name not in {"id", "severity", "since"}}

    assert annotated == {option.attribute for option in kind.options}


@of_every_page
def test_a_rule_that_offers_a_fix_shows_what_it_makes(rule: RuleFile) -> None:
    shown = examples_of(rule)

    assert any(map(has_fix, shown)) == any(example.title.startswith("Fixed") for example in shown)


@of_everything_mended
def test_the_fixed_text_is_what_the_fixes_make(before: Example, fixed: Example) -> None:
    assert mended(before) == fixed.sources


@of_everything_mended
def test_after_its_fixes_a_rule_has_no_more_to_say_than_what_it_cannot_fix(
    before: Example, fixed: Example
) -> None:
    unfixable = [finding.message for finding in report_on(before).findings if not finding.fix]

    left = [finding.message for finding in report_on(before._replace(sources=fixed.sources)).findings]

    assert left == unfixable


@of_everything_mended
def test_the_fixed_text_still_parses(before: Example, fixed: Example) -> None:
    sources = {path: text.encode() for path, text in mended(before).items() if path != SETTINGS}
    settings = Settings(select=("invalid-syntax", "unreadable-file"))

    report = check(
        list(sources),
        Memory(sources),
        installed(),
        Configurations({}, isolated=True, override=lambda _: settings),
    )

    assert report.findings == ()
    assert fixed.marks == ()
