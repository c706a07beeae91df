"""How a token is drawn from logits: temperature, then top-k, then top-p, then the draw.

Everything is in fp64 and in one order, the most likely token first and ties by token, so that a
draw gives the same token whatever is drawn beside it. Ranking a whole vocabulary takes longer than
a small model takes to read a token, and most draws fall among the likeliest few: those are ranked
first, and the rest only for the rows that need it.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tinyinterp.network.sampling import Sampling

RANKED = 256  # tokens that are ranked first; no choice depends on it, beyond rounding in fp64


def choose(
    logits: Float[Tensor, "batch n_vocab"], draws: Float[Tensor, " batch"], settings: Sampling
) -> Int[Tensor, " batch"]:
    """A token a row: the likeliest, or the one at which the cumulative distribution passes a draw.

    Draws are uniform in [0, 1), in fp64. Tokens share that interval, the most likely first.
    """
    if settings.temperature == 0:
        return logits.argmax(dim=-1)
    if logits.shape[-1] <= 2 * RANKED or (settings.top_k or 0) >= RANKED:
        return _among_all(logits, draws, settings)
    tokens, settled = _among_likeliest(logits, draws, settings)
    if not bool(settled.all()):
        rest = ~settled
        tokens[rest] = _among_all(logits[rest], draws[rest], settings)
    return tokens


def _among_all(logits: Tensor, draws: Tensor, settings: Sampling) -> Int[Tensor, " batch"]:
    kept, order = distribution(logits, settings)
    cumulative = kept.cumsum(dim=-1)
    rank = torch.searchsorted(cumulative, draws[:, None] * cumulative[:, -1:], right=True)
    n_kept = (kept > 0).sum(dim=-1, keepdim=True)
    return order.gather(1, rank.minimum(n_kept - 1))[:, 0]


def _among_likeliest(
    logits: Tensor, draws: Tensor, settings: Sampling
) -> tuple[Int[Tensor, " batch"], Tensor]:
    """The same from ``RANKED`` tokens; also for which rows these were enough to know it."""
    found, order = logits.topk(RANKED, dim=-1)
    order, by_token = order.sort(dim=-1)  # so that ties keep the lower token
    found, by_value = found.gather(1, by_token).sort(dim=-1, descending=True, stable=True)
    order = order.gather(1, by_value)
    sure = (found > found[:, -1:]).sum(dim=-1)  # those that tie with the last may have others
    top = logits.amax(dim=-1, keepdim=True).double() / settings.temperature
    kept = (found.double() / settings.temperature - top).exp()
    if settings.top_k is None:
        kept /= (logits.double() / settings.temperature - top).exp().sum(dim=-1, keepdim=True)
    else:
        kept[:, settings.top_k :] = 0
        kept /= kept.sum(dim=-1, keepdim=True)
    if settings.top_p is not None:
        before = kept.cumsum(dim=-1) - kept
        kept = kept.masked_fill(before >= settings.top_p, 0)
    n_kept = (kept > 0).sum(dim=-1)
    limited = settings.top_k is not None or settings.top_p is not None
    mass = kept.sum(dim=-1, keepdim=True) if limited else 1.0
    rank = torch.searchsorted(kept.cumsum(dim=-1), draws[:, None] * mass, right=True)[:, 0]
    settled = (n_kept if limited else rank + 1) <= sure
    return order.gather(1, rank.minimum(n_kept - 1)[:, None])[:, 0], settled


def distribution(
    logits: Float[Tensor, "batch n_vocab"], settings: Sampling
) -> tuple[Float[Tensor, "batch n_vocab"], Int[Tensor, "batch n_vocab"]]:
    """Probabilities in fp64, largest first, and the tokens they belong to.

    Tokens that ``top_k`` or ``top_p`` exclude have 0, the others their share before exclusion.
    ``top_p`` keeps the smallest set whose mass reaches it, taken after ``top_k``; ties keep the
    lower token.
    """
    scaled = logits.double() / settings.temperature
    ranked, order = (scaled - scaled.amax(dim=-1, keepdim=True)).sort(
        dim=-1, descending=True, stable=True
    )
    if settings.top_k is not None:
        ranked[:, settings.top_k :] = -torch.inf
    probabilities = ranked.softmax(dim=-1)
    if settings.top_p is not None:
        before = probabilities.cumsum(dim=-1) - probabilities  # mass of the likelier tokens
        probabilities = probabilities.masked_fill(before >= settings.top_p, 0)
    return probabilities, order
