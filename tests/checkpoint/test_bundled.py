"""What the package carries: a model, stories drawn from it, a model card."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import transformers

from tinyinterp import checkpoint
from tinyinterp.network.presets import PRESETS
from tinyinterp.text.source import bundled_stories
from tinyinterp.text.stories import read_stories
from train.training.recipe import build_recipe

FOLDER = checkpoint.bundled_folder()


@pytest.fixture(scope="module")
def bundled() -> checkpoint.Checkpoint:
    return checkpoint.load(FOLDER)


def test_transformers_opens_it_with_the_same_numbers(bundled: checkpoint.Checkpoint):
    transformers.utils.logging.disable_progress_bar()
    model = transformers.AutoModelForCausalLM.from_pretrained(FOLDER, dtype=torch.float32).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(FOLDER)
    story = next(read_stories(bundled_stories()))
    tokens = bundled.tokenizer.encode(story).ids
    assert len(tokens) > 50
    assert tokenizer(story)["input_ids"] == tokens
    given = torch.tensor([tokens[: bundled.decoder.config.n_ctx]])
    with torch.no_grad():
        torch.testing.assert_close(model(given).logits, bundled.decoder(given), rtol=0, atol=1e-4)


def test_it_is_the_model_of_the_recipe_and_of_the_preset(bundled: checkpoint.Checkpoint):
    preset = PRESETS["bundled"]
    trained = build_recipe("bundled", {"model": bundled.training["recipe"]["model"]}).model
    assert trained == bundled.decoder.config == preset
    assert trained.dropout == preset.dropout  # not part of equality


def test_there_are_stories_enough_all_different():
    stories = list(read_stories(bundled_stories()))
    assert len(set(stories)) == len(stories)
    assert len(stories) >= 1000


def test_everything_is_small():
    assets = bundled_stories().parent
    assert sum(path.stat().st_size for path in assets.rglob("*") if path.is_file()) < 20_000_000


def test_the_model_card_names_the_licence():
    assert "CDLA-Sharing-1.0" in (FOLDER / "README.md").read_text("utf-8")


def test_the_readme_is_filled_in():
    assert "@@" not in (Path(__file__).parents[2] / "README.md").read_text("utf-8")
