"""What the loss loses without a neuron, by the part of speech of the word that was to come.

The neuron's activation is replaced by its mean over FIT tokens (mean ablation). Only the layers
above are computed anew: replacing one activation moves the stream after its layer along one
direction. The rise is in nats per token, paired over stories, with an interval over their blocks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from tinyinterp.interventions import losses_above
from tinyinterp.io.progress import Progress
from tinyinterp.network.decoder import Decoder
from tinyinterp.network.packed import packed
from tinyinterp.neuron_census.rows import rows_of
from tinyinterp.neuron_census.targets import read_targets
from tinyinterp.scan import kept
from tinyinterp.statistics import block_bootstrap
from tinyinterp.tagging import SpeechReader
from tinyinterp.text.corpus import N_BLOCKS, MicroBatch

ABLATION_TOKENS = 4_000  # of TEST; each neuron reads all of them through the layers above it
ALL = "all"  # the row of every token, whatever comes next


@dataclass(frozen=True)
class AblationRow:
    """One neuron and the words of one tag; the columns of the ablations table."""

    layer: int
    neuron: int
    tag: str  # of the token that was to be predicted; all: of any, also of none
    loss_increase: float  # nats per token
    low: float
    high: float
    tokens: int


def ablate(
    decoder: Decoder,
    batches: Iterable[MicroBatch],
    speech: SpeechReader,
    layer: int,
    means: dict[int, float],
    *,
    place: str,
    seed: int,
    report: Progress | None = None,
) -> list[AblationRow]:
    """The rise in loss without each of some neurons of a layer.

    Args:
        decoder: the model.
        batches: what it reads.
        speech: tags the tokens.
        layer: of the neurons.
        means: what replaces the activation of each neuron that is asked about.
        place: of the activations, the value that is handed on.
        seed: of the bootstrap.
        report: advances by a token of each neuron.
    """
    tags = speech.tag_set.names
    n_classes = len(tags) + 1
    rises = np.zeros((N_BLOCKS, len(means), n_classes))
    counts = np.zeros((N_BLOCKS, n_classes))
    with torch.inference_mode(), packed(decoder):
        for batch in batches:
            blocks, classes, inside = _predicted(batch, speech)
            activation, resid = _read(decoder, batch, layer, place)
            before = losses_above(decoder, layer + 1, resid, batch).flatten().numpy()[inside]
            np.add.at(counts, (blocks, classes), 1)
            for index, (neuron, mean) in enumerate(means.items()):
                direction = decoder.block(layer).mlp.down.weight[:, neuron]
                moved = resid + (mean - activation[:, :, neuron, None]) * direction
                after = losses_above(decoder, layer + 1, moved, batch).flatten().numpy()
                rise = after[inside] - before
                np.add.at(rises[:, index], (blocks, classes), rise)
                if report is not None:
                    report.advance(len(blocks))
    # Every token counts once under its tag, or as one that has none, and once among all.
    rises = np.concatenate([rises, rises.sum(axis=2, keepdims=True)], axis=2)[:, :, 1:]
    counts = np.concatenate([counts, counts.sum(axis=1, keepdims=True)], axis=1)[:, 1:]
    return _rows(layer, list(means), (*tags, ALL), rises, counts, seed)


def _rows(
    layer: int,
    neurons: list[int],
    classes: tuple[str, ...],
    rises: Float[np.ndarray, "block neuron cls"],
    counts: Float[np.ndarray, "block cls"],
    seed: int,
) -> list[AblationRow]:
    tokens = np.broadcast_to(counts[:, None], rises.shape)
    total = np.maximum(tokens.sum(axis=0), 1)
    low, high = block_bootstrap(np.divide, rises, tokens, seed=seed)
    return [
        AblationRow(
            layer,
            neuron,
            tag,
            float(rises[:, index, cls].sum() / total[index, cls]),
            float(low[index, cls]),
            float(high[index, cls]),
            int(counts[:, cls].sum()),
        )
        for index, neuron in enumerate(neurons)
        for cls, tag in enumerate(classes)
        if (counts[:, cls] > 0).sum() >= 2
    ]


def _read(
    decoder: Decoder, batch: MicroBatch, layer: int, place: str
) -> tuple[Float[Tensor, "batch position neuron"], Float[Tensor, "batch position d_model"]]:
    """The layer's activations and the residual stream after it."""
    with kept(decoder, [place]) as seen:
        resid = decoder.residual(batch.tokens, stop_at_layer=layer + 1)
    return seen[place], resid


def _predicted(
    batch: MicroBatch, speech: SpeechReader
) -> tuple[Int[np.ndarray, " row"], Int[np.ndarray, " row"], Int[np.ndarray, " row"]]:
    """Block and class of each token to be predicted, and at which place of the batch it is.

    Class 0 is no tag, then come the tags in their order. The place is that of the token before.
    """
    rows = rows_of(batch)
    own = np.concatenate([read_targets(speech, s)[:, 0] for s in rows.sequences])
    classes = np.where(own < 0, 0, own + 1)
    return rows.blocks, classes, rows.rows - 1
