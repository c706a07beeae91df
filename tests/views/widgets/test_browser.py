"""Widgets in a browser, from disk: drawn, hovered over, switched, with the script once."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import Watched
from playwright.sync_api import Browser, Page, expect

from tests.views.examples import HOSTILE, causal_pattern
from tinyinterp.views.widgets import (
    Choice,
    ColouredText,
    LensRows,
    Widget,
    attention_widget,
    coloured_widget,
    lens_widget,
    lines_widget,
)
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


def lines() -> Widget:
    return lines_widget(causal_pattern(1, len(TOKENS))[0], TOKENS, f"Lines {HOSTILE}")


def lens() -> Widget:
    tokens = np.array([[[5, 7], [7, 5]], [[7, 5], [5, 7]]])
    shares = np.array([[[0.5, 0.25], [0.5, 0.5]], [[0.75, 0.25], [1.0, 0.0]]])
    following = np.array([[0.5, np.nan], [0.125, np.nan]])
    rows = LensRows({5: " x", 7: "y"}, tokens, shares, following, np.array([[1, 0], [4, 0]]))
    return lens_widget(rows, ["a", " b"], ["embedding", "layer 0"], "Lens")


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


def test_a_map_says_what_is_under_the_mouse(watched: Watched, tmp_path: Path):
    page = watched.page
    page.goto(attention().save(tmp_path / "attention.html").as_uri())
    page.get_by_role("button", name="Head 1").click()
    canvas = page.locator(".map canvas")
    size = canvas.evaluate("canvas => canvas.clientWidth")
    cell = (size - 96) / len(TOKENS)
    canvas.hover(position={"x": 96 + 0.5 * cell, "y": 96 + 3.5 * cell})
    said = page.locator(".readout")
    expect(said).to_have_text("Head 1: query </script><img… (3), key <|endoftext|> (0): 1.00")
    canvas.hover(position={"x": 96 + 5.5 * cell, "y": 96 + 3.5 * cell})
    expect(said).to_contain_text("key <0xF0> (5): comes later and cannot be looked at")


def test_a_map_has_the_colours_of_the_tokens_and_of_the_thumbnail(watched: Watched, tmp_path: Path):
    page = watched.page
    page.goto(attention().save(tmp_path / "attention.html").as_uri())
    page.locator(".tokens span").nth(4).hover()
    tokens = page.locator(".tokens span").evaluate_all("all => all.map((s) => s.style.background)")
    n = len(TOKENS)
    pixels = """(element, [offset, cell, rows]) => {
      const canvas = document.createElement("canvas");
      canvas.width = element.naturalWidth || element.width;
      canvas.height = element.naturalHeight || element.height;
      const pen = canvas.getContext("2d", { willReadFrequently: true });
      pen.drawImage(element, 0, 0);
      const at = (i) => offset + Math.floor((i + 0.5) * cell);
      return [...Array(rows).keys()].map((key) => {
        const [red, green, blue] = pen.getImageData(at(key), at(4), 1, 1).data;
        return `rgb(${red}, ${green}, ${blue})`;
      });
    }"""
    drawn = page.locator(".map canvas").evaluate(pixels, [96, 28, n])
    small = page.locator(".heads img").first.evaluate(pixels, [0, 1, n])
    assert drawn[:5] == tokens[:5]
    for one, other in zip(small[:5], tokens[:5], strict=True):
        parts = [[int(part) for part in text[4:-1].split(", ")] for text in (one, other)]
        assert max(abs(a - b) for a, b in zip(*parts, strict=True)) <= 4  # codes of a byte each
    assert drawn[5:] == small[5:] == ["rgb(233, 234, 236)"] * 2


def test_a_map_of_a_long_text_is_drawn_and_fits_a_phone(watched: Watched, tmp_path: Path):
    patterns = causal_pattern(2, 211)
    widget = attention_widget(patterns, [f" t{n}" for n in range(211)], ["a", "b"], "long")
    page = watched.page
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(widget.save(tmp_path / "long.html").as_uri())
    canvas = page.locator(".map canvas")
    expect(canvas).to_be_visible()
    assert canvas.evaluate("canvas => canvas.width >= 211 && canvas.clientWidth <= 390")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_map_keeps_its_size_when_the_page_is_resized(watched: Watched, tmp_path: Path):
    page = watched.page
    page.goto(attention().save(tmp_path / "attention.html").as_uri())
    canvas = page.locator(".map canvas")
    expect(canvas).to_be_visible()
    widths = []
    for width in (1000, 250, 1000, 700):
        page.set_viewport_size({"width": width, "height": 700})
        widths.append(canvas.evaluate("canvas => canvas.clientWidth"))
    assert widths[0] == widths[2] == widths[3] > 250 > widths[1] > 150


def test_a_difference_is_said_with_its_sign(watched: Watched, tmp_path: Path):
    patterns = np.zeros((1, 3, 3))
    patterns[0, 0, 2], patterns[0, 1, 0] = -0.5, 0.125
    widget = attention_widget(patterns, ["a", " b", " c"], ["difference"], "t")
    page = watched.page
    page.goto(widget.save(tmp_path / "difference.html").as_uri())
    page.locator(".tokens span").nth(0).hover()
    expect(page.locator(".readout")).to_have_text("difference, query a (0): ␣c (2) -0.5")
    page.locator(".tokens span").nth(1).hover()
    expect(page.locator(".readout")).to_have_text("difference, query ␣b (1): a (0) 0.125")


def test_losses_are_said_with_the_token(watched: Watched, tmp_path: Path):
    widget = attention_widget(np.eye(2)[None], ["a", " b"], ["L0H0"], "t", losses=[1.25])
    page = watched.page
    page.goto(widget.save(tmp_path / "text.html").as_uri())
    page.locator(".tokens span").nth(1).hover()
    expect(page.locator(".readout")).to_have_text("L0H0: ␣b (1), loss 1.25 looks at ␣b (1) 1.00")


def test_the_lines_of_one_token_are_shown_alone(watched: Watched, tmp_path: Path):
    page = watched.page
    page.goto(lines().save(tmp_path / "lines.html").as_uri())
    seen = page.locator("svg[role] line:visible")
    everything = seen.count()
    page.locator("text.query[tabindex]").nth(2).focus()
    assert 0 < seen.count() <= 3 < everything
    expect(page.locator(".readout")).to_contain_text("⏎ (2) looks at ")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".readout")).to_contain_text("</script><img… (3) looks at ")
    page.locator("text.key[tabindex]").nth(6).hover()
    expect(page.locator(".readout")).to_contain_text('" (6) is looked at by ')


def test_a_cell_of_the_lens_says_more_and_the_arrows_go_on(watched: Watched, tmp_path: Path):
    page = watched.page
    page.goto(lens().save(tmp_path / "lens.html").as_uri())
    page.locator("td").first.focus()
    expect(page.locator(".readout")).to_have_text(
        "layer 0, at a (0): y 0.750, ␣x 0.250; ␣b, which does come next, is number 4 with 0.125"
    )
    page.keyboard.press("ArrowDown")
    expect(page.locator(".readout")).to_contain_text("embedding, at a (0): ")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".readout")).to_contain_text("embedding, at ␣b (1): ")


def widgets() -> dict[str, Widget]:
    return {"attention": attention(), "coloured": coloured(), "lines": lines(), "lens": lens()}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_read_in_light_and_dark(browser: Browser, tmp_path: Path, scheme: Any):
    with browser.new_context(
        color_scheme=scheme, viewport={"width": 390, "height": 800}
    ) as context:
        page = context.new_page()
        for name, widget in widgets().items():
            page.goto(widget.save(tmp_path / f"{name}.html").as_uri())
            if name == "attention":
                page.locator(".tokens span").nth(4).hover()
            found = Axe().run(page).response["violations"]
            assert [(name, each["id"], each["nodes"][0]["html"]) for each in found] == []
            back = page.locator("figure").evaluate("one => getComputedStyle(one).backgroundColor")
            assert back == {"light": "rgb(255, 255, 255)", "dark": "rgb(27, 29, 33)"}[scheme]


@pytest.mark.parametrize(
    "theme",
    ['data-jp-theme-light="false"', 'class="vscode-dark"'],
)
def test_a_dark_notebook_has_dark_widgets_whatever_the_system_prefers(
    watched: Watched, tmp_path: Path, theme: str
):
    page = watched.page
    back = "one => getComputedStyle(one).backgroundColor"
    visit(page, tmp_path, f"{HEADER}<body {theme}>{lines().html}</body>")
    assert page.locator("figure").evaluate(back) == "rgb(27, 29, 33)"
    page.emulate_media(color_scheme="dark")
    visit(page, tmp_path, f'{HEADER}<body data-jp-theme-light="true">{lines().html}</body>')
    assert page.locator("figure").evaluate(back) == "rgb(255, 255, 255)"


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
    assert backgrounds[6] == "rgb(63, 143, 208)"
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
    assert page.locator(".colored-tokens").count() == 0
    page.locator(".tokens span").nth(6).hover()
    assert page.locator(".readout").inner_text().startswith('Head 0: " (6) looks at')
    page.select_option("select", "dead")
    assert page.locator(".texts .tokens").inner_text() == "only this"


def test_a_page_that_loads_scripts_by_require_js_does_no_harm(watched: Watched, tmp_path: Path):
    loader = "<script>function define() { throw Error('asked') } define.amd = {}</script>"
    page = watched.page
    visit(page, tmp_path, f"{HEADER}{loader}{script_element()}{attention().html}")
    expect(page.locator(".map canvas")).to_be_visible()
