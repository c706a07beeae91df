"""``tinyinterp neurons``: what each neuron fires on, as tables and text."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinyinterp.cli.ablations import Opened
from tinyinterp.cli.given import GivenModel, GivenText
from tinyinterp.cli.neuron_answers import Asked, answer
from tinyinterp.cli.options import (
    AccountFolder,
    Full,
    Json,
    Out,
    Seed,
    Tags,
    Tokens,
    WhichTags,
    token_limit,
)

if TYPE_CHECKING:
    from tinyinterp.tagging import TagSet

ALL = "all"


class Reading(StrEnum):
    """Which value is read as a neuron's activation."""

    POST = "post"
    PRE = "pre"
    REPORT = "report"


class Target(StrEnum):
    """Whose part of speech is predicted."""

    CURRENT = "current"
    NEXT = "next"
    PREVIOUS = "previous"


def neurons(
    *,
    layer: Annotated[
        str,
        typer.Option(metavar="L[,L...]|all", help="Layers, counted from 0: 4, or 0,3, or all."),
    ],
    given: GivenModel,
    text: GivenText,
    neuron: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Show one neuron: its label, numbers and top activations. Uses the census in "
            "--out if it matches.",
        ),
    ] = None,
    tag: Annotated[
        str | None,
        typer.Option(
            metavar="TAG",
            help="Rank the neurons by how well they predict this tag (VERB; VBD with --tags "
            "penn). Uses the census in --out if it matches.",
        ),
    ] = None,
    target: Annotated[
        Target,
        typer.Option(help="Whose tag --tag is: that of the current, next or previous word."),
    ] = Target.CURRENT,
    tagger: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Part-of-speech tagger: pattern, hanta, spacy, spacy:PIPELINE or agree.",
        ),
    ] = "pattern",
    tags: WhichTags = Tags.UNIVERSAL,
    top: Annotated[int, typer.Option(min=1, help="Top activations to keep per neuron.")] = 20,
    per_story: Annotated[
        bool, typer.Option("--per-story", help="Keep at most one top activation per story.")
    ] = False,
    reading: Annotated[
        Reading,
        typer.Option(
            help="Value to read: post or pre (after or before the non-linearity), or report (as "
            "the TinyStories student report did)."
        ),
    ] = Reading.POST,
    ablate: Annotated[
        bool,
        typer.Option(
            "--ablate",
            help="Also measure the rise in loss, by tag, when --neuron is replaced by its mean; "
            "without --neuron, for each part-of-speech neuron.",
        ),
    ] = False,
    nulls: Annotated[
        bool,
        typer.Option(
            "--nulls/--no-nulls",
            help="Also label the neurons of a random and a shuffled model, which learned nothing.",
        ),
    ] = True,
    account: AccountFolder = None,
    out: Out = Path("tinyinterp-out/neurons"),
    tokens: Tokens = None,
    full: Full = False,
    seed: Seed = 0,
    as_one_json: Json = False,
    as_json_lines: Annotated[
        bool, typer.Option("--jsonl", help="Print one JSON object per neuron, each on a line.")
    ] = False,
) -> None:
    """Label each neuron of one or more layers by what it fires on.

    Reads 100,000 tokens unless --tokens or --full is given. An interrupted census resumes when the
    same command is run again.
    """
    text.check()
    layers = _parse_layers(layer)
    _check_options(layers, neuron, as_one_json=as_one_json, as_json_lines=as_json_lines)
    _check_ablation(reading, ablate=ablate)
    from tinyinterp.api import NEURON_TOKENS

    limit = token_limit(tokens, full=full, default=NEURON_TOKENS)
    from tinyinterp.model_account.beside import open_account
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
    tag_reader = settings.open_tag_reader()
    _check_tag(tag, tag_reader.tag_set)
    model = given.load()
    accounted = open_account(account, model)
    model.check_if_foreign()
    choose("layer", layers, model.config.n_layers)
    if neuron is not None:
        choose_one("neuron", neuron, model.config.d_mlp)
    corpus = text.corpus(model, max_tokens=limit)
    asked = Asked(
        neuron=neuron,
        tag=tag,
        target=target.value,
        ablate=ablate,
        as_one_json=as_one_json,
        as_json_lines=as_json_lines,
        account=accounted,
    )
    answer(asked, Opened(model, corpus, tag_reader), settings, out)


def _check_options(
    layers: tuple[int, ...] | None, neuron: int | None, *, as_one_json: bool, as_json_lines: bool
) -> None:
    """Refuse options that contradict each other.

    Raises:
        typer.BadParameter: two forms of output, or a neuron and several layers.
    """
    if as_one_json and as_json_lines:
        raise typer.BadParameter("give one of them, not both", param_hint="--json / --jsonl")
    if neuron is not None and (layers is None or len(layers) != 1):
        raise typer.BadParameter("it needs exactly one --layer", param_hint="--neuron")


def _check_ablation(reading: Reading, *, ablate: bool) -> None:
    if ablate and reading is not Reading.POST:
        raise typer.BadParameter(
            "it replaces a neuron's output; leave out --reading", param_hint="--ablate"
        )


def _parse_layers(given: str) -> tuple[int, ...] | None:
    """Layers from ``4``, ``0,3`` or ``all`` (None: all).

    Raises:
        typer.BadParameter: it is not of that form.
    """
    if given == ALL:
        return None
    if re.fullmatch(r"\d+(,\d+)*", given) is None:
        raise typer.BadParameter(
            f"{given!r} is not a list of layers; give 4, or 0,3, or {ALL}", param_hint="--layer"
        )
    return tuple(sorted({int(number) for number in given.split(",")}))


def _check_tag(tag: str | None, known: TagSet) -> None:
    from tinyinterp.errors import SelectionError

    if tag is not None and tag.upper() not in known.names:
        raise SelectionError(
            f"there is no {known.name} tag {tag.upper()}; choose one of {', '.join(known.names)}"
        )
