"""Stories of random words from a fixed grammar, whose parts of speech a tagger gets right."""

from __future__ import annotations

import numpy as np

WORDS = {
    "DET": ("the", "a", "this", "every"),
    "NOUN": (
        *("dog", "cat", "bird", "tree", "ball", "house", "boy", "girl", "cake", "car", "hat"),
        *("boat", "fish", "frog", "horse", "garden", "river", "table", "window", "apple", "king"),
    ),
    "ADJ": ("big", "small", "red", "happy", "nice", "old", "new", "green", "tall", "sad"),
    "VERB": ("saw", "found", "wanted", "took", "heard", "kept", "lost", "held", "met", "liked"),
    "PRON": ("he", "she", "they"),
}
MARK = "sentence-end"  # the full stop
CLASSES = (*WORDS, MARK)


def drawn_words(seed: int, n_words: int) -> dict[str, list[str]]:
    """``n_words`` words of each class, or all where there are not so many."""
    random = np.random.default_rng((seed, 9))
    return {
        name: sorted(random.choice(words, min(n_words, len(words)), replace=False))
        for name, words in WORDS.items()
    }


def grammar_stories(
    seed: int, *, n_stories: int, sentences: tuple[int, int], n_words: int
) -> list[str]:
    """Sentences of many lengths, so that a part of speech has no place of its own.

    ``Now she met a red boy and this apple. the boy saw another dog and the cat and a fish.``
    """
    random = np.random.default_rng((seed, 10))
    known = drawn_words(seed, n_words)

    def a(name: str) -> str:
        return str(random.choice(known[name]))

    def noun_phrase() -> list[str]:
        return [a("DET"), *(a("ADJ") for _ in range(random.integers(2))), a("NOUN")]

    def sentence() -> str:
        subject = [a("PRON")] if random.random() < 0.3 else noun_phrase()
        words = [*subject, a("VERB"), *noun_phrase()]
        for _ in range(random.integers(1, 4)):
            words += ["and", *noun_phrase()]
        return " ".join(words) + "."

    low, high = sentences
    return [
        "Now " + " ".join(sentence() for _ in range(random.integers(low, high + 1)))
        for _ in range(n_stories)
    ]
