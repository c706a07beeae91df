"""Rules in words: what a neuron fires on, as a few patterns of tokens and parts of speech.

After Neuron2Graph (Foote et al. 2023, arXiv 2305.19911): patterns are found on one half of a text
and their union is scored, as a prediction of where the neuron fires, on the other. Here they come
from counting all patterns that end at the neuron's hits, and are chosen by the F1 of their union:
greedily, and then each again beside the others. Next to it stands the F1 of as many single tokens,
chosen alike.

F1 alone is no sign of anything learnt: a randomly initialised model of the bundled model's shape
reaches a median of .39 to .48, nearly all of it by single tokens. What it lacks is the gain over
these: .05 or more for 6 to 13 % of its neurons, against 70 to 90 % in the upper half of the bundled
model.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from tinyinterp.compiled import in_parts
from tinyinterp.errors import SelectionError
from tinyinterp.io.progress import Progress
from tinyinterp.model_account.rules.hits import HitLists, Hits
from tinyinterp.model_account.rules.kernels import choose
from tinyinterp.model_account.rules.patterns import DEMANDS, FORMS
from tinyinterp.model_account.rules.scores import ClaimCounter, Claims, Counts
from tinyinterp.model_account.rules.text_index import TextIndex
from tinyinterp.model_account.rules.wording import Wording
from tinyinterp.network.decoder import Decoder
from tinyinterp.scan import scan
from tinyinterp.tagging import TagReader
from tinyinterp.text.sequences import MicroBatch
from tinyinterp.text.sequences import Sequence as TokenSequence
from tinyinterp.text.tokenizer import Tokenizer

Text = Callable[[], Iterable[MicroBatch]]
ROUNDS = 3  # in which each pattern is given up in turn for a better one


@dataclass(frozen=True, kw_only=True)
class RuleSettings:
    """How rules are chosen.

    Args:
        most: patterns for each neuron.
        support: hits that a pattern must have on FIT.
        spread: sequences that these must be from.
        cost: false alarms that a pattern is charged with for each token or tag that it asks for
            beyond the first, so that a longer one must earn its length.
        fit_tokens: tokens of FIT, at most, that patterns are chosen on; the largest activation,
            and so what a hit is, always comes from all of FIT.
        seed: of the intervals.

    The defaults were settled on other stories than those of any table here.
    """

    most: int = 10
    support: int = 2
    spread: int = 2
    cost: int = 2
    fit_tokens: int = 1_000_000
    seed: int = 0

    def __post_init__(self) -> None:
        least = {"most": 1, "support": 1, "spread": 1, "cost": 0, "fit_tokens": 1, "seed": 0}
        for name, number in least.items():
            if getattr(self, name) < number:
                raise SelectionError(
                    f"{name} is {getattr(self, name)}; it must be at least {number}"
                )


@dataclass(frozen=True)
class NeuronRules:
    """What one neuron fires on, in words, and how well that says where it fires on TEST."""

    layer: int
    neuron: int
    rules: tuple[str, ...]  # by what each added; see :mod:`tinyinterp.model_account.rules.wording`
    n_patterns: int  # behind the rules, which hold together those that differ in one token
    n_hits: int  # on TEST
    precision: float | None  # of the rules' union; None: they claim no token of TEST
    recall: float | None  # None: there is no hit on TEST, so with F1
    f1: float | None
    f1_low: float | None  # the 95 % interval over blocks of stories
    f1_high: float | None
    token_f1: float | None  # of as many single tokens

    def columns(self) -> dict[str, list[str] | float | None]:
        """The columns of the neurons' table."""
        return {
            "rules": list(self.rules),
            "rules_precision": self.precision,
            "rules_recall": self.recall,
            "rules_f1": self.f1,
            "rules_f1_low": self.f1_low,
            "rules_f1_high": self.f1_high,
            "token_f1": self.token_f1,
        }


