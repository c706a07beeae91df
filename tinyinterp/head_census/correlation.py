"""The two simple rules: correlation of a pattern with distance.

``report_r`` is the rule of the TinyStories student report as it was applied there. On a causal
pattern of more than 27 tokens it cannot reach its own threshold; it is kept for comparison only.
The report may have meant the distance correlation of Székely, Rizzo and Bakirov (2007) over the
allowed cells.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int

from tinyinterp.head_census.kernels import distance_sums
from tinyinterp.head_census.patterns import FIRST_QUERY, LEAST_LEFT, Pattern, number_of_keys
from tinyinterp.network.config import DecoderConfig
from tinyinterp.processes import Processes
from tinyinterp.text.sequences import MicroBatch, Sequence

REPORT_THRESHOLD = 0.5
DISTANCE_THRESHOLD = 0.5
CELLS_EACH = 16  # sampled from a sequence
MOST_SEQUENCES = 64
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


UNKNOWN = (float("nan"), float("nan"), float("nan"))  # of too few cells, or equal ones


@dataclass(frozen=True)
class _Sample:
    """Cells of one sequence."""

    priority: int
    distance: Int[np.ndarray, " cell"]
    weight: Float[np.ndarray, "head cell"]  # NaN in rows that do not count


class CellAccumulator:
    """Samples (distance, weight) of allowed cells without the sink, the same for all heads.

    ``CELLS_EACH`` cells, each as likely as any other, of the ``MOST_SEQUENCES`` sequences whose
    hash is smallest: short stories and long ones from the whole text, while memory stays flat.
    """

    def __init__(self, config: DecoderConfig, seed: int) -> None:
        self.config, self.seed = config, seed
        self._held: dict[int, list[_Sample]] = {}  # by layer, smallest hash first

    def take(self, batch: MicroBatch, layer: int, pattern: Pattern) -> None:
        held = self._held.setdefault(layer, [])
        full = len(held) == MOST_SEQUENCES
        priorities = [priority_of(sequence, self.seed) for sequence in batch.sequences]
        chosen = [
            row
            for row, (length, priority) in enumerate(zip(batch.lengths, priorities, strict=True))
            if length > FIRST_QUERY and not (full and priority >= held[-1].priority)
        ]
        if not chosen:
            return
        ends = number_of_keys(pattern.raw.shape[-1], self.config.window_of(layer)).cumsum(0).numpy()
        for row in chosen:
            random = np.random.default_rng(priorities[row])
            cell = random.integers(ends[batch.lengths[row] - 1], size=CELLS_EACH)
            query = np.searchsorted(ends, cell, side="right")
            distance = ends[query] - 1 - cell
            at = torch.from_numpy(query).to(pattern.raw.device)
            rows = pattern.raw[row][:, at].cpu()  # [head cell key]
            left = rows[..., 1:].sum(-1)
            weight = rows[:, np.arange(CELLS_EACH), query - distance] / left
            weight = weight.where(left >= LEAST_LEFT, torch.nan).double().numpy()
            held.append(_Sample(priorities[row], distance, weight))
        _keep_first(held)

    def merge(self, processes: Processes) -> None:
        everything = processes.gather(self._held)
        for layer in range(self.config.n_layers):
            found = [sample for held in everything for sample in held.get(layer, ())]
            if found:
                self._held[layer] = _keep_first(found)

    def correlations(self, layer: int, head: int, *, with_p: bool) -> tuple[float, float, float]:
        """Distance correlation, its permutation p-value (NaN unless asked for), Spearman's rho.

        NaN where there are too few cells, or nothing varies.
        """
        held = self._held.get(layer)
        if not held:
            return UNKNOWN
        distance = np.stack([sample.distance for sample in held]).astype(np.float64)
        weight = np.stack([sample.weight[head] for sample in held])
        kept = np.isfinite(weight)
        if kept.sum() < 3 or np.ptp(weight[kept]) == 0 or np.ptp(distance[kept]) == 0:
            return UNKNOWN
        value = distance_correlation(distance[kept], weight[kept])
        ranks = np.stack([ranked(distance[kept]), ranked(weight[kept])])
        rho = float(np.corrcoef(ranks)[0, 1])  # Spearman's
        return value, self._permuted_p(value, distance, weight) if with_p else float("nan"), rho

    def _permuted_p(
        self,
        value: float,
        distance: Float[np.ndarray, "sequence cell"],
        weight: Float[np.ndarray, "sequence cell"],
    ) -> float:
        """How often as much correlation is left when sequences swap their distances."""
        random = np.random.default_rng((self.seed, 5))
        kept = np.isfinite(weight)
        as_large = 0
        for _ in range(PERMUTATIONS):
            swapped = random.permutation(distance)[kept]
            as_large += distance_correlation(swapped, weight[kept]) >= value
        return (1 + as_large) / (1 + PERMUTATIONS)


def _keep_first(held: list[_Sample]) -> list[_Sample]:
    """Sort, and keep the sequences whose hash is smallest."""
    held.sort(key=lambda sample: sample.priority)
    del held[MOST_SEQUENCES:]
    return held


def ranked(values: Float[np.ndarray, " value"]) -> Float[np.ndarray, " value"]:
    """The rank of each, from 1; equal values share the mean of theirs.

    >>> ranked(np.array([0.5, 0.1, 0.5])).tolist()
    [2.5, 1.0, 2.5]
    """
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (counts.cumsum() - (counts - 1) / 2)[which]


def priority_of(sequence: Sequence, seed: int) -> int:
    """A hash of its tokens: which sequences are chosen where not all are."""
    digest = hashlib.sha256(b"%d " % seed + sequence.tokens.tobytes()).digest()
    return int.from_bytes(digest[:8], "big")


def distance_correlation(
    one: Float[np.ndarray, " point"], other: Float[np.ndarray, " point"]
) -> float:
    """That of Székely, Rizzo and Bakirov (2007), their V-statistic, for two plain numbers a point.

    With a and b the distances of all n² pairs, and A and B their sums over one of the two, the
    squared covariance is mean(a b) + mean(a) mean(b) - 2 sum(A B) / n³. 0 where nothing varies.
    """
    n, sums = len(one), np.zeros(8)
    distance_sums(one, other, sums)
    pairs, points = sums[:3] / n**2, 2 * sums[5:] / n**3
    mean_one, mean_other = sums[3:5] / n**2
    means = np.array([mean_one * mean_other, mean_one**2, mean_other**2])
    covariance, variance_one, variance_other = np.maximum(pairs + means - points, 0)
    variance = np.sqrt(variance_one * variance_other)
    return float(np.sqrt(covariance / variance)) if variance > 0 else 0.0
