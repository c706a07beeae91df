from __future__ import annotations

import numpy as np
import pytest
import torch
from planted.patterns import PatternEngine, content, normalised, uniform

from tinyinterp.head_census import labels, rows
from tinyinterp.head_census.key_classes import (
    KEY_CLASSES,
    QUERY_CLASSES,
    BatchClasses,
    candidates,
)
from tinyinterp.head_census.labels import Decision
from tinyinterp.head_census.looked_at import _by_candidate, _on_keys, information
from tinyinterp.head_census.measure import measure
from tinyinterp.text.corpus import corpus_of
from tinyinterp.text.tokenizer import Tokenizer

N_CTX = 97
NOUNS = [
    "dog",
    "cat",
    "bird",
    "tree",
    "ball",
    "house",
    "boy",
    "girl",
    "cake",
    "car",
    "hat",
    "boat",
    "fish",
]
DETERMINERS = ["the", "a", "this", "every", "another"]
ADJECTIVES = ["big", "small", "red", "happy", "nice", "old", "new", "green"]
VERBS = ["saw", "found", "wanted", "took", "heard", "kept", "lost"]


def stories(n, seed=0):
    """Noun phrases and verbs, with ``he`` now and then; the words of a class come equally often."""
    random = np.random.default_rng(seed)

    def phrase():
        adjectives = random.choice(ADJECTIVES, size=random.integers(3))
        return [random.choice(DETERMINERS), *adjectives, random.choice(NOUNS)]

    def sentence():
        subject = ["he"] if random.random() < 0.4 else phrase()
        return " ".join(["then", *subject, random.choice(VERBS), *phrase()]) + "."

    return [" ".join(sentence() for _ in range(random.integers(3, 7))) for _ in range(n)]


def first_tokens(tokenizer, words):
    return torch.tensor([tokenizer.encode(" " + word).ids[0] for word in words])


def looks(keys, queries=None, strength=40.0):
    """``strength`` times as much at some keys as at others, from some queries or from all."""

    def rule(tokens, allowed):
        wanted = torch.isin(tokens, keys)[:, None, :].expand(-1, len(allowed), -1)
        if queries is not None:
            wanted = wanted & torch.isin(tokens, queries)[:, :, None]
        return normalised(1 + (strength - 1) * wanted, allowed)

    return rule


def same_word(tokens, allowed):
    earlier = (tokens[:, :, None] == tokens[:, None, :]) & ~torch.eye(len(allowed), dtype=bool)
    return normalised(1 + 20 * earlier, allowed)


def pairs_at_random(tokens, allowed):
    """Every pair of token types has a score of its own, as in a random model."""
    scores = torch.randn(1000, 1000, generator=torch.Generator().manual_seed(4))
    return normalised(torch.exp(2 * scores[tokens[:, :, None], tokens[:, None, :]]), allowed)


@pytest.fixture(scope="module")
def found():
    """Labels and what is looked at, by name of the planted head."""
    texts = stories(120)
    tokenizer = Tokenizer.train(texts, 357)
    corpus = corpus_of(texts, tokenizer, N_CTX)
    nouns, determiners = (first_tokens(tokenizer, words) for words in (NOUNS, DETERMINERS))
    stop = torch.tensor(tokenizer.encode(".").ids)
    heads = {
        "NOUN": looks(nouns),
        "DET->NOUN": looks(nouns, determiners),
        "sentence-end": looks(stop),
        "token ' the'": looks(first_tokens(tokenizer, ["the"])),
        "same-word": same_word,
        "nothing": uniform(),
        "words at random": content(1.5, seed=3),
        "pairs of words at random": pairs_at_random,
    }
    engine = PatternEngine([list(heads.values())], n_vocab=tokenizer.n_vocab, n_ctx=N_CTX)
    measured = measure(engine, engine.config, corpus, seed=0)
    tests = labels.decide(measured.estimates.point)[0]
    return {
        name: (
            rows.label_of(Decision(int(tests[head])), (0, head), measured, 0),
            rows.looked_at(measured, (0, head), 0),
        )
        for head, name in enumerate(heads)
    }


@pytest.mark.parametrize("name", ["NOUN", "DET->NOUN", "sentence-end", "token ' the'"])
def test_what_a_head_was_made_to_look_at_is_its_role(found, name):
    label, seen = found[name]
    assert (label["kind"], label["role"]) == ("semantic", name)
    assert seen.low <= seen.lift <= seen.high
    assert seen.low > 1.5
    assert seen.share > 0.3


def test_a_head_that_looks_at_the_same_word_is_seen_to(found):
    seen = found["same-word"][1]
    assert seen.name == "same-word"
    assert seen.strong
    assert seen.lift > 4


@pytest.mark.parametrize("name", ["nothing", "words at random", "pairs of words at random"])
def test_a_head_that_looks_at_no_class_has_no_role(found, name):
    label, seen = found[name]
    assert label["role"] == ""
    assert name != "nothing" or not seen.strong


def test_a_head_that_attends_to_all_alike_has_no_lift(found):
    label, seen = found["nothing"]
    assert label["kind"] == "diffuse"
    assert seen.lift == pytest.approx(1, abs=1e-6)


def random_classes(batch, n, random):
    n_keys = len(KEY_CLASSES) + 2
    keys = torch.from_numpy(random.random((batch, n, n_keys)) < 0.3).float()
    queries = keys[..., : len(QUERY_CLASSES)]
    same = torch.from_numpy(np.tril(random.random((batch, n, n)) < 0.2, -1)).float()
    return BatchClasses(queries, keys, same)


def test_attention_to_candidates_is_what_masks_written_out_give():
    batch, heads, n = 2, 3, 7
    random = np.random.default_rng(0)
    classes = random_classes(batch, n, random)
    weights = torch.from_numpy(random.random((batch, heads, n, n))).float()
    counted = torch.from_numpy(random.random((batch, heads, n)) < 0.8).float()
    known = candidates(["a", "b"])
    found = _by_candidate(weights, counted, classes)
    shared = _by_candidate(weights[:1], counted, classes)  # one surrogate for all sequences
    assert found.shape == (batch, heads, len(known))
    for index, candidate in enumerate(known):
        if candidate.column < 0:
            mask = classes.same[:, None]
        else:
            mask = classes.keys[:, None, None, :, candidate.column].expand(-1, -1, n, -1)
        rows_of = counted
        if candidate.query is not None:
            rows_of = counted * classes.queries[:, None, :, candidate.query]
        for table, result in ((weights, found), (weights[:1], shared)):
            expected = (table * mask * rows_of[..., None]).sum((2, 3))
            torch.testing.assert_close(result[..., index].float(), expected)
            on_keys = _on_keys(table[:, 1], rows_of[:, 1], candidate, classes)
            torch.testing.assert_close(on_keys.sum(1), expected[:, 1])


def test_information_is_a_divergence_in_nats_a_row():
    seen, due = np.array([30.0, 10.0, 0.0]), np.array([10.0, 10.0, 10.0])
    rows_of, all_rows = np.array([50.0] * 3), np.array([200.0] * 3)
    divergence = 0.6 * np.log(3) + 0.4 * np.log(0.4 / 0.8)
    expected = [divergence / 4, 0, np.log(1 / 0.8) / 4]
    np.testing.assert_allclose(information(seen, due, rows_of, all_rows), expected, atol=1e-6)
