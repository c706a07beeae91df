"""The account of a model: fit on FIT, score on TEST, and say what everything needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyinterp.devices import device_note, on_the_cpu, require_fp64
from tinyinterp.errors import SelectionError
from tinyinterp.io.progress import progress
from tinyinterp.io.table import Table
from tinyinterp.model import Model
from tinyinterp.model_account.effects import (
    head_rises,
    layer_rises,
    neuron_attributions,
    neuron_rises,
)
from tinyinterp.model_account.fit import Fitted, fit_ladders
from tinyinterp.model_account.gist import gist_of
from tinyinterp.model_account.ladder import LADDER, NEURON_RUNGS, PREDICTORS, RUNGS
from tinyinterp.model_account.ngrams import ORDERS, block_losses, count_ngrams
from tinyinterp.model_account.registry import ClassRows, registered
from tinyinterp.model_account.rows import (
    Evidence,
    count_parameters,
    drawn_tokens,
    head_rows,
    layer_rows,
    model_rows,
    neuron_rows,
)
from tinyinterp.model_account.rules import (
    NeuronRules,
    RuleSettings,
    find_rules,
    summarize_rules,
)
from tinyinterp.model_account.score import PARTS, ScorePass
from tinyinterp.model_account.tags import TagRows
from tinyinterp.model_account.texts import LEAST_TEST, Texts, choose_texts
from tinyinterp.model_account.weights import (
    HeadWeights,
    NeuronWeights,
    head_weights,
    neuron_weights,
)
from tinyinterp.network.config import DecoderConfig
from tinyinterp.network.decoder import Decoder
from tinyinterp.tagging import TagReader
from tinyinterp.text.corpus import Corpus
from tinyinterp.text.sequences import MicroBatch

if TYPE_CHECKING:
    import pandas as pd

TEST_TOKENS = 10_000  # of TEST that patterns, activations and the whole model are scored on
EFFECT_TOKENS = 3_000  # of these, for the effects of single heads and of layers
EXACT_NEURONS = 64  # whose exact effects stand beside the first-order estimates
ORDER = 3  # tokens of the longest contexts


@dataclass(frozen=True, kw_only=True)
class AccountSettings:
    """How an account is taken.

    Args:
        seed: of samples and of the bootstrap.
        test_tokens: of TEST that are read.
        effect_tokens: of these, for the effects of single heads and of layers of neurons.
        effect_positions: the most that is read of each of these sequences; None: all.
        exact_neurons: whose exact effects are compared with the first-order estimates; 0: none.
        rules: whether each neuron gets rules in words.
    """

    seed: int = 0
    test_tokens: int = TEST_TOKENS
    effect_tokens: int = EFFECT_TOKENS
    effect_positions: int | None = None
    exact_neurons: int = EXACT_NEURONS
    rules: bool = True

    def __post_init__(self) -> None:
        least = {"seed": 0, "test_tokens": 1, "effect_tokens": 1, "exact_neurons": 0}
        if self.effect_positions is not None:
            least["effect_positions"] = 2  # a token and the one it predicts
        for name, bound in least.items():
            if getattr(self, name) < bound:
                raise SelectionError(f"{name} is {getattr(self, name)}; expected {bound} or more")


@dataclass(frozen=True)
class ModelAccount:
    """The tables of an account."""

    table: Table  # a row for each part of the model and rung, and for each n-gram model
    heads: Table
    neurons: Table
    layers: Table  # a row for each layer and rung: all of its neurons at once

    @property
    def model_name(self) -> str:
        """What to call the model."""
        return self.table.notes["model"]

    def to_pandas(self) -> pd.DataFrame:
        """The table of the whole model as a pandas data frame."""
        return self.table.to_pandas()

    def _repr_html_(self) -> str:
        return self.table.to_html()

    def write(self, folder: Path) -> list[Path]:
        """Write all tables; returns the paths."""
        tables = (self.table, self.heads, self.neurons, self.layers)
        return [path for table in tables for path in table.write(folder)]


def take_account(
    model: Model,
    corpus: Corpus,
    settings: AccountSettings | None = None,
    *,
    fit_on: Corpus | None = None,
) -> ModelAccount:
    """Say of every head, every neuron and the whole model how much a simple story explains.

    Everything is fitted on the FIT stories of ``corpus``, or on all of ``fit_on`` where that is
    given, and scored on the first TEST stories of ``corpus``. Stories that stand in both texts are
    left out of FIT.

    Raises:
        CorpusError: a text has too few stories on one side.
        SelectionError: the model is on a device without fp64.
    """
    require_fp64(model.device)
    settings = settings or AccountSettings()
    texts = choose_texts(
        corpus, fit_on, settings.test_tokens, settings.effect_tokens, settings.effect_positions
    )
    return _take(model, texts, settings)


def _take(model: Model, texts: Texts, settings: AccountSettings) -> ModelAccount:
    decoder, config, rungs = model.decoder, model.config, len(RUNGS)
    weights, reader = on_the_cpu(decoder), TagReader()
    tags, classes = TagRows(reader), ClassRows(registered(), PREDICTORS)
    fit_texts = [story.tokens for batch in texts.fit() for story in batch.sequences]
    fit_tokens = sum(map(len, fit_texts))
    cost = _cost(config, texts, fit_tokens, with_rules=settings.rules)
    with progress("account", cost) as bar:
        ngrams = count_ngrams(fit_texts, config.n_vocab, ORDERS)
        del fit_texts
        fitted = fit_ladders(
            decoder,
            texts.fit,
            texts.test,
            tags,
            gist_of(weights, model.tokenizer),
            order=ORDER,
            seed=settings.seed,
            classes=classes,
            report=bar,
        )
        scores = ScorePass(decoder, fitted, tags, rungs, classes).read(texts.test, bar)
        evidence = Evidence(
            scores=scores,
            heads=head_rises(decoder, fitted, texts.effects, LADDER, bar),
            layers=layer_rises(decoder, fitted, texts.effects, rungs, bar),
            attributions=neuron_attributions(decoder, fitted, texts.test, rungs, bar),
            agreement=_agreement(decoder, fitted, texts.exact, settings),
            ngrams=block_losses(ngrams, texts.test),
            ngram_parameters=[ngrams.parameters(order) for order in range(1, ORDERS + 1)],
            rung_parameters=count_parameters(decoder.config, fitted),
            seed=settings.seed,
        )
        drawn_to = {at: drawn_tokens(scores_of) for at, scores_of in fitted.drawn_by_head()}
        of_heads = head_weights(weights, model.tokenizer, drawn_to)
        of_neurons = neuron_weights(weights, model.tokenizer)
        heads = _joined(head_rows(model, fitted, evidence), of_heads)
        neurons = _joined(neuron_rows(evidence, classes.names), of_neurons)
        del fitted  # rules need the memory
        rules: dict[int, list[NeuronRules]] = {}
        if settings.rules:
            rules = find_rules(
                decoder,
                model.tokenizer,
                texts.fit,
                texts.whole_test,
                reader,
                settings=RuleSettings(seed=settings.seed),
                report=bar,
            )
    notes = {
        "model": model.name,
        "fingerprint": model.fingerprint,
        "text": texts.name,
        "fit_text": texts.fit_name,
        "fit_tokens": fit_tokens,
        "test_tokens": _size(texts.test),
        "test_sequences": sum(len(batch.sequences) for batch in texts.test),
        "effect_tokens": _size(texts.effects),
        "seed": settings.seed,
        "exact_neurons": settings.exact_neurons,
        "tagger": reader.tagger.name,
        "predictors": {each.name: each.about for each in classes.predictors},
        "nats_intact": float(scores.intact.sum() / scores.predicted.sum()),
        "nats_at_means": float(scores.loss["both", -1].sum() / scores.predicted.sum()),
        "attribution_r": evidence.agreement,
        "rules": [asdict(summarize_rules(layer, found)) for layer, found in rules.items()],
        **device_note(model.device),
    }
    in_words = [each for layer in sorted(rules) for each in rules[layer]]
    for row, each in zip(neurons, in_words, strict=bool(in_words)):
        row.update(each.columns())
    return ModelAccount(
        Table("account", model_rows(evidence), notes=notes),
        Table("account_heads", heads, notes=notes),
        Table("account_neurons", neurons, notes=notes),
        Table("account_layers", layer_rows(evidence), notes=notes),
    )


def _cost(config: DecoderConfig, texts: Texts, fit_tokens: int, *, with_rules: bool) -> int:
    """How many tokens will be read, each time that they are."""
    streams = 1 + len(PARTS) * (len(RUNGS) + 1)
    singles = (LADDER + 1) * config.n_layers * (config.n_heads + 2)
    cost = fit_tokens + streams * _size(texts.test) + singles * _size(texts.effects) // 2
    if with_rules:
        cost += fit_tokens + sum(_size([batch]) for batch in texts.whole_test())
    return cost


def _joined(
    rows: list[dict[str, Any]], weights: Iterable[HeadWeights | NeuronWeights]
) -> list[dict[str, Any]]:
    """The rows with what the weights say beside them; both come layer by layer."""
    return [row | asdict(beside) for row, beside in zip(rows, weights, strict=True)]


def _size(batches: Iterable[MicroBatch]) -> int:
    """Tokens in micro-batches, padding aside."""
    return sum(sum(batch.lengths) for batch in batches)


def _agreement(
    decoder: Decoder, fitted: Fitted, batches: Sequence[MicroBatch], settings: AccountSettings
) -> dict[str, float]:
    """Correlation of first-order estimates with the exact rises, on neurons drawn at random."""
    config = decoder.config
    count = min(settings.exact_neurons, config.n_layers * config.d_mlp)
    if count < LEAST_TEST:
        return {}
    random = np.random.default_rng((settings.seed, 6))
    drawn = random.choice(config.n_layers * config.d_mlp, count, replace=False)
    chosen = np.stack(np.divmod(np.sort(drawn), config.d_mlp), axis=1)
    compared = {"mean": 0, "predecessor": 1 + NEURON_RUNGS.index("predecessor")}
    numbers = list(compared.values())
    exact = neuron_rises(decoder, fitted, batches, numbers, chosen).rises.sum(1)
    first = neuron_attributions(decoder, fitted, batches, max(numbers)).rises.sum(1)
    estimates = first[:, chosen[:, 0], chosen[:, 1]][numbers]
    return {
        name: float(np.corrcoef(estimates[place], exact[place])[0, 1])
        for place, name in enumerate(compared)
        if np.ptp(estimates[place]) and np.ptp(exact[place])
    }
