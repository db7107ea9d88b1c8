import types
from collections.abc import Iterator

import pytest

from poolcheck.finding import Finding, Severity
from poolcheck.read.fault import SyntaxFault
from poolcheck.rule import Option, Rule, option
from poolcheck.source import Span


class TooLong(Rule[SyntaxFault]):
    id = "too-long"
    severity = Severity.WARNING
    since = "1.0"

    longest_line: int = option(80, "Characters in a line.")

    def check(self, subject: SyntaxFault) -> Iterator[Finding]:
        yield self.finding(subject.span, f"longer than {self.longest_line}")


FAULT = SyntaxFault(Span("a.ini", 3, 5), "any")


def test_a_rule_knows_what_it_looks_at_and_its_options() -> None:
    assert TooLong.subject is SyntaxFault
    assert TooLong.options == (Option("longest-line", 80, "Characters in a line."),)


def test_an_option_has_its_default_unless_it_is_given() -> None:
    assert [finding.message for finding in TooLong().check(FAULT)] == ["longer than 80"]
    assert [finding.message for finding in TooLong(longest_line=100).check(FAULT)] == ["longer than 100"]


def test_a_finding_has_its_rules_id_and_severity() -> None:
    [finding] = TooLong().check(FAULT)

    assert (finding.rule, finding.severity, finding.span) == ("too-long", Severity.WARNING, FAULT.span)


def test_an_option_that_does_not_exist_is_refused() -> None:
    with pytest.raises(TypeError, match="too-long has no option 'shortest'"):
        TooLong(shortest=1)


def test_a_rule_cannot_be_changed() -> None:
    with pytest.raises(AttributeError, match="too-long is a rule and cannot be changed"):
        TooLong().longest_line = 3


def test_a_rule_must_say_what_it_looks_at() -> None:
    with pytest.raises(TypeError, match=r"Lost does not say what it looks at, as in Rule\[PgBouncerConfig\]"):
        type("Lost", (Rule,), {"id": "lost", "severity": Severity.INFO, "since": "1.0"})


def test_a_rule_must_say_who_it_is() -> None:
    with pytest.raises(TypeError, match="Nameless does not say its id and its since"):
        types.new_class(
            "Nameless", (Rule[SyntaxFault],), exec_body=lambda body: body.update(severity=Severity.INFO)
        )


@pytest.mark.parametrize("default", [None, [], {}, b""])
def test_an_option_must_be_of_a_type_that_settings_have(default: object) -> None:
    with pytest.raises(TypeError, match="an option cannot be a "):
        option(default, "any")
