"""From a model, a text and censuses to the contents of an atlas."""

from __future__ import annotations

from dataclasses import fields
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from tinyinterp.atlas.contents import Atlas, Facts, Row
from tinyinterp.atlas.finished_neurons import neuron_layers
from tinyinterp.checkpoint.facts import config_facts, training_facts
from tinyinterp.errors import SelectionError
from tinyinterp.head_census.census import offset_profiles
from tinyinterp.head_census.kernel import fit_surrogate
from tinyinterp.head_census.measure import read_patterns, sides
from tinyinterp.head_census.notes import check_same_census
from tinyinterp.head_census.on_device import fit_accumulator
from tinyinterp.head_census.patterns import OnPatterns
from tinyinterp.head_census.rows import HeadRow
from tinyinterp.io.stored import read_json_table
from tinyinterp.model import Model
from tinyinterp.model_account.finished import FinishedAccount
from tinyinterp.network.presets import parameter_table
from tinyinterp.scan import scan
from tinyinterp.text.corpus import Corpus
from tinyinterp.text.sequences import Sequence, Side
from tinyinterp.views.head_data import Story
from tinyinterp.views.style import shown_name

NEEDED = tuple(field.name for field in fields(HeadRow))  # columns of the table of heads

STORIES = 6  # to look at
STORY_TOKENS = 80  # of each, at most
GOOD_LENGTH = 40  # tokens that a story to look at should have


def gather(
    model: Model,
    corpus: Corpus,
    heads: tuple[list[Row], dict[str, Any]],
    neurons: Path | None,
    profiles: Float[np.ndarray, "layer head offset"] | None = None,
    account: FinishedAccount | None = None,
) -> Atlas:
    """Everything that an atlas shows.

    Args:
        model: that the censuses are of.
        corpus: the text that its heads were measured on.
        heads: rows and notes of the heads table.
        neurons: folder of a census of neurons; None for an atlas of heads alone.
        profiles: as a census has them; fitted again if left out.
        account: of the model, as read from its folder; None for an atlas without one.

    Raises:
        SelectionError: a census is of another model or text, or cannot be read.
    """
    rows, notes = heads
    _check_heads(model, corpus, rows, notes)
    if neurons is not None:
        _check_neurons(model, neurons)
    return Atlas(
        model_name=shown_name(model.name),
        text=corpus.name,
        facts=_facts(model),
        certificate=_certificate(model),
        heads=rows,
        head_notes=notes,
        stories=[read_story(model, sequence) for sequence in choose_stories(corpus)],
        profiles=fit_profiles(model, corpus) if profiles is None else profiles,
        neurons=neurons,
        account=account,
    )


def read_heads(folder: Path) -> tuple[list[Row], dict[str, Any]]:
    """Rows and notes of the heads table that lies in ``folder``.

    Raises:
        SelectionError: there is none, or it cannot be read.
    """
    path = folder / "heads.json"
    try:
        table = read_json_table(path, NEEDED, SelectionError)
    except SelectionError as error:
        raise SelectionError(
            f"{path} is not a table of heads ({error}); make one with: tinyinterp heads --out "
            f"{folder}"
        ) from error
    return table.rows, table.notes


def choose_stories(corpus: Corpus) -> list[Sequence]:
    """The first stories of TEST that are long enough; else the longest of the text."""
    good: list[Sequence] = []
    longest: list[Sequence] = []
    for sequence in corpus.sequences():
        if sequence.side is Side.TEST and len(sequence.tokens) >= GOOD_LENGTH:
            good.append(sequence)
        longest = sorted([*longest, sequence], key=lambda s: -len(s.tokens))[:STORIES]
        if len(good) == STORIES:
            break
    return good or longest


def read_story(model: Model, sequence: Sequence) -> Story:
    """Tokens of the beginning of a sequence, and every head's pattern on them."""
    patterns = read_patterns(model.decoder, model.config, sequence)
    return Story(
        tokens=[model.tokenizer.token_text(int(t)) for t in sequence.tokens[:STORY_TOKENS]],
        patterns={
            layer: pattern[:, :STORY_TOKENS, :STORY_TOKENS] for layer, pattern in patterns.items()
        },
    )


def fit_profiles(model: Model, corpus: Corpus) -> Float[np.ndarray, "layer head offset"]:
    """Attention by distance, as the census of heads fits it: one pass over the FIT stories."""
    survey = corpus.survey()
    fit = fit_accumulator(model.config, survey.longest, model.device)
    scan(model.decoder, corpus.micro_batches(sides(survey)[0]), [OnPatterns(model.config, [fit])])
    layers = range(model.config.n_layers)
    return offset_profiles([fit_surrogate(fit.sums(layer)) for layer in layers])


def _check_heads(model: Model, corpus: Corpus, rows: list[Row], notes: dict[str, Any]) -> None:
    check_same_census(notes, model, corpus)
    expected = set(product(range(model.config.n_layers), range(model.config.n_heads)))
    if len(rows) != len(expected) or {(row["layer"], row["head"]) for row in rows} != expected:
        raise SelectionError(
            f"the census of heads has {len(rows)} rows, not one for each of the model's "
            f"{len(expected)} heads; take it again"
        )


def _check_neurons(model: Model, folder: Path) -> None:
    first = next(neuron_layers(folder)).notes.get("checkpoint", model.fingerprint)
    if first != model.fingerprint:
        raise SelectionError(
            f"the census of neurons in {folder} is of the model {first!r}, not of "
            f"{model.fingerprint!r}; leave it out to measure again"
        )


def _facts(model: Model) -> list[tuple[str, Facts]]:
    parts = parameter_table(model.config)
    counts = [(r["part"], f"{r['parameters']:,} ({r['percent']:.1f} %)") for r in parts]
    training = training_facts(model.checkpoint.training)
    sections = [
        ("Shape", [("fingerprint", model.fingerprint), *config_facts(model.config)]),
        ("Parameters", counts),
        ("Training", training),
    ]
    return [section for section in sections if section[1]]


def _certificate(model: Model) -> list[Row]:
    return [
        {
            "reference": comparison.reference,
            "limit": comparison.limit,
            "worst": comparison.worst,
            "passed": comparison.passed,
        }
        for comparison in model.certificate.comparisons
    ]
