"""The picture as a file of its own, and as a part of a page."""

import re
from xml.etree import ElementTree as ET

from hypothesis import given

from pictures import HOSTILE, NOTHING, SHOP, pictures, platform
from poolcheck.picture import Picture
from poolcheck.report.map_colors import COLORS
from poolcheck.report.map_svg import STYLE, inside_page, standalone

SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    """All that is written, in the order of the file."""
    return ["".join(each.itertext()) for each in ET.fromstring(svg).iter(f"{SVG}text")]


@given(pictures())
def test_it_is_xml_whatever_things_are_called(picture: Picture) -> None:
    root = ET.fromstring(standalone(picture))

    classes = [each.get("class", "").split()[0] for each in root.iter(f"{SVG}g")]
    assert classes.count("node") == len(picture.nodes)
    assert classes.count("edge") == len(picture.edges)


@given(pictures())
def test_what_stands_in_a_page_is_xml_too_and_every_part_is_a_link_with_a_name(picture: Picture) -> None:
    drawn = inside_page(picture)
    root = ET.fromstring(drawn.svg)
    for sheet in drawn.sheets:
        ET.fromstring(sheet)

    links = [*root.iter("a")]
    assert {link.get("href") for link in links} == {
        *(f"#node-{number}" for number in range(len(picture.nodes))),
        *(f"#edge-{number}" for number in range(len(picture.edges))),
    }
    assert all(link.get("aria-label") for link in links)


def test_it_has_a_title_and_says_in_words_what_there_is_to_see() -> None:
    root = ET.fromstring(standalone(SHOP))

    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "picture-title picture-about"
    assert root.findtext(f"{SVG}title") == "Connections of shop"
    assert root.findtext(f"{SVG}desc") == (
        "3 workloads, 1 pooler, 1 database server and 1 outside address, from left to right. "
        "Too many connections are wanted of pgbouncer. "
        "pgbouncer: 1464 wanted, 800 accepted, at the autoscaler's maximum."
    )


def test_names_numbers_and_what_is_known_are_text() -> None:
    assert texts(standalone(SHOP)) == [
        "Connections of shop",
        "Workloads",
        "Poolers",
        "Databases and outside",
        "worker",
        "3 pods",
        "6",
        "24",
        "api",
        "6 to 12 pods · 4 processes each",
        "720 to 1440",
        "reports",
        "1 pod",
        "not all is known",
        "4",
        "?",
        "pgbouncer",
        "2 pods · transaction mode",
        "accepts 800 clients",
        "1464 wanted, 800 accepted, at",
        "the autoscaler's maximum",
        "80",
        "orders",
        "accepts 97 of 100 connections",
        "warehouse.example.net:5432",
        "not all is known",
        "Dotted: a name or a port suggests that the connections lead there, and nothing proves it.",
    ]


def test_what_is_too_much_has_a_sign_and_not_only_a_colour() -> None:
    root = ET.fromstring(standalone(SHOP))

    over = [each for each in root.iter(f"{SVG}g") if "over" in each.get("class", "").split()]
    assert len(over) == 3
    assert all(any(part.get("class") == "sign-over" for part in each) for each in over)


def test_names_are_shown_literally_and_controls_are_not() -> None:
    svg = standalone(HOSTILE)

    assert "<script>" not in svg
    assert "<script>alert('x')</script>" in texts(svg)
    assert "loop␇␛[31m\ufffd\ufffd" in texts(svg)


def test_it_refers_to_nothing_outside_of_itself() -> None:
    svg = standalone(platform()).replace("http://www.w3.org/2000/svg", "")

    assert not re.search(r"https?:|url\(|href|@import|<image|<script|style=", svg)


def test_every_colour_is_a_variable_with_the_light_one_before_it() -> None:
    found = re.findall(r"([\w-]+):(#[0-9a-f]+);\1:var\(--([\w-]+)\)", STYLE)

    assert len(found) == STYLE.count("var(")
    assert all(COLORS[name].light == color for _, color, name in found)


def test_nothing_to_draw_is_said() -> None:
    assert texts(standalone(NOTHING)) == [
        "Connections of .",
        "There is nothing to draw: no workload that connects to a database, no pooler and no database was found.",
    ]


def test_a_tall_picture_is_printed_on_several_sheets() -> None:
    assert inside_page(SHOP).sheets == ()
    assert len(inside_page(platform()).sheets) > 2
