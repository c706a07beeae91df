"""What a neuron does to the next token: the loss without it, measured by mean ablation.

Its activation is replaced by its mean over FIT tokens, and only the layers above are computed
again, since replacing one activation moves the residual stream along one direction. The rise in
loss is in nats per token, paired by token, with an interval that resamples blocks of stories.
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
from tinyinterp.neuron_census.activations import rows_of
from tinyinterp.neuron_census.targets import read_targets
from tinyinterp.scan import kept
from tinyinterp.statistics import block_bootstrap
from tinyinterp.tagging import TagReader
from tinyinterp.text.sequences import N_BLOCKS, MicroBatch

ABLATION_TOKENS = 4_000  # of TEST; the layers above read all of them again for every neuron
ALL = "all"  # the row of all tokens, tagged or not


@dataclass(frozen=True)
class AblationRow:
    """One neuron and one tag; the columns of the ablations table."""

    layer: int
    neuron: int
    tag: str  # of the predicted token; all: every token
    loss_increase: float  # nats per token
    low: float
    high: float
    tokens: int


def ablate(
    decoder: Decoder,
    batches: Iterable[MicroBatch],
    tag_reader: TagReader,
    layer: int,
    means: dict[int, float],
    *,
    hook_name: str,
    seed: int,
    report: Progress | None = None,
) -> list[AblationRow]:
    """The rise in loss when single neurons of a layer are replaced by their mean.

    Args:
        decoder: the model.
        batches: what it reads.
        tag_reader: tags the tokens.
        layer: of the neurons.
        means: of each neuron to ablate, by its number.
        hook_name: of the layer's activations, after the non-linearity.
        seed: of the bootstrap.
        report: advances by a token per neuron.
    """
    tags = tag_reader.tag_set.names
    n_classes = len(tags) + 1
    rises = np.zeros((N_BLOCKS, len(means), n_classes))
    counts = np.zeros((N_BLOCKS, n_classes))
    with torch.inference_mode(), packed(decoder):
        for given in batches:
            batch = given.on(decoder.embed.weight.device)
            blocks, classes, positions = _predicted(batch, tag_reader)
            activation, resid = _read(decoder, batch, layer, hook_name)
            before = losses_above(decoder, layer + 1, resid, batch).flatten().numpy()[positions]
            np.add.at(counts, (blocks, classes), 1)
            for index, (neuron, mean) in enumerate(means.items()):
                direction = decoder.block(layer).mlp.down.weight[:, neuron]
                moved = resid + (mean - activation[:, :, neuron, None]) * direction
                after = losses_above(decoder, layer + 1, moved, batch).flatten().numpy()
                rise = after[positions] - before
                np.add.at(rises[:, index], (blocks, classes), rise)
                if report is not None:
                    report.advance(len(blocks))
    # Every token counts under its tag, or as untagged, and once more among all.
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
    decoder: Decoder, batch: MicroBatch, layer: int, hook_name: str
) -> tuple[Float[Tensor, "batch position neuron"], Float[Tensor, "batch position d_model"]]:
    """The layer's activations and the residual stream after it."""
    with kept(decoder, [hook_name]) as seen:
        resid = decoder.residual(batch.tokens, stop_at_layer=layer + 1)
    return seen[hook_name], resid


def _predicted(
    batch: MicroBatch, tag_reader: TagReader
) -> tuple[Int[np.ndarray, " row"], Int[np.ndarray, " row"], Int[np.ndarray, " row"]]:
    """Block and class of each predicted token, and the flat position that predicts it.

    Class 0 is no tag; the tags follow in their order.
    """
    rows = rows_of(batch)
    own = np.concatenate([read_targets(tag_reader, s)[:, 0] for s in rows.sequences])
    classes = np.where(own < 0, 0, own + 1)
    return rows.blocks, classes, rows.rows - 1
