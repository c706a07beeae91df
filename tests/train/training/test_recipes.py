"""Every recipe has the numbers it promises, and trains, resumes and opens at a reduced size."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest
import torch
import transformers
from models import N_VOCAB, tiny_tokenizer

from tinyinterp import checkpoint
from tinyinterp.errors import CheckpointError
from tinyinterp.network.compressor import CompressorConfig
from tinyinterp.network.config import DecoderConfig
from tinyinterp.network.decoder import count_parameters
from train.data.examples import examples
from train.data.tokens import write_tokens
from train.training.loop import Trainer
from train.training.recipe_file import names, read_recipe, suffixes

# Width, layers, heads, context, vocabulary, parameters.
SHAPES = {
    "gptneo-41m": (768, 4, 16, 512, 8001, 41_026_560),
    "gptneo-33m": (768, 4, 16, 512, 50257, 67_334_400),
    "tinystories-1m": (64, 8, 16, 512, 50257, 3_647_680),
    "tinystories-3m": (128, 8, 16, 512, 50257, 8_081_792),
    "tinystories-8m": (256, 8, 16, 512, 50257, 19_309_312),
    "tinystories-28m": (512, 8, 16, 512, 50257, 51_201_536),
    "tinystories-1layer-21m": (1024, 1, 16, 512, 50257, 64_582_656),
    "tinystories-2layer-33m": (1024, 2, 16, 512, 50257, 77_175_808),
    "slm-30m": (384, 6, 6, 128, 50257, 29_995_392),
    "pythia-14m": (128, 6, 4, 2048, 50304, 14_067_712),
    "stories15m": (288, 6, 6, 256, 32000, 15_191_712),
    "report-128-8-4": (128, 8, 4, 512, 50257, 8_084_864),
    "report-128-12-4": (128, 12, 4, 512, 50257, 8_877_952),
    "report-256-8-2": (256, 8, 2, 512, 50257, 19_315_456),
    "report-256-8-4": (256, 8, 4, 512, 50257, 19_315_456),
    "report-256-8-8": (256, 8, 8, 512, 50257, 19_315_456),
    "report-256-12-4": (256, 12, 4, 512, 50257, 22_474_496),
    "report-512-8-4": (512, 8, 4, 512, 50257, 51_213_824),
    "report-512-12-4": (512, 12, 4, 512, 50257, 63_823_360),
    "compressor-128": (128, 8, 4, 512, 50257, None),
    "compressor-256": (256, 8, 4, 512, 50257, None),
    "compressor-512": (512, 8, 4, 512, 50257, None),
}
FAMILY = [name for name in SHAPES if name.startswith(("gptneo-33m", "tinystories"))]
REDUCED = {
    "model.n_vocab": N_VOCAB,
    "model.n_ctx": 151,  # so that there is room for a story behind its instruction
    "model.d_model": 48,  # divides into 2, 4, 6, 8 and 16 heads
    "model.n_layers": 1,
    "data.batch_size": 3,
    "data.batch_tokens": 307,
    "data.accumulation": 2,
    "schedule.steps": 5,
    "schedule.warmup": 1,
    "schedule.decay_steps": 2,
    "run.precision": "fp32",
    "run.evaluate_every": 5,
    "run.save_every": 5,
    "run.snapshots": "false",
}
VARIED = [
    "tinystories-8m-instruct",
    "report-256-8-4-contrastive",
    "report-512-8-4-contrastive-instruct",
    "compressor-128-contrastive",
]


def test_all_that_was_promised_is_there():
    assert {"bundled", "tiny", *SHAPES} == set(names())
    assert {"contrastive", "instruct"} <= set(suffixes())


@pytest.mark.parametrize("name", SHAPES)
def test_the_shape_is_the_one_in_the_sources(name):
    model = read_recipe(name).model
    shape = (model.d_model, model.n_layers, model.n_heads, model.n_ctx, model.n_vocab)
    assert shape == SHAPES[name][:5]
    if isinstance(model, DecoderConfig):
        assert count_parameters(model).total == SHAPES[name][5]
        neo = name.startswith(("gptneo", "tinystories"))
        others = {"pythia-14m": "gpt_neox", "stories15m": "llama"}
        assert model.architecture == others.get(name, "gpt_neo" if neo else "gpt2")
        assert model.window == 256
    assert isinstance(model, CompressorConfig) == name.startswith("compressor")


@pytest.mark.parametrize("name", FAMILY)
def test_the_family_is_trained_as_its_cards_say(name):
    recipe = read_recipe(name)
    assert (recipe.data.sampler, recipe.data.batch_size, recipe.data.accumulation) == (
        "windows",
        80,
        16,
    )
    optimizer = recipe.optimizer
    assert (optimizer.name, optimizer.learning_rate, optimizer.weight_decay) == ("adamw", 5e-4, 0.1)
    assert optimizer.betas == (0.9, 0.95)
    assert (recipe.schedule.shape, recipe.schedule.warmup) == ("constant", 0)


def test_the_tutorial_is_followed():
    recipe = read_recipe("slm-30m")
    assert (recipe.data.batch_size, recipe.data.accumulation) == (32, 32)
    assert (recipe.schedule.steps, recipe.schedule.shape) == (20_000, "cosine")
    assert recipe.schedule.warmup > 0
    assert recipe.model.dropout == 0.1


def test_a_compressor_is_trained_as_the_decoder_it_is_compared_with():
    compressor, decoder = read_recipe("compressor-512"), read_recipe("report-512-8-4")
    assert (compressor.data, compressor.optimizer, compressor.schedule, compressor.run) == (
        decoder.data,
        decoder.optimizer,
        decoder.schedule,
        decoder.run,
    )


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_a_suffix_changes_its_own_tables_alone(name):
    plain, contrastive = read_recipe(name), read_recipe(f"{name}-contrastive")
    assert contrastive.name == f"{name}-contrastive"
    assert (contrastive.model, contrastive.data) == (plain.model, plain.data)
    objective = contrastive.objective
    assert (objective.name, objective.contrast, objective.shuffled) == ("contrastive", 5.0, 0.333)
    instruct = read_recipe(f"{name}-instruct", ["data.loss=all"])
    assert (instruct.model, instruct.data) == (plain.model, plain.data)
    assert read_recipe(f"{name}-instruct").data.loss == "story"


@pytest.fixture(scope="session")
def instruct_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty examples of instructions with stories, prepared."""
    folder = tmp_path_factory.mktemp("recipes") / "data"
    made = islice(examples(seed=1), 40)
    write_tokens(made, tiny_tokenizer(), folder, source="a test", holdout=9, instruct=True)
    return folder


