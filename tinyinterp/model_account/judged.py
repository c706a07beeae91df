"""From sums over TEST to shares with intervals: explained, kept, and what a component needs.

Shares are clipped to [-1, 1]: a surrogate can do worse than the means, and how much worse is no
matter. Where mean ablation does not cost anything (the interval of its rise reaches 0), there is
nothing to keep, and no share is given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy import stats

from tinyinterp import statistics
from tinyinterp.interventions import Rises
from tinyinterp.model_account.ladder import CONTEXT, LADDER
from tinyinterp.model_account.score import Scores
from tinyinterp.statistics import CONFIDENCE

FLOOR = 1e-6  # nats a token; a smaller rise in loss is what rounding leaves
TINY = 1e-12
CONSTANT = 1e-6  # of a neuron's mean square: with less variance it is called constant


@dataclass(frozen=True)
class Shares:
    """Shares with the bounds of their 95 % intervals; NaN where not known."""

    value: Float[np.ndarray, "*shape"]
    low: Float[np.ndarray, "*shape"]
    high: Float[np.ndarray, "*shape"]


def explained_shares(scores: Scores, seed: int) -> Shares:
    """Share of ``E KL(A || U)`` that each rung's surrogate explains, ``[rung layer head]``."""
    cross = np.moveaxis(scores.cross, 1, 0)  # [block rung layer head]
    entropy, uniform = scores.entropy[:, None], scores.uniform[:, None]

    def share(cross: np.ndarray, entropy: np.ndarray, uniform: np.ndarray) -> np.ndarray:
        uneven = uniform - entropy
        known = uneven > FLOOR * uniform
        return np.where(known, 1 - (cross - entropy) / np.where(known, uneven, 1.0), np.nan)

    return _shares(share, cross, entropy, uniform, seed=seed)


def kept_shares(rises: Rises, seed: int) -> tuple[Shares, Shares]:
    """The rise under mean ablation, and what each rung keeps: ``1 - rise / that rise``.

    Shapes are ``[*part]`` and ``[rung *part]``.
    """
    tokens = rises.tokens.reshape(-1, *(1 for _ in rises.rises.shape[2:]))
    ablation = _shares(lambda rise, n: rise / np.maximum(n, 1), rises.rises[0], tokens, seed=seed)
    under = np.moveaxis(rises.rises[1:], 1, 0)  # [block rung *part]

    def kept(under: np.ndarray, mean: np.ndarray) -> np.ndarray:
        return np.clip(1 - under / np.maximum(mean, FLOOR), -1, 1)

    shares = _shares(kept, under, rises.rises[0][:, None], seed=seed)
    costs = ablation.low > 0
    known = [np.where(costs, bound, np.nan) for bound in (shares.value, shares.low, shares.high)]
    return ablation, Shares(*known)


def r2_shares(scores: Scores, layer: int) -> tuple[Shares, Float[np.ndarray, "predictor neuron"]]:
    """r² of each predictor for the neurons of a layer with intervals, and Pearson's r.

    r² is the share of the variance over TEST that the prediction explains; NaN for a neuron that is
    constant but for a thousandth of its size. The interval is linearised: with ``e`` the squared
    errors and ``v`` the variance of a block around the mean of all, the scatter of ``e - (1 - r²)
    v`` over blocks is the error of their ratio (Taylor linearisation, Wolter 2007), and its law
    Student's t. A bootstrap of as many ratios as there are neurons and predictors would take
    minutes and say the same.
    """
    n_b = scores.tokens[:, None]
    n = n_b.sum()
    x_b, xx_b = (scores.moments[each][:, layer] for each in (0, 1))
    mean = x_b.sum(0) / n
    spread_b = xx_b - 2 * mean * x_b + n_b * mean**2  # [block neuron]
    spread = spread_b.sum(0)
    varies = spread > CONSTANT * np.maximum(xx_b.sum(0), TINY)
    below = np.where(varies, spread, 1.0)
    errors_b = scores.errors[:, 0, :, layer]  # [predictor block neuron]
    unexplained = errors_b.sum(1) / below
    deviations = errors_b - unexplained[:, None] * spread_b
    blocks = int((scores.tokens > 0).sum())
    scatter = np.sqrt(blocks / max(blocks - 1, 1) * (deviations**2).sum(1)) / below
    half = stats.t.isf((1 - CONFIDENCE) / 2, max(blocks - 1, 1)) * scatter
    value = 1 - unexplained
    known = varies & (blocks > 1)
    found = [
        np.where(known, np.clip(bound, -1, 1), np.nan)
        for bound in (value, value - half, value + half)
    ]
    p, pp, xp = (scores.errors[:, each, :, layer].sum(1) for each in (1, 2, 3))
    product = spread * (pp - p**2 / n)
    both = product > TINY
    r = np.where(both, (xp - mean * p) / np.sqrt(np.where(both, product, 1.0)), np.nan)
    return Shares(*found), r


def needed(shares: Shares, names: tuple[str, ...], least: float, least_low: float) -> list[str]:
    """The lowest rung of the ladder that is enough, else ``context``; "" where nothing is known.

    Args:
        shares: ``[rung part]``.
        names: of the rungs.
        least: what a share must reach.
        least_low: what the lower bound of its interval must be above.
    """
    enough: Bool[np.ndarray, "rung part"] = (shares.value >= least) & (shares.low > least_low)
    unknown = np.isnan(shares.value)
    found = []
    for part in range(shares.value.shape[1]):
        reached = np.flatnonzero(enough[:LADDER, part])
        first = reached[0] if len(reached) else LADDER
        if unknown[: first + 1, part][:LADDER].any():
            found.append("")  # a rung that is not known might have been enough
        else:
            found.append(names[first] if len(reached) else CONTEXT)
    return found


def recovered(
    loss: Float[np.ndarray, "block way"],
    worst: Float[np.ndarray, " block"],
    intact: Float[np.ndarray, " block"],
    seed: int,
) -> Shares:
    """Share of the way from one loss to the intact model's that each way of running it goes."""

    def share(loss: np.ndarray, worst: np.ndarray, intact: np.ndarray) -> np.ndarray:
        gap = worst - intact
        known = gap > FLOOR
        return np.where(known, (worst - loss) / np.where(known, gap, 1.0), np.nan)

    return _shares(share, loss, worst[:, None], intact[:, None], seed=seed)


def _shares(statistic: Callable[..., np.ndarray], *sums: np.ndarray, seed: int) -> Shares:
    """The statistic of the sums over all blocks, with its interval over blocks."""
    value = statistic(*(each.sum(0) for each in sums))
    low, high = statistics.block_bootstrap(statistic, *sums, seed=seed)
    known = np.isfinite(value) & np.isfinite(low) & np.isfinite(high)
    return Shares(value, np.where(known, low, np.nan), np.where(known, high, np.nan))
