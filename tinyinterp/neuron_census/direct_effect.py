"""What a neuron adds to the logits, read from the weights: the tokens that it raises and lowers.

The direct path ``W_out W_U`` only, not the path through later layers. The gain of the final norm is
folded into ``W_out``, and the mean over the residual stream, which a layer norm removes, is taken
out of it. Folding both into ``W_U`` gives the same effects at a higher cost.

The order is that of fp64. Products over the whole vocabulary are in fp32 and only choose
candidates, whose effects are then computed in fp64. A neuron is computed in fp64 as a whole where
rounding could have hidden a token, or where effects are too near to each other.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tinyinterp.network.decoder import Decoder
from tinyinterp.neuron_census.kernels import list_rows, over_neurons
from tinyinterp.neuron_census.top_activations import UNFILLED, Extremes
from tinyinterp.text.tokenizer import Tokenizer

TOKENS_SHOWN = 5  # raised most, and lowered most
CANDIDATES = 16  # in fp32, for these and to see how far the next ones are
TOKENS_AT_ONCE = 2048
NEURONS_AT_ONCE = 256
NEAR = 1e-10  # effects nearer than this, as a share of what is possible, are not told apart


def raised_and_lowered(
    decoder: Decoder, tokenizer: Tokenizer, layer: int
) -> tuple[list[list[str]], list[list[str]]]:
    """For every neuron the tokens whose logits it raises and lowers most, strongest first."""
    n_tokens = min(tokenizer.n_vocab, decoder.config.n_vocab)
    text = cache(tokenizer.token_text)
    with torch.inference_mode():
        raised, lowered = _strongest(decoder, layer, n_tokens)
    raises, lowers = (
        [[text(token) for token in row] for row in tokens.tolist()] for tokens in (raised, lowered)
    )
    return raises, lowers


def _strongest(
    decoder: Decoder, layer: int, n_tokens: int
) -> tuple[Int[Tensor, "neuron shown"], Int[Tensor, "neuron shown"]]:
    shown = min(TOKENS_SHOWN, n_tokens)
    unembed = decoder.unembed.weight[:n_tokens].cpu()  # lists are compiled
    written = _written(decoder, layer)
    lists, longest = _candidates(unembed, written)
    # Rounding of an fp32 product with fp32 factors, at most.
    norms = written.norm(dim=0) * longest
    rounding = 2 * (len(written) + 8) * 2.0**-24 * norms
    found = []
    for ids, values, sign in (
        (lists.high_ids, lists.high, 1),
        (lists.low_ids, lists.negated_low, -1),
    ):
        listed = torch.from_numpy(np.where(ids == UNFILLED, 0, ids))  # nothing was listed of a NaN
        tokens, effects = _exact(unembed, sign * written, listed)
        beyond = torch.from_numpy(values[:, -1]).double() + rounding
        unsure = _unsure(effects, shown, NEAR * norms) | ~effects.isfinite().all(dim=1)
        if ids.shape[1] < n_tokens:
            unsure |= effects[:, shown - 1] <= beyond
        tokens = tokens[:, :shown].clone()
        for some in unsure.nonzero().flatten().split(NEURONS_AT_ONCE):
            logits = sign * written[:, some].T @ unembed.double().T
            tokens[some] = logits.topk(shown, dim=1).indices
        found.append(tokens)
    return found[0], found[1]


def _written(decoder: Decoder, layer: int) -> Float[Tensor, "d_model neuron"]:
    """What each neuron writes, in fp64, as ``W_U`` reads it."""
    out = decoder.block(layer).mlp.down.weight.cpu().double()
    if decoder.config.norm == "layer":
        out = out - out.mean(dim=0)
    return out * decoder.ln_final.weight.cpu()[:, None]


def _candidates(
    unembed: Float[Tensor, "token d_model"], written: Float[Tensor, "d_model neuron"]
) -> tuple[Extremes, float]:
    """The tokens with the largest and smallest effects in fp32; the longest row of ``W_U``."""
    lists = Extremes(written.shape[1], min(CANDIDATES, len(unembed)))
    few, longest = written.float(), 0.0
    for first in range(0, len(unembed), TOKENS_AT_ONCE):
        rows = unembed[first : first + TOKENS_AT_ONCE].float()
        longest = max(longest, float(rows.norm(dim=1).max()))
        logits = (rows @ few).numpy()
        ids = np.arange(first, first + len(logits))

        def work(start: int, stop: int, logits: np.ndarray = logits, ids: np.ndarray = ids) -> None:
            list_rows(logits, ids, *lists.lists, start, stop)

        over_neurons(work, written.shape[1])
    return lists, longest


def _exact(
    unembed: Float[Tensor, "token d_model"],
    written: Float[Tensor, "d_model neuron"],
    tokens: Int[Tensor, "neuron listed"],
) -> tuple[Int[Tensor, "neuron listed"], Float[Tensor, "neuron listed"]]:
    """The tokens by their effects in fp64, largest first, and these."""
    by_neuron = written.T.contiguous()[..., None]
    effects = torch.cat(
        [
            (unembed[some].double() @ of_some)[..., 0]
            for some, of_some in zip(
                tokens.split(NEURONS_AT_ONCE), by_neuron.split(NEURONS_AT_ONCE), strict=True
            )
        ]
    )
    effects, order = effects.sort(dim=1, descending=True)
    return tokens.gather(1, order), effects


def _unsure(
    effects: Float[Tensor, "neuron listed"], shown: int, near: Float[Tensor, " neuron"]
) -> Bool[Tensor, " neuron"]:
    """Which neurons have two effects among the largest that are as good as equal."""
    gaps = (effects[:, :-1] - effects[:, 1:])[:, :shown]
    return (gaps <= near[:, None]).any(dim=1)
