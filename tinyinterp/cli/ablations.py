"""``tinyinterp neurons --ablate``: the rise in loss without a neuron."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from tinyinterp.cli.report import columns

if TYPE_CHECKING:
    from pathlib import Path

    from tinyinterp.io.output import OutputFolder
    from tinyinterp.model import Model
    from tinyinterp.neuron_census.finished import Finished
    from tinyinterp.tagging import TagReader
    from tinyinterp.text.corpus import Corpus

Row = dict[str, Any]


@dataclass(frozen=True)
class Opened:
    """The model, its text and the tags of that text."""

    model: Model
    corpus: Corpus
    tag_reader: TagReader

    @property
    def about(self) -> str:
        """Model and text by name, for the manifest of the output folder."""
        return f"{self.model.name}, {self.corpus.name}"


def ablation_rows(opened: Opened, layer: int, neurons: Iterable[Row], seed: int) -> list[Row]:
    """A row per neuron and tag, measured on the first TEST stories of the text.

    Args:
        opened: the model and its text.
        layer: of the neurons.
        neurons: rows of the neurons table.
        seed: of the bootstrap.
    """
    from tinyinterp.io.progress import progress
    from tinyinterp.neuron_census.corpus_stats import corpus_stats
    from tinyinterp.neuron_census.effects import ABLATION_TOKENS, ablate
    from tinyinterp.text.sequences import Side

    means = {row["neuron"]: row["mean_activation"] for row in neurons}
    if not means:
        return []
    corpus, both_sides = opened.corpus, 2 * ABLATION_TOKENS
    short = replace(corpus, max_tokens=min(corpus.max_tokens or both_sides, both_sides))
    stats = corpus_stats(short)
    batches = short.micro_batches(Side.TEST if stats.split else None)
    hook_name = f"blocks.{layer}.mlp.hook_post"
    with progress(f"Ablations in layer {layer}", stats.counted_tokens * len(means)) as report:
        rows = ablate(
            opened.model.decoder, batches, opened.tag_reader, layer, means,
            hook_name=hook_name, seed=seed, report=report,
        )  # fmt: skip
    return [asdict(row) for row in rows]


def write_ablations(
    opened: Opened, finished: Finished, output: OutputFolder, seed: int
) -> list[Path]:
    """Write a table per layer, of its part-of-speech neurons; returns the paths."""
    from pyarrow import parquet

    from tinyinterp.io.table import Table
    from tinyinterp.neuron_census.labels import PART_OF_SPEECH

    written = []
    for layer in finished.layers:
        chosen = [row for row in finished.neurons(layer) if row["kind"] == PART_OF_SPEECH]
        rows = ablation_rows(opened, layer, chosen, seed)
        table = Table(f"ablations_layer{layer}", rows, notes=finished.notes(layer))
        with output.filling(f"ablations of layer {layer}", opened.about) as folder:
            parquet.write_table(table.to_arrow(), folder / f"{table.name}.parquet")
        written += output.written
    return written


def ablation_lines(rows: Sequence[Row]) -> list[str]:
    """The rise over all tokens, then by the tag of the predicted word, largest first."""
    *by_tag, whole = rows
    lines = [
        [
            row["tag"],
            f"{row['loss_increase']:.5f}",
            f"[{row['low']:.5f}, {row['high']:.5f}]",
            row["tokens"],
        ]
        for row in sorted(by_tag, key=lambda row: -row["loss_increase"])
    ]
    bounds = f"[{whole['low']:.5f}, {whole['high']:.5f}]"
    return [
        f"Mean ablation raises the loss by {whole['loss_increase']:.5f} nats per token {bounds};",
        "by the tag of the predicted word:",
        *columns(["tag", "rise", "95 % interval", "tokens"], lines),
    ]
