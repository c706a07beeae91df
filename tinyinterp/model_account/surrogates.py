"""What a head would attend to if it knew only a position, a token, or a few tokens: its surrogates.

``x̂`` is what a context says of the residual stream at the head's input; the head's own layer norm,
queries and keys turn it into scores ``ŝ``. A surrogate's pattern is a softmax of ``a ŝ + b log k``
over the allowed keys after key 0, where ``k`` is the head's positional kernel and ``a`` and ``b``
are fitted on FIT.

Key 0 is where a head looks that finds nothing. By position it gets the head's mean sink at that
query; from the tokens on its share is predicted too, by a logistic regression on that mean, on
``ŝ`` of key 0, and on the log of the sum of ``exp(a ŝ + b log k)`` over the other keys, which says
how much there is to find.

This is causal scrubbing (Chan et al., Redwood Research 2022) with conditional means in place of
resampling.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from tinyinterp.head_census.kernel import Surrogate
from tinyinterp.head_census.patterns import FIRST_QUERY
from tinyinterp.model_account.predictors import Predictor, Reading
from tinyinterp.network.attention import allowed_keys
from tinyinterp.network.decoder import Block, Decoder
from tinyinterp.scan import kept

SCORES = "attn.hook_attn_scores"
SMALLEST_SINK = 1e-6
MEAN_SINK = (1.0, 0.0, 0.0, 0.0)  # of sink_features: the mean, and nothing else
SINK_PULL = 5.0  # queries at the mean sink, added to each position's own


@dataclass(frozen=True)
class LayerSurrogates:
    """What a layer's surrogates need; rungs as in :mod:`predictors`.

    Args:
        log_kernel: what position says, in logits; row 0 is empty.
        sink: mean attention to key 0.
        stream: what contexts say of the residual stream at the layer's input.
        weights: ``a`` and ``b`` of each rung; rung 0 has 0 and 1.
        gates: how each rung predicts the sink, see :func:`sink_features`; rung 0 takes the mean.
    """

    log_kernel: Float[Tensor, "head longest longest"]
    sink: Float[Tensor, "head longest"]
    stream: Predictor
    weights: Float[Tensor, "rung head two"]
    gates: Float[Tensor, "rung head gate"]


def log_kernels(surrogate: Surrogate) -> Float[Tensor, "head longest longest"]:
    """The positional surrogate as logits.

    By position (V), which is the kernel by distance wherever that predicts one half of FIT better
    from the other.
    """
    logs = surrogate.by_position.clamp_min(1e-12).log().float()
    logs[:, :FIRST_QUERY] = 0  # their only key after key 0 needs no kernel
    return logs


def smooth_sink(
    total: Float[Tensor, "head longest"], queries: Float[Tensor, " longest"], window: int | None
) -> Float[Tensor, "head longest"]:
    """Mean attention to key 0 by query, drawn towards the mean over all queries that see key 0."""
    sees = torch.arange(len(queries)) < (window or len(queries))
    after = sees & (torch.arange(len(queries)) > 0)
    mean = total[:, after].sum(1) / queries[after].sum().clamp_min(1)
    smooth = (total + SINK_PULL * mean[:, None]) / (queries + SINK_PULL)
    smooth[:, 0] = 1
    return (smooth * sees).float()


def scores_of(
    block: Block, stream: Float[Tensor, "batch position d_model"]
) -> Float[Tensor, "batch head query key"]:
    """The scores that the block's attention gives a stream; minus infinity where not allowed."""
    with kept(block, [SCORES]) as seen:
        block.attn(block.ln1(stream))
    return seen[SCORES]


def surrogate_pattern(
    decoder: Decoder,
    layer: int,
    fitted: LayerSurrogates,
    rung: int,
    reading: Reading,
) -> Float[Tensor, "batch head query key"]:
    """What the heads of a layer attend to at a rung.

    Args:
        decoder: whose heads.
        layer: counted from 0.
        fitted: of this layer.
        rung: see :mod:`tinyinterp.model_account.predictors`.
        reading: what rungs may know of the text.
    """
    n_sequences, width = reading.shape
    window = decoder.config.window_of(layer)
    logits, sink = fitted.log_kernel[None, :, :width, :width], fitted.sink[None, :, :width]
    if rung:
        scores = scores_of(decoder.block(layer), fitted.stream.at(rung, reading))
        scores = scores.nan_to_num(neginf=0.0)
        a, b = fitted.weights[rung].float().T[:, None, :, None, None]
        logits = a * scores + b * logits
        allowed = keys_after_first(width, window, scores.device)
        features = sink_features(scores[..., 0], logits, sink, allowed)
        gate = torch.einsum("fbhq,hf->bhq", features, fitted.gates[rung].float()).sigmoid()
        sink = torch.where((sink > 0) & (sink < 1), gate, sink)
    pattern = with_sink(logits, sink, window)
    return pattern.expand(n_sequences, -1, -1, -1)  # by position all sequences are the same


def sink_features(
    first: Float[Tensor, "*axes"],
    logits: Float[Tensor, "*axes key"],
    sink: Float[Tensor, "#*axes"],
    allowed: Bool[Tensor, "#*axes key"],
) -> Float[Tensor, "gate *axes"]:
    """What the sink of a query is predicted from: its mean, the score of key 0, and all others.

    Args:
        first: ``ŝ`` of key 0.
        logits: ``a ŝ + b log k`` of every key.
        sink: the mean at that query, between 0 and 1.
        allowed: the keys after key 0 that the query may see.
    """
    mean = sink.clamp(SMALLEST_SINK, 1 - SMALLEST_SINK).logit()
    others = logits.masked_fill(~allowed, -torch.inf).logsumexp(-1)
    others = others.masked_fill(~allowed.any(-1), 0)  # where there is no other key
    return torch.stack(torch.broadcast_tensors(mean, first, others, torch.ones_like(first)))


def keys_after_first(
    width: int, window: int | None, device: torch.device | None = None
) -> Bool[Tensor, "query key"]:
    """The keys but key 0 that each query may see; query 0 has none."""
    allowed = allowed_keys(width, width, window, device)
    allowed[:, 0] = False
    return allowed


def with_sink(
    logits: Float[Tensor, "batch head query key"],
    sink: Float[Tensor, "#batch head query"],
    window: int | None,
) -> Float[Tensor, "batch head query key"]:
    """A softmax over the keys after key 0, which itself gets ``sink``."""
    allowed = keys_after_first(logits.shape[-1], window, logits.device)
    pattern = logits.masked_fill(~allowed, -torch.inf).softmax(-1)
    pattern = pattern.nan_to_num(nan=0.0) * (1 - sink)[..., None]
    pattern[..., 0] = sink
    return pattern
