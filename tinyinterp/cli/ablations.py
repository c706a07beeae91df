"""``tinyinterp neurons --ablate``: what the loss loses without a neuron."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from tinyinterp.cli.report import columns

if TYPE_CHECKING:
    from pathlib import Path

    from tinyinterp.io.output import OutputFolder
    from tinyinterp.model import Model
    from tinyinterp.neuron_census.finished import Finished
    from tinyinterp.tagging import SpeechReader
    from tinyinterp.text.corpus import Corpus

Row = dict[str, Any]


def ablation_rows(
    model: Model,
    corpus: Corpus,
    speech: SpeechReader,
    layer: int,
    neurons: Iterable[Row],
    seed: int,
) -> list[Row]:
    """A row for each neuron and tag, on the TEST stories at the beginning of the text.

    Args:
        model: whose neurons.
        corpus: its text.
        speech: tags its words.
        layer: of the neurons.
        neurons: rows of the neurons table.
        seed: of the bootstrap.
    """
    from tinyinterp.io.progress import progress
    from tinyinterp.neuron_census.ablation import ABLATION_TOKENS, ablate
    from tinyinterp.neuron_census.survey import survey
    from tinyinterp.text.corpus import Side

    means = {row["neuron"]: row["mean_activation"] for row in neurons}
    if not means:
        return []
    both_sides = 2 * ABLATION_TOKENS
    short = replace(corpus, max_tokens=min(corpus.max_tokens or both_sides, both_sides))
    text = survey(short)
    batches = short.micro_batches(Side.TEST if text.split else None)
    place = f"blocks.{layer}.mlp.hook_post"
    with progress(f"Ablations in layer {layer}", text.counted * len(means)) as report:
        rows = ablate(
            model.decoder, batches, speech, layer, means,
            place=place, seed=seed, report=report,
        )  # fmt: skip
    return [asdict(row) for row in rows]


def write_ablations(
    model: Model,
    corpus: Corpus,
    speech: SpeechReader,
    finished: Finished,
    output: OutputFolder,
    seed: int,
) -> list[Path]:
    """Write a table for each layer, of its part-of-speech neurons; returns the paths."""
    from pyarrow import parquet

    from tinyinterp.io.table import Table
    from tinyinterp.neuron_census.labels import PART_OF_SPEECH

    written = []
    for layer in finished.layers:
        chosen = [row for row in finished.neurons(layer) if row["kind"] == PART_OF_SPEECH]
        rows = ablation_rows(model, corpus, speech, layer, chosen, seed)
        table = Table(f"ablations_layer{layer}", rows, notes=finished.notes(layer))
        about = f"{model.name}, {corpus.name}"
        with output.filling(f"ablations of layer {layer}", about) as folder:
            parquet.write_table(table.to_arrow(), folder / f"{table.name}.parquet")
        written += output.written
    return written


def ablation_lines(rows: Sequence[Row]) -> list[str]:
    """The rise over all tokens, then by the tag of the word to be predicted, largest first."""
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
        f"Without it the loss rises by {whole['loss_increase']:.5f} nats a token {bounds};",
        "by the tag of the word that was to come:",
        *columns(["tag", "rise", "95 % interval", "tokens"], lines),
    ]
