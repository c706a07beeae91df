"""``tinyinterp heads`` and ``tinyinterp neurons``: what each does, as tables and pictures."""

from __future__ import annotations

import json
from collections.abc import Iterable
from enum import StrEnum
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


class Rule(StrEnum):
    """How a head is judged."""

    EVIDENCE = "evidence"
    DISTANCE_CORRELATION = "distance-correlation"
    REPORT = "report"


def heads(
    *,
    ckpt: Ckpt = None,
    text: TextFile = None,
    dataset: Dataset = None,
    rule: Annotated[Rule, typer.Option(help="How heads are judged.")] = Rule.EVIDENCE,
    out: Annotated[Path, typer.Option(help="Folder for tables and pictures.")] = Path(
        "tinyinterp-out/heads"
    ),
    tokens: Tokens = None,
    full: Full = False,
    batch_size: BatchSize = 8,
    seed: Seed = 0,
    quick: Annotated[
        bool, typer.Option("--quick", help="Leave out the causal checks, which take longest.")
    ] = False,
    pictures: Annotated[
        bool, typer.Option("--pictures/--no-pictures", help="Draw heat maps.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Say what each attention head does.

    Reads 40,000 tokens unless --tokens or --full says otherwise.
    """
    check_one_text(text, dataset)
    from tinyinterp.api import HEAD_POSITIONS, HEAD_TOKENS

    limit = token_limit(tokens, full=full, default=HEAD_TOKENS)
    from tinyinterp.corpus import open_corpus
    from tinyinterp.model import load
    from tinyinterp.output import OutputFolder

    model = load(ckpt)
    n_ctx = min(model.config.n_ctx, HEAD_POSITIONS)
    corpus = open_corpus(model.tokenizer, n_ctx, text=text, dataset=dataset, max_tokens=limit)
    output = OutputFolder(out)
    from tinyinterp.head_census import HeadSettings, census_heads  # slow, so after every check

    settings = HeadSettings(rule=rule.value, seed=seed, batch_size=batch_size, causal=not quick)
    census = census_heads(model, corpus, settings)
    with output.filling("heads", f"{model.name}, {corpus.name}, rule {rule}") as folder:
        census.write(folder)
        if pictures:
            from tinyinterp.views.heads import write_head_pictures

            write_head_pictures(census, folder)
    _say_warnings(census.table)
    if as_json:
        print_json(_as_json(census.table, output))
        return
    from tinyinterp.views.terminal import head_map_lines

    print_lines([*head_map_lines(census.table), "", *kind_lines(census.table, "heads", "role")])
    say_written(output.folder, output.written)


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
    as_json: Json = False,
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
    _check_exists("layer", layer, model.config.n_layers)
    if neuron is not None:
        _check_exists("neuron", neuron, model.config.d_mlp)
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
    _say_warnings(census.table)
    if as_json:
        print_json(_as_json(census.table, output))
        return
    print_lines(kind_lines(_decided(census.table), "neurons", "best_tag"))
    if tag is not None:
        print_lines(["", *_tag_lines(census.table, tag)])
    if neuron is not None:
        print_lines(["", *census.neuron_lines(neuron)])
    say_written(output.folder, output.written)


def _check_exists(what: str, number: int, count: int) -> None:
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


def _say_warnings(table: Table) -> None:
    for warning in table.notes.get("warnings", []):
        say(f"note: {warning}")


def _as_json(table: Table, output: OutputFolder) -> dict[str, Any]:
    return json.loads(table.to_json()) | {"files": [str(path) for path in output.written]}
