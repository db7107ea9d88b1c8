from textwrap import dedent, indent

import libcst as cst
import pytest

from poolcheck.deep import deep
from poolcheck.read.python.leaks.flow.graph import graph_of
from poolcheck.read.python.leaks.flow.nodes import Edge, Graph, Kind, Node, Way


def graph(body: str) -> Graph:
    source = f"async def run():\n{indent(dedent(body).strip(), '    ')}\n"
    [function] = cst.parse_module(source).body
    assert isinstance(function, cst.FunctionDef)
    return graph_of(function)


def picture(body: str) -> str:
    """The graph in text: a line for each node, what it executes, and what may come next.

    An arrow is marked `yes` and `no` behind a test, `caught` before a handler, and `!` for an exception.
    """
    nodes = graph(body).nodes
    names = {at: name(at, node) for at, node in enumerate(nodes)}
    lines = (f"{names[at]} {code(node)}".strip() + arrows(node, names) for at, node in enumerate(nodes))
    return "\n".join(line for at, line in enumerate(lines) if nodes[at].edges and at)


def name(at: int, node: Node) -> str:
    return str(at) if node.edges else node.kind.value


def code(node: Node) -> str:
    def text(part: cst.CSTNode) -> str:
        return cst.Module([]).code_for_node(part).strip().partition("\n")[0]

    match node.kind, node.syntax:
        case Kind.NEXT, cst.For(target=target):
            return f"next {text(target)}"
        case Kind.ENTER | Kind.LEAVE, cst.WithItem() as item:
            return f"{node.kind.value} {text(item)}".rstrip(",")
        case Kind.CATCH, cst.ExceptHandler() as handler:
            return text(handler)
        case Kind.TEST, cst.MatchCase() as case:
            return text(case)
        case Kind.TEST, cst.Assert() as check:
            return text(check)
        case Kind.TEST, cst.CSTNode() as test:
            return f"{text(test)}?"
        case _, cst.CSTNode() as syntax:
            return text(syntax)
        case _:
            return node.kind.value


def arrows(node: Node, names: dict[int, str]) -> str:
    return "".join(arrow(edge, names) for edge in node.edges)


def arrow(edge: Edge, names: dict[int, str]) -> str:
    marks = {Way.ON: "", Way.YES: "yes ", Way.NO: "no ", Way.RAISE: "! ", Way.CAUGHT: "caught "}
    return f" -> {marks[edge.way]}{names[edge.target]}"


def assert_picture(body: str, expected: str) -> None:
    assert picture(body) == dedent(expected).strip()


def test_statements_come_one_after_the_other() -> None:
    assert_picture(
        """
        a = 1; b = a
        pass
        """,
        """
        1 a = 1; -> 2
        2 b = a -> 3
        3 pass -> end
        """,
    )


def test_what_may_raise_leads_out_of_the_function() -> None:
    assert_picture(
        """
        a = f()
        return g(a)
        """,
        """
        1 a = f() -> 2 -> ! raised
        2 return g(a) -> end -> ! raised
        """,
    )


def test_the_branches_of_an_if_come_together_behind_it() -> None:
    assert_picture(
        """
        if a:
            x = 1
        elif b():
            y = 2
        else:
            z = 3
        done = 1
        """,
        """
        1 a? -> yes 2 -> no 5
        2 x = 1 -> 3
        3 done = 1 -> end
        5 b()? -> yes 6 -> no 7 -> ! raised
        6 y = 2 -> 3
        7 z = 3 -> 3
        """,
    )


def test_a_loop_comes_round_and_its_else_belongs_to_the_end_of_its_test() -> None:
    assert_picture(
        """
        while a:
            if b:
                break
            if c:
                continue
            x = 1
        else:
            y = 2
        z = 3
        """,
        """
        1 a? -> yes 2 -> no 9
        2 b? -> yes 3 -> no 6
        3 break -> 4
        4 z = 3 -> end
        6 c? -> yes 7 -> no 8
        7 continue -> 1
        8 x = 1 -> 1
        9 y = 2 -> 4
        """,
    )


