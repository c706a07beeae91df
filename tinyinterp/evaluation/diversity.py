"""How varied texts are: repeated 4-grams inside a text, distinct n-grams in one and in many."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from tinyinterp.statistics import Interval

REPEATED = 4  # words of what counts as a repetition
Z = 1.959964  # of a 95 % interval


def ngrams(words: Sequence[str], n: int) -> list[tuple[str, ...]]:
    """All runs of ``n`` words.

    >>> ngrams(["a", "b", "c"], 2)
    [('a', 'b'), ('b', 'c')]
    """
    return [tuple(words[at : at + n]) for at in range(len(words) - n + 1)]


def repeated_share(words: Sequence[str], n: int = REPEATED) -> float:
    """Share of a text's n-grams that occurred in it before; NaN if it has none.

    >>> round(repeated_share("a b c d a b c d e".split()), 3)
    0.167
    """
    return 1 - distinct_share(words, n)


def distinct_share(words: Sequence[str], n: int) -> float:
    """Distinct-n of one text: different n-grams by all n-grams (Li et al. 2016); NaN without any.

    It falls with the length of a text, so only texts of similar length compare.
    """
    found = ngrams(words, n)
    return len(set(found)) / len(found) if found else math.nan


def distinct_in_all(texts: Sequence[Sequence[str]], n: int) -> Interval:
    """Distinct-n of all texts together, with a 95 % interval by the jackknife over texts.

    A bootstrap would draw a text twice and count its n-grams as repetitions, so each text is left
    out once instead.
    """
    by_text = [Counter(ngrams(words, n)) for words in texts]
    total = sum(each.total() for each in by_text)
    holders = Counter(gram for each in by_text for gram in each)
    if not total:
        return Interval(math.nan, -math.inf, math.inf)
    value = len(holders) / total
    without = [
        (len(holders) - sum(holders[gram] == 1 for gram in each)) / (total - each.total())
        for each in by_text
        if total > each.total()
    ]
    if len(without) < 2:
        return Interval(value, -math.inf, math.inf)
    mean = math.fsum(without) / len(without)
    spread = (len(without) - 1) / len(without) * math.fsum((each - mean) ** 2 for each in without)
    half = Z * math.sqrt(spread)
    return Interval(value, max(0.0, value - half), min(1.0, value + half))  # of a share
