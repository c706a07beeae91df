from __future__ import annotations

from dataclasses import replace

import pytest

from tinyinterp.network.presets import PRESETS, parameter_table
from train.training.recipe_file import names, read_recipe


@pytest.mark.parametrize(
    ("name", "parameters", "percent"),
    [
        ("gptneo-41m", [6_537_984, 28_342_272, 6_146_304, 41_026_560], [15.9, 69.1, 15.0, 100]),
        (
            "gptneo-41m-full-vocabulary",
            [38_990_592, 28_342_272, 38_598_912, 105_931_776],
            [36.8, 26.8, 36.4, 100],
        ),
    ],
)
def test_the_published_table(name, parameters, percent):
    table = parameter_table(PRESETS[name])
    assert table["part"] == ["embeddings", "blocks", "output", "total"]
    assert table["parameters"] == parameters
    assert table["percent"] == percent


def test_a_tied_head_is_counted_once():
    table = parameter_table(PRESETS["gptneo-33m"])
    assert table.row(part="output")["parameters"] == 2 * 768
    assert table.row(part="embeddings")["parameters"] == (50257 + 2048) * 768


@pytest.mark.parametrize("name", sorted(set(PRESETS) & set(names())))
def test_a_preset_is_the_model_of_its_recipe(name):
    model = read_recipe(name).model
    trained_at = {"gptneo-33m": 512}.get(name, model.n_ctx)  # of the 2,048 positions it has
    assert model.n_ctx == trained_at
    assert replace(PRESETS[name], n_ctx=trained_at) == model
    assert PRESETS[name].dropout == model.dropout  # not part of equality


def test_the_41m_recipe_is_as_published():
    recipe = read_recipe("gptneo-41m")
    assert (recipe.data.sampler, recipe.data.batch_size, recipe.data.accumulation) == (
        "windows",
        16,
        5,
    )
    assert (recipe.optimizer.name, recipe.optimizer.learning_rate) == ("adamw", 5e-4)
    assert recipe.model.attention == ("global", "local", "global", "local")


def test_presets_with_recipes_are_the_ones_compared_above():
    assert set(PRESETS) & set(names()) == {
        *("bundled", "gptneo-33m", "gptneo-41m", "pythia-14m", "stories15m")
    }


def test_the_tiny_recipe_is_tiny():
    total = parameter_table(read_recipe("tiny").model).row(part="total")["parameters"]
    assert total == (2048 + 256) * 64 + 4 * (12 * 64**2 + 10 * 64) + 2 * 64