def find_rules(
    decoder: Decoder,
    tokenizer: Tokenizer,
    fit: Text,
    test: Text,
    tag_reader: TagReader,
    *,
    layers: Iterable[int] | None = None,
    settings: RuleSettings | None = None,
    report: Progress | None = None,
) -> dict[int, list[NeuronRules]]:
    """Find rules for every neuron of the chosen layers; reads each text once through the model.

    Args:
        decoder: whose neurons (``mlp.hook_post``).
        tokenizer: the model's.
        fit: opens the stories that patterns are chosen on.
        test: opens those that they are scored on; nothing else depends on them.
        tag_reader: tags the words.
        layers: counted from 0; None: all.
        report: advances by the tokens read.

    Raises:
        SelectionError: the model has no such layer.
        CorpusError: there is nothing to choose patterns on.
    """
    settings, config = settings or RuleSettings(), decoder.config
    layers = tuple(range(config.n_layers)) if layers is None else tuple(layers)

    def tags_of(sequence: TokenSequence) -> Int[np.ndarray, " position"]:
        return tag_reader.tokens(sequence).tags

    index = TextIndex.of(
        _first(fit(), settings.fit_tokens),
        tags_of,
        n_tags=len(tag_reader.tag_set),
        n_vocab=config.n_vocab,
        rare=settings.support,
    )
    lists = HitLists(layers, config.d_mlp, len(index.sequences))
    scan(decoder, fit(), [lists], report=report)
    hits = {layer: lists.hits(layer) for layer in layers}
    patterns = {layer: choose_patterns(index, hits[layer], settings) for layer in layers}
    tokens = {
        layer: choose_tokens(index, hits[layer], settings, (chosen >= 0).sum(axis=1))
        for layer, chosen in patterns.items()
    }
    claims = [Claims.of(chosen, index.patterns, index.forms) for chosen in (patterns, tokens)]
    levels = {layer: hits[layer].level for layer in layers}
    counter = ClaimCounter(index.words, tags_of, levels, claims)
    scan(decoder, test(), [counter], report=report)
    wording = Wording(index.words, tokenizer, tag_reader.tag_set)
    by_pattern, by_token = counter.counts
    return {
        layer: _rows(
            layer,
            [index.patterns[numbers[numbers >= 0]].tolist() for numbers in patterns[layer]],
            (by_pattern[layer], by_token[layer]),
            wording,
            settings.seed,
        )
        for layer in layers
    }


def choose_patterns(
    index: TextIndex, hits: Hits, settings: RuleSettings
) -> Int[np.ndarray, "neuron choice"]:
    """The patterns of each neuron of a layer, by number, in the order of their choice; -1: none.

    The union's F1 on FIT chooses: again and again the pattern that raises it most, then in turn a
    better one for each. Where single tokens alone, chosen so, end up higher, they are taken.
    """
    most = np.full(len(hits.limits), settings.most)
    chosen, (right, claimed) = _choose(index, hits, settings, most, len(FORMS))
    tokens, (token_right, token_claimed) = _choose(index, hits, settings, most, 1)
    higher = token_right * claimed > right * token_claimed
    return np.where(higher[:, None], tokens, chosen)


def choose_tokens(
    index: TextIndex, hits: Hits, settings: RuleSettings, most: Int[np.ndarray, " neuron"]
) -> Int[np.ndarray, "neuron choice"]:
    """The same for single tokens, at most ``most`` of them for each neuron."""
    return _choose(index, hits, settings, most, 1)[0]


def _choose(
    index: TextIndex,
    hits: Hits,
    settings: RuleSettings,
    most: Int[np.ndarray, " neuron"],
    n_forms: int,
) -> tuple[Int[np.ndarray, "neuron choice"], Int[np.ndarray, "two neuron"]]:
    """Patterns of the first ``n_forms`` forms, and their outcome on FIT, as in ``choose``."""
    n_neurons = len(most)
    chosen = np.full((n_neurons, settings.most), -1, dtype=np.int32)
    outcome = np.zeros((n_neurons, 2), dtype=np.int64)
    costs = settings.cost * (DEMANDS - 1)
    text = index.at, index.starts, index.rows, index.sequences, costs, index.forms, n_forms
    of_neurons = hits.starts, hits.rows, hits.limits, settings.support, settings.spread, most

    def work(first: int, last: int) -> None:
        choose(*text, *of_neurons, ROUNDS, chosen, outcome, first, last)

    in_parts(work, n_neurons)
    return chosen, outcome.T


def _first(batches: Iterable[MicroBatch], n_tokens: int) -> Iterator[MicroBatch]:
    """Micro-batches up to the one that reaches ``n_tokens`` tokens."""
    for batch in batches:
        yield batch
        n_tokens -= sum(batch.lengths)
        if n_tokens <= 0:
            return


def _rows(
    layer: int,
    patterns: Sequence[Sequence[int]],
    counts: tuple[Counts, Counts],
    wording: Wording,
    seed: int,
) -> list[NeuronRules]:
    by_pattern, by_token = counts
    low, high = by_pattern.f1_interval(seed)
    n_hits = by_pattern.hits.sum(axis=0).tolist()
    scores = by_pattern.precision, by_pattern.recall, by_pattern.f1, by_token.f1
    precision, recall, f1, token_f1 = (map(_known, score.tolist()) for score in scores)
    return [
        NeuronRules(
            layer,
            neuron,
            wording.rules(chosen),
            len(chosen),
            hit,
            *score,
            *((None, None) if score[2] is None else bounds),
            token,
        )
        for neuron, (chosen, hit, score, bounds, token) in enumerate(
            zip(
                patterns,
                n_hits,
                zip(precision, recall, f1, strict=True),
                zip(low.tolist(), high.tolist(), strict=True),
                token_f1,
                strict=True,
            )
        )
    ]


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
