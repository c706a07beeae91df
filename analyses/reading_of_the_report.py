"""Does the report's reading of a neuron give the same top tokens as the neuron's activation?

    python analyses/reading_of_the_report.py [--ckpt FOLDER|NAME] [--text FILE] [--tokens N]

The TinyStories student report (``docs/sources.md``) read the residual stream at a block's input,
fed straight into the up-projection. For every neuron of every layer, its 20 top tokens under that
reading are compared with those of its real activation: the share of positions in the text that both
lists have, and the Jaccard index of their token types. Beside it stand

- the *null*: one neuron's list under the report's reading, another's under the real activation, all
  pairs within a layer;
- the *norm*: the report's reading with the second layer norm put back, so that only this block's
  attention is missing;
- *other stories*: the token types of the real activation on the other half of the stories.

Stories with the same beginning have the same activations there, so a token is read where its story
up to it is new; else a list would be one beginning twenty times over, in an order that rounding
decides.

Reads a checkpoint (the bundled one) and a text (the bundled stories), writes
``figures/reading_of_the_report.png`` and, a row a layer, ``.csv``, ``.parquet`` and ``.json``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import sparse
from torch import Tensor

import tinyinterp
from tinyinterp.io.table import Table
from tinyinterp.network.decoder import Decoder
from tinyinterp.neuron_census.activations import hook_of
from tinyinterp.scan import scan
from tinyinterp.text.corpus import Corpus
from tinyinterp.text.sequences import MicroBatch, Side
from tinyinterp.views import style

FIGURES = Path(__file__).parent.parent / "figures"
NAME = "reading_of_the_report"
TOP = 20
VARIANTS = ("post", "report", "norm")  # the real activation, and two that are compared with it


class NewTokens:
    """Which tokens of a micro-batch are read: no end-of-text, no padding, no beginning twice."""

    def __init__(self) -> None:
        self._known: set[int] = set()
        self._batch: MicroBatch | None = None
        self._mask = torch.zeros(0, 0, dtype=torch.bool)

    def of(self, batch: MicroBatch) -> Bool[Tensor, "batch position"]:
        """The same mask for everybody who asks about the same batch, one after the other."""
        if batch is not self._batch:
            self._batch = batch
            self._mask = torch.zeros(batch.tokens.shape, dtype=torch.bool)
            for row, sequence in enumerate(batch.sequences):
                so_far = 0
                for position, token in enumerate(sequence.tokens[1:].tolist(), start=1):
                    so_far = hash((so_far, token))
                    self._mask[row, position] = so_far not in self._known
                    self._known.add(so_far)
        return self._mask


class TopTokens:
    """An accumulator: where a reading of a layer is largest, on one half of the stories.

    Args:
        layer: counted from 0.
        variant: a reading, or ``norm``: the report's after the second layer norm.
        new: what to read; shared by all that listen to the same scan.
    """

    def __init__(self, decoder: Decoder, layer: int, variant: str, new: NewTokens) -> None:
        self.hook_name, values = hook_of(decoder, layer, "report" if variant == "norm" else variant)
        norm = decoder.block(layer).ln2
        self._values: Callable[[Tensor], Tensor] = (
            (lambda stream: values(norm(stream))) if variant == "norm" else values
        )
        n_neurons = decoder.config.d_mlp
        self.values: Float[Tensor, "neuron k"] = torch.full((n_neurons, TOP), -torch.inf)
        self.places_of: Int[Tensor, "neuron k"] = torch.full((n_neurons, TOP), -1)
        self.types: Int[Tensor, "neuron k"] = torch.full((n_neurons, TOP), -1)
        self._new = new
        self._seen = 0

    def hook_names(self) -> tuple[str, ...]:
        """The one hook."""
        return (self.hook_name,)

    def observe(self, batch: MicroBatch, name: str, value: Tensor) -> None:  # noqa: ARG002 - one
        """Take in a micro-batch."""
        kept = self._new.of(batch)
        values = self._values(value)[kept].T.float()
        tokens = batch.tokens[kept]
        numbers = torch.arange(self._seen, self._seen + len(tokens))
        self._seen += len(tokens)
        whole = torch.cat([self.values, values], dim=1)
        self.values, chosen = whole.topk(TOP, dim=1)
        self.places_of = torch.cat([self.places_of, numbers.expand(values.shape)], 1).gather(
            1, chosen
        )
        self.types = torch.cat([self.types, tokens.expand(values.shape)], 1).gather(1, chosen)


def shared_places(
    one: Int[np.ndarray, "neuron k"], other: Int[np.ndarray, "neuron k"]
) -> Float[np.ndarray, "neuron neuron"]:
    """The share of the list of each neuron of ``one`` that each neuron of ``other`` has."""
    a, b = _incidence(one, other)
    return (a @ b.T).toarray() / one.shape[1]


def shared_types(
    one: Int[np.ndarray, "neuron k"], other: Int[np.ndarray, "neuron k"]
) -> Float[np.ndarray, "neuron neuron"]:
    """The Jaccard index of the lists, each token type counted once."""
    a, b = (matrix.astype(bool).astype(np.int64) for matrix in _incidence(one, other))
    both = (a @ b.T).toarray()
    return both / (a.sum(axis=1)[:, None] + b.sum(axis=1)[None] - both)


def _incidence(
    one: Int[np.ndarray, "neuron k"], other: Int[np.ndarray, "neuron k"]
) -> tuple[sparse.csr_array, sparse.csr_array]:
    """How often each neuron's list has each value."""
    columns = np.unique(np.concatenate([one, other]), return_inverse=True)[1]
    columns = columns.reshape(2, *one.shape)
    rows = np.repeat(np.arange(len(one)), one.shape[1])
    shape = (len(one), int(columns.max()) + 1)
    ones = np.ones(rows.size, np.int64)
    a, b = (sparse.csr_array((ones, (rows, half.ravel())), shape=shape) for half in columns)
    return a, b


