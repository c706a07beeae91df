from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyinterp.evaluation.diversity import distinct_in_all, distinct_share, repeated_share
from tinyinterp.evaluation.story_means import mean_over_stories

TEXTS = st.lists(st.sampled_from("abcd"), max_size=17)


@given(TEXTS, st.integers(1, 4))
def test_repeated_is_what_occurred_before(words: list[str], n: int):
    seen, repeated, total = set(), 0, 0
    for at in range(len(words) - n + 1):
        gram = tuple(words[at : at + n])
        repeated += gram in seen
        seen.add(gram)
        total += 1
    if not total:
        assert math.isnan(repeated_share(words, n))
        return
    assert repeated_share(words, n) == pytest.approx(repeated / total)
    assert distinct_share(words, n) == pytest.approx(len(seen) / total)


@given(st.lists(TEXTS, min_size=2, max_size=7), st.integers(1, 3))
def test_the_jackknife_leaves_each_text_out(texts: list[list[str]], n: int):
    def distinct(some: list[list[str]]) -> float:
        grams = [tuple(w[at : at + n]) for w in some for at in range(len(w) - n + 1)]
        return len(set(grams)) / len(grams) if grams else math.nan

    found = distinct_in_all(texts, n)
    whole = distinct(texts)
    assert found.value == pytest.approx(whole, nan_ok=True)
    without = [distinct(texts[:at] + texts[at + 1 :]) for at in range(len(texts))]
    without = [each for each in without if not math.isnan(each)]
    if math.isnan(whole) or len(without) < 2:
        assert (found.low, found.high) == (-math.inf, math.inf)
        return
    variance = (len(without) - 1) * np.var(without)
    half = 1.959964 * math.sqrt(variance)
    assert found.low == pytest.approx(max(0, whole - half), abs=1e-9)
    assert found.high == pytest.approx(min(1, whole + half), abs=1e-9)  # of a share


def test_texts_that_share_all_are_less_distinct_than_each():
    words = ["once", "upon", "a", "time"]
    assert distinct_share(words, 1) == 1
    assert distinct_in_all([words, words], 1).value == 0.5


def test_stories_are_the_units_of_the_interval():
    repeats = [(story, float(story)) for story in (0, 1, 2, 3) for _ in range(50)]
    alone = [(story, float(story)) for story in (0, 1, 2, 3)]
    many, few = mean_over_stories(repeats), mean_over_stories(alone)
    assert many == few  # fifty repeats of one story are one story
    assert few.low < 1.5 < few.high
    assert math.isnan(mean_over_stories([(0, None), (1, math.nan)]).value)
