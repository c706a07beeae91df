"""The page in a browser: type, choose, switch off, copy, come back by the address."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import Watched
from playwright.sync_api import Browser, Page, expect

from tests.explore.conftest import TEXT, Server
from tests.views.examples import HOSTILE
from tinyinterp.model import Model

READY = "main[data-state=ready]"
PHONE = {"width": 390, "height": 740}


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """A page that asked nobody but its own server, and did not complain."""
    with browser.new_context() as context:
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        watched = Watched(context.new_page())
        watched.page.set_default_timeout(60_000)
        yield watched.page
    own = f"http://127.0.0.1:{server.serving.port}/"
    assert watched.requests
    assert [url for url in watched.requests if not url.startswith(own)] == []
    assert watched.complaints == []


def visit(page: Page, server: Server, state: str = f"#text={quote(TEXT)}") -> None:
    page.goto("about:blank")
    page.goto(server.serving.address + state)
    page.wait_for_selector(READY)


def test_a_text_is_typed_and_a_token_chosen(page: Page, server: Server, model: Model):
    visit(page, server)
    page.fill("#text", "Tim saw a cat.")
    expect(page.locator("#tokens .word")).to_have_count(len(model.read("Tim saw a cat.").ids))
    page.wait_for_selector(READY)
    page.locator("#tokens .word").nth(3).click()
    expect(page.locator("#prediction h2")).to_contain_text("(position 3)")
    run = model.run("Tim saw a cat.")
    likeliest = page.locator("#prediction table").first.locator("tbody tr").first
    expect(likeliest).to_contain_text(f"{run.logits[3].softmax(-1).max().item():.4f}")
    expect(page.locator("#prediction")).to_contain_text(f"loss {run.losses[3].item():.3f} nats")
    levels = page.locator("#prediction table").nth(1).locator("tbody tr")
    expect(levels).to_have_count(model.config.n_layers + 1)
    expect(page.locator("#heads .thumb")).to_have_count(6)


def test_a_head_is_chosen_switched_off_and_compared(page: Page, server: Server, model: Model):
    visit(page, server)
    page.click("#heads [data-name=L1H0]")
    expect(page.locator("#head h2")).to_contain_text("Head L1H0")
    expect(page.locator("#head")).to_contain_text("It adds")
    assert page.locator("#head line").count() > 10
    page.click("#head-switch")
    page.wait_for_selector(READY)
    expect(page.locator("#tokens .caption")).to_contain_text("without L1H0")
    expect(page.locator("#prediction h3")).to_contain_text(
        ["Intact", "Without L1H0", "Logit lens", "Intact", "Without L1H0"]
    )
    changed = model.run(TEXT, off=["L1H0"])
    mean = f"{changed.losses.mean().item():.3f} without L1H0"
    expect(page.locator("#tokens .caption")).to_contain_text(mean)
    page.select_option("#instead", "zero")
    zero = model.run(TEXT, off=["L1H0"], instead="zero").losses.mean().item()
    expect(page.locator("#tokens .caption")).to_contain_text(f"{zero:.3f} without L1H0")
    page.click("text=L1H0 ×")
    expect(page.locator("#tokens .caption")).not_to_contain_text("without")


def test_what_was_chosen_is_in_the_address(page: Page, server: Server):
    visit(page, server)
    page.locator("#tokens .word").nth(2).click()
    page.click("#heads [data-name=L2H1]")
    page.click("#head-switch")
    page.wait_for_selector(READY)
    page.locator("#neurons button.plain").first.click()
    page.wait_for_selector("#neuron:not([hidden])")
    shown = [page.inner_text(f"#{part}") for part in ("tokens", "prediction", "head", "neuron")]
    address = page.url
    page.reload()
    page.wait_for_selector(READY)
    page.wait_for_selector("#neuron:not([hidden])")
    assert page.url == address
    assert [
        page.inner_text(f"#{part}") for part in ("tokens", "prediction", "head", "neuron")
    ] == shown
    page.fill("#text", "a cat")  # and by an address that was sent, pasted as a text
    page.fill("#text", address)
    page.wait_for_selector(READY)
    expect(page.locator("#text")).to_have_value(TEXT)
    assert page.url == address


def test_python_that_is_copied_does_the_same(page: Page, server: Server, model: Model):
    text = 'He said “no”. "\\n"\n\u2028 \U0001f600'
    visit(page, server, f"#text={quote(text)}&off=L1H0,L0N4&instead=zero")
    page.click("#python")
    expect(page.locator("#copied")).to_have_text("Python copied")
    lines = page.evaluate("navigator.clipboard.readText()")
    assert 'model.run(text, off=[head(1, 0), neuron(0, 4)], instead="zero")' in lines
    names: dict[str, object] = {"model": model}
    kept = [line for line in lines.splitlines() if not line.startswith(("model =", "import"))]
    exec("\n".join(line for line in kept if not line.startswith("print")), names)
    assert names["text"] == text
    wanted = model.run(text, off=["L1H0", "L0N4"], instead="zero").losses
    assert (names["changed"].losses == wanted).all()


def test_a_neuron_shows_its_activations_rules_and_examples(page: Page, server: Server):
    visit(page, server)
    page.fill("#query", "word dog")
    page.click("#results button >> nth=0")
    expect(page.locator("#neuron h2")).to_contain_text("Neuron L0N5")
    expect(page.locator("#neuron .kwic li")).to_have_count(2)
    expect(page.locator("#neuron .rules")).to_contain_text(HOSTILE)
    expect(page.locator("#neuron .word")).to_have_count(page.locator("#tokens .word").count())


def test_nothing_typed_or_read_becomes_markup(page: Page, server: Server):
    visit(page, server, f"#text={quote(HOSTILE)}&head=L1H1&neuron=L0N5")
    page.fill("#text", f"{HOSTILE} {HOSTILE}")
    page.wait_for_selector(READY)
    page.fill("#query", "alert")
    page.wait_for_selector("#results button")
    page.fill("#temperature", "0")
    page.click("#write")
    expect(page.locator("#writing .caption")).to_contain_text("written")
    assert page.locator("img").count() == 0
    assert page.locator("main script").count() == 0


def test_the_model_continues_the_text(page: Page, server: Server):
    visit(page, server, f"#text={quote(TEXT)}&off=L0H0")
    page.fill("#most", "12")
    page.click("#write")
    expect(page.locator("#writing .caption")).to_contain_text("written without L0H0")
    assert page.inner_text("#writing .written").startswith(TEXT)
    assert len(page.inner_text("#writing .written")) > len(TEXT)


def test_an_error_is_one_sentence_and_the_page_goes_on(
    browser: Browser, server: Server, model: Model
):
    with browser.new_context() as context:
        page = context.new_page()
        visit(page, server)
        page.fill("#text", "a " * 300)
        expect(page.locator("#error")).to_contain_text("the context holds 97")
        page.fill("#text", "a cat")
        expect(page.locator("#error")).to_be_hidden()
        expect(page.locator("#tokens .word")).to_have_count(len(model.read("a cat").ids))
        page.fill("#part", "L9H9")
        page.keyboard.press("Enter")
        expect(page.locator("#error")).to_contain_text("there is no layer 9")


def test_the_keyboard_alone_is_enough(page: Page, server: Server):
    visit(page, server)
    page.keyboard.press("/")
    page.keyboard.type("L2H0")
    page.keyboard.press("Enter")
    expect(page.locator("#head h2")).to_contain_text("Head L2H0")
    expect(page.locator("#head")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#head-switch")).to_have_text("L2H0 is off: switch it on")
    page.focus("#text")
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('#tokens') !== null"):
            break
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator("#prediction h2")).to_contain_text("(position 1)")
    assert page.evaluate("document.activeElement.closest('#tokens') !== null")


def test_two_tabs_each_have_their_own_state(page: Page, server: Server):
    visit(page, server)
    other = page.context.new_page()
    visit(other, server, "#text=The%20sun&off=L0H0")
    page.locator("#tokens .word").nth(1).click()
    expect(page.locator("#prediction h2")).to_contain_text("(position 1)")
    expect(other.locator("#text")).to_have_value("The sun")
    expect(page.locator("#text")).to_have_value(TEXT)
    expect(page.locator("#switches p")).to_have_text("Nothing is off.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_finding_of_an_accessibility_check(browser: Browser, server: Server, scheme: str):
    with browser.new_context(color_scheme=scheme) as context:
        page = context.new_page()
        visit(page, server, f"#text={quote(TEXT)}&off=L1H0&head=L1H0&neuron=L0N5")
        page.wait_for_selector("#neuron:not([hidden])")
        page.fill("#query", "dog")
        page.wait_for_selector("#results button")
        found = Axe().run(page, options={"preload": False}).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []


def test_the_page_is_no_wider_than_a_phone(browser: Browser, server: Server):
    with browser.new_context(viewport=PHONE) as context:
        page = context.new_page()
        visit(page, server, f"#text={quote(TEXT)}&off=L1H0&head=L1H0&neuron=L0N5")
        page.wait_for_selector("#neuron:not([hidden])")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        page.locator("#neurons button.plain").nth(1).click()  # what was chosen comes into view
        expect(page.locator("#neuron")).to_be_focused()
        expect(page.locator("#neuron h2")).to_be_in_viewport()
