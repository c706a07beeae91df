"""Point estimates and bootstrap replicates of every quantity in the decision table.

Stories are in 64 blocks; a replicate draws as many blocks as there are, with replacement, and every
quantity is a ratio of sums over the blocks drawn. Repeated random sequences are drawn one by one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from tinyinterp.head_census.labels import Quantities
from tinyinterp.head_census.sums import Sum
from tinyinterp.statistics import REPLICATES, resample

LEAST_CONTRAST = 1e-6  # below it rounding alone makes the contrast of an exactly uniform head


@dataclass(frozen=True)
class Estimates:
    """Quantities of every head, and of every head in every replicate."""

    point: Quantities  # [layer head]
    replicates: Quantities  # [replicate layer head]
    current_token: Float[np.ndarray, "layer head"]  # mean clean attention, as all of TEST
    previous_token: Float[np.ndarray, "layer head"]
    explained_nats: Float[np.ndarray, "layer head"]  # a row, by the better surrogate
    unexplained_nats: Float[np.ndarray, "layer head"]
    blocks: int  # that hold anything; one alone gives no interval


def estimate(
    sums: Float[np.ndarray, "block layer head sum"],
    induction: Float[np.ndarray, "sequence layer head"],
    duplicate: Float[np.ndarray, "sequence layer head"],
    seed: int,
    replicates: int = REPLICATES,
) -> Estimates:
    """All quantities, each with its bootstrap replicates; 0 of them where no interval is wanted."""
    random = np.random.default_rng((seed, 2))
    present = np.asarray(sums.reshape(len(sums), -1).any(axis=1))
    blocks = resample(present, random, replicates)
    each = np.ones(len(induction), dtype=bool)
    repeats = resample(each, random, replicates) / len(induction)
    whole = sums.sum(axis=0)
    drawn = np.einsum("rb,blhs->rlhs", blocks, sums)
    rows = whole[..., Sum.ROWS]
    point = _quantities(whole, induction.mean(axis=0), duplicate.mean(axis=0))
    best = np.minimum(whole[..., Sum.DISTANCE], whole[..., Sum.POSITION])
    return Estimates(
        point=point,
        replicates=_quantities(
            drawn,
            np.einsum("rs,slh->rlh", repeats, induction),
            np.einsum("rs,slh->rlh", repeats, duplicate),
        ),
        current_token=_ratio(whole[..., Sum.CURRENT], rows, empty=0.0),
        previous_token=_ratio(whole[..., Sum.PREVIOUS], rows, empty=0.0),
        explained_nats=_ratio(whole[..., Sum.UNIFORM] - best, rows),
        unexplained_nats=_ratio(best - whole[..., Sum.ENTROPY], rows),
        blocks=int(present.sum()),
    )


def _quantities(
    sums: Float[np.ndarray, "*shape sum"],
    induction: Float[np.ndarray, "*shape"],
    duplicate: Float[np.ndarray, "*shape"],
) -> Quantities:
    uniform = sums[..., Sum.UNIFORM] - sums[..., Sum.ENTROPY]  # KL to uniform attention, summed
    uneven = np.where(uniform <= LEAST_CONTRAST * sums[..., Sum.UNIFORM], 0.0, uniform)
    return Quantities(
        induction=induction,
        duplicate=duplicate,
        sink=_ratio(sums[..., Sum.SINK], sums[..., Sum.SINK_ROWS], empty=0.0),
        contrast=_ratio(uniform, sums[..., Sum.UNIFORM], empty=0.0),
        position_explained=1 - _ratio(sums[..., Sum.DISTANCE] - sums[..., Sum.ENTROPY], uneven),
        place_explained=1 - _ratio(sums[..., Sum.POSITION] - sums[..., Sum.ENTROPY], uneven),
    )


def _ratio(
    above: Float[np.ndarray, "*shape"], below: Float[np.ndarray, "*shape"], empty: float = np.nan
) -> Float[np.ndarray, "*shape"]:
    """``above / below``, ``empty`` where there is nothing to divide by, NaN where either is."""
    nothing = (below <= 1e-9) & ~np.isnan(above)
    return np.where(nothing, empty, above / np.where(nothing, 1, below))
