"""The mean of a measure over stories, with its interval.

Stories are the units that are resampled; several values of one story, such as the repeats of a
judge, stay together.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from tinyinterp.statistics import Interval, block_bootstrap


def mean_over_stories(values: Iterable[tuple[int, float | None]], seed: int = 0) -> Interval:
    """Mean over all values, with a 95 % bootstrap interval over stories.

    Args:
        values: pairs of a story's number and a value; None and NaN are left out.
        seed: of the bootstrap.

    Returns:
        NaN with infinite bounds without a value; infinite bounds with one story.

    >>> mean_over_stories([(0, 1.0), (1, 2.0), (1, 3.0), (2, None)]).value
    2.0
    """
    by_story: dict[int, list[float]] = defaultdict(list)
    for story, value in values:
        if value is not None and not math.isnan(value):
            by_story[story].append(float(value))
    if not by_story:
        return Interval(math.nan, -math.inf, math.inf)
    sums = np.array([math.fsum(found) for found in by_story.values()])
    counts = np.array([float(len(found)) for found in by_story.values()])
    low, high = block_bootstrap(np.divide, sums, counts, seed=seed)
    return Interval(float(sums.sum() / counts.sum()), float(low), float(high))