@dataclass(frozen=True)
class LayerOverlap:
    """A value for every neuron of a layer, and the null's mean."""

    places: Float[np.ndarray, " neuron"]
    types: Float[np.ndarray, " neuron"]
    null_places: float
    null_types: float
    found: float  # share of neurons whose own list is the most similar one of the layer


def compare(listed: TopTokens, real: TopTokens) -> LayerOverlap:
    """Two readings of the same neurons on the same text."""
    places = shared_places(listed.places_of.numpy(), real.places_of.numpy())
    types = shared_types(listed.types.numpy(), real.types.numpy())
    others = ~np.eye(len(places), dtype=bool)
    rivals = np.where(others, places, -1.0).max(axis=1)
    return LayerOverlap(
        places.diagonal(),
        types.diagonal(),
        float(places[others].mean()),
        float(types[others].mean()),
        float(np.mean(places.diagonal() > rivals)),
    )


def measure(decoder: Decoder, corpus: Corpus) -> dict[tuple[int, str, Side], TopTokens]:
    """The top tokens of every neuron by layer, variant and half of the stories."""
    tops = {}
    for side in Side:
        new = NewTokens()
        here = {
            (layer, variant, side): TopTokens(decoder, layer, variant, new)
            for layer in range(decoder.config.n_layers)
            for variant in VARIANTS
        }
        scan(decoder, corpus.micro_batches(side), list(here.values()))
        tops |= here
    return tops