def test_a_loop_without_a_test_has_no_end() -> None:
    assert_picture(
        """
        while True:
            f()
        """,
        """
        1 True? -> yes 2
        2 f() -> 1 -> ! raised
        """,
    )


def test_a_loop_over_items_may_raise_at_each() -> None:
    assert_picture(
        """
        for x in xs:
            use(x)
        else:
            none = 1
        z = 3
        """,
        """
        1 xs -> 2
        2 next x -> yes 3 -> no 5 -> ! raised
        3 use(x) -> 2 -> ! raised
        5 none = 1 -> 6
        6 z = 3 -> end
        """,
    )


def test_an_exception_looks_for_its_handler_and_else_is_outside_of_the_try() -> None:
    assert_picture(
        """
        try:
            f()
        except ValueError as e:
            a = 1
        except Exception:
            raise
        else:
            g()
        z = 1
        """,
        """
        1 f() -> 2 -> ! 6
        2 g() -> 3 -> ! raised
        3 z = 1 -> end
        6 dispatch -> caught 7 -> caught 9 -> ! raised
        7 except ValueError as e: -> 8
        8 a = 1 -> 3
        9 except Exception: -> 10
        10 raise -> ! raised
        """,
    )


def test_nothing_gets_past_a_handler_of_everything() -> None:
    assert_picture(
        """
        try:
            f()
        except:
            a = 1
        """,
        """
        1 f() -> end -> ! 3
        3 dispatch -> caught 4
        4 except: -> 5
        5 a = 1 -> end
        """,
    )


def test_finally_has_a_copy_for_the_end_and_one_for_exceptions() -> None:
    assert_picture(
        """
        try:
            f()
        finally:
            close = 1
        z = 1
        """,
        """
        1 f() -> 2 -> ! 5
        2 close = 1 -> 3
        3 z = 1 -> end
        5 close = 1 -> raised
        """,
    )


def test_finally_has_a_copy_for_a_return() -> None:
    assert_picture(
        """
        try:
            return f()
        finally:
            close = 1
        """,
        """
        1 return f() -> 2 -> ! 4
        2 close = 1 -> end
        4 close = 1 -> raised
        """,
    )


def test_finally_has_copies_for_break_and_continue() -> None:
    assert_picture(
        """
        for x in xs:
            try:
                if a:
                    break
                if b:
                    continue
                return x
            finally:
                close = 1
        """,
        """
        1 xs -> 2
        2 next x -> yes 3 -> no end -> ! raised
        3 a? -> yes 4 -> no 7
        4 break -> 5
        5 close = 1 -> end
        7 b? -> yes 8 -> no 10
        8 continue -> 9
        9 close = 1 -> 2
        10 return x -> 11
        11 close = 1 -> end
        """,
    )


def test_a_return_in_finally_takes_the_place_of_what_was_on_its_way() -> None:
    assert_picture(
        """
        try:
            f()
        finally:
            return 1
        """,
        """
        1 f() -> 2 -> ! 4
        2 return 1 -> end
        4 return 1 -> end
        """,
    )


def test_a_finally_inside_of_another_leads_to_the_copy_of_its_kind() -> None:
    assert_picture(
        """
        try:
            try:
                f()
            finally:
                inner = 1
        finally:
            outer = 1
        """,
        """
        1 f() -> 2 -> ! 5
        2 inner = 1 -> 3
        3 outer = 1 -> end
        5 inner = 1 -> 6
        6 outer = 1 -> raised
        """,
    )


def test_the_items_of_a_with_are_left_in_the_other_order() -> None:
    assert_picture(
        """
        with a() as x, b:
            f()
        z = 1
        """,
        """
        1 enter a() as x -> 2 -> ! raised
        2 enter b -> 3 -> ! 9
        3 f() -> 4 -> ! 10
        4 leave b -> 5 -> ! 9
        5 leave a() as x -> 6 -> ! raised
        6 z = 1 -> end
        9 leave a() as x -> ! raised
        10 leave b -> ! 9
        """,
    )


