"""Which heads write the token that they look at, and what each raises where it looks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from tinyinterp.model_account.folded import fold_heads, folded_unembedding, token_streams
from tinyinterp.network.decoder import Decoder

SAMPLED = 512  # tokens, evenly spaced in the vocabulary, where none are given
TOKENS_AT_ONCE = 128
SHARE = 0.01  # of the vocabulary: how near to its ends a median rank must be
NAME_SHARE = 0.001  # the same over names: a head that raises all names alike is no mover
LOOKED_AT = 5  # tokens at which a head is read, where none are given
SHOWN = 5

Tokens = Int[Tensor, " token"]
Streams = Float[Tensor, "token d_model"]


@dataclass(frozen=True)
class Copying:
    """What one head does with the tokens it attends to.

    What a head raises at a token is meant beside the mean over tokens: attention sums to 1, so the
    mean of the values is added wherever the head looks.
    """

    copying: float  # eigenvalues of W_U W_OV W_E: their sum over the sum of their moduli
    copying_effective: float  # the same with the tokens' streams in place of W_E
    copy_rank: float  # of the token itself among all that is raised, median; 1: raised most
    name_copy_rank: float  # the same over names; NaN without any
    looked_at: list[int]
    raises: list[int]  # strongest first
    lowers: list[int]

    def of_tokens(self, n_tokens: int) -> str:
        """``copying``, ``copy suppression`` or "", by the median rank of the token itself.

        It is among the first, or the last, 1 % of the vocabulary. A random ``W_OV`` has it near the
        middle.
        """
        return _at_an_end(self.copy_rank, n_tokens, SHARE, ("copying", "copy suppression"))

    def of_names(self, n_tokens: int) -> str:
        """``name mover``, ``name suppression`` or "", by the same over names, within 0.1 %."""
        return _at_an_end(
            self.name_copy_rank, n_tokens, NAME_SHARE, ("name mover", "name suppression")
        )


@torch.no_grad()
def copying(
    decoder: Decoder,
    *,
    n_tokens: int | None = None,
    tokens: Sequence[int] = (),
    names: Sequence[int] = (),
    drawn_to: Mapping[tuple[int, int], Sequence[int]] | None = None,
) -> Iterator[Copying]:
    """Every head, layer by layer, from the weights alone.

    ``copying`` is Elhage's formula. All else reads a token as
    :func:`tinyinterp.model_account.folded.token_streams` has it: where the output head is the
    embedding, the stream soon holds what the MLPs write for a token. Most heads remove the
    embedding itself, so the formula is near -1 even for heads that copy.

    Args:
        n_tokens: tokens that the tokenizer has, where the model has more.
        tokens: those to read, the commonest best, as rare ones are copied less; default: 512
            evenly spaced in the vocabulary.
        names: tokens that are names.
        drawn_to: the tokens that a head, by layer and number, is drawn to. A head that is left out
            is read at the token where it moves the logits most, and the four where it moves them
            most in that direction.
    """
    config, given = decoder.config, drawn_to or {}
    n_tokens = min(n_tokens or config.n_vocab, config.n_vocab)
    unembed = folded_unembedding(decoder, n_tokens)
    evenly = torch.linspace(0, n_tokens - 1, min(SAMPLED, n_tokens)).round().long().tolist()
    sample, named = torch.tensor([*tokens] or evenly), torch.tensor([*names]).long()
    wanted = sorted({token for drawn in given.values() for token in drawn})
    row = {token: at for at, token in enumerate(wanted)}
    parts = [len(sample), len(named), len(wanted)]
    direct = unembed @ decoder.embed.weight[:n_tokens].double()  # [d_model d_model]
    everything = torch.cat([sample, named, torch.tensor(wanted).long()])
    for layer, stream in enumerate(token_streams(decoder, everything)):
        of_sample, of_names, of_wanted = (stream - stream[: len(sample)].mean(dim=0)).split(parts)
        indirect = unembed[:, sample] @ of_sample
        heads = fold_heads(decoder, layer)
        for head in range(config.n_heads):
            v, o = heads.v[head], heads.o[head]
            to_logits = o @ unembed  # [d_head token]
            if (layer, head) in given:
                looked_at = list(given[layer, head])
                z = of_wanted[[row[token] for token in looked_at]] @ v
            else:
                z = of_sample @ v
                strongest = _strongest(z, to_logits)
                looked_at, z = sample[strongest].tolist(), z[strongest]
            raises, lowers = _extremes(z, to_logits)
            yield Copying(
                copying=_eigenvalue_score(o @ direct @ v),
                copying_effective=_eigenvalue_score(o @ indirect @ v),
                copy_rank=_median_rank(of_sample @ v, to_logits, sample),
                name_copy_rank=_median_rank(of_names @ v, to_logits, named),
                looked_at=looked_at if raises else [],
                raises=raises,
                lowers=lowers,
            )


def _at_an_end(rank: float, n_tokens: int, share: float, ends: tuple[str, str]) -> str:
    near = max(share * n_tokens, 1)
    return ends[0] if rank <= near else ends[1] if rank > n_tokens - near else ""


def _eigenvalue_score(matrix: Float[Tensor, "d_head d_head"]) -> float:
    """Sum of the eigenvalues over the sum of their moduli; 0 where there is nothing.

    ``o W_U W_E v``, of the size of a head, has the non-zero eigenvalues of ``W_E v o W_U``.
    """
    eigenvalues = torch.linalg.eigvals(matrix)
    moduli = float(eigenvalues.abs().sum())
    return float(eigenvalues.real.sum()) / moduli if moduli else 0.0


def _median_rank(
    z: Float[Tensor, "token d_head"], to_logits: Float[Tensor, "d_head vocab"], tokens: Tokens
) -> float:
    """The median of each token's own rank, ties at their mean."""
    if not len(tokens):
        return float("nan")
    ranks = []
    for some, of in zip(z.split(TOKENS_AT_ONCE), tokens.split(TOKENS_AT_ONCE), strict=True):
        logits = some @ to_logits
        own = logits.gather(1, of[:, None])
        above, level = (logits > own).sum(dim=1), (logits == own).sum(dim=1)
        ranks.append(above + (level + 1) / 2)
    return float(np.median(torch.cat(ranks).numpy()))


def _strongest(
    z: Float[Tensor, "token d_head"], to_logits: Float[Tensor, "d_head vocab"]
) -> Int[Tensor, " few"]:
    """The token whose logits are longest, and those that go furthest along with it."""
    products = z @ (to_logits @ to_logits.T)
    first = (products * z).sum(dim=1).argmax()
    return (z @ products[first]).topk(min(LOOKED_AT, len(z))).indices


def _extremes(
    z: Float[Tensor, "token d_head"], to_logits: Float[Tensor, "d_head vocab"]
) -> tuple[list[int], list[int]]:
    """The tokens that are raised most on average, and those lowered; none where nothing moves."""
    logits = z.mean(dim=0) @ to_logits if len(z) else to_logits.new_zeros(1)
    if not logits.any():
        return [], []
    shown = min(SHOWN, len(logits))
    raised, lowered = (logits.topk(shown, largest=largest).indices for largest in (True, False))
    return raised.tolist(), lowered.tolist()
