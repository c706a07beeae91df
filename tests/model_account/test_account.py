from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from models import STORIES, tiny_checkpoint

import tinyinterp
from tinyinterp.errors import CorpusError, SelectionError
from tinyinterp.model import Model
from tinyinterp.model_account.account import (
    AccountSettings,
    ModelAccount,
    take_account,
)
from tinyinterp.model_account.effects import (
    head_rises,
    layer_rises,
    neuron_attributions,
    neuron_rises,
)
from tinyinterp.model_account.fit import Fitted, fit_ladders
from tinyinterp.model_account.gist import gist_of
from tinyinterp.model_account.score import MEANS, ScorePass
from tinyinterp.model_account.surrogates import surrogate_pattern
from tinyinterp.model_account.tags import TagRows
from tinyinterp.model_account.texts import evenly
from tinyinterp.scan import hooked_at
from tinyinterp.tagging import TagReader
from tinyinterp.text.corpus import Corpus
from tinyinterp.text.sequences import MicroBatch, Side, group_by_length

RUNGS = 5
SETTINGS = AccountSettings(test_tokens=500, effect_tokens=200, exact_neurons=19)


def stories(n: int, seed: int = 0) -> list[str]:
    random = np.random.default_rng(seed)
    words = " ".join(STORIES).split()
    return [" ".join(random.choice(words, size=int(random.integers(7, 19)))) for _ in range(n)]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder = tmp_path_factory.mktemp("account") / "model"
    return tinyinterp.load(tiny_checkpoint(folder).folder)


@pytest.fixture(scope="module")
def corpus(model: Model) -> Corpus:
    return model.corpus(stories(83))


@pytest.fixture(scope="module")
def test(corpus: Corpus) -> list[MicroBatch]:
    found = [each for _, each in zip(range(13), corpus.sequences(Side.TEST), strict=False)]
    return list(group_by_length(found, corpus.tokenizer.end_of_text))


@pytest.fixture(scope="module")
def fitted(model: Model, corpus: Corpus, test: list[MicroBatch]) -> Fitted:
    return fit_ladders(
        model.decoder,
        lambda: corpus.micro_batches(Side.FIT),
        test,
        TagRows(TagReader()),
        gist_of(model.decoder, model.tokenizer),
        order=3,
        seed=0,
    )


@pytest.fixture(scope="module")
def account(model: Model, corpus: Corpus) -> ModelAccount:
    return take_account(model, corpus, SETTINGS)


def loss_with(model: Model, batch: MicroBatch, hooks: dict) -> np.ndarray:
    """Summed loss of each sequence, the plain way."""
    with torch.inference_mode(), hooked_at(model.decoder, hooks):
        logs = model.decoder(batch.tokens).double().log_softmax(-1)
    losses = []
    for row, sequence in enumerate(batch.sequences):
        n = len(sequence.tokens)
        wanted = batch.tokens[row, 1:n]
        losses.append(-float(logs[row, torch.arange(n - 1), wanted].sum()))
    return np.array(losses)


def constant(value: torch.Tensor):
    return lambda given: value.expand_as(given).clone()


def hooks_of(model: Model, fitted: Fitted, batch: MicroBatch, part: str, rung: int) -> dict:
    """What the whole model is run with, as one would write it with hooks."""
    reading = fitted.read(batch.tokens)
    hooks = {}
    for layer in range(model.config.n_layers):
        if part in ("heads", "both") and rung == MEANS:
            hooks[f"blocks.{layer}.attn.hook_z"] = constant(fitted.mean_z[layer])
        elif part in ("heads", "both"):
            pattern = surrogate_pattern(
                model.decoder, layer, fitted.surrogates[layer], rung, reading
            )
            hooks[f"blocks.{layer}.attn.hook_pattern"] = constant(pattern)
        if part in ("neurons", "both"):
            predicted = fitted.predictions(layer, reading, RUNGS)[rung + 1]
            hooks[f"blocks.{layer}.mlp.hook_post"] = constant(predicted)
    return hooks


def test_the_whole_model_is_run_as_hooks_would_run_it(model, fitted, test):
    scores = ScorePass(model.decoder, fitted, TagRows(TagReader()), RUNGS).read(test)
    for (part, rung), found in scores.loss.items():
        expected = sum(
            loss_with(model, batch, hooks_of(model, fitted, batch, part, rung)).sum()
            for batch in test
        )
        assert found.sum() == pytest.approx(expected, rel=1e-4), (part, rung)
    assert scores.intact.sum() == pytest.approx(
        sum(loss_with(model, batch, {}).sum() for batch in test), rel=1e-5
    )
    assert scores.predicted.sum() == sum(n - 1 for batch in test for n in batch.lengths)


