"""The notes of the heads table: what it was measured on, how, and warnings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from tinyinterp import __version__
from tinyinterp.errors import SelectionError
from tinyinterp.head_census import labels
from tinyinterp.head_census.correlation import DISTANCE_THRESHOLD, REPORT_THRESHOLD
from tinyinterp.head_census.measure import Measured
from tinyinterp.head_census.settings import HeadSettings
from tinyinterp.model import Model
from tinyinterp.network.config import DecoderConfig
from tinyinterp.text.corpus import Corpus, Survey
from tinyinterp.text.fingerprint import census_fingerprint

COMPARED = {  # notes by which a census differs from another, and what to call them
    "fingerprint": "fingerprint",
    "text": "text",
    "tokens": "number of tokens",
    "n_ctx": "context",
    "text_digest": "content of the text (SHA-256)",
    "thresholds": "thresholds",
    "version": "version of tinyinterp",
    "model": "model name",
}


def census_notes(
    model: Model, corpus: Corpus, survey: Survey, settings: HeadSettings
) -> dict[str, Any]:
    """What is known of a census before it is taken; ``census`` is its fingerprint.

    Args:
        model: whose heads.
        corpus: what it reads.
        survey: of that corpus.
        settings: what is asked for.
    """
    thresholds = asdict(labels.THRESHOLDS) | {
        "report_r": REPORT_THRESHOLD,
        "distance_correlation": DISTANCE_THRESHOLD,
    }
    return {
        "version": __version__,
        "model": model.name,
        "fingerprint": model.fingerprint,
        "text": corpus.name,
        "text_digest": survey.digest,
        "n_ctx": corpus.n_ctx,
        "tokens": survey.tokens,
        "sequences": survey.sequences,
        "test_sequences": survey.test_sequences,
        "rule": settings.rule,
        "seed": settings.seed,
        "causal_check": settings.causal,
        "null_tokens": settings.null_tokens,
        "thresholds": thresholds,
        "census": census_fingerprint(
            corpus,
            tokens=survey.tokens,
            digest=survey.digest,
            model=(model.name, model.fingerprint),
            settings=asdict(settings),
            thresholds=thresholds,
        ),
    }


def check_same_census(notes: Mapping[str, Any], model: Model, corpus: Corpus) -> None:
    """Refuse a table that was not measured on this model and text, by today's thresholds.

    Its own settings (rule, seed and so on) are taken as they are.

    Args:
        notes: of the heads table.
        model: whose heads it should be of.
        corpus: the text that it should be of.

    Raises:
        SelectionError: it differs; the message says in what.
    """
    again = "measure the heads anew, or give the model, text and number of tokens that it is of"
    try:
        settings = HeadSettings(
            rule=notes["rule"],
            seed=notes["seed"],
            causal=notes["causal_check"],
            null_tokens=notes["null_tokens"],
        )
    except KeyError as error:
        raise SelectionError(
            f"the census of heads has no note {error}, so an earlier version took it; {again}"
        ) from error
    expected = census_notes(model, corpus, corpus.survey(), settings)
    if notes.get("census") == expected["census"]:
        return
    for name, called in COMPARED.items():
        if notes.get(name) != expected[name]:
            raise SelectionError(
                f"the census of heads has the {called} {notes.get(name)!r}, here it is "
                f"{expected[name]!r}; {again}"
            )
    raise SelectionError(f"the notes of the census of heads were changed by hand; {again}")


def warnings_about(config: DecoderConfig, measured: Measured) -> list[str]:
    """What a reader of the table must know about the text."""
    warnings = []
    tested = measured.survey.test_sequences
    if not measured.survey.two_sided:
        warnings.append(
            "all stories fall on one side, so what is fitted is also what is reported; give more "
            "stories"
        )
    if tested < labels.THRESHOLDS.sequences:
        warnings.append(
            f"only {tested} sequences to report on: by the evidence rule every head is "
            f"undetermined; give at least {2 * labels.THRESHOLDS.sequences} stories"
        )
    elif measured.estimates.blocks < 2:
        warnings.append(
            "all reported numbers come from one block of stories, so there is no interval: by the "
            "evidence rule every head is undetermined; give more stories"
        )
    if "local" in config.attention and measured.survey.longest <= config.window:
        warnings.append(
            f"no sequence is longer than the window of {config.window}: local layers "
            "cannot be told from global ones"
        )
    return warnings
