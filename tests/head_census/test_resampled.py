from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from models import WINDOW, tiny_decoder, tiny_tokenizer
from planted.head_models import Plan, build, forge_for
from planted.patterns import (
    PatternEngine,
    content,
    decay,
    duplicate,
    induction,
    mixture,
    offset,
    place,
    random_corpus,
    sink,
    uniform,
)

from tinyinterp.head_census.measure import measure
from tinyinterp.head_census.resampled import (
    MOST_SEQUENCES,
    ResampledAccumulator,
    order_of,
    resampled_batches,
)
from tinyinterp.scan import scan
from tinyinterp.text.corpus import corpus_of
from tinyinterp.text.sequences import Side

N_STORIES = 67
LEAST = 0.01  # attention left beside the sink for a row to count


@pytest.fixture(scope="module")
def corpus():
    return random_corpus(n_stories=N_STORIES, shortest=7, longest=23)


def found(engine, corpus, seed=0):
    """What the pass finds, head by head: invariance, equivariance."""
    accumulator = ResampledAccumulator(engine.config, seed)
    scan(engine, resampled_batches(corpus, Side.TEST, seed), [accumulator])
    correlations = accumulator.correlations()
    return np.stack([correlations.content_invariance, correlations.equivariance])


def of_rules(corpus, *rules, **options):
    return found(PatternEngine([rules], **options), corpus)[:, 0]


def obvious(raw, order, window, *, own):
    """Products by a loop over rows and keys: of both, of the one, of the other."""
    one, other = raw.astype(np.float64)
    sums = np.zeros(3)
    for i in range(2, len(order)):
        seen = []
        for j in range(1, i + own):
            later, earlier = order[i], order[j]
            near = window is None or max(i - j, later - earlier) < window
            if earlier <= later and near:
                seen.append(j)
        a = np.array([one[order[i], order[j]] for j in seen])
        b = np.array([other[i, j] for j in seen])
        if len(seen) < 2 or min(a.sum(), b.sum()) < LEAST:
            continue
        a, b = a / a.sum() - 1 / len(seen), b / b.sum() - 1 / len(seen)
        sums += [a @ b, a @ a, b @ b]
    return sums


def test_batches_are_a_sequence_as_it_is_resampled_and_permuted(corpus):
    batches = resampled_batches(corpus, Side.TEST, 0)
    known = {s.tokens.tobytes(): s for s in corpus.sequences(Side.TEST)}
    assert len(batches) == MOST_SEQUENCES < len(known)
    assert len({b.sequences[0].tokens.tobytes() for b in batches}) == MOST_SEQUENCES
    pool = np.concatenate([b.tokens[0, 1:] for b in batches])
    stayed = 0.0
    for batch in batches:
        clean, resampled, permuted = batch.tokens.numpy()
        assert clean.tobytes() in known
        for row, sequence in zip(batch.tokens.numpy(), batch.sequences, strict=True):
            np.testing.assert_array_equal(row, sequence.tokens)
        assert clean[0] == resampled[0] == permuted[0] == corpus.tokenizer.end_of_text
        order = order_of(batch.sequences[0], 0)
        assert sorted(order) == list(range(len(clean)))
        assert Counter(permuted) == Counter(clean)
        np.testing.assert_array_equal(permuted, clean[order])
        assert set(resampled[1:]) <= set(pool)
        stayed += (resampled[1:] == clean[1:]).mean() / len(batches)
    share = np.bincount(pool) / len(pool)
    assert stayed == pytest.approx(share @ share, abs=0.02)  # drawn as often as they come


def test_they_are_the_same_for_a_seed_and_others_for_another(corpus):
    tokens = [
        [b.tokens.numpy().tobytes() for b in resampled_batches(corpus, Side.TEST, seed)]
        for seed in (0, 0, 1)
    ]
    assert tokens[0] == tokens[1]
    assert tokens[0] != tokens[2]


@pytest.mark.parametrize("rule", [offset(1), offset(3), decay(2.5), sink(0.6, decay(4.0))])
def test_heads_that_go_by_distance_stay_and_do_not_move(corpus, rule):
    invariance, equivariance = of_rules(corpus, rule)[:, 0]
    assert invariance == pytest.approx(1, abs=1e-6)
    assert equivariance < 0.1


def test_a_head_that_looks_at_a_place_stays_and_does_not_move(corpus):
    invariance, equivariance = of_rules(corpus, place(4))[:, 0]
    assert invariance == pytest.approx(1, abs=1e-6)
    assert abs(equivariance) < 0.3


@pytest.mark.parametrize("rule", [content(2.0), sink(0.5, content(3.0)), duplicate])
def test_heads_that_go_by_content_move_along_and_do_not_stay(corpus, rule):
    invariance, equivariance = of_rules(corpus, rule)[:, 0]
    assert abs(invariance) < 0.1
    assert equivariance == pytest.approx(1, abs=1e-5)


def test_an_induction_head_goes_by_neighbours_and_does_neither(corpus):
    assert (np.abs(of_rules(corpus, induction)[:, 0]) < 0.3).all()