def test_single_heads_are_changed_as_hooks_would_change_them(model, fitted, test):
    found = head_rises(model.decoder, fitted, test, RUNGS)
    before = sum(loss_with(model, batch, {}).sum() for batch in test)
    for layer, head in ((0, 1), (1, 0), (2, 1)):
        for number in (0, 1, 3):
            after = 0.0
            for batch in test:
                reading = fitted.read(batch.tokens)
                if number:
                    pattern = surrogate_pattern(
                        model.decoder, layer, fitted.surrogates[layer], number - 1, reading
                    )
                    name, value, at = "attn.hook_pattern", pattern[:, head], (slice(None), head)
                else:
                    name, value = "attn.hook_z", fitted.mean_z[layer, head]
                    at = (slice(None), slice(None), head)

                def put(given, value=value, at=at):
                    changed = given.clone()
                    changed[at] = value
                    return changed

                after += loss_with(model, batch, {f"blocks.{layer}.{name}": put}).sum()
            assert found.rises[number, :, layer, head].sum() == pytest.approx(
                after - before, abs=2e-3
            )


def test_layers_and_neurons_are_changed_as_hooks_would_change_them(model, fitted, test):
    layers = layer_rises(model.decoder, fitted, test, RUNGS)
    chosen = np.array([[0, 3], [1, 17], [1, 29], [2, 5]])
    numbers = [0, 2]
    neurons = neuron_rises(model.decoder, fitted, test, numbers, chosen)
    before = sum(loss_with(model, batch, {}).sum() for batch in test)

    def after(layer: int, number: int, only: int | None) -> float:
        total = 0.0
        for batch in test:
            predicted = fitted.predictions(layer, fitted.read(batch.tokens), RUNGS)[number]

            def put(given, predicted=predicted):
                changed = predicted.expand_as(given).clone()
                if only is not None:
                    kept = torch.arange(given.shape[-1]) != only
                    changed[..., kept] = given[..., kept]
                return changed

            total += loss_with(model, batch, {f"blocks.{layer}.mlp.hook_post": put}).sum()
        return total - before

    for place_of_number, number in enumerate(numbers):
        for layer in range(3):
            assert layers.rises[number, :, layer].sum() == pytest.approx(
                after(layer, number, None), abs=2e-3
            )
        for place, (layer, neuron) in enumerate(chosen.tolist()):
            assert neurons.rises[place_of_number, :, place].sum() == pytest.approx(
                after(layer, number, neuron), abs=2e-3
            )


def test_first_order_effects_are_the_slope_of_exact_ones(model, fitted, test):
    """A step of a thousandth towards the prediction, in fp64."""
    estimates = neuron_attributions(model.decoder, fitted, test, RUNGS)
    step = 1e-3
    for layer, neuron, number in ((0, 3, 0), (1, 17, 2), (2, 29, 3)):
        slope = 0.0
        for batch in test:
            predicted = fitted.predictions(layer, fitted.read(batch.tokens), RUNGS)[number]

            def put(given, predicted=predicted, neuron=neuron, size=step):
                changed = given.clone()
                change = predicted.expand_as(given)[..., neuron] - given[..., neuron]
                changed[..., neuron] += size * change
                return changed

            name = f"blocks.{layer}.mlp.hook_post"
            double = replace_precision(model, torch.float64)
            there = loss_with(double, batch, {name: put})
            slope += ((there - loss_with(double, batch, {})) / step).sum()
        assert estimates.rises[number, :, layer, neuron].sum() == pytest.approx(
            slope, rel=0.02, abs=1e-3
        )


class replace_precision:  # noqa: N801 - reads as a function
    """The model's decoder in another precision, where ``loss_with`` looks for it."""

    def __init__(self, model: Model, dtype: torch.dtype) -> None:
        import copy

        self.decoder = copy.deepcopy(model.decoder).to(dtype)


