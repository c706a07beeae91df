from __future__ import annotations

import numpy as np
import pytest
from planted.patterns import random_corpus

from tinyinterp.head_census.key_classes import (
    KEY_CLASSES,
    MOST_TOKENS,
    QUERY_CLASSES,
    ClassReader,
    candidates,
    most_frequent,
    sentence_starts,
)
from tinyinterp.text.corpus import corpus_of
from tinyinterp.text.sequences import Side
from tinyinterp.text.tokenizer import Tokenizer

STORY = 'Lily saw the red ball. "The ball!" said Tim, and Lily ran.'


@pytest.fixture(scope="module")
def read():
    """What each token of ``STORY`` is, by its text, one word a token."""
    tokenizer = Tokenizer.train([STORY] * 3, 286)
    (batch,) = corpus_of([STORY], tokenizer, 97).micro_batches()
    texts = [tokenizer.token_text(int(token)) for token in batch.tokens[0]]
    tokens = [texts.index(" ball")]
    reader = ClassReader([int(batch.tokens[0, tokens[0]])])
    classes = reader.read(batch)
    assert reader.read(batch) is classes
    return texts, classes


def of(classes, position):
    return {
        name for name, held in zip(KEY_CLASSES, classes.keys[0, position], strict=False) if held
    }


def test_every_token_has_its_classes(read):
    texts, classes = read
    found = {text: of(classes, position) for position, text in enumerate(texts)}
    assert found["<|endoftext|>"] == set()
    assert found["Lily"] == {"name", "sentence-start"}
    assert found[" Lily"] == {"name"}
    assert found[" the"] == {"DET"}
    assert found[" ball"] == {"NOUN"}
    assert found["."] == {"sentence-end"}
    assert found[","] == {"PUNCT"}
    assert found[' "'] == {"quotation"}
    assert found['!"'] == {"sentence-end", "quotation"}
    assert "sentence-start" in found["The"]
    assert classes.queries.shape[-1] == len(QUERY_CLASSES)
    assert (classes.queries == classes.keys[..., : len(QUERY_CLASSES)]).all()


def test_a_single_token_is_known_by_its_number(read):
    texts, classes = read
    assert [texts[p] for p in classes.keys[0, :, len(KEY_CLASSES)].nonzero()[:, 0]] == [" ball"] * 2


def test_the_same_word_is_an_earlier_one_whatever_its_case(read):
    texts, classes = read
    pairs = {(texts[q], texts[k]) for q, k in classes.same[0].nonzero().tolist()}
    assert pairs == {(" Lily", "Lily"), ("The", " the"), (" ball", " ball")}
    assert not classes.same[0].triu().any()


def test_sentences_start_after_their_ends():
    words = ["One", "day", ".", '"', "Go", "!", '"', "he", ",", "a"]
    assert sentence_starts(words).nonzero()[0].tolist() == [0, 4, 7]
    assert sentence_starts([]).shape == (0,)


def test_there_is_a_candidate_for_every_class_alone_and_asked_by_every_class():
    known = candidates([" dog", " the"])
    n, q = len(KEY_CLASSES), len(QUERY_CLASSES)
    assert len(known) == n + 2 + 1 + q * q
    names = [candidate.name for candidate in known]
    assert len(set(names)) == len(names)
    assert names[n : n + 3] == ["token ' dog'", "token ' the'", "same-word"]
    pair = known[names.index("DET->NOUN")]
    assert (QUERY_CLASSES[pair.query], KEY_CLASSES[pair.column]) == ("DET", "NOUN")
    few = {candidate.name for candidate in known if not candidate.many_words}
    assert {"sentence-end", "token ' dog'", "DET->quotation"} <= few
    assert not few & {"NOUN", "DET->NOUN", "same-word", "sentence-start"}


def test_the_most_frequent_tokens_are_those_of_one_side():
    corpus = random_corpus(n_stories=23, shortest=5, longest=9)
    tokens = np.concatenate([s.tokens[1:] for s in corpus.sequences(Side.FIT)])
    numbers, counts = np.unique(tokens, return_counts=True)
    order = np.lexsort((numbers, -counts))[:MOST_TOKENS]
    assert most_frequent(corpus, Side.FIT) == numbers[order].tolist()
    assert most_frequent(corpus, Side.TEST) != numbers[order].tolist()
