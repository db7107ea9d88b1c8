import pytest

from poolcheck.finding import Finding, Note, Severity
from poolcheck.rendered_from import with_template
from poolcheck.source import Span

STREAM = """\
---
# Source: shop/templates/service.yaml
kind: Service
---
# Source: shop/charts/pgbouncer/templates/configmap.yaml
kind: ConfigMap
data: here
---
kind: Secret
"""


def noted(text: str, place: str) -> tuple[Note, ...]:
    """The notes of a finding where these words are."""
    span = Span("-", text.index(place), text.index(place) + len(place))
    return with_template(Finding("rule", "group", Severity.ERROR, span, "wrong"), text).notes


def test_a_finding_in_rendered_manifests_names_the_template_of_its_document() -> None:
    name = "shop/charts/pgbouncer/templates/configmap.yaml"

    [note] = noted(STREAM, "here")

    assert note.message == f"rendered from {name}"
    assert STREAM[note.span.start : note.span.end] == name


def test_the_first_line_of_a_document_is_in_it() -> None:
    assert noted(STREAM, "---\n# Source: shop/charts")[0].message.endswith("configmap.yaml")


@pytest.mark.parametrize(
    "text",
    [
        STREAM[STREAM.index("---\nkind: Secret") :],
        "# Source: https://example.org/manifests/pooler.yaml\nkind: Secret\n",
        "# Source: the wiki\nkind: Secret\n",
    ],
    ids=["without one", "an address", "prose"],
)
def test_a_comment_that_helm_did_not_write_names_no_template(text: str) -> None:
    assert noted(text, "kind: Secret") == ()


def test_what_names_another_document_says_nothing_of_this_one() -> None:
    assert noted(STREAM, "kind: Secret") == ()