def test_tables(account: ModelAccount, model: Model):
    assert len(account.heads) == model.config.n_layers * model.config.n_heads
    assert len(account.neurons) == model.config.n_layers * model.config.d_mlp
    assert len(account.layers) == model.config.n_layers * RUNGS
    parts = [(row["part"], row["rung"]) for row in account.table]
    assert parts[:2] == [("heads", "means"), ("heads", "position")]
    assert parts[-5:] == [("language", f"{n}-gram") for n in range(1, 6)]
    for row in account.neurons:
        for name in ("position", "token", "predecessor", "trigram", "gist", "tag", "tag_pair"):
            low, value, high = (row[f"r2_{name}{end}"] for end in ("_low", "", "_high"))
            assert -1 <= low <= value <= high <= 1
    assert any(row["rules"] for row in account.neurons)
    text = account.table.to_json() + account.heads.to_json() + account.neurons.to_json()
    assert "NaN" not in text
    assert "Infinity" not in text


def test_nothing_of_test_is_fitted(model: Model, corpus: Corpus):
    """Other TEST stories, the same FIT: calibrated weights and tables of contexts stay."""
    tags = TagRows(TagReader())
    whole = list(corpus.micro_batches(Side.TEST))

    def fit(test):
        return fit_ladders(
            model.decoder,
            lambda: corpus.micro_batches(Side.FIT),
            test,
            tags,
            gist_of(model.decoder, model.tokenizer),
            order=3,
            seed=0,
        )

    one, other = fit(whole[:1]), fit(whole)
    batch = whole[0]
    for layer in range(model.config.n_layers):
        torch.testing.assert_close(one.surrogates[layer].weights, other.surrogates[layer].weights)
        for a, b in zip(
            one.predictions(layer, one.read(batch.tokens), RUNGS),
            other.predictions(layer, other.read(batch.tokens), RUNGS),
            strict=True,
        ):
            width = min(a.shape[1], b.shape[1])
            torch.testing.assert_close(a[:, :width], b[:, :width])


def test_the_same_bytes_on_a_second_run_with_its_settings_by_name(
    account: ModelAccount, model: Model, corpus: Corpus, tmp_path
):
    again = tinyinterp.account(
        model, corpus, test_tokens=500, effect_tokens=200, exact_neurons=19, rules=True, seed=0
    )
    for one, other in zip(account.write(tmp_path / "a"), again.write(tmp_path / "b"), strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


def test_effects_are_measured_on_the_beginnings_that_were_asked_for(model: Model, corpus: Corpus):
    asked = {"test_tokens": 500, "effect_tokens": 200, "exact_neurons": 0, "rules": False}
    found = tinyinterp.account(model, corpus, **asked, effect_positions=7)
    settings = AccountSettings(**asked, effect_positions=7)
    expected = take_account(model, corpus, settings)
    whole = tinyinterp.account(model, corpus, **asked)
    rises = "ablation_loss_increase"
    assert found.heads[rises] == expected.heads[rises] != whole.heads[rises]


def test_a_text_of_its_own_to_fit_on_leaves_out_the_stories_of_test(model, corpus):
    apart = model.corpus(stories(61, seed=1) + stories(83))
    taken = take_account(model, corpus, SETTINGS, fit_on=apart)
    assert taken.table.notes["fit_text"] == apart.name
    alone = model.corpus(stories(61, seed=1))
    tested = {s.story for _, s in zip(range(10_000), corpus.sequences(), strict=False)}
    most = sum(len(s.tokens) for s in apart.sequences())
    assert sum(len(s.tokens) for s in alone.sequences()) < taken.table.notes["fit_tokens"] < most
    assert tested


def test_too_little_text_is_refused(model):
    with pytest.raises(CorpusError, match="expected at least 8: give more stories"):
        take_account(model, model.corpus(stories(5)), SETTINGS)
    few, whole = model.corpus(stories(20)), AccountSettings(test_tokens=10_000)
    same = replace(few, stories=lambda: stories(20))
    with pytest.raises(CorpusError, match="no story"):
        take_account(model, few, whole, fit_on=same)


@pytest.mark.parametrize("wrong", [{"seed": -1}, {"test_tokens": 0}, {"effect_positions": 1}])
def test_settings_are_checked(wrong):
    with pytest.raises(SelectionError, match="expected"):
        AccountSettings(**wrong)


def test_stories_are_chosen_evenly_by_length(corpus):
    found = list(corpus.sequences())
    chosen = evenly(found, 300)
    lengths = [len(story.tokens) for story in chosen]
    assert lengths == sorted(lengths)
    assert 150 < sum(lengths) < 600
    assert lengths[0] == min(len(s.tokens) for s in found)
