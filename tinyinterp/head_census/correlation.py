"""The two simple rules: correlation of a pattern with distance.

``report_r`` is the student report's rule as it was applied; it cannot reach its own threshold on
any causal pattern of more than 27 tokens, and is kept for comparison only. The distance
correlation of Székely, Rizzo and Bakirov (2007) over the allowed cells is what the report may have
meant.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import dcor
import numpy as np
import torch
from jaxtyping import Float
from scipy import stats
from torch import Tensor

from tinyinterp.corpus import MicroBatch, Sequence
from tinyinterp.decoder import DecoderConfig
from tinyinterp.head_census.patterns import FIRST_QUERY, number_of_keys, without_sink
from tinyinterp.head_census.sums import layer_of, pattern_place

REPORT_THRESHOLD = 0.5
DISTANCE_THRESHOLD = 0.5
CELLS_EACH = 16  # sampled from a sequence
MOST_CELLS = 1024
PERMUTATIONS = 199


def report_correlation(pattern: Float[np.ndarray, "query key"]) -> float:
    """Pearson's r between the flattened pattern, zeros above the diagonal and all, and |i - j|.

    NaN for a pattern of one cell.
    """
    n = len(pattern)
    distance = np.abs(np.arange(n)[:, None] - np.arange(n)[None, :])
    if n < 2:
        return float("nan")
    return float(np.corrcoef(pattern.ravel(), distance.ravel())[0, 1])


NOTHING = (float("nan"), float("nan"), float("nan"))


class CellAccumulator:
    """Samples (distance, weight) of allowed cells without the sink, the same for all heads.

    ``CELLS_EACH`` cells of a sequence, chosen by a hash of its story, up to ``MOST_CELLS`` in all,
    so that memory stays flat.
    """

    def __init__(self, config: DecoderConfig, seed: int) -> None:
        self.config, self.seed = config, seed
        self._distance: dict[int, list[Tensor]] = {}
        self._weight: dict[int, list[Tensor]] = {}
        self._taken: dict[int, int] = {}

    def places(self) -> Iterable[str]:
        return [pattern_place(layer) for layer in range(self.config.n_layers)]

    def observe(self, batch: MicroBatch, place: str, value: Tensor) -> None:
        layer = layer_of(place)
        if self._taken.get(layer, 0) >= MOST_CELLS:
            return
        clean = without_sink(value, batch.lengths)
        n_keys = number_of_keys(value.shape[-1], self.config.window_of(layer))
        for row, sequence in enumerate(batch.sequences):
            length = len(sequence.tokens)
            if length <= FIRST_QUERY:
                continue
            random = np.random.default_rng((self.seed, _story_seed(sequence)))
            query = torch.from_numpy(random.integers(FIRST_QUERY, length, size=CELLS_EACH))
            distance = (torch.from_numpy(random.random(CELLS_EACH)) * n_keys[query]).long()
            self._distance.setdefault(layer, []).append(distance)
            cells = clean.weights[row][:, query, query - distance]
            counted = clean.rows[row][:, query]
            self._weight.setdefault(layer, []).append(cells.where(counted, torch.nan))
        self._taken[layer] = self._taken.get(layer, 0) + CELLS_EACH * len(batch.sequences)

    def correlations(self, layer: int, head: int, *, with_p: bool) -> tuple[float, float, float]:
        """Distance correlation, its permutation p-value (NaN unless asked for), Spearman's rho."""
        if layer not in self._distance:
            return NOTHING
        distance = torch.cat(self._distance[layer]).double().numpy()
        weight = torch.cat(self._weight[layer], dim=1)[head].double().numpy()
        kept = np.isfinite(weight)
        distance, weight = distance[kept][:MOST_CELLS], weight[kept][:MOST_CELLS]
        if len(weight) < 3 or np.ptp(weight) == 0 or np.ptp(distance) == 0:
            return NOTHING
        value = float(dcor.distance_correlation(distance, weight))
        rho = float(stats.spearmanr(distance, weight)[0])
        return value, self._permuted_p(distance, weight) if with_p else float("nan"), rho

    def _permuted_p(
        self, distance: Float[np.ndarray, " cell"], weight: Float[np.ndarray, " cell"]
    ) -> float:
        test = dcor.independence.distance_covariance_test(
            distance, weight, num_resamples=PERMUTATIONS, random_state=self.seed
        )
        return float(test.pvalue)


def _story_seed(sequence: Sequence) -> int:
    digest = hashlib.sha256(sequence.tokens.tobytes()).digest()
    return int.from_bytes(digest[:6], "big")
