import sys
from pathlib import Path

import pytest

from poolcheck.catalog import BrokenRulePack, installed, load, rules_of

PACKS = Path(__file__).parent / "packs"

RULE = """
from collections.abc import Iterator
from poolcheck.finding import Finding, Severity
from poolcheck.read.fault import SyntaxFault
from poolcheck.rule import Rule


class Anything(Rule[SyntaxFault]):
    id = "{id}"
    severity = Severity.INFO
    since = "1.0"

    def check(self, subject: SyntaxFault) -> Iterator[Finding]:
        yield self.finding(subject.span, "found")
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the import path into which packs can be put."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return tmp_path


def put_pack(site: Path, package: str, files: dict[str, str]) -> None:
    for name, text in {"__init__.py": "", **files}.items():
        path = site / package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (site / f"{package}-1.dist-info").mkdir()
    (site / f"{package}-1.dist-info" / "entry_points.txt").write_text(
        f"[poolcheck.rules]\n{package} = {package}\n"
    )


def test_the_built_in_pack_is_found_by_its_entry_point() -> None:
    rules = installed()

    assert rules["inline-comment"].pack == "builtin"
    assert rules["inline-comment"].group == "pgbouncer"


def test_a_third_party_pack_is_found_like_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(PACKS / "acme"), *sys.path])

    rule = installed()["port-not-ours"]

    assert (rule.pack, rule.group) == ("acme", "pgbouncer")
    assert load(rule).id == "port-not-ours"


def test_listing_rules_imports_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(PACKS / "broken"), *sys.path])

    assert "never-ready" in installed()
    assert "broken_rules.never_ready" not in sys.modules


def test_a_pack_that_cannot_be_imported_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(PACKS / "broken"), *sys.path])

    with pytest.raises(BrokenRulePack, match=r"'broken'.*broken_rules\.never_ready.*no_such_module"):
        load(installed()["never-ready"])


def test_a_rule_without_a_folder_is_in_a_group_called_like_its_pack(site: Path) -> None:
    put_pack(site, "flat_rules", {"some_fault.py": RULE.format(id="some-fault")})

    assert installed()["some-fault"].group == "flat-rules"


def test_files_that_begin_with_an_underscore_are_no_rules(site: Path) -> None:
    put_pack(site, "private_rules", {"_shared.py": "", "group/_too.py": ""})

    assert list(rules_of("private", "private_rules")) == []


def test_a_rule_must_be_called_like_its_file(site: Path) -> None:
    put_pack(site, "misnamed_rules", {"one_name.py": RULE.format(id="another-name")})

    with pytest.raises(BrokenRulePack, match="calls its rule 'another-name'"):
        load(installed()["one-name"])


def test_a_file_must_hold_one_rule(site: Path) -> None:
    put_pack(site, "empty_rules", {"no_rule.py": "NOTHING = 1\n"})

    with pytest.raises(BrokenRulePack, match="defines 0 rules"):
        load(installed()["no-rule"])


def test_two_packs_cannot_define_the_same_rule(site: Path) -> None:
    put_pack(site, "twin_rules", {"inline_comment.py": RULE.format(id="inline-comment")})

    with pytest.raises(BrokenRulePack, match="inline-comment, as does rule pack 'builtin'"):
        installed()


def test_an_entry_point_to_nothing_is_named(site: Path) -> None:
    put_pack(site, "gone_rules", {})
    (site / "gone_rules" / "__init__.py").unlink()
    (site / "gone_rules").rmdir()

    with pytest.raises(BrokenRulePack, match="'gone_rules': there is no package gone_rules"):
        installed()
