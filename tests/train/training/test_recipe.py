from __future__ import annotations

from pathlib import Path

import pytest

from tinyinterp.errors import ConfigError, TrainingError
from tinyinterp.network.compressor import CompressorConfig
from tinyinterp.network.decoder import count_parameters
from train.training.recipe import build_recipe
from train.training.recipe_file import RECIPES, names, read_recipe

SMALLEST = """
[model]
n_vocab = 281
n_ctx = 61
d_model = 22
n_layers = 3
n_heads = 2
"""


@pytest.fixture
def recipe(tmp_path: Path) -> str:
    path = tmp_path / "small.toml"
    path.write_text(SMALLEST)
    return str(path)


@pytest.mark.parametrize("name", names())
def test_every_recipe_of_the_project_can_be_read(name):
    recipe = read_recipe(name)
    assert recipe.name == name
    assert recipe.schedule.warmup < recipe.schedule.steps


def test_the_bundled_recipe_is_the_bundled_shape():
    model = read_recipe("bundled").model
    assert (model.n_layers, model.d_model, model.n_heads, model.n_ctx) == (8, 256, 8, 512)
    assert (model.n_vocab, model.window, model.tied) == (8192, 64, True)
    assert model.attention == ("global", "local") * 4
    assert 8.4e6 < count_parameters(model).total < 8.7e6


def test_what_a_recipe_leaves_out_is_the_default(recipe):
    small = read_recipe(recipe)
    assert small.name == "small"
    assert small.model.d_mlp == 88
    assert small.optimizer.betas == (0.9, 0.95)
    assert (small.schedule.shape, small.run.precision) == ("cosine", "bf16")


def test_overrides_take_every_kind_of_value(recipe):
    changed = read_recipe(
        recipe,
        [
            "schedule.steps=2_003",
            "optimizer.learning_rate=1",
            "optimizer.betas=[0.8, 0.9]",
            "schedule.shape=linear",
            'run.precision = "fp32"',
            "run.snapshots=false",
            "model.attention=['local', 'global', 'local']",
            "model.window=7",
        ],
    )
    assert changed.schedule.steps == 2003
    assert changed.optimizer.learning_rate == 1.0
    assert isinstance(changed.optimizer.learning_rate, float)
    assert changed.optimizer.betas == (0.8, 0.9)
    assert (changed.schedule.shape, changed.run.precision) == ("linear", "fp32")
    assert changed.run.snapshots is False
    assert changed.model.attention == ("local", "global", "local")


def test_the_last_override_counts(recipe):
    assert read_recipe(recipe, ["run.seed=3", "run.seed=5"]).run.seed == 5


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("steps=3", "not of the form table.key=value"),
        ("schedule.steps", "not of the form table.key=value"),
        ("shedule.steps=3", "no table .shedule.; did you mean 'schedule'"),
        ("zzz.steps=3", "no table .zzz.; known: data, model, objective, optimizer, run, schedule"),
        ("schedule.stpes=3", "has no key 'stpes'; did you mean 'steps'"),
        ("schedule.steps=3.5", "schedule.steps is 3.5; expected a whole number"),
        ("schedule.steps=true", "schedule.steps is True; expected a whole number"),
        ("optimizer.clip=false", "optimizer.clip is False; expected a number"),
        ("run.snapshots=1", "run.snapshots is 1; expected true or false"),
        ("schedule.shape=square", "'square'; choose one of constant, cosine, linear, trapezoid"),
        ("optimizer.betas=0.9", "optimizer.betas is 0.9; expected a list"),
        ("optimizer.betas=[0.9]", "expected 2 values"),
        ("optimizer.betas=['a', 'b']", r"optimizer.betas\[0\] is 'a'; expected a number"),
        ("model.attention=['global', 'glocal', 'local']", "'glocal'; choose one of global, local"),
    ],
)
def test_an_override_that_cannot_be_is_refused(recipe, override, message):
    with pytest.raises(TrainingError, match=message):
        read_recipe(recipe, [override])


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.n_heads=3", "does not divide into 3 heads"),
        ("schedule.steps=0", "schedule.steps is 0; it must be at least 1"),
        ("data.accumulation=0", "data.accumulation is 0"),
        ("run.evaluate_every=0", "run.evaluate_every is 0"),
        ("run.seed=-1", "run.seed is -1; expected 0 or more"),
        ("run.average=1.0", "run.average is 1.0; expected 0 <= average < 1"),
        ("optimizer.clip=0", "optimizer.clip is 0.0; it must be above 0"),
        ("optimizer.learning_rate=-1", "optimizer.learning_rate is -1.0; it must be above 0"),
        ("optimizer.betas=[2, 0.9]", "optimizer.betas are .2.0, 0.9.; expected 0 <= beta < 1"),
    ],
)
def test_numbers_that_describe_no_training_are_refused(recipe, override, message):
    with pytest.raises(ConfigError, match=message):
        read_recipe(recipe, [override])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"has no table \[model\]"),
        ("[model]\nn_vocab = 281\n", r"\[model\] is incomplete.*n_ctx"),
        ("model = 3\n", r"model is 3; expected a table \[model\]"),
        ("[model\n", "cannot read the recipe"),
    ],
)
def test_a_file_that_is_no_recipe_is_refused(tmp_path, text, message):
    (tmp_path / "bad.toml").write_text(text)
    with pytest.raises(TrainingError, match=message):
        read_recipe(str(tmp_path / "bad.toml"))


