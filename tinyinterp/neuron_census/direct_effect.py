"""What a neuron adds to the logits, read from the weights: the tokens that it raises and lowers.

The direct path ``W_out W_U`` only, not the path through later layers. The gain of the final norm is
folded into ``W_U``, and the mean over the residual stream, which a layer norm removes, is taken
out.

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
    out = (
        decoder.block(layer).mlp.down.weight.cpu().double()
    )  # [d_model neuron]; lists are compiled
    lists, longest = _candidates(decoder, out, n_tokens)
    # Rounding of an fp32 product with fp32 factors, at most.
    norms = out.norm(dim=0) * longest
    rounding = 2 * (len(out) + 8) * 2.0**-24 * norms
    found = []
    for ids, values, sign in (
        (lists.high_ids, lists.high, 1),
        (lists.low_ids, lists.negated_low, -1),
    ):
        listed = torch.from_numpy(np.where(ids == UNFILLED, 0, ids))  # nothing was listed of a NaN
        tokens, effects = _exact(decoder, sign * out, listed)
        beyond = torch.from_numpy(values[:, -1]).double() + rounding
        unsure = _unsure(effects, shown, NEAR * norms) | ~effects.isfinite().all(dim=1)
        if ids.shape[1] < n_tokens:
            unsure |= effects[:, shown - 1] <= beyond
        tokens = tokens[:, :shown].clone()
        for some in unsure.nonzero().flatten().split(NEURONS_AT_ONCE):
            logits = sign * out[:, some].T @ _unembed(decoder, 0, n_tokens).T
            tokens[some] = logits.topk(shown, dim=1).indices
        found.append(tokens)
    return found[0], found[1]


def _candidates(
    decoder: Decoder, out: Float[Tensor, "d_model neuron"], n_tokens: int
) -> tuple[Extremes, float]:
    """The tokens with the largest and smallest effects in fp32; the longest row of ``W_U``."""
    lists, few, longest = Extremes(out.shape[1], min(CANDIDATES, n_tokens)), out.float(), 0.0
    for first in range(0, n_tokens, TOKENS_AT_ONCE):
        rows = _unembed(decoder, first, min(first + TOKENS_AT_ONCE, n_tokens))
        longest = max(longest, float(rows.norm(dim=1).max()))
        logits = (rows.float() @ few).numpy()
        ids = np.arange(first, first + len(logits))

        def work(start: int, stop: int, logits: np.ndarray = logits, ids: np.ndarray = ids) -> None:
            list_rows(logits, ids, *lists.lists, start, stop)

        over_neurons(work, out.shape[1])
    return lists, longest


def _exact(
    decoder: Decoder, out: Float[Tensor, "d_model neuron"], tokens: Int[Tensor, "neuron listed"]
) -> tuple[Int[Tensor, "neuron listed"], Float[Tensor, "neuron listed"]]:
    """The tokens by their effects in fp64, largest first, and these."""
    effects = torch.cat(
        [
            torch.einsum("nkd,dn->nk", _centred(decoder, some), some_out)
            for some, some_out in zip(
                tokens.split(NEURONS_AT_ONCE), out.split(NEURONS_AT_ONCE, dim=1), strict=True
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


def _unembed(decoder: Decoder, first: int, last: int) -> Float[Tensor, "token d_model"]:
    return _centred(decoder, torch.arange(first, last))


def _centred(decoder: Decoder, tokens: Int[Tensor, "*shape"]) -> Float[Tensor, "*shape d_model"]:
    """``W_U`` of these tokens in fp64, with the gain of the final norm, without the mean."""
    weight = decoder.unembed.weight
    unembed = (weight[tokens.to(weight.device)] * decoder.ln_final.weight).cpu().double()
    return (
        unembed - unembed.mean(dim=-1, keepdim=True) if decoder.config.norm == "layer" else unembed
    )
