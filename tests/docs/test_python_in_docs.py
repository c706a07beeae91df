"""Every block of Python in the documents runs, from the top of its page to the end.

The bundled model is the model, but reads little text. Its account takes minutes whatever it reads,
so that of a tiny model with as many layers stands in; the notebook ``07_account`` takes the real
one. A block that needs what is not here says so in a comment before it, and is only compiled.
"""

from __future__ import annotations

import ast
import json
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from documents import ROOT, Block, blocks, blocks_of
from models import STORIES, tiny_checkpoint

import tinyinterp
from tinyinterp import api
from tinyinterp.head_census.declared import registered
from tinyinterp.head_census.registry import unregister
from tinyinterp.model import Model
from tinyinterp.results import Account, Heads, Neurons
from tinyinterp.tagging import taggers

PYTHON = blocks("python")
RUNNING = sorted({block.page for block in PYTHON})
TOKENS = 1_500  # of the bundled stories
OURS = tuple(measure.name for measure in registered())
MOST_LINES = 40  # of a worked example


@cache
def bundled() -> Model:
    return tinyinterp.load()


@cache
def heads_of_little(measures: tuple[str, ...]) -> Heads:
    """The census, anew where another measure is registered."""
    if measures == OURS:
        return api.heads(bundled(), max_tokens=TOKENS, null_tokens=300)
    return api.heads(bundled(), max_tokens=300, null_tokens=100, causal=False)


@cache
def neurons_of_little(tagger: str) -> Neurons:
    if tagger == "pattern":
        return api.neurons(bundled(), layer=[0, 4], max_tokens=TOKENS, null_tokens=0)
    return api.neurons(bundled(), layer=4, max_tokens=300, null_tokens=0, tagger=tagger)


@pytest.fixture(scope="module")
def tiny_account(tmp_path_factory: pytest.TempPathFactory) -> Account:
    shape = {"n_layers": 7, "n_heads": 2, "d_mlp": 67}
    folder = tiny_checkpoint(tmp_path_factory.mktemp("tiny") / "model", **shape).folder
    stories = [f"{a} {b}" for a in STORIES for b in STORIES]
    return api.account(tinyinterp.load(folder), stories, exact_neurons=0, rules=False)


@pytest.fixture
def little(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_account: Account
) -> Iterator[dict[str, Any]]:
    """The public functions on little text, in an empty folder; returns a page's first names."""

    def heads(_model: Model, *_: Any, **__: Any) -> Heads:
        return heads_of_little(tuple(measure.name for measure in registered()))

    def neurons(_model: Model, *_: Any, tagger: str = "pattern", **__: Any) -> Neurons:
        return neurons_of_little(tagger)

    def load(ckpt: str | Path | None = None, **_: Any) -> Model:
        return bundled() if ckpt is None else api_load(ckpt)

    api_load = tinyinterp.load
    for name, value in {
        "load": load,
        "heads": heads,
        "neurons": neurons,
        "account": lambda *_, **__: tiny_account,
    }.items():
        monkeypatch.setattr(tinyinterp, name, value, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(taggers, "OPENERS", dict(taggers.OPENERS))
    yield {"__name__": "page"}
    for measure in registered():
        if measure.name not in OURS:
            unregister(measure.name)


def test_there_are_blocks_to_run():
    assert len(PYTHON) > 12
    assert {"docs/looking.md", "docs/start.md", "docs/add-a-measure.md"} <= set(RUNNING)


@pytest.mark.parametrize("page", RUNNING)
def test_the_python_of_a_page_runs(page: str, little: dict[str, Any]):
    names = little
    for block in blocks_of(ROOT / page):
        if block.language == "python" and not block.why_not_run:
            code = compile(block.text, block.name, "exec")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                exec(code, names)


@pytest.mark.parametrize("block", PYTHON, ids=lambda block: block.name)
def test_a_block_is_python_and_says_why_it_is_not_run(block: Block):
    ast.parse(block.text)
    if block.note:
        assert block.why_not_run or not block.note.startswith("not run")


@pytest.mark.parametrize("block", blocks("json"), ids=lambda block: block.name)
def test_json_is_json(block: Block):
    try:
        json.loads(block.text)
    except json.JSONDecodeError:
        for line in block.text.splitlines():
            json.loads(line)


@pytest.mark.parametrize("block", PYTHON, ids=lambda block: block.name)
def test_a_worked_example_is_short(block: Block):
    assert len(block.text.splitlines()) < MOST_LINES
