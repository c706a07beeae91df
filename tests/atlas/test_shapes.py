"""Atlases of measured models of the smallest and of a usual shape, on text with awkward tokens."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import Watched
from models import tiny_checkpoint
from playwright.sync_api import expect

import tinyinterp
from tests.atlas.test_browser import PHONE, visit
from tests.atlas.test_site import read
from tinyinterp.atlas import write_atlas
from tinyinterp.atlas.gather import gather

ANIMALS = ("fox", "cat", "hen", "dog", "owl", "pig", "bee", "ant", "rat", "cow", "elk")
STORIES = [
    f'Once upon a time there was a {one} \U0001f98a.\n"I am not a {other}!" it said.\n'
    "It's </script> here & there."
    for one in ANIMALS
    for other in ANIMALS[:5]
    if one != other
]
AWKWARD = ("\n", '"', "'", "<0xF0>", "<0x9F>", "<", "&")


@dataclass(frozen=True)
class Made:
    """A finished atlas, and the shape of its model."""

    site: Path
    n_layers: int
    n_heads: int
    d_mlp: int

    @property
    def last_head(self) -> str:
        return f"L{self.n_layers - 1}H{self.n_heads - 1}"

    @property
    def last_neuron(self) -> str:
        return f"L{self.n_layers - 1}N{self.d_mlp - 1}"


@pytest.fixture(
    scope="module",
    params=[
        ("gpt_neo", {"n_layers": 1, "n_heads": 1, "d_model": 5, "d_mlp": 3}),
        ("gpt2", {"n_layers": 12, "n_heads": 16, "d_model": 48, "d_mlp": 7}),
    ],
    ids=["1x1", "12x16"],
)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    architecture, shape = request.param
    folder = tmp_path_factory.mktemp("shape")
    model = tinyinterp.load(tiny_checkpoint(folder / "model", architecture, **shape).folder)
    heads = tinyinterp.heads(model, STORIES, causal=False)
    tinyinterp.neurons(model, STORIES, layer=None, null_tokens=0).write(folder)
    rows = (list(heads.table), heads.table.notes)
    corpus = model.corpus(STORIES)
    (folder / "site").mkdir()
    write_atlas(gather(model, corpus, rows, folder, heads.profiles), folder / "site")
    return Made(folder / "site", shape["n_layers"], shape["n_heads"], shape["d_mlp"])


def test_every_head_and_neuron_has_its_place(made: Made):
    index = read(made.site, "index")
    at = [(row["layer"], row["head"]) for row in index["heads"]]
    assert at == [(layer, head) for layer in range(made.n_layers) for head in range(made.n_heads)]
    assert [row["neurons"] for row in index["neurons"]] == [made.d_mlp] * made.n_layers
    stories = read(made.site, "stories")["stories"]
    assert set(AWKWARD[:4]) <= {token for tokens in stories for token in tokens}
    head = read(made.site, f"head-{made.n_layers - 1}.{made.n_heads - 1}")
    assert [len(head["patterns"]), len(head["why"]) > 1] == [len(stories), True]


def test_the_overview_leads_to_the_last_head_and_the_last_neuron(watched: Watched, made: Made):
    page = watched.page
    visit(page, made.site, "index.html")
    assert page.locator(".map td a").count() == made.n_layers * made.n_heads
    page.locator(".map td a").last.click()
    expect(page.locator("h1")).to_have_text(f"Head {made.last_head}")
    assert page.locator("a[rel=next]").count() == 0
    assert page.locator("a[rel=prev]").count() == min(1, made.n_layers * made.n_heads - 1)
    page.fill("#query", f"neuron {made.last_neuron}")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text(f"Neuron {made.last_neuron}")
    assert page.locator("a[rel=next]").count() == 0


def test_every_token_of_a_story_with_half_an_emoji_can_be_walked_through(
    watched: Watched, made: Made
):
    page = watched.page
    visit(page, made.site, f"head.html#{made.last_head}")
    tokens = page.locator(".story button")
    shown = tokens.all_inner_texts()
    assert {"⏎", '"', "'", "<0xF0>"} <= {text.replace("␣", "") for text in shown}
    tokens.first.focus()
    for text in shown:
        assert page.inner_text(".readout").startswith(f"{text} (")
        page.keyboard.press("ArrowRight")


def test_awkward_tokens_have_pages_that_links_open(watched: Watched, made: Made):
    tokens, size = read(made.site, "tokens"), read(made.site, "index")["token_chunk"]
    known = [token for token in AWKWARD if token in tokens]
    assert len(known) >= 3
    for token in known:
        at = tokens.index(token)
        found = read(made.site, f"tokens-{at // size}")[at % size]
        layer, neuron = (found["fires"] or found["raises"] or found["lowers"])[0][:2]
        page = watched.page
        visit(page, made.site, f"neuron.html#{layer}.{neuron}")
        address = page.evaluate("(token) => tokenLink(token).getAttribute('href')", token)
        page.locator(f"a[href={json.dumps(address)}]").first.click()
        page.wait_for_url("**/token.html#*")
        expect(page.locator("h1")).to_contain_text("Token ")
        assert f"L{layer}N{neuron}" in page.locator("table a").all_inner_texts()


@pytest.mark.parametrize("name", ["index.html", "head.html", "neuron.html", "layer.html"])
def test_pages_are_accessible_and_fit_a_phone(watched: Watched, made: Made, name: str):
    page = watched.page
    targets = {"head.html": made.last_head, "neuron.html": made.last_neuron, "layer.html": "0"}
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    visit(page, made.site, f"{name}#{targets.get(name, '')}")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    found = Axe().run(page, options={"preload": False}).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
