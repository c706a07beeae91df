"""Every page that we write says what it may load, and a browser that keeps to it loads nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Request

from tests.views.account_examples import make_account
from tests.views.examples import make_census
from tinyinterp.io.table import Table
from tinyinterp.views.account_page import write_account_page
from tinyinterp.views.head_page import write_head_page
from tinyinterp.views.neuron_page import write_neuron_page

TRY_TO_GET_OUT = """async () => {
  const refused = new Set();
  document.addEventListener("securitypolicyviolation",
    (event) => refused.add(event.effectiveDirective));
  const outside = "https://outside.invalid/";
  await fetch(outside).catch(() => null);
  navigator.sendBeacon(outside, "text");
  const add = (name, attributes) => {
    const element = Object.assign(document.createElement(name), attributes);
    document.body.append(element);
    return element;
  };
  add("img", { src: outside });
  add("iframe", { src: outside });
  add("video", { src: outside });
  add("script", { src: outside });
  add("link", { rel: "stylesheet", href: outside });
  add("script", { textContent: "window.ran = true" });
  add("style", { textContent: `@import "${outside}"; body { background: url("${outside}"); }` });
  add("p", {}).setAttribute("style", `background: url("${outside}")`);
  const button = add("button", {});
  button.setAttribute("onclick", "window.ran = true");
  button.click();
  add("form", { action: outside, method: "post" }).submit();
  for (let turn = 0; turn < 60 && (turn < 6 || !refused.has("form-action")); turn++)
    await new Promise((resolve) => setTimeout(resolve, 50)); // reports come a little later
  return { refused: [...refused].sort(), ran: window.ran === true };
}"""


def heads(folder: Path) -> Path:
    return write_head_page(make_census(3, 5, 7), folder / "heads.html")


def neurons(folder: Path) -> Path:
    hit = {
        "layer": 4, "neuron": 0, "rank": 0, "activation": 1.5, "token": " cat", "before": "a",
        "after": "b", "tag": "NOUN", "story": 1, "position": 2,
    }  # fmt: skip
    row = {"layer": 4, "neuron": 0, "kind": "word"}
    table = Table("neurons_layer4", [row], notes={"text": "stories"})
    return write_neuron_page(table, Table("top", [hit]), folder)


def account(folder: Path) -> Path:
    return write_account_page(make_account(), folder / "account.html")


def try_to_get_out(browser: Browser, address: str) -> tuple[dict[str, object], list[str]]:
    """What the policy refused, and what was asked of another machine all the same."""
    asked: list[Request] = []
    with browser.new_context() as context:
        page = context.new_page()
        page.on("request", lambda one: asked.append(one))  # noqa: PLW0108 - playwright marks what it is given
        page.goto(address)
        page.wait_for_selector("h1")
        found = page.evaluate(TRY_TO_GET_OUT)
        beyond = [one.url for one in asked if not one.url.startswith(("file:", "data:"))]
        sent = [one.url for one in asked if one.url in beyond and one.failure != "csp"]
    assert beyond  # the browser saw the attempts, and ended each before it began
    return found, sent


REFUSED = {
    "connect-src", "form-action", "frame-src", "img-src", "media-src", "script-src-attr",
    "script-src-elem", "style-src-attr", "style-src-elem",
}  # fmt: skip


@pytest.mark.parametrize("write", [heads, neurons, account])
def test_a_page_of_its_own_cannot_reach_another_machine_nor_run_anything_else(
    browser: Browser, tmp_path: Path, write: Callable[[Path], Path]
):
    found, asked = try_to_get_out(browser, write(tmp_path).as_uri())
    assert asked == []
    assert found["ran"] is False
    assert set(found["refused"]) == REFUSED


@pytest.mark.parametrize(
    "name", ["index", "head", "neuron", "layer", "tag", "token", "find"]
)  # every page of the atlas
def test_a_page_of_the_atlas_cannot_reach_another_machine_nor_run_anything_else(
    browser: Browser, site: Path, name: str
):
    found, asked = try_to_get_out(browser, f"{site.as_uri()}/{name}.html")
    assert asked == []
    assert found["ran"] is False
    assert set(found["refused"]) == REFUSED
