from __future__ import annotations

import numpy as np
import pytest
import torch
from planted.patterns import PatternEngine, normalised, random_corpus

from tinyinterp.head_census.examples import KEPT, ExampleAccumulator, in_context
from tinyinterp.head_census.key_classes import SAME_WORD, ClassReader, candidates
from tinyinterp.head_census.patterns import OnPatterns
from tinyinterp.scan import scan
from tinyinterp.text.sequences import Sequence, Side

CANDIDATES = {candidate.name: candidate for candidate in candidates([])}


def sequence(text: str) -> Sequence:
    """A token for each word, with the space in front."""
    ends = [i for i, c in enumerate(text) if c == " "] + [len(text)]
    starts = [0, *ends[:-1]]
    offsets = np.array([(0, 0), *zip(starts, ends, strict=True)], dtype=np.int64)
    return Sequence(np.arange(len(offsets)), offsets, text, 0, Side.TEST, 0)


WORDS = "a b c d e f g h i j k l m n o p q r s t u v w x y z"


@pytest.mark.parametrize(
    ("query", "key", "shown"),
    [
        (9, 8, "c d e f g [h] {i} j k"),
        (2, 1, "[a] {b} c d"),
        (26, 25, "t u v w x [y] {z}"),
        (11, 3, "a b [c] d e f g h i j {k} l m"),
        (20, 3, "a b [c] d e … o p q r s {t} u v"),
    ],
)
def test_key_and_query_are_marked_in_their_context(query: int, key: int, shown: str):
    assert in_context(sequence(WORDS), query, key) == shown


def test_lines_and_braces_of_a_story_do_not_break_the_context():
    assert in_context(sequence("he {said} \n{0} [no] yes"), 4, 2) == "he [{said}] {0} {[no]} yes"


def attention(tokens: torch.Tensor, allowed: torch.Tensor) -> torch.Tensor:
    """Random weights that depend on the tokens alone; some are equal."""
    table = torch.rand(1000, 1000, generator=torch.Generator().manual_seed(1))
    return normalised((8 * table[tokens[:, :, None], tokens[:, None, :]]).floor() + 1, allowed)


def word_begun(story: str, start: int, end: int) -> str:
    """The word that a token begins; "" for a space, and for a token within a word."""
    start += story[start] == " "
    begins = start < end and (start == 0 or story[start - 1] == " ")
    return story[start:].split(maxsplit=1)[0] if begins else ""


def gathered(corpus):
    engine = PatternEngine([[attention]])
    reader = ClassReader([])
    found = ExampleAccumulator(engine.config, reader, [[CANDIDATES[SAME_WORD]]])
    scan(engine, corpus.micro_batches(), [OnPatterns(engine.config, [found])])
    return found.examples(0, 0)


def test_the_examples_are_those_of_the_obvious_way():
    corpus = random_corpus(n_stories=37, shortest=11, longest=29, n_words=13)
    everything = []
    for one in corpus.sequences():
        n = len(one.tokens)
        allowed = torch.ones(n, n).tril().bool()
        weights = attention(torch.from_numpy(one.tokens)[None], allowed)[0].float()
        weights[:, 0] = 0
        weights /= weights.sum(-1, keepdim=True).clamp_min(0.01)
        words = [word_begun(one.story, int(a), int(b)) for a, b in one.offsets]
        pairs = [
            (-float(weights[q, k]), one.number, q, k)
            for q in range(2, n)
            for k in range(1, q)
            if words[q] and words[q] == words[k]
        ]
        everything += [(*min(pairs), one)] if pairs else []
    everything.sort(key=lambda found: found[:2])
    expected = [f"{-w:.2f} {in_context(one, q, k)}" for w, _, q, k, one in everything[:KEPT]]
    assert len(expected) == KEPT
    assert gathered(corpus) == expected
