"""The page, in a real browser: what it asks for, and what people see who use it in different ways."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Keys

from pictures import HOSTILE, NOTHING, SHOP, platform
from poolcheck.picture import Picture
from poolcheck.report.map_html import page
from servers.browser import Browser, Named, open_browser

PICTURES = {"shop": SHOP, "hostile": HOSTILE, "nothing": NOTHING, "platform": platform()}

CONTRASTS = """(() => {
  const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = (color) => {
    const [r, g, b] = numbers(color).slice(0, 3)
      .map((each) => each / 255)
      .map((each) => each <= .04045 ? each / 12.92 : ((each + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const behind = (element) => {
    const box = element.closest("svg .node")?.querySelector(".box");
    if (box) return getComputedStyle(box).fill;
    for (let each = element; each; each = each.parentElement) {
      const color = getComputedStyle(each).backgroundColor;
      if (numbers(color)[3] !== 0) return color;
    }
    return "rgb(255, 255, 255)";
  };
  const found = [];
  for (const element of document.body.querySelectorAll("*")) {
    const own = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE);
    const text = own.map((node) => node.data).join("").trim();
    if (!text || element.matches("script, style, title") || !element.getClientRects().length) continue;
    const style = getComputedStyle(element);
    const [one, other] = [light(element.closest("svg") ? style.fill : style.color), light(behind(element))];
    found.push([text, (Math.max(one, other) + .05) / (Math.min(one, other) + .05)]);
  }
  return found;
})()"""

TEXTS_BEYOND_BOXES = """[...document.querySelectorAll("svg .node")].flatMap((node) => {
  const box = node.querySelector(".box").getBBox();
  return [...node.querySelectorAll("text")].filter((text) => {
    const { x, y, width, height } = text.getBBox();
    return x < box.x || y < box.y || x + width > box.x + box.width || y + height > box.y + box.height;
  }).map((text) => text.textContent);
})"""

FOCUSED = "document.activeElement.getAttribute('href')"
TOLD = "document.getElementById('told').hidden ? '' : document.getElementById('told').innerText"
PARTS = "[...document.querySelectorAll('svg.picture a')].map((each) => each.getAttribute('href'))"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    return {name: written(folder / f"{name}.html", picture) for name, picture in PICTURES.items()}


def written(path: Path, picture: Picture) -> Path:
    path.write_text(page(picture), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", PICTURES)
def test_a_page_asks_for_nothing_and_complains_of_nothing(
    browser: Browser, pages: dict[str, Path], name: str
) -> None:
    browser.show(pages[name])

    assert browser.ask("document.readyState") == "complete"
    assert [url for url in browser.requests() if url != "data:,"] == [pages[name].as_uri()]
    assert browser.ask("performance.getEntriesByType('resource').length") == 0
    assert browser.console() == []


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize(("scheme", "media"), [("light", ""), ("dark", ""), ("light", "print")])
def test_all_text_can_be_told_from_what_it_stands_on(
    browser: Browser, pages: dict[str, Path], name: str, scheme: str, media: str
) -> None:
    browser.show(pages[name], scheme=scheme, media=media)
    if name != "nothing" and not media:
        browser.ask("document.querySelector('svg.picture a').focus()")
        assert browser.ask(TOLD)

    contrasts = browser.ask(CONTRASTS)

    assert len(contrasts) >= 5
    assert [text for text, contrast in contrasts if contrast < 4.5] == []


def test_the_page_is_light_or_dark_as_its_reader_prefers_and_the_button_changes_that(
    browser: Browser, pages: dict[str, Path]
) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    browser.show(pages["shop"], scheme="light")
    light = browser.ask(background)
    browser.emulate("dark")
    dark = browser.ask(background)

    assert (light, dark) == ("rgb(246, 247, 249)", "rgb(20, 23, 27)")
    browser.click("#theme")
    assert browser.ask(background) == light
    browser.click("#theme")
    assert browser.ask(background) == dark
    browser.emulate("dark", "print")
    assert browser.ask("getComputedStyle(document.querySelector('.box')).fill") == "rgb(255, 255, 255)"


@pytest.mark.parametrize("name", ["shop", "hostile"])
def test_tab_reaches_every_part_and_shows_what_it_is_made_of(
    browser: Browser, pages: dict[str, Path], name: str
) -> None:
    browser.show(pages[name])
    wanted = browser.ask(PARTS)
    browser.ask("document.querySelector('svg.picture a').focus()")
    reached: list[str] = []
    for _ in wanted:
        reached.append(browser.ask(FOCUSED))
        title = browser.ask(f"document.querySelector('{reached[-1]}').dataset.title")
        assert browser.ask("document.querySelector('#told h3').textContent") == title
        browser.press(Keys.TAB)

    assert reached == wanted
    assert len(wanted) == len(PICTURES[name].nodes) + len(PICTURES[name].edges)


def test_from_the_top_the_first_stop_leads_around_the_picture(browser: Browser, pages: dict[str, Path]) -> None:
    browser.show(pages["shop"])
    browser.press(Keys.TAB)

    assert browser.ask(FOCUSED) == "#connections"
    assert browser.ask("document.activeElement.getBoundingClientRect().left") >= 0
    browser.press(Keys.ENTER)
    assert browser.ask("document.activeElement.id") == "connections"


def test_the_details_of_an_edge_are_its_sum_and_escape_ends_them(browser: Browser, pages: dict[str, Path]) -> None:
    browser.show(pages["shop"])
    browser.ask("document.querySelector('[href=\"#edge-0\"]').focus()")

    assert [line for line in browser.ask(TOLD).split("\n") if line] == [
        "Connections from api to pgbouncer",
        "Connections",
        "720 to 1440",
        "How they come about",
        "6 × 4 × (20 + 10) = 720 steady, 1440 autoscaled",
        "Remarks",
        "part of what is too many",
        "Show in the table",
    ]
    near = browser.ask("[...document.querySelectorAll('.is-near')].map((each) => each.getAttribute('href'))")
    assert sorted(near) == ["#node-0", "#node-3"]
    browser.press(Keys.ESCAPE)
    assert browser.ask(TOLD) == ""
    assert browser.ask(FOCUSED) == "#edge-0"


def test_enter_leads_to_the_row_of_what_has_the_focus(browser: Browser, pages: dict[str, Path]) -> None:
    browser.show(pages["shop"])
    browser.ask("document.querySelector('[href=\"#node-3\"]').focus()")
    browser.press(Keys.ENTER)

    assert browser.ask("document.querySelector(':target').dataset.title") == "pooler pgbouncer"
    assert browser.ask(TOLD) == ""


def test_escape_in_the_details_leads_back_to_what_they_are_of(browser: Browser, pages: dict[str, Path]) -> None:
    browser.show(pages["shop"])
    browser.click('[href="#node-3"] .name')
    browser.ask("document.querySelector('#told a').focus()")
    assert browser.ask(TOLD)
    browser.press(Keys.ESCAPE)

    assert browser.ask(TOLD) == ""
    assert browser.ask(FOCUSED) == "#node-3"


def test_a_click_shows_details_and_stays_where_it_is(browser: Browser, pages: dict[str, Path]) -> None:
    browser.show(pages["shop"])
    browser.click('[href="#node-3"] .name')

    assert "1464 wanted, 800 accepted" in browser.ask(TOLD)
    assert browser.ask("location.hash") == ""
    assert "deploy/pgbouncer.ini:3" in browser.ask(TOLD)


def test_what_has_the_focus_is_seen_to_have_it(browser: Browser, pages: dict[str, Path]) -> None:
    style = "getComputedStyle(document.querySelector('{}')).{}"
    box, line = (
        style.format('[href="#node-0"] .box', "stroke"),
        style.format('[href="#edge-0"] .line', "strokeWidth"),
    )
    browser.show(pages["shop"])
    before = browser.ask(box), browser.ask(line)
    browser.ask("document.querySelector('[href=\"#node-0\"]').focus()")
    assert browser.ask(box) == "rgb(10, 88, 202)" != before[0]
    browser.ask("document.querySelector('[href=\"#edge-0\"]').focus()")
    assert browser.ask(line) == "4px" != before[1]
    browser.show(pages["shop"])
    for _ in range(2):
        browser.press(Keys.TAB)
    assert browser.ask("document.activeElement.id") == "theme"
    assert browser.ask("getComputedStyle(document.activeElement).outline") == "rgb(10, 88, 202) solid 3px"


def test_assistive_technology_is_told_of_all_parts_and_of_the_tables(
    browser: Browser, pages: dict[str, Path]
) -> None:
    browser.show(pages["shop"])
    told = browser.accessible()
    roles = [each.role for each in told]

    assert {"banner", "main", "contentinfo"} <= {*roles}
    assert [each.name for each in told if each.role == "heading"] == [
        "Connections of shop",
        "Too many connections wanted",
        "pgbouncer",
        "Who connects to what",
        "All connections",
        "All workloads, poolers and databases",
        "What is not known, and what is assumed",
    ]
    assert Named("link", "workload api, 6 to 12 pods, 4 processes each") in told
    assert Named("link", "720 to 1440 connections from api to pgbouncer, part of what is too many") in told
    assert Named("link", "an unknown number of connections from reports to warehouse.example.net:5432, "
        "not all is known") in told  # fmt: skip
    assert Named("table", "All connections") in told


@pytest.mark.parametrize("width", [390, 1280])
def test_the_table_of_connections_is_one_however_wide_the_screen_is(
    browser: Browser, pages: dict[str, Path], width: int
) -> None:
    browser.show(pages["shop"], width=width)
    told = browser.accessible()
    start, end = told.index(Named("table", "All connections")), told.index(
        Named("table", "All workloads, poolers and databases")
    )  # fmt: skip
    table = told[start:end]

    assert [each.role for each in table].count("row") == len(SHOP.edges) + 1
    assert [each.name for each in table if each.role == "rowheader"] == [
        "api",
        "worker",
        "worker",
        "reports",
        "reports",
        "pgbouncer",
    ]
    assert [each.name for each in table if each.role == "columnheader"] == [
        "From",
        "To",
        "Connections",
        "How they come about",
        "Remarks",
    ]
    assert "6 × 4 × (20 + 10) = 720 steady, 1440 autoscaled" in [each.name for each in table]


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("width", [390, 768, 980, 1280, 1920])
def test_only_the_picture_scrolls_sideways(
    browser: Browser, pages: dict[str, Path], name: str, width: int
) -> None:
    browser.show(pages[name], width=width)

    assert browser.ask("document.documentElement.scrollWidth") <= width
    if name != "nothing" and width == 390:
        assert browser.ask(
            "(({scrollWidth, clientWidth}) => scrollWidth > clientWidth)(document.querySelector('.scroll'))"
        )


@pytest.mark.parametrize("name", ["shop", "hostile", "platform"])
def test_text_stays_inside_its_box_in_the_font_that_is_there(
    browser: Browser, pages: dict[str, Path], name: str
) -> None:
    browser.show(pages[name])

    assert browser.ask(TEXTS_BEYOND_BOXES) == []


def test_on_paper_there_is_all_text_and_no_row_is_cut(browser: Browser, pages: dict[str, Path]) -> None:
    browser.show(pages["platform"], scheme="dark")
    printed = browser.printed()

    picture = PICTURES["platform"]
    called = {node.id: node.name for node in picture.nodes}
    plain = [re.sub(r"\s+", " ", text) for text in printed]
    for edge in picture.edges:
        row = f"{called[edge.source]} {called[edge.target]} {edge.label} "
        assert any(row in f"{text} " for text in plain), row
    assert sum("From To Connections" in text for text in plain) > 1
    assert not any("Show in the table" in text or "Light or dark" in text for text in plain)


def test_on_paper_a_small_picture_is_on_the_first_page(browser: Browser, pages: dict[str, Path]) -> None:
    browser.show(pages["shop"])
    first, *_ = browser.printed()

    for text in ("1464 wanted, 800 accepted", "12 × 4 × (20 + 10) = 1440", "720 to 1440", "warehouse.example.net"):
        assert text in re.sub(r"\s+", " ", first)


def test_without_scripts_every_part_leads_to_its_row(browser: Browser, pages: dict[str, Path]) -> None:
    browser.show(pages["shop"], scripts=False)
    assert browser.ask("document.getElementById('theme').hidden")
    assert browser.ask("document.getElementById('hint').hidden")
    browser.ask("document.querySelector('[href=\"#edge-1\"]').focus()")
    browser.press(Keys.ENTER)

    assert browser.ask("document.querySelector(':target').cells[2].innerText") == "24"


def test_names_are_shown_literally(browser: Browser, pages: dict[str, Path]) -> None:
    browser.show(pages["hostile"])

    assert browser.ask("document.title") == HOSTILE.title
    assert browser.ask("document.querySelector('h1').textContent") == HOSTILE.title
    assert browser.ask("document.querySelector('#node-0 th').textContent") == "<script>alert('x')</script>"
    assert browser.ask("document.querySelector('.notes').textContent") == HOSTILE.notes[0]
    assert browser.ask("document.querySelectorAll('script').length") == 1
    assert browser.ask("document.querySelectorAll('img, b, i').length") == 0


def test_nothing_to_draw_is_a_page_that_says_what_to_try(browser: Browser, pages: dict[str, Path]) -> None:
    browser.show(pages["nothing"])

    said = browser.ask("document.querySelector('main').innerText")
    assert said.startswith("Nothing to draw\n")
    assert all(note in said for note in NOTHING.notes)
    assert browser.ask("document.querySelectorAll('svg, table').length") == 0