@pytest.mark.parametrize("name", [*names(), *VARIED])
def test_every_recipe_trains_resumes_and_opens(name, instruct_data, tmp_path):
    overrides = [f"{key}={value}" for key, value in REDUCED.items()]
    recipe = read_recipe(name, overrides)
    stopped = Trainer(recipe, instruct_data, tmp_path / "run").run(max_steps=2)
    assert stopped.step == 2
    ended = Trainer(recipe, instruct_data, tmp_path / "run").run()
    assert (ended.step, ended.finished) == (5, True)
    assert ended.best_bits_per_byte < 8  # below that of guessing each byte
    opened = checkpoint.load_any(tmp_path / "run")
    assert opened.training["step"] == 5
    assert opened.training["recipe"]["name"] == name
    tokens = torch.arange(2, 25)[None]
    if isinstance(recipe.model, CompressorConfig):
        with pytest.raises(CheckpointError, match="compressor"):
            checkpoint.load(tmp_path / "run")
        return
    model = transformers.AutoModelForCausalLM.from_pretrained(
        tmp_path / "run", dtype=torch.float32
    ).eval()
    with torch.no_grad():
        expected = checkpoint.load(tmp_path / "run").decoder(tokens)
        torch.testing.assert_close(model(tokens).logits, expected, rtol=1e-4, atol=1e-5)