def test_of_a_current_token_head_only_the_invariance_is_known(corpus):
    invariance, equivariance = of_rules(corpus, offset(0))[:, 0]
    assert invariance == pytest.approx(1, abs=1e-6)
    assert np.isnan(equivariance)


def test_nothing_is_known_of_heads_that_never_depart(corpus):
    heads = [uniform(), sink(0.3, uniform()), sink(1.0, uniform()), decay(2.0)]
    values = of_rules(corpus, *heads)
    assert np.isnan(values[:, :3]).all()
    assert np.isfinite(values[:, 3]).all()


def test_mixtures_lie_between_and_in_order(corpus):
    shares = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    rules = [mixture(share, decay(2.0), content(2.0)) for share in shares]
    invariance, equivariance = of_rules(corpus, *rules)
    assert (np.diff(invariance) > 0).all()
    assert (np.diff(equivariance) < 0).all()


def test_heads_built_by_hand_in_a_decoder(tmp_path):
    plan = Plan(111, n_vocab=323, n_heads=11, d_head=27, attention=("global",), noise=0.1)
    forge = forge_for(plan)
    by_position = [
        *(forge.offset(1), forge.offset(4), forge.decay(3.0), forge.place(5)),
        forge.half_sink(1),
    ]
    by_content = [
        *(forge.word_class("NOUN"), forge.word_class("VERB"), forge.from_to("DET", "NOUN")),
        forge.duplicate(),
    ]
    mixed = [forge.mixture(0.5, 3, "NOUN")]
    heads = [*by_position, *by_content, *mixed, forge.offset(0)]
    built = build(tmp_path / "model", plan, [heads], forge=forge)
    (invariance,), (equivariance,) = found(built.model.decoder, built.corpus)
    n = len(by_position)
    assert invariance[:n].min() > 0.9
    assert np.abs(equivariance[:n]).max() < 0.2
    assert np.abs(invariance[n:-2]).max() < 0.2
    assert equivariance[n:-3].min() > 0.95
    assert equivariance[-3] > 0.6  # the duplicate head shuns what is near itself, too
    assert invariance[n] < invariance[-2] < 0.9
    assert 0.2 < equivariance[-2] < 0.8
    assert invariance[-1] > 0.9


@pytest.mark.parametrize("seed", [0, 3])
def test_they_are_those_of_the_obvious_way(seed):
    """On a decoder of random weights, with a local layer."""
    decoder = tiny_decoder(seed=seed)
    tokenizer = tiny_tokenizer()
    stories = list(random_corpus(n_stories=13, shortest=2, longest=17, seed=seed).stories())
    corpus = corpus_of([*stories, "a", "ab"], tokenizer, decoder.config.n_ctx)
    batches = resampled_batches(corpus, Side.TEST, seed)
    assert 1 < len(batches) < MOST_SEQUENCES
    sums = np.zeros((2, 3, 2, 3))  # [measure layer head product]
    for layer, head in np.ndindex(3, 2):
        window = WINDOW if layer == 1 else None
        for batch in batches:
            patterns = []
            module = decoder.block(layer).attn.hook_pattern
            handle = module.register_forward_hook(lambda *args, kept=patterns: kept.append(args[2]))
            with torch.inference_mode():
                decoder(batch.tokens)
            handle.remove()
            clean, resampled, permuted = patterns[0][:, head].numpy()
            n = len(clean)
            stay, order = range(n), order_of(batch.sequences[0], seed)
            both = np.stack([clean, resampled]), np.stack([clean, permuted])
            sums[0, layer, head] += obvious(both[0], stay, window, own=True)
            sums[1, layer, head] += obvious(both[1], order, window, own=False)
    expected = sums[..., 0] / np.sqrt(sums[..., 1] * sums[..., 2])
    np.testing.assert_allclose(found(decoder, corpus, seed), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("window", [1, 2, 5])
def test_windows_are_respected(corpus, window):
    """A head that is alike to all keys in the window never departs, whatever lies outside."""
    heads = [uniform(), decay(2.0), content(2.0)]
    values = of_rules(corpus, *heads, attention=("local",), window=window)
    assert np.isnan(values[:, 0]).all()
    if window == 1:
        assert np.isnan(values).all()
        return
    assert values[0, 1:] == pytest.approx([1, values[0, 2]], abs=1e-6)
    assert abs(values[0, 2]) < 0.1
    if window == 5:
        assert values[1, 2] == pytest.approx(1, abs=1e-5)


def test_the_census_measures_the_same(corpus):
    engine = PatternEngine([[decay(3.0), content(1.0), mixture(0.5, decay(2.0), content(2.0))]])
    value = measure(engine, engine.config, corpus, seed=0, with_resampled=True).resampled
    assert value is not None
    first = found(engine, corpus)
    assert np.array_equal([value.content_invariance, value.equivariance], first)


def test_they_are_measured_only_where_asked_for(corpus):
    engine = PatternEngine([[uniform()]])
    short = replace(corpus, max_tokens=300)
    assert measure(engine, engine.config, short, seed=0).resampled is None
