"""The logit lens: what the model would predict if it stopped after a layer.

nostalgebraist 2020, "interpreting GPT: the logit lens": the final norm and the output head are
applied to the residual stream before each layer, and after the last, which gives the prediction
itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tinyinterp.network.decoder import Decoder
from tinyinterp.run.run import Run


@dataclass(frozen=True, eq=False)
class Lens:
    """What the model would predict at each level: level 0 is the embedding, the last the output.

    Args:
        tokens: the likeliest tokens, the likeliest first.
        probabilities: theirs.
        next_probability: of the token that does come next; NaN at the last position.
        next_rank: of that token, 1 being the likeliest; 0 at the last position.
    """

    tokens: Int[Tensor, "level position k"]
    probabilities: Float[Tensor, "level position k"]
    next_probability: Float[Tensor, "level position"]
    next_rank: Int[Tensor, "level position"]


def lens_logits(
    decoder: Decoder, stream: Float[Tensor, "*axes d_model"]
) -> Float[Tensor, "*axes n_vocab"]:
    """The final norm and the output head, applied to a residual stream."""
    with torch.inference_mode():
        return decoder.unembed(decoder.ln_final(stream.to(decoder.embed.weight.device))).cpu()


def logit_lens(decoder: Decoder, run: Run, k: int = 10) -> Lens:
    """The likeliest tokens at each level and position.

    Args:
        decoder: the model.
        run: of that model.
        k: tokens kept, at most the vocabulary.
    """
    k = min(k, decoder.config.n_vocab)
    levels = [  # one at a time: memory
        _level(lens_logits(decoder, stream), run.ids, k) for stream in run.stream[:-1]
    ]
    levels.append(_level(run.logits, run.ids, k))  # the last is the prediction itself
    return Lens(*(torch.stack(parts) for parts in zip(*levels, strict=True)))


def _level(
    logits: Float[Tensor, "position n_vocab"], ids: Int[Tensor, " position"], k: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    total = logits.logsumexp(-1, keepdim=True)
    likeliest, tokens = logits.topk(k)
    wanted = logits[:-1].gather(1, ids[1:, None])
    rank = 1 + torch.count_nonzero(logits[:-1] > wanted, dim=1)
    next_probability = (wanted - total[:-1]).exp()[:, 0]
    return (
        tokens,
        (likeliest - total).exp(),
        torch.nn.functional.pad(next_probability, (0, 1), value=torch.nan),
        torch.nn.functional.pad(rank, (0, 1)),
    )
