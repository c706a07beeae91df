"""``tinyinterp neurons``: what each neuron fires on, as tables and in words."""

from __future__ import annotations

import json
import re
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tinyinterp.cli.neuron_answers import Asked, answer
from tinyinterp.cli.options import (
    Ckpt,
    Dataset,
    Full,
    Json,
    KeepBlankLines,
    Seed,
    Tags,
    TextFile,
    Tokens,
    WhichTags,
    check_one_text,
    token_limit,
)
from tinyinterp.cli.report import say

if TYPE_CHECKING:
    from tinyinterp.io.output import OutputFolder
    from tinyinterp.io.table import Table
    from tinyinterp.tagging import TagSet

ALL = "all"


class Reading(StrEnum):
    """Which value is read as a neuron's."""

    POST = "post"
    PRE = "pre"
    REPORT = "report"


class Target(StrEnum):
    """Whose part of speech is told."""

    CURRENT = "current"
    NEXT = "next"
    PREVIOUS = "previous"


def neurons(
    *,
    layer: Annotated[
        str, typer.Option(metavar="L[,L...]|all", help="Layers, counted from 0: 4, or 0,3, or all.")
    ],
    ckpt: Ckpt = None,
    text: TextFile = None,
    dataset: Dataset = None,
    neuron: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Show what this neuron fires on; of the census in --out, if it is the "
            "one that was asked for.",
        ),
    ] = None,
    tag: Annotated[
        str | None,
        typer.Option(
            metavar="TAG",
            help="Rank the neurons by how well they tell this tag (VERB; VBD of --tags penn).",
        ),
    ] = None,
    target: Annotated[Target, typer.Option(help="Whose tag --tag is.")] = Target.CURRENT,
    tagger: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="What gives the words their tags: pattern, hanta, spacy, spacy:PIPELINE or agree.",
        ),
    ] = "pattern",
    tags: WhichTags = Tags.UNIVERSAL,
    top: Annotated[int, typer.Option(min=1, help="Activations to keep for a neuron.")] = 20,
    per_story: Annotated[
        bool, typer.Option("--per-story", help="Keep one activation of a story, its largest.")
    ] = False,
    reading: Annotated[
        Reading,
        typer.Option(
            help="What is read: after the non-linearity, before it, or as the report did."
        ),
    ] = Reading.POST,
    ablate: Annotated[
        bool,
        typer.Option(
            "--ablate",
            help="Measure what the loss loses, tag by tag, without --neuron, or without each "
            "part-of-speech neuron.",
        ),
    ] = False,
    nulls: Annotated[
        bool,
        typer.Option(
            "--nulls/--no-nulls", help="Judge models that have learned nothing beside this one."
        ),
    ] = True,
    out: Annotated[Path, typer.Option(help="Folder for the tables.")] = Path(
        "tinyinterp-out/neurons"
    ),
    tokens: Tokens = None,
    full: Full = False,
    keep_blank_lines: KeepBlankLines = False,
    seed: Seed = 0,
    as_one_json: Json = False,
    as_json_lines: Annotated[
        bool, typer.Option("--jsonl", help="Print a JSON object a neuron, each on its line.")
    ] = False,
) -> None:
    """Say what each neuron of one or more layers fires on.

    Reads 100,000 tokens unless --tokens or --full says otherwise. A run that was stopped goes on
    where it was when it is started again with the same words.
    """
    check_one_text(text, dataset)
    layers = _parse_layers(layer)
    _check_words(layers, neuron, as_one_json=as_one_json, as_json_lines=as_json_lines)
    _check_ablation(reading, ablate=ablate)
    from tinyinterp.api import NEURON_TOKENS

    limit = token_limit(tokens, full=full, default=NEURON_TOKENS)
    from tinyinterp.io.output import OutputFolder
    from tinyinterp.model import load
    from tinyinterp.neuron_census import NeuronSettings
    from tinyinterp.neuron_census.settings import NULL_TOKENS
    from tinyinterp.selection import choose, choose_one

    settings = NeuronSettings(
        layers=layers,
        top=top,
        seed=seed,
        per_story=per_story,
        reading=reading.value,
        null_tokens=NULL_TOKENS if nulls else 0,
        tagger=tagger,
        tags=tags.value,
    )
    speech = settings.open_speech()
    _check_tag(tag, speech.tag_set)
    model = load(ckpt)
    choose("layer", layers, model.config.n_layers)
    if neuron is not None:
        choose_one("neuron", neuron, model.config.d_mlp)
    corpus = model.corpus(
        text, dataset=dataset, max_tokens=limit, keep_blank_lines=keep_blank_lines
    )
    asked = Asked(
        neuron=neuron,
        tag=tag,
        target=target.value,
        ablate=ablate,
        as_one_json=as_one_json,
        as_json_lines=as_json_lines,
    )
    answer(asked, model, corpus, speech, settings, OutputFolder(out))


def _check_words(
    layers: tuple[int, ...] | None, neuron: int | None, *, as_one_json: bool, as_json_lines: bool
) -> None:
    """Refuse options that do not go together.

    Raises:
        typer.BadParameter: two forms of output, or a neuron of several layers.
    """
    if as_one_json and as_json_lines:
        raise typer.BadParameter("give one of them, not both", param_hint="--json / --jsonl")
    if neuron is not None and (layers is None or len(layers) != 1):
        raise typer.BadParameter("a neuron is one of one layer", param_hint="--neuron")


def _check_ablation(reading: Reading, *, ablate: bool) -> None:
    if ablate and reading is not Reading.POST:
        raise typer.BadParameter(
            "only what a neuron hands on can be replaced: leave out --reading",
            param_hint="--ablate",
        )


def _parse_layers(given: str) -> tuple[int, ...] | None:
    """Layers of ``4``, ``0,3`` or ``all`` (None: all there are).

    Raises:
        typer.BadParameter: it is not of that form.
    """
    if given == ALL:
        return None
    if re.fullmatch(r"\d+(,\d+)*", given) is None:
        raise typer.BadParameter(
            f"{given!r} names no layers; give 4, or 0,3, or {ALL}", param_hint="--layer"
        )
    return tuple(sorted({int(number) for number in given.split(",")}))


def _check_tag(tag: str | None, known: TagSet) -> None:
    from tinyinterp.errors import SelectionError

    if tag is not None and tag.upper() not in known.names:
        raise SelectionError(
            f"there is no {known.name} tag {tag.upper()}; known: {', '.join(known.names)}"
        )


def say_warnings(table: Table) -> None:
    """What a reader of the table must know, on standard error."""
    for warning in table.notes.get("warnings", []):
        say(f"note: {warning}")


def as_json(table: Table, output: OutputFolder) -> dict[str, Any]:
    """The table and the files that were written."""
    return json.loads(table.to_json()) | {"files": [str(path) for path in output.written]}