def test_a_return_leaves_the_with_statements_around_it() -> None:
    assert_picture(
        """
        async with a():
            return 1
        """,
        """
        1 enter a() -> 2 -> ! raised
        2 return 1 -> 3
        3 leave a() -> end -> ! raised
        """,
    )


def test_a_with_that_swallows_exceptions_goes_on_behind_itself() -> None:
    assert_picture(
        """
        with suppress(Exception):
            f()
        z = 1
        """,
        """
        1 enter suppress(Exception) -> 2 -> ! raised
        2 f() -> 3 -> ! 7
        3 leave suppress(Exception) -> 4 -> ! raised
        4 z = 1 -> end
        7 leave suppress(Exception) -> caught 4 -> ! raised
        """,
    )


def test_cases_are_asked_one_after_the_other_and_one_that_takes_all_is_the_last() -> None:
    assert_picture(
        """
        match a:
            case 1:
                x = 1
            case [b] if b:
                y = 1
            case _:
                z = 1
        done = 1
        """,
        """
        1 a -> 2
        2 case 1: -> yes 3 -> no 6 -> ! raised
        3 x = 1 -> 4
        4 done = 1 -> end
        6 case [b] if b: -> yes 7 -> no 8
        7 y = 1 -> 4
        8 case _: -> yes 9
        9 z = 1 -> 4
        """,
    )


def test_no_case_may_match() -> None:
    assert_picture(
        """
        match a:
            case 1:
                x = 1
        done = 1
        """,
        """
        1 a -> 2
        2 case 1: -> yes 3 -> no 4 -> ! raised
        3 x = 1 -> 4
        4 done = 1 -> end
        """,
    )


def test_an_assertion_goes_on_or_raises() -> None:
    assert_picture(
        """
        assert a
        x = 1
        """,
        """
        1 assert a -> yes 2 -> ! raised
        2 x = 1 -> end
        """,
    )


def test_a_raise_does_nothing_else() -> None:
    assert_picture(
        """
        raise ValueError(x)
        """,
        """
        1 raise ValueError(x) -> ! raised
        """,
    )


def test_what_ends_the_process_ends_the_graph() -> None:
    assert_picture(
        """
        f()
        sys.exit(1)
        """,
        """
        1 f() -> 2 -> ! raised
        2 sys.exit(1) -> stopped
        """,
    )


def test_what_is_yielded_to_and_awaited_may_raise() -> None:
    assert_picture(
        """
        yield 1
        x = await f()
        """,
        """
        1 yield 1 -> 2 -> ! raised
        2 x = await f() -> end -> ! raised
        """,
    )


def test_a_finally_inside_of_two_others_is_not_copied_again() -> None:
    body = "work()"
    sizes: list[int] = []
    for _ in range(6):
        body = f"try:\n    work()\nfinally:\n{indent(body, '    ')}"
        sizes.append(len(graph(body).nodes))

    assert sizes[-1] - sizes[-2] <= 12


@pytest.mark.parametrize(
    "body",
    [
        "\n".join("work()" for _ in range(3_000)),
        "\n".join(f"{' ' * depth}if work():" for depth in range(90)) + f"\n{' ' * 90}work()",
        "if a:\n    work()\n" + "\n".join("elif work():\n    work()" for _ in range(1_000)),
        "\n".join("try:\n    work()\nexcept Error:\n    work()\nfinally:\n    work()" for _ in range(500)),
    ],
)
def test_a_graph_is_not_much_larger_than_its_source(body: str) -> None:
    found = deep(lambda: graph(body).nodes)

    assert len(found) <= 2 * body.count("work()") + 10


def test_a_break_outside_of_a_loop_is_no_harm() -> None:
    assert picture("break") == "1 break -> end"