def layer_rows(tops: dict[tuple[int, str, Side], TopTokens]) -> list[dict[str, float | int]]:
    """A row a layer: medians over its neurons on the TEST stories, and on the FIT stories."""
    rows = []
    for layer in sorted({layer for layer, *_ in tops}):
        report = compare(tops[layer, "report", Side.TEST], tops[layer, "post", Side.TEST])
        again = compare(tops[layer, "report", Side.FIT], tops[layer, "post", Side.FIT])
        norm = compare(tops[layer, "norm", Side.TEST], tops[layer, "post", Side.TEST])
        others = compare(tops[layer, "post", Side.FIT], tops[layer, "post", Side.TEST])
        low, median, high = np.quantile(report.places, [0.25, 0.5, 0.75])
        rows.append(
            {
                "layer": layer,
                "neurons": len(report.places),
                "places_median": float(median),
                "places_quartile_1": float(low),
                "places_quartile_3": float(high),
                "places_median_fit": float(np.median(again.places)),
                "places_none": float(np.mean(report.places == 0)),
                "places_null_mean": report.null_places,
                "found": report.found,
                "types_median": float(np.median(report.types)),
                "types_null_mean": report.null_types,
                "types_other_stories_median": float(np.median(others.types)),
                "norm_places_median": float(np.median(norm.places)),
                "norm_types_median": float(np.median(norm.types)),
            }
        )
    return rows


def draw(
    tops: dict[tuple[int, str, Side], TopTokens], rows: list[dict[str, Any]], title: str
) -> Figure:
    """Both overlaps by layer: a box of the quartiles a layer, the null, the norm, other stories."""
    compared = [
        compare(tops[row["layer"], "report", Side.TEST], tops[row["layer"], "post", Side.TEST])
        for row in rows
    ]
    with style.settings():
        figure = Figure(figsize=(8.4, 4.0), facecolor="white", layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True)
        _boxes(left, [each.places for each in compared], rows, "places")
        left.set_ylabel("share of the real activation's top 20")
        left.set_title("positions in the text")
        _boxes(right, [each.types for each in compared], rows, "types")
        right.set_title("token types (Jaccard index)")
        figure.legend(
            *right.get_legend_handles_labels(),
            loc="outside lower center",
            ncols=2,
            frameon=False,
            fontsize=7.5,
        )
        figure.suptitle(title)
    return figure


def _boxes(axes: Axes, values: list[np.ndarray], rows: list[dict[str, Any]], what: str) -> None:
    layers = [row["layer"] for row in rows]
    axes.boxplot(
        values,
        positions=layers,
        widths=0.5,
        whis=(0, 100),
        patch_artist=True,
        boxprops={"facecolor": style.NOT_ALLOWED, "edgecolor": style.INK},
        medianprops={"color": style.KIND_COLOURS["semantic"], "linewidth": 1.6},
    )
    axes.plot([], [], "s", color=style.NOT_ALLOWED, label="neurons: median, quartiles, extremes")
    marks = [
        (f"norm_{what}_median", "with the layer norm: median", "D", "positional"),
        (f"{what}_other_stories_median", "real activation, other stories: median", "^", "mixed"),
        (f"{what}_null_mean", "null, two neurons: mean", "x", "sink"),
    ]
    for column, label, marker, colour in marks:
        if column in rows[0]:
            axes.plot(
                layers,
                [row[column] for row in rows],
                marker,
                color=style.KIND_COLOURS[colour],
                markersize=4,
                label=label,
            )
    axes.set(xlabel="layer", ylim=(-0.03, 1.03))
    axes.spines[["top", "right"]].set_visible(False)


def main() -> None:
    """Read, compare, draw, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--text", type=Path, help="default: the bundled stories")
    parser.add_argument("--ckpt", help="default: the bundled model")
    parser.add_argument("--tokens", type=int, help="read this many; default: the whole text")
    options = parser.parse_args()
    model = tinyinterp.load(options.ckpt)
    corpus = model.corpus(options.text, max_tokens=options.tokens)
    tops = measure(model.decoder, corpus)
    rows = layer_rows(tops)
    notes = {
        "model": model.name,
        "checkpoint": model.fingerprint,
        "text": corpus.name,
        "blank_lines": corpus.blank_lines,
        "tokens": corpus.survey().tokens,
        "top": TOP,
        "reported_on": "TEST stories",
    }
    Table(NAME, rows, notes=notes).write(FIGURES)
    title = f"The report's reading against the real activation, {model.name} model"
    path = style.save(draw(tops, rows, title), FIGURES / f"{NAME}.png")
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
