"""Widgets in a browser, from disk: drawn, hovered over, switched, with the script once."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from browser import Watched
from playwright.sync_api import Page, expect

from tests.views.examples import HOSTILE, causal_pattern
from tinyinterp.views.widgets import Choice, ColouredText, Widget, attention_widget, coloured_widget
from tinyinterp.views.widgets.script import script_element

TOKENS = ["<|endoftext|>", " dog", "\n", HOSTILE, "\u05e9\u05dc", "<0xF0>", '"']
HEADER = "<!doctype html><meta charset=utf-8>"
HEADS = ["Head 0", "Head 1", "Head 2"]


def attention() -> Widget:
    patterns = causal_pattern(3, len(TOKENS))
    patterns[1] = 0
    patterns[1, :, 0] = 1  # a head that looks at nothing but the first token
    return attention_widget(patterns, TOKENS, HEADS, f"Attention {HOSTILE}")


def coloured() -> Widget:
    texts = [ColouredText(TOKENS, [0.0, 2.0, -1.0, 0.5, 0.25, 0.0, -2.0], "first")]
    other = [ColouredText(["only", " this"], [0.0, 0.0])]
    return coloured_widget([Choice("neuron 5", texts), Choice("dead", other)], "Neurons")


def visit(page: Page, folder: Path, html: str) -> None:
    path = folder / "page.html"
    path.write_text(html, "utf-8")
    page.goto(path.as_uri())


def test_a_head_is_switched_and_a_token_hovered_over(watched: Watched, tmp_path: Path):
    page = watched.page
    page.goto(attention().save(tmp_path / "attention.html").as_uri())
    expect(page.locator(".map canvas")).to_be_visible()
    assert page.locator(".heads img").evaluate_all("all => all.every((i) => i.naturalWidth === 7)")
    tokens = page.locator(".tokens span")
    assert tokens.count() == len(TOKENS)
    tokens.nth(3).hover()
    expect(page.locator(".readout")).to_contain_text("Head 0: </script><img… (3) looks at")
    page.get_by_role("button", name="Head 1").click()
    expect(page.locator(".readout")).to_have_text(
        "Head 1: </script><img… (3) looks at <|endoftext|> (0) 1.00"
    )
    colours = tokens.evaluate_all("all => all.map((one) => one.style.background)")
    assert colours[0] == "rgb(11, 9, 36)"
    assert colours[1:4] == ["rgb(255, 255, 255)"] * 3
    assert colours[4:] == [""] * 3
    tokens.nth(3).focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".readout")).to_contain_text("Head 1: \u05e9\u05dc (4)")


def test_a_map_that_circuitsvis_drew_says_what_is_under_the_mouse(watched: Watched, tmp_path: Path):
    page = watched.page
    page.goto(attention().save(tmp_path / "attention.html").as_uri())
    canvas = page.locator(".map canvas")
    expect(canvas).to_be_visible()
    before = canvas.screenshot()
    canvas.hover()
    page.wait_for_timeout(200)
    assert canvas.screenshot() != before


def test_a_map_keeps_its_size_when_the_page_is_resized(watched: Watched, tmp_path: Path):
    page = watched.page
    page.goto(attention().save(tmp_path / "attention.html").as_uri())
    canvas = page.locator(".map canvas")
    expect(canvas).to_be_visible()
    widths = []
    for width in (1000, 420, 1000, 700):
        page.set_viewport_size({"width": width, "height": 700})
        page.wait_for_timeout(300)
        widths.append(canvas.evaluate("canvas => canvas.clientWidth"))
    assert min(widths) > 300
    assert widths[0] == widths[2] > widths[1]


def test_tokens_are_coloured_and_tell_their_value(watched: Watched, tmp_path: Path):
    page = watched.page
    page.goto(coloured().save(tmp_path / "neurons.html").as_uri())
    tokens = page.locator(".colored-tokens > span > span")
    expect(tokens).to_have_count(len(TOKENS))
    assert page.locator("img").count() == 0
    shown = tokens.nth(3).inner_text().replace("\N{WORD JOINER}", "")
    assert shown.replace("\N{NO-BREAK SPACE}", " ") == HOSTILE
    backgrounds = tokens.evaluate_all("all => all.map((one) => one.style.backgroundColor)")
    assert backgrounds[:2] == ["rgb(255, 255, 255)", "rgb(220, 90, 0)"]
    assert backgrounds[6] == "rgb(0, 103, 168)"
    tokens.nth(1).hover()
    expect(page.locator(".colored-tokens strong")).to_have_text(" dog")
    page.select_option("select", "dead")
    expect(tokens).to_have_count(2)
    assert page.locator(".scale").inner_text().split() == ["-0.5", "0.5"]


def test_a_value_that_is_not_known_is_not_called_zero(watched: Watched, tmp_path: Path):
    text = ColouredText(["before", " dog"], [math.nan, 1.5])
    widget = coloured_widget([Choice("one", [text])], "t")
    page = watched.page
    page.goto(widget.save(tmp_path / "neurons.html").as_uri())
    said = page.locator(".texts .tokens span").evaluate_all("all => all.map((one) => one.title)")
    assert said == ["–", "1.5"]


@pytest.mark.parametrize("script", ["first", "last", "between"])
def test_widgets_of_a_page_share_one_script_wherever_it_stands(
    watched: Watched, tmp_path: Path, script: str
):
    parts = [attention().html, coloured().html, attention().html]  # the same one twice
    parts.insert({"first": 0, "last": 3, "between": 1}[script], script_element())
    page = watched.page
    visit(page, tmp_path, HEADER + "".join(parts))
    expect(page.locator(".map canvas")).to_have_count(2)
    expect(page.locator(".colored-tokens")).to_have_count(1)
    page.locator(".tokens span").nth(1).hover()
    readouts = page.locator(".readout").all_inner_texts()
    assert readouts[0].startswith("Head 0: ␣dog (1) looks at")
    assert readouts[1].startswith("Hover over a token")


def test_without_the_script_widgets_are_plainer_but_work(watched: Watched, tmp_path: Path):
    page = watched.page
    visit(
        page, tmp_path, "<!doctype html><meta charset=utf-8>" + attention().html + coloured().html
    )
    assert page.locator("canvas").count() == 0
    page.locator(".tokens span").nth(6).hover()
    assert page.locator(".readout").inner_text().startswith('Head 0: " (6) looks at')
    page.select_option("select", "dead")
    assert page.locator(".texts .tokens").inner_text() == "only this"


def test_a_page_that_loads_scripts_by_require_js_does_no_harm(watched: Watched, tmp_path: Path):
    loader = "<script>function define() { throw Error('asked') } define.amd = {}</script>"
    page = watched.page
    visit(page, tmp_path, f"{HEADER}{loader}{script_element()}{attention().html}")
    expect(page.locator(".map canvas")).to_be_visible()
