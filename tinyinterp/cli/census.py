"""``tinyinterp neurons``: what each neuron of a layer fires on, as tables."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tinyinterp.cli.options import (
    BatchSize,
    Ckpt,
    Dataset,
    Full,
    Json,
    Seed,
    TextFile,
    Tokens,
    check_one_text,
    token_limit,
)
from tinyinterp.cli.report import columns, kind_lines, print_json, print_lines, say, say_written

if TYPE_CHECKING:
    from tinyinterp.output import OutputFolder
    from tinyinterp.table import Table

SHOWN = 20  # neurons of a tag


def neurons(
    *,
    layer: Annotated[int, typer.Option(min=0, help="Layer, counted from 0.")],
    ckpt: Ckpt = None,
    text: TextFile = None,
    dataset: Dataset = None,
    neuron: Annotated[
        int | None, typer.Option(min=0, help="Show what this neuron fires on.")
    ] = None,
    tag: Annotated[
        str | None,
        typer.Option(metavar="TAG", help="List the neurons whose best tag this is (NOUN, VERB)."),
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Activations to keep for a neuron.")] = 20,
    out: Annotated[Path, typer.Option(help="Folder for the tables.")] = Path(
        "tinyinterp-out/neurons"
    ),
    tokens: Tokens = None,
    full: Full = False,
    batch_size: BatchSize = 8,
    seed: Seed = 0,
    as_one_json: Json = False,
) -> None:
    """Say what each neuron of a layer fires on.

    Reads 100,000 tokens unless --tokens or --full says otherwise.
    """
    check_one_text(text, dataset)
    from tinyinterp.api import NEURON_TOKENS

    limit = token_limit(tokens, full=full, default=NEURON_TOKENS)
    from tinyinterp.corpus import open_corpus
    from tinyinterp.model import load
    from tinyinterp.output import OutputFolder

    model = load(ckpt)
    check_exists("layer", layer, model.config.n_layers)
    if neuron is not None:
        check_exists("neuron", neuron, model.config.d_mlp)
    corpus = open_corpus(
        model.tokenizer, model.config.n_ctx, text=text, dataset=dataset, max_tokens=limit
    )
    output = OutputFolder(out)
    from tinyinterp.neuron_census import NeuronSettings, census_neurons  # slow, as above
    from tinyinterp.views.neurons import write_neuron_page

    settings = NeuronSettings(layer=layer, top=top, seed=seed, batch_size=batch_size)
    census = census_neurons(model, corpus, settings)
    with output.filling(f"neurons of layer {layer}", f"{model.name}, {corpus.name}") as folder:
        census.write(folder)
        write_neuron_page(census.table, census.top, folder)
    say_warnings(census.table)
    if as_one_json:
        print_json(as_json(census.table, output))
        return
    print_lines(kind_lines(_decided(census.table), "neurons", "best_tag"))
    if tag is not None:
        print_lines(["", *_tag_lines(census.table, tag)])
    if neuron is not None:
        print_lines(["", *census.neuron_lines(neuron)])
    say_written(output.folder, output.written)


def check_exists(what: str, number: int, count: int) -> None:
    """Refuse a layer, head or neuron that the model has not.

    Raises:
        SelectionError: there is none of that number.
    """
    from tinyinterp.errors import SelectionError

    if number >= count:
        raise SelectionError(
            f"there is no {what} {number}; this model has {count}, counted from 0 to {count - 1}"
        )


def _decided(table: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with their tag only where it decided the kind; elsewhere it is just the largest."""
    tagged = ("part-of-speech", "next-word")
    return [row if row["kind"] in tagged else row | {"best_tag": ""} for row in table]


def _tag_lines(table: Iterable[dict[str, Any]], tag: str) -> list[str]:
    rows = [row for row in table if row["best_tag"] == tag.upper()]
    if not rows:
        say(f"no neuron of this layer has {tag.upper()} as its best tag")
        return []
    rows.sort(key=lambda row: (-row["auroc"], row["neuron"]))
    shown = [
        [
            str(row["neuron"]),
            row["kind"],
            f"{row['auroc']:.3f}",
            f"{row['purity']:.2f}",
            row["types"],
        ]
        for row in rows[:SHOWN]
    ]
    return [
        f"{len(rows)} neurons with best tag {tag.upper()}, largest AUROC first:",
        *columns(["neuron", "kind", "auroc", "purity", "word types"], shown),
    ]


def say_warnings(table: Table) -> None:
    """What a reader of the table must know, on standard error."""
    for warning in table.notes.get("warnings", []):
        say(f"note: {warning}")


def as_json(table: Table, output: OutputFolder) -> dict[str, Any]:
    """The table and the files that were written."""
    return json.loads(table.to_json()) | {"files": [str(path) for path in output.written]}
