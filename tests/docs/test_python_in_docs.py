"""Every block of Python in the documents runs, from the top of its page to the end.

The bundled model is the model, but reads little text. Its account takes minutes whatever it reads,
so that of a tiny model with as many layers stands in; the notebook ``07_account`` takes the real
one. A block that needs what is not here says so in a comment before it, and is only compiled.
"""

from __future__ import annotations

import ast
import json
import runpy
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from documents import ROOT, Block, blocks, blocks_of
from models import STORIES, tiny_checkpoint

import tinyinterp
from tests.head_census.test_registry import planted
from tinyinterp import api, model
from tinyinterp.head_census.declared import registered
from tinyinterp.head_census.registry import unregister
from tinyinterp.io.table import is_known
from tinyinterp.model import Model
from tinyinterp.model_account import registry as of_neurons
from tinyinterp.model_account.beside import HEAD_COLUMNS, NEURON_COLUMNS
from tinyinterp.results import Account, Heads, Neurons
from tinyinterp.tagging import taggers

PYTHON = blocks("python")
RUNNING = sorted({block.page for block in PYTHON})
TOKENS = 1_000  # of the bundled stories
OURS = tuple(measure.name for measure in registered())
MOST_LINES = 40  # of a worked example
COLUMNS = runpy.run_path(str(ROOT / "docs" / "site" / "columns.py"))
CAPITAL = of_neurons.NeuronPredictor(
    name="capital",
    about="Knows whether the token begins with a capital.",
    n_classes=2,
    classes=lambda sequence: np.array(
        [sequence.story[a:b].strip()[:1].isupper() for a, b in sequence.offsets], dtype=np.int64
    ),
)
# Columns that the tables of censuses have only beside an account, and accounts only with rules.
OF_AN_ACCOUNT = {
    *("needs", "keeps", "keeps_low", "keeps_high", "r2", "r2_low", "r2_high"),
    *HEAD_COLUMNS,
    *NEURON_COLUMNS,
    *("rules_f1_low", "rules_f1_high"),
}


@cache
def bundled() -> Model:
    return model.load()


@cache
def heads_of_little(measures: tuple[str, ...]) -> Heads:
    """The census, anew where another measure is registered."""
    if measures == OURS:
        return api.heads(bundled(), max_tokens=TOKENS // 2, null_tokens=300)
    return api.heads(bundled(), max_tokens=300, null_tokens=100, causal=False)


@cache
def neurons_of_little(tagger: str) -> Neurons:
    if tagger == "pattern":
        return api.neurons(bundled(), layer=[0, 4], max_tokens=TOKENS, null_tokens=0)
    return api.neurons(bundled(), layer=4, max_tokens=300, null_tokens=0, tagger=tagger)


@pytest.fixture(scope="module")
def tiny_account(tmp_path_factory: pytest.TempPathFactory) -> Account:
    """Also with the predictor that the page about measures declares."""
    of_neurons.register(CAPITAL)
    shape = {"n_layers": 7, "n_heads": 2, "d_mlp": 67}
    folder = tiny_checkpoint(tmp_path_factory.mktemp("tiny") / "model", **shape).folder
    stories = [f"{a} {b}" for a in STORIES for b in STORIES]
    taken = api.account(model.load(folder), stories, exact_neurons=0, rules=False)
    of_neurons.unregister(CAPITAL.name)
    return taken


@pytest.fixture
def little(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_account: Account
) -> Iterator[dict[str, Any]]:
    """The public functions on little text, in an empty folder; returns a page's first names."""

    def heads(_model: Model | None = None, *_: Any, **__: Any) -> Heads:
        return heads_of_little(tuple(measure.name for measure in registered()))

    def neurons(_model: Model, *_: Any, tagger: str = "pattern", **__: Any) -> Neurons:
        return neurons_of_little(tagger)

    def load(ckpt: str | Path | None = None, **_: Any) -> Model:
        return bundled() if ckpt is None else model.load(ckpt)

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
    of_neurons.unregister(CAPITAL.name)


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


def test_what_follows_from_a_declared_measure_is_there(little: dict[str, Any]):
    page = blocks_of(ROOT / "docs" / "add-a-measure.md")
    block = next(block for block in page if block.language == "python")
    exec(compile(block.text, block.name, "exec"), little)
    measure = next(each for each in registered() if each.name == "keys_used")
    heads = little["heads"]
    assert heads.table.columns[-3:] == ["keys_used", "keys_used_low", "keys_used_high"]
    values = [value for value in heads.table["keys_used"] if is_known(value)]
    assert values
    assert min(values) >= 1
    assert heads.table.notes["measures"]["keys_used"]["unit"] == "keys"
    assert measure.about in " ".join(" ".join(heads.head_lines(2, 6)).split())
    assert COLUMNS["meaning"]("keys_used").startswith(measure.about)
    assert "keys_used" in COLUMNS["tables"]()["heads"][1]
    for name, value in measure.known.items():
        values = measure.of_queries(planted(name).clean)[planted(name).clean.rows]
        assert values.mean().item() == pytest.approx(value, abs=1e-5)


def test_the_page_of_tables_lists_every_column_that_the_program_writes(tiny_account: Account):
    listed = {name: set(columns) for name, (_, columns) in COLUMNS["tables"]().items()}
    heads, neurons = heads_of_little(OURS), neurons_of_little("pattern").layers[0]
    written = {
        "heads": heads.table.columns,
        "neurons_layer{L}": neurons.table.columns,
        "top_activations_layer{L}": neurons.top.column_names,
        "associations_layer{L}": neurons.associations.column_names,
        "account": tiny_account.table.columns,
        "account_layers": tiny_account.layers.columns,
        "account_heads": tiny_account.heads.columns,
        "account_neurons": tiny_account.neurons.columns,
    }
    of_the_example = {"r2_capital", "r2_capital_low", "r2_capital_high", "r_capital"}
    for name, columns in written.items():
        own = set(columns) - of_the_example
        assert own <= listed[name], name
        beside = listed[name] - own
        assert beside <= OF_AN_ACCOUNT, name
    for columns in listed.values():
        for column in columns:
            assert COLUMNS["meaning"](column).endswith((".", "`", ")"))


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