def test_an_override_of_what_is_no_table_is_refused(tmp_path):
    (tmp_path / "bad.toml").write_text("model = 3\n")
    with pytest.raises(TrainingError, match="model is not a table"):
        read_recipe(str(tmp_path / "bad.toml"), ["model.n_ctx=3"])


def test_a_name_that_is_neither_recipe_nor_file_lists_the_recipes():
    with pytest.raises(TrainingError, match=r"nowhere is neither a recipe .*bundled.* nor a file"):
        read_recipe("nowhere")


def test_a_recipe_survives_its_plain_form():
    recipe = read_recipe("bundled")
    raw = recipe.as_dict()
    name = raw.pop("name")
    for table in ("model", "optimizer"):
        raw[table] = {k: list(v) if isinstance(v, tuple) else v for k, v in raw[table].items()}
    assert build_recipe(name, raw) == recipe
    assert (RECIPES / "bundled.toml").is_file()


def test_a_recipe_may_extend_another_and_its_own_keys_count(tmp_path):
    (tmp_path / "base.toml").write_text(SMALLEST + "[schedule]\nsteps = 70\nwarmup = 3\n")
    child = tmp_path / "child.toml"
    child.write_text('extends = "base.toml"\n[schedule]\nsteps = 90\n')
    recipe = read_recipe(str(child))
    assert (recipe.name, recipe.model.d_model) == ("child", 22)
    assert (recipe.schedule.steps, recipe.schedule.warmup) == (90, 3)


def test_a_recipe_that_extends_itself_is_refused(tmp_path):
    path = tmp_path / "ring.toml"
    path.write_text('extends = "ring.toml"\n')
    with pytest.raises(TrainingError, match="extends itself"):
        read_recipe(str(path))


def test_a_suffix_changes_any_recipe_and_suffixes_add_up():
    plain = read_recipe("tiny")
    both = read_recipe("tiny-contrastive-instruct", ["objective.contrast=0.3"])
    assert (plain.objective.name, plain.data.loss) == ("next_token", "all")
    assert (both.objective.name, both.data.loss) == ("contrastive", "story")
    assert both.objective.contrast == 0.3
    assert (both.name, both.model) == ("tiny-contrastive-instruct", plain.model)


def test_a_compressor_may_not_be_packed_and_comes_back_from_plain_form():
    recipe = read_recipe("compressor-128")
    assert isinstance(recipe.model, CompressorConfig)
    raw = recipe.as_dict()
    assert build_recipe(raw.pop("name"), raw) == recipe
    with pytest.raises(ConfigError, match="cannot read packed"):
        read_recipe("compressor-128", ["data.sampler=packed"])


@pytest.mark.parametrize("override", ["shuffled=0.0", "shuffled=1.5", "contrast=0", "guard=-1"])
def test_a_contrast_that_cannot_be_is_refused(override):
    with pytest.raises(ConfigError, match=r"objective\."):
        read_recipe("tiny", [f"objective.{override}"])


def test_packed_stories_may_not_be_shuffled():
    with pytest.raises(ConfigError, match="packed stories cannot be shuffled"):
        read_recipe("tiny-contrastive", ["data.sampler=packed"])
