"""Tiny prepared data and recipes for tests of training."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from pathlib import Path
from typing import Any

from models import N_VOCAB, tiny_tokenizer

from tinyinterp.text.cleaning import clean
from train.data.tokens import DataCard, write_tokens
from train.training.recipe import Recipe, build_recipe

NAMES = ("Tim", "Lily", "the dog", "the little cat", "Mom")
DEEDS = ("liked to run.", "saw a big red ball.", "said yes.", "looked at the birds in the park.")
ENDS = ("She was happy.", "The sun was warm, so they sat by the old tree and smiled.", "Yes!")
SIMPLE_STORIES = tuple(
    f"One day, {name} {deed} {end}" for name, deed, end in product(NAMES, DEEDS, ENDS)
)  # 60 of them, 13 to 34 words
MOJIBAKE_STORIES = tuple(
    f"{name} saw {n} {thing}. â€œHow nice!â€ said {name}."
    for n, name in enumerate(("Tim", "Zoë", "Lily", "Ben", "the old bear"))
    for thing in ("dogs", "butterflies", "red balls", "piñatas", "🐢", "little trees", "cats")
)
CLEANED_STORIES = tuple(clean(story) for story in MOJIBAKE_STORIES)


def prepare(folder: Path, stories: Iterable[str] = SIMPLE_STORIES, holdout: int = 7) -> DataCard:
    """Token files of ``stories`` under the tokenizer of :mod:`models`."""
    return write_tokens(stories, tiny_tokenizer(), folder, source="a test", holdout=holdout)


def tiny_recipe(name: str = "tiny", **tables: dict[str, Any]) -> Recipe:
    """Two layers, thirteen steps, fp32; ``tables`` replace single keys."""
    raw: dict[str, dict[str, Any]] = {
        "model": {
            "n_vocab": N_VOCAB,
            "n_ctx": 61,
            "d_model": 22,
            "n_layers": 2,
            "n_heads": 2,
            "window": 5,
            "dropout": 0.1,
        },
        "data": {"sampler": "stories", "batch_tokens": 320},
        "optimizer": {"name": "muon", "learning_rate": 5e-3, "muon_learning_rate": 0.02},
        "schedule": {"steps": 13, "warmup": 3},
        "run": {"precision": "fp32", "evaluate_every": 5, "save_every": 4, "average": 0.5},
    }
    for table, values in tables.items():
        raw[table] |= values
    return build_recipe(name, raw)
