import libcst as cst
import pytest

from poolcheck.read.python.syntax.bindings import annotation_of, bound_in, dotted, inside, returned


@pytest.mark.parametrize(
    ("expression", "name"), [("a", "a"), ("a.b.c", "a.b.c"), ("a().b", None), ("a[0]", None), ("5", None)]
)
def test_dotted_names_are_names_and_attributes(expression: str, name: str | None) -> None:
    assert dotted(cst.parse_expression(expression)) == name


def test_functions_inside_a_function_are_not_looked_into() -> None:
    function = cst.ensure_type(
        cst.parse_statement(
            "def f(a, b=1):\n    x = 1\n    def g():\n        y = 2\n        return 3\n    return x\n"
        ),
        cst.FunctionDef,
    )

    assert {*bound_in(function)} == {"a", "b", "x", "g"}
    assert [dotted(each) for each in returned(function)] == ["x"]
    assert not [node for node in inside(function) if isinstance(node, cst.Name) and node.value == "y"]


def test_the_type_of_a_parameter_is_found() -> None:
    function = cst.ensure_type(cst.parse_statement("def f(a: int, *, b: str = '', c=1): ...\n"), cst.FunctionDef)

    found = [annotation_of(name, function) for name in ("a", "b", "c", "d")]

    assert [each and dotted(each) for each in found] == ["int", "str", None, None]
